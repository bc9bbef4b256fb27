//! Names to entries. Built once from a schema, so nobody outside can make its chains long.

/// Names in the order they were written, found by hash.
#[derive(Debug, Clone)]
pub(super) struct Table<T> {
    entries: Vec<(Box<str>, T)>,
    /// Twice as many slots as entries, a power of two: the entry's number and one.
    slots: Vec<u32>,
}

impl<T> Table<T> {
    pub(super) fn new(entries: Vec<(Box<str>, T)>) -> Self {
        let size = (entries.len() * 2 + 1).next_power_of_two();
        let mut table = Self { entries, slots: vec![0; size] };
        for index in 0..table.entries.len() {
            let Some((name, _)) = table.entries.get(index) else { continue };
            let mut slot = hash(name.as_bytes()) as usize & (size - 1);
            while table.slots.get(slot).is_some_and(|taken| *taken != 0) {
                slot = (slot + 1) & (size - 1);
            }
            if let Some(free) = table.slots.get_mut(slot) {
                *free = index as u32 + 1;
            }
        }
        table
    }

    /// The entry of that name. `guess` is where it probably is: documents mostly keep the schema's order.
    #[inline]
    pub(super) fn find(&self, name: &str, guess: usize) -> Option<(usize, &T)> {
        if let Some((other, entry)) = self.entries.get(guess)
            && **other == *name
        {
            return Some((guess, entry));
        }
        let mask = self.slots.len() - 1;
        let mut slot = hash(name.as_bytes()) as usize & mask;
        loop {
            let index = self.slots.get(slot)?.checked_sub(1)? as usize;
            let (other, entry) = self.entries.get(index)?;
            if **other == *name {
                return Some((index, entry));
            }
            slot = (slot + 1) & mask;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.entries.iter().map(|(name, entry)| (&**name, entry))
    }

    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }
}

fn hash(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut sum = bytes.len() as u64;
    for chunk in chunks {
        sum = (sum.rotate_left(5) ^ u64::from_le_bytes(*chunk)).wrapping_mul(FACTOR);
    }
    let tail = rest.iter().fold(0_u64, |tail, byte| tail << 8 | u64::from(*byte));
    sum = (sum.rotate_left(5) ^ tail).wrapping_mul(FACTOR);
    sum ^ (sum >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        let names: Vec<String> = (0..300).map(|number| format!("name-{number}")).collect();
        let table = Table::new(names.iter().map(|name| (name.as_str().into(), name.len())).collect());
        for (index, name) in names.iter().enumerate() {
            assert_eq!(table.find(name, 0), Some((index, &name.len())));
            assert_eq!(table.find(name, index), Some((index, &name.len())));
        }
        assert_eq!(table.find("name-300", 7), None);
        assert_eq!(Table::<()>::new(Vec::new()).find("", 0), None);
    }
}
