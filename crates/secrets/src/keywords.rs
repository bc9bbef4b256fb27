//! Finds the words of a list in a text, in one pass.
//!
//! A text has few places where any of some thousand words could stand. Each word is known by its rarest three bytes; a bit map of
//! 16 KiB says of three bytes whether any word has them. One look at it per byte is all that most of a text costs, and no look
//! waits for the one before, which is what an automaton over so many words cannot offer.

use crate::words;

/// Where a word was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    /// Which word, in the order they were given.
    pub word: usize,
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone)]
struct Word {
    text: Box<[u8]>,
    /// Whether upper and lower case differ.
    cased: bool,
    /// Where in it its rarest three bytes begin.
    rarest: usize,
}

/// A list of words to look for.
#[derive(Debug, Clone)]
pub(crate) struct Keywords {
    words: Vec<Word>,
    filter: Box<[u64; SLOTS / 64]>,
    /// The words of group `n` are `members[starts[n]..starts[n + 1]]`.
    starts: Vec<u32>,
    /// The three bytes of a word, folded, and its number.
    members: Vec<(u32, u32)>,
}

/// As many slots as a filter of 16 KiB has: with some thousand words two of a hundred are taken, and it stays near the processor.
const BITS: u32 = 17;
const SLOTS: usize = 1 << BITS;
/// Slots whose members stand together.
const GROUP: u32 = 5;
/// The shortest word there can be.
pub(crate) const SHORTEST: usize = 3;

impl Keywords {
    /// Words shorter than three bytes are never found.
    pub(crate) fn new(list: &[(&[u8], bool)]) -> Self {
        let words: Vec<Word> = list
            .iter()
            .map(|(text, cased)| Word { text: (*text).into(), cased: *cased, rarest: rarest(text) })
            .collect();
        let mut slots: Vec<(u32, u32, u32)> = (words.iter().zip(0_u32..))
            .filter_map(|(word, number)| {
                let three = folded(word.text.get(word.rarest..)?.first_chunk::<SHORTEST>()?);
                Some((slot(three), three, number))
            })
            .collect();
        slots.sort_unstable();
        let mut filter = Box::new([0_u64; SLOTS / 64]);
        for (slot, ..) in &slots {
            if let Some(bits) = filter.get_mut(*slot as usize / 64) {
                *bits |= 1 << (slot % 64);
            }
        }
        let mut starts = Vec::with_capacity((SLOTS >> GROUP).saturating_add(1));
        let mut sorted = slots.iter().zip(0_u32..).peekable();
        let all = u32::try_from(slots.len()).unwrap_or(u32::MAX);
        for group in 0..SLOTS >> GROUP {
            while sorted.next_if(|((slot, ..), _)| ((slot >> GROUP) as usize) < group).is_some() {}
            starts.push(sorted.peek().map_or(all, |(_, at)| *at));
        }
        starts.push(all);
        let members = slots.into_iter().map(|(_, three, word)| (three, word)).collect();
        Self { words, filter, starts, members }
    }

    /// Every place of every word, by the place of its rarest bytes.
    pub(crate) fn find(&self, text: &[u8], mut found: impl FnMut(Hit)) {
        let mut rest = text;
        let mut base = 0_usize;
        // Six places at a time, from one load: their looks do not wait for each other, and most sixes hold nothing.
        while let Some(eight) = rest.first_chunk::<8>() {
            let eight = u64::from_le_bytes(*eight) | 0x2020_2020_2020_2020;
            let mut places = self.may(low(eight))
                | self.may(low(eight >> 8)) << 1
                | self.may(low(eight >> 16)) << 2
                | self.may(low(eight >> 24)) << 3
                | self.may(low(eight >> 32)) << 4
                | self.may(low(eight >> 40)) << 5;
            while places != 0 {
                self.look(text, base.saturating_add(places.trailing_zeros() as usize), &mut found);
                places &= places.wrapping_sub(1);
            }
            base = base.saturating_add(6);
            rest = rest.get(6..).unwrap_or_default();
        }
        for (place, three) in rest.windows(SHORTEST).enumerate() {
            if three.first_chunk::<SHORTEST>().is_some_and(|three| self.may(folded(three)) == 1) {
                self.look(text, base.saturating_add(place), &mut found);
            }
        }
    }

