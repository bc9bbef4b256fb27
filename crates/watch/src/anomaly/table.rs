//! A table with a fixed number of places, out of which nobody is pushed.

use std::collections::HashMap;

use gabion_model::Timestamp;

use super::{FORGET, hour};

#[derive(Debug)]
pub(crate) struct Table<V> {
    known: HashMap<u64, (u32, V)>,
    most: usize,
    /// The hour in which places were last looked for.
    swept: u32,
}

impl<V> Table<V> {
    pub(crate) fn new(most: usize) -> Self {
        Self { known: HashMap::new(), most, swept: 0 }
    }

    pub(crate) fn find(&self, key: u64) -> Option<&V> {
        self.known.get(&key).map(|(_, value)| value)
    }

    /// The place of `key`, new if need be; none when all are taken.
    pub(crate) fn place(&mut self, key: u64, now: Timestamp, new: impl FnOnce() -> V) -> Option<&mut V> {
        let hour = hour(now);
        if self.known.len() >= self.most && self.swept != hour && !self.known.contains_key(&key) {
            self.swept = hour;
            let forget = u32::try_from(FORGET.as_secs() / 3600).unwrap_or(u32::MAX);
            self.known.retain(|_, (last, _)| hour.saturating_sub(*last) < forget);
        }
        if self.known.len() >= self.most && !self.known.contains_key(&key) {
            return None;
        }
        let (last, value) = self.known.entry(key).or_insert_with(|| (hour, new()));
        *last = hour.max(*last);
        Some(value)
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    pub(crate) fn held(&self) -> usize {
        self.known.capacity() * (size_of::<(u64, (u32, V))>() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newcomers_push_nobody_out_and_get_the_places_of_who_went() {
        let mut table: Table<u64> = Table::new(3);
        let now = Timestamp::from_secs(1_000_000_000);
        for key in 0..3 {
            assert!(table.place(key, now, || key).is_some());
        }
        assert!((10..1000).all(|key| table.place(key, now, || key).is_none()));
        assert_eq!(table.find(0), Some(&0));
        let later = now.saturating_add(FORGET / 2);
        table.place(0, later, || 9);
        let late = now.saturating_add(FORGET);
        assert!(table.place(10, late, || 10).is_some());
        assert_eq!((table.find(0), table.find(1)), (Some(&0), None));
    }
}
