//! Lists of numbers, ascending, as an index keeps them: small ones as the steps between them (LEB128), dense ones as a bit
//! for each number there could be.

/// Numbers that are added in ascending order.
#[derive(Debug, Default)]
pub(super) struct List {
    steps: Vec<u8>,
    last: u32,
    count: u32,
}

/// A set of numbers below a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits {
    words: Vec<u64>,
    bound: u32,
}

const STEPS: u8 = 0;
const DENSE: u8 = 1;

impl List {
    /// Adds a number that is not less than the last one.
    pub(super) fn push(&mut self, number: u32) {
        if self.count > 0 && number == self.last {
            return;
        }
        let mut step = number.saturating_sub(self.last);
        while step >= 0x80 {
            self.steps.push(step.to_le_bytes()[0] | 0x80);
            step >>= 7;
        }
        self.steps.push(step.to_le_bytes()[0]);
        self.last = number;
        self.count = self.count.saturating_add(1);
    }

    /// The smaller of the two forms, for numbers below `bound`.
    pub(super) fn encode(&self, bound: u32, out: &mut Vec<u8>) {
        let dense = bound.div_ceil(8) as usize;
        if self.steps.len() <= dense {
            out.push(STEPS);
            out.extend_from_slice(&self.steps);
            return;
        }
        let mut bits = Bits::none(bound);
        self.add_to(&mut bits);
        out.push(DENSE);
        out.extend(bits.words.iter().flat_map(|word| word.to_le_bytes()).take(dense));
    }

    pub(super) fn add_to(&self, bits: &mut Bits) {
        // Own steps always fit.
        let _ = add_steps(&self.steps, bits);
    }
}

/// Adds the numbers of an encoded list. None when it is no list of numbers below the bound.
pub(super) fn decode(bytes: &[u8], bits: &mut Bits) -> Option<()> {
    match bytes.split_first()? {
        (&STEPS, steps) => add_steps(steps, bits),
        (&DENSE, dense) => {
            if dense.len() != bits.bound.div_ceil(8) as usize {
                return None;
            }
            for (word, bytes) in bits.words.iter_mut().zip(dense.chunks(8)) {
                let mut whole = [0; 8];
                whole.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
                *word |= u64::from_le_bytes(whole);
            }
            bits.ends_at_the_bound().then_some(())
        }
        _ => None,
    }
}

fn add_steps(mut steps: &[u8], bits: &mut Bits) -> Option<()> {
    let mut number = 0_u32;
    let mut first = true;
    while !steps.is_empty() {
        let (mut step, mut shift) = (0_u32, 0_u32);
        loop {
            let (byte, rest) = steps.split_first()?;
            steps = rest;
            let part = u32::from(byte & 0x7f);
            step |= part.checked_shl(shift).filter(|moved| moved >> shift == part)?;
            if byte & 0x80 == 0 {
                break;
            }
            shift += 7;
        }
        if step == 0 && !first {
            return None;
        }
        first = false;
        number = number.checked_add(step)?;
        bits.set(number)?;
    }
    Some(())
}

impl Bits {
    pub(super) fn none(bound: u32) -> Self {
        Self { words: vec![0; bound.div_ceil(64) as usize], bound }
    }

    pub(super) fn all(bound: u32) -> Self {
        let mut all = Self { words: vec![u64::MAX; bound.div_ceil(64) as usize], bound };
        if let (Some(last), rest @ 1..) = (all.words.last_mut(), bound % 64) {
            *last = (1 << rest) - 1;
        }
        all
    }

    /// None when the number is not below the bound.
    fn set(&mut self, number: u32) -> Option<()> {
        if number >= self.bound {
            return None;
        }
        *self.words.get_mut((number / 64) as usize)? |= 1 << (number % 64);
        Some(())
    }

    pub(super) fn and(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(own, other)| *own &= other);
    }

    /// Keeps the numbers of the blocks that are in `blocks`, sixteen to a block.
    pub(super) fn and_blocks(&mut self, blocks: &Self) {
        for (first, word) in (0..).step_by(4).zip(&mut self.words) {
            let parts = (0..4).filter(|part| blocks.has(first + part));
            *word &= parts.fold(0, |mask, part| mask | 0xffff_u64 << (part * 16));
        }
    }

    pub(super) fn or(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(own, other)| *own |= other);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(super) fn has(&self, number: u32) -> bool {
        self.words.get((number / 64) as usize).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Sixteen bits, those of block `number`.
    pub(super) fn block(&self, number: u32) -> u16 {
        let word = self.words.get((number / 4) as usize).copied().unwrap_or(0);
        let [low, high, ..] = (word >> (number % 4 * 16)).to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    /// Blocks that have any number, ascending.
    pub(super) fn blocks(&self) -> impl Iterator<Item = u32> {
        (0..self.bound.div_ceil(16)).filter(|block| self.block(*block) != 0)
    }

    fn ends_at_the_bound(&self) -> bool {
        let rest = self.bound % 64;
        rest == 0 || self.words.last().is_none_or(|last| last >> rest == 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(bits: &Bits) -> Vec<u32> {
        (0..bits.bound).filter(|number| bits.has(*number)).collect()
    }

    proptest! {
        #[test]
        fn a_list_reads_back(mut all in prop::collection::btree_set(0..5000_u32, 0..400), dense: bool, bound in 5000..5100_u32) {
            if dense {
                all.extend(1000..4500);
            }
            let mut list = List::default();
            for number in &all {
                list.push(*number);
                list.push(*number);
            }
            let mut bytes = Vec::new();
            list.encode(bound, &mut bytes);
            prop_assert_eq!(bytes[0], u8::from(dense));
            let mut read = Bits::none(bound);
            prop_assert_eq!(decode(&bytes, &mut read), Some(()));
            let all: Vec<_> = all.into_iter().collect();
            prop_assert_eq!(numbers(&read), all.clone());
            let blocks: Vec<u32> = (0..bound.div_ceil(16))
                .flat_map(|block| (0..16).filter(move |_| true).map(move |bit| (block, bit)))
                .filter(|(block, bit)| read.block(*block) >> bit & 1 == 1)
                .map(|(block, bit)| block * 16 + bit)
                .collect();
            prop_assert_eq!(blocks, all);
        }

        #[test]
        fn any_bytes_are_a_list_or_not(bytes in prop::collection::vec(any::<u8>(), 0..200), bound in 0..2000_u32) {
            let mut bits = Bits::none(bound);
            if decode(&bytes, &mut bits).is_some() {
                prop_assert!(numbers(&bits).iter().all(|number| *number < bound));
            }
            let mut all = Bits::all(bound);
            prop_assert_eq!(numbers(&all).len(), bound as usize);
            prop_assert!(all.ends_at_the_bound());
            all.and(&Bits::none(bound));
            prop_assert!(all.is_empty());
        }
    }
}