    /// 1 where any word has these bytes, as far as its slot tells.
    #[inline(always)]
    fn may(&self, three: u32) -> u64 {
        let slot = slot(three);
        self.filter.get(slot as usize / 64).map_or(0, |bits| bits >> (slot % 64) & 1)
    }

    fn look(&self, text: &[u8], at: usize, found: &mut impl FnMut(Hit)) {
        let Some(three) = text.get(at..).and_then(|rest| rest.first_chunk::<SHORTEST>()) else { return };
        let three = folded(three);
        let group = (slot(three) >> GROUP) as usize;
        let (Some(from), Some(to)) = (self.starts.get(group), self.starts.get(group.saturating_add(1)))
        else {
            return;
        };
        for (own, number) in self.members.get(*from as usize..*to as usize).unwrap_or_default() {
            if *own != three {
                continue;
            }
            let Some(word) = self.words.get(*number as usize) else { continue };
            let Some(start) = at.checked_sub(word.rarest) else { continue };
            let end = start.saturating_add(word.text.len());
            let Some(there) = text.get(start..end) else { continue };
            let same = if word.cased { there == &*word.text } else { there.eq_ignore_ascii_case(&word.text) };
            if same {
                found(Hit { word: *number as usize, start, end });
            }
        }
    }
}

/// The slot of three folded bytes.
#[inline(always)]
const fn slot(three: u32) -> u32 {
    three.wrapping_mul(0x9E37_79B1) >> (32 - BITS)
}

/// Three bytes as a number; letters of both cases give the same.
#[inline]
const fn folded(three: &[u8; SHORTEST]) -> u32 {
    let [a, b, c] = *three;
    u32::from_le_bytes([a, b, c, 0]) | 0x0020_2020
}

/// The lowest three bytes.
#[inline(always)]
const fn low(eight: u64) -> u32 {
    (eight & 0x00FF_FFFF) as u32
}

/// Where the three bytes of a word stand that are the least usual in source code.
fn rarest(text: &[u8]) -> usize {
    let surprise = |three: &[u8]| words::surprise_of(three);
    let places = text.windows(SHORTEST).enumerate();
    places.max_by_key(|(at, three)| (surprise(three), usize::MAX - at)).map_or(0, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(list: &[(&[u8], bool)], text: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        for (word, (bytes, cased)) in list.iter().enumerate() {
            for (start, there) in text.windows(bytes.len()).enumerate() {
                if there == *bytes || (!cased && there.eq_ignore_ascii_case(bytes)) {
                    hits.push(Hit { word, start, end: start + bytes.len() });
                }
            }
        }
        hits.sort_unstable();
        hits
    }

    fn fast(list: &[(&[u8], bool)], text: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        Keywords::new(list).find(text, |hit| hits.push(hit));
        hits.sort_unstable();
        hits
    }

    proptest! {
        #[test]
        fn it_finds_what_looking_everywhere_finds(
            words in proptest::collection::vec(("[a-cA-C_-]{3,6}", any::<bool>()), 1..12),
            text in "[a-cA-C_ -]{0,120}",
        ) {
            let list: Vec<(&[u8], bool)> = words.iter().map(|(word, cased)| (word.as_bytes(), *cased)).collect();
            prop_assert_eq!(fast(&list, text.as_bytes()), naive(&list, text.as_bytes()));
        }

        #[test]
        fn bytes_of_any_kind_are_fine(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let list: &[(&[u8], bool)] = &[(b"\xff\xff\xff", true), (b"abc", false)];
            prop_assert_eq!(fast(list, &text), naive(list, &text));
        }
    }
}
