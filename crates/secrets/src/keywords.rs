//! Finds the words of a list in a text, in one pass.
//!
//! A text has few places where any of some thousand words could stand. Each word is known by its rarest three bytes; a bit map of
//! 4 KiB says of three bytes whether any word has them. One look at it per byte is all that most of a text costs, and no look
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
    /// The words of slot `n` are `members[starts[n]..starts[n + 1]]`.
    starts: Vec<u32>,
    members: Vec<u32>,
}

const BITS: u32 = 15;
const SLOTS: usize = 1 << BITS;
/// The shortest word there can be.
pub(crate) const SHORTEST: usize = 3;

impl Keywords {
    /// Words shorter than three bytes are never found.
    pub(crate) fn new(list: &[(&[u8], bool)]) -> Self {
        let words: Vec<Word> = list
            .iter()
            .map(|(text, cased)| Word { text: (*text).into(), cased: *cased, rarest: rarest(text) })
            .collect();
        let mut slots: Vec<(u32, u32)> = (words.iter().zip(0_u32..))
            .filter_map(|(word, number)| {
                let three = word.text.get(word.rarest..)?.first_chunk::<SHORTEST>()?;
                Some((slot(folded(three)), number))
            })
            .collect();
        slots.sort_unstable();
        let mut filter = Box::new([0_u64; SLOTS / 64]);
        for (slot, _) in &slots {
            if let Some(bits) = filter.get_mut(*slot as usize / 64) {
                *bits |= 1 << (slot % 64);
            }
        }
        let mut starts = Vec::with_capacity(SLOTS.saturating_add(1));
        let mut sorted = slots.iter().zip(0_u32..).peekable();
        for slot in 0..SLOTS {
            while sorted.next_if(|((other, _), _)| (*other as usize) < slot).is_some() {}
            let begins = sorted.peek().map(|(_, at)| *at);
            starts.push(begins.unwrap_or_else(|| u32::try_from(slots.len()).unwrap_or(u32::MAX)));
        }
        starts.push(u32::try_from(slots.len()).unwrap_or(u32::MAX));
        Self { words, filter, starts, members: slots.into_iter().map(|(_, word)| word).collect() }
    }

    /// Every place of every word, by the place of its rarest bytes.
    pub(crate) fn find(&self, text: &[u8], mut found: impl FnMut(Hit)) {
        let mut rest = text;
        let mut base = 0_usize;
        // Six places at a time, from one load: their looks do not wait for each other, and most sixes hold nothing.
        while let Some(eight) = rest.first_chunk::<8>() {
            let eight = u64::from_le_bytes(*eight) | 0x2020_2020_2020_2020;
            let [a, b, c, d, e, f] = [0, 8, 16, 24, 32, 40].map(|shift| self.may(low(eight >> shift)));
            if a | b | c | d | e | f {
                for (place, may) in [a, b, c, d, e, f].into_iter().enumerate() {
                    if may {
                        self.look(text, base.saturating_add(place), &mut found);
                    }
                }
            }
            base = base.saturating_add(6);
            rest = rest.get(6..).unwrap_or_default();
        }
        for (place, three) in rest.windows(SHORTEST).enumerate() {
            if three.first_chunk::<SHORTEST>().is_some_and(|three| self.may(folded(three))) {
                self.look(text, base.saturating_add(place), &mut found);
            }
        }
    }

    #[inline]
    fn may(&self, three: u32) -> bool {
        let slot = slot(three);
        self.filter.get(slot as usize / 64).is_some_and(|bits| bits >> (slot % 64) & 1 == 1)
    }

    fn look(&self, text: &[u8], at: usize, found: &mut impl FnMut(Hit)) {
        let Some(three) = text.get(at..).and_then(|rest| rest.first_chunk::<SHORTEST>()) else { return };
        let slot = slot(folded(three)) as usize;
        let (Some(from), Some(to)) = (self.starts.get(slot), self.starts.get(slot.saturating_add(1))) else {
            return;
        };
        for number in self.members.get(*from as usize..*to as usize).unwrap_or_default() {
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
#[inline]
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
#[inline]
const fn low(eight: u64) -> u32 {
    let [a, b, c, ..] = eight.to_le_bytes();
    u32::from_le_bytes([a, b, c, 0])
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
