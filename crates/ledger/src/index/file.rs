//! The bytes of an index, version 2. Integers are little-endian and unsigned unless said otherwise.
//!
//! | header: 64 bytes | |
//! |---|---|
//! | 0..8 | `GABIONIX` |
//! | 8..12 | version of the format: 2 (1 knew no tenants, and is made again) |
//! | 12..20 | number of the segment |
//! | 20..28 | number of its first record |
//! | 28..36 | the number behind its last record |
//! | 36..44 | where its last record ends |
//! | 44..48 | CRC-32C of the segment's header as version 1 has it |
//! | 48..52 | blocks of 16 records |
//! | 52..56 | words |
//! | 56..60 | bytes of all lists |
//! | 60..64 | zero |
//!
//! | behind it | |
//! |---|---|
//! | 24 bytes a block | where it begins; earliest and latest time of its events (signed microseconds) |
//! | 4096 × 4 bytes | how many words begin with these 12 bits or with smaller ones |
//! | 12 bytes a word, and one more | the word (`words`, keyed), ascending; where its list begins. The last one ends the lists |
//! | lists | of records (fields) or of blocks (three bytes of text), as `lists` writes them |
//! | 32 bytes | keyed sum (`vault::IndexKey`) of everything before |

use std::io;

use gabion_model::Timestamp;
use gabion_vault::{IndexKey, constant_time_eq};

use super::build::BLOCK;
use super::lists::{self, Bits, List};
use super::words::{self, Wanted};
use super::{Fault, IndexFile, IndexStorage};
use crate::format::Header;
use crate::{Position, Query, SegmentId};

const MAGIC: &[u8; 8] = b"GABIONIX";
const VERSION: u32 = 2;
const HEADER: usize = 64;
const BLOCK_SIZE: usize = 24;
const FAN: usize = 4096;
const FAN_SHIFT: u32 = 52;
const WORD_SIZE: usize = 12;
const SUM: usize = 32;
/// Read at once while the sum is made.
const CHUNK: usize = 1 << 20;
/// The largest index that is read; one of the largest segment is a tenth of it.
const LARGEST: u64 = 2 << 30;

/// Sixteen records, one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) offset: u64,
    pub(super) earliest: Timestamp,
    pub(super) latest: Timestamp,
}

impl Block {
    pub(super) const fn begin(offset: u64, time: Timestamp) -> Self {
        Self { offset, earliest: time, latest: time }
    }

    pub(super) fn include(&mut self, time: Timestamp) {
        self.earliest = self.earliest.min(time);
        self.latest = self.latest.max(time);
    }

    /// Whether nothing in it can be in the query's time.
    pub(super) fn misses(&self, query: &Query) -> bool {
        query.since.is_some_and(|since| self.latest < since)
            || query.until.is_some_and(|until| self.earliest >= until)
    }
}

/// `lists` are sorted by their words, each with the bound of its numbers. None when they do not fit into the format: two
/// values with one word, or more than 4 GiB.
pub(super) fn encode(
    header: &Header,
    next: Position,
    end: u64,
    blocks: &[Block],
    lists: &[(u64, &List, u32)],
    key: &IndexKey,
) -> Option<Vec<u8>> {
    if lists.is_sorted_by(|(one, ..), (other, ..)| one < other) {
        let mut bytes = Vec::new();
        let mut table = Vec::new();
        let mut fan = vec![0_u32; FAN];
        for (word, list, bound) in lists {
            table.extend_from_slice(&word.to_le_bytes());
            table.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_le_bytes());
            list.encode(*bound, &mut bytes);
            *fan.get_mut(usize::try_from(word >> FAN_SHIFT).ok()?)? += 1;
        }
        let length = u32::try_from(bytes.len()).ok()?;
        table.extend_from_slice(&u64::MAX.to_le_bytes());
        table.extend_from_slice(&length.to_le_bytes());
        let mut out = Vec::with_capacity(HEADER + blocks.len() * BLOCK_SIZE + table.len() + bytes.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        for number in [header.segment.0, header.first.0, next.0, end] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&identity(header).to_le_bytes());
        for number in [u32::try_from(blocks.len()).ok()?, u32::try_from(lists.len()).ok()?, length, 0] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for block in blocks {
            out.extend_from_slice(&block.offset.to_le_bytes());
            out.extend_from_slice(&block.earliest.as_micros().to_le_bytes());
            out.extend_from_slice(&block.latest.as_micros().to_le_bytes());
        }
        let mut before = 0_u32;
        for count in fan {
            before = before.checked_add(count)?;
            out.extend_from_slice(&before.to_le_bytes());
        }
        out.extend_from_slice(&table);
        out.extend_from_slice(&bytes);
        let mut sum = key.sum();
        sum.update(&out);
        out.extend_from_slice(&sum.finish());
        return Some(out);
    }
    None
}

/// What does not change when the segment's key is sealed with another one.
fn identity(header: &Header) -> u32 {
    crc32c::crc32c(&Header { sealed: None, ..*header }.encode())
}

/// An index that is whole and belongs to its segment.
#[derive(Debug)]
pub(super) struct Opened {
    file: Box<dyn IndexFile>,
    key: IndexKey,
    segment: SegmentId,
    first: Position,
    next: Position,
    end: u64,
    identity: u32,
    blocks: u32,
    fan: Vec<u32>,
    /// Where the table of words begins, and the lists.
    table: u64,
    lists: u64,
    lists_length: u32,
}

impl Opened {
    /// None when there is none.
    pub(super) fn open(
        storage: &dyn IndexStorage,
        header: &Header,
        next: Position,
        key: IndexKey,
    ) -> Result<Option<Self>, Fault> {
        let Some(file) = storage.open(header.segment)? else { return Ok(None) };
        let opened = Self::read(file, key)?;
        if opened.is_of(header, next) { Ok(Some(opened)) } else { Err(Fault::Foreign) }
    }

    /// Reads all of it, once.
    pub(super) fn read(file: Box<dyn IndexFile>, key: IndexKey) -> Result<Self, Fault> {
        let size = file.size()?;
        let mut head = [0; HEADER];
        if size < (HEADER + SUM) as u64 || size > LARGEST {
            return Err(Fault::Malformed("its size is impossible"));
        }
        file.read(0, &mut head)?;
        if !head.starts_with(MAGIC) || u32_at(&head, 8) != VERSION || u32_at(&head, 60) != 0 {
            return Err(Fault::Malformed("it is no index of this version"));
        }
        let (blocks, words, lists_length) = (u32_at(&head, 48), u32_at(&head, 52), u32_at(&head, 56));
        let (first, next) = (Position(u64_at(&head, 20)), Position(u64_at(&head, 28)));
        let records = next.0.checked_sub(first.0).and_then(|count| u32::try_from(count).ok());
        if records.is_none_or(|records| records.div_ceil(BLOCK) != blocks) {
            return Err(Fault::Malformed("its blocks are not those of its records"));
        }
        let fan_at = HEADER as u64 + u64::from(blocks) * BLOCK_SIZE as u64;
        let table = fan_at + (FAN * 4) as u64;
        let lists = table + (u64::from(words) + 1) * WORD_SIZE as u64;
        if lists + u64::from(lists_length) + SUM as u64 != size {
            return Err(Fault::Malformed("its parts do not come to its size"));
        }
        check_sum(&*file, size, &key)?;
        let mut bytes = vec![0; FAN * 4];
        file.read(fan_at, &mut bytes)?;
        let fan: Vec<u32> = bytes.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        if !fan.is_sorted() || fan.last() != Some(&words) {
            return Err(Fault::Malformed("its words are not counted right"));
        }
        let (segment, end, identity) = (SegmentId(u64_at(&head, 12)), u64_at(&head, 36), u32_at(&head, 44));
        Ok(Self { file, key, segment, first, next, end, identity, blocks, fan, table, lists, lists_length })
    }

    pub(super) fn is_of(&self, header: &Header, next: Position) -> bool {
        (self.segment, self.first, self.next, self.identity)
            == (header.segment, header.first, next, identity(header))
    }

    /// Records in it.
    fn count(&self) -> u32 {
        u32::try_from(self.next.0.saturating_sub(self.first.0)).unwrap_or(u32::MAX)
    }

    /// Where a block begins and ends, and when its events happened.
    pub(super) fn block(&self, number: u32) -> Result<(Block, u64), Fault> {
        let read = |number: u32| {
            let mut bytes = [0; BLOCK_SIZE];
            self.file.read(HEADER as u64 + u64::from(number) * BLOCK_SIZE as u64, &mut bytes)?;
            let time = |at| Timestamp::from_micros(u64_at(&bytes, at).cast_signed());
            Ok::<_, io::Error>(Block { offset: u64_at(&bytes, 0), earliest: time(8), latest: time(16) })
        };
        let end = if number + 1 < self.blocks { read(number + 1)?.offset } else { self.end };
        Ok((read(number)?, end))
    }

    /// Records that may fit.
    pub(super) fn candidates(&self, wanted: &Wanted) -> Result<Bits, Fault> {
        let (records, blocks) = (self.count(), self.blocks);
        let fields = wanted.fields.iter().map(|word| (self.key.word(word), records));
        let grams = wanted.grams.iter().map(|gram| (self.key.word(&words::of_gram(*gram)), blocks));
        let mut lists = Vec::new();
        let mut some = Bits::all(records);
        for (word, bound) in fields.chain(grams) {
            match self.find(word)? {
                Some((offset, length)) => lists.push((length, offset, bound)),
                None => some = Bits::none(records),
            }
        }
        // The shortest first: often it is enough.
        lists.sort_unstable();
        for (length, offset, bound) in lists {
            if some.is_empty() {
                break;
            }
            let list = self.list(offset, length, bound)?;
            if bound == records { some.and(&list) } else { some.and_blocks(&list) }
        }
        if let Some((offset, length)) = self.find(self.key.word(words::UNKNOWN))? {
            some.or(&self.list(offset, length, records)?);
        }
        Ok(some)
    }

    fn find(&self, word: u64) -> Result<Option<(u32, u32)>, Fault> {
        let at = usize::try_from(word >> FAN_SHIFT).unwrap_or(FAN);
        let low = at.checked_sub(1).and_then(|before| self.fan.get(before)).copied().unwrap_or(0);
        let high = self.fan.get(at).copied().unwrap_or(low);
        if low == high {
            return Ok(None);
        }
        // One more: its list begins where the last one's ends.
        let mut bytes = vec![0; (high - low + 1) as usize * WORD_SIZE];
        self.file.read(self.table + u64::from(low) * WORD_SIZE as u64, &mut bytes)?;
        let mut entries = bytes.chunks_exact(WORD_SIZE);
        while let Some(entry) = entries.next() {
            if u64_at(entry, 0) != word {
                continue;
            }
            let (begin, next) = (u32_at(entry, 8), entries.next().map_or(0, |next| u32_at(next, 8)));
            if begin >= next || next > self.lists_length {
                return Err(Fault::Malformed("a list ends before it begins"));
            }
            return Ok(Some((begin, next - begin)));
        }
        Ok(None)
    }

    fn list(&self, offset: u32, length: u32, bound: u32) -> Result<Bits, Fault> {
        let mut bytes = vec![0; length as usize];
        self.file.read(self.lists + u64::from(offset), &mut bytes)?;
        let mut bits = Bits::none(bound);
        lists::decode(&bytes, &mut bits).ok_or(Fault::Malformed("a list has other numbers"))?;
        Ok(bits)
    }
}

fn check_sum(file: &dyn IndexFile, size: u64, key: &IndexKey) -> Result<(), Fault> {
    let (mut sum, mut at, end) = (key.sum(), 0, size.saturating_sub(SUM as u64));
    let mut buffer = Vec::new();
    while at < end {
        let wanted = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
        buffer.resize(wanted, 0);
        file.read(at, &mut buffer)?;
        sum.update(&buffer);
        at += wanted as u64;
    }
    let mut stored = [0; SUM];
    file.read(end, &mut stored)?;
    if constant_time_eq(&stored, &sum.finish()) { Ok(()) } else { Err(Fault::Sum) }
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    bytes.get(offset..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    bytes.get(offset..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Bytes of an index in memory whose sum is right, however they came to be: everything there is to be read of it is read.
#[cfg(any(test, fuzzing))]
pub(super) fn probe(bytes: &[u8]) -> Option<()> {
    use crate::MemoryIndexes;
    let key = IndexKey::of_clear_records();
    let mut sum = key.sum();
    sum.update(bytes);
    let storage = MemoryIndexes::default();
    storage.put(SegmentId::FIRST, &[bytes, &sum.finish()].concat()).ok()?;
    let opened = Opened::read(storage.open(SegmentId::FIRST).ok()??, key).ok()?;
    let wanted = |fields: &[&[u8]], grams: &[u32]| Wanted {
        fields: fields.iter().map(|field| field.to_vec()).collect(),
        grams: grams.to_vec(),
    };
    for wanted in [
        wanted(&[&[1, b'a']], &[]),
        wanted(&[&[2, b'b'], &[4]], &[]),
        wanted(&[], &[0x0061_6263]),
        wanted(&[&[1, b'a']], &[0x0061_6263, 0x0062_6364]),
    ] {
        if let Ok(some) = opened.candidates(&wanted) {
            for number in some.blocks().take(64) {
                let _ = opened.block(number);
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::Span;

    fn header() -> Header {
        let (first, begun) = (Position(1), Timestamp::default());
        Header { segment: SegmentId::FIRST, first, begun, previous: Span::EMPTY, sealed: None }
    }

    /// Forty records in three blocks, four words; without the sum.
    fn index() -> Vec<u8> {
        let key = IndexKey::of_clear_records();
        let block = |offset| Block::begin(offset, Timestamp::from_secs(7));
        let list = |numbers: &[u32]| {
            let mut list = List::default();
            numbers.iter().for_each(|number| list.push(*number));
            list
        };
        let dense: Vec<u32> = (0..40).collect();
        let (one, all, gram) = (list(&[3, 17, 39]), list(&dense), list(&[0, 2]));
        let gram_word = key.word(&words::of_gram(0x0061_6263));
        let mut lists = vec![
            (key.word(&[1, b'a']), &one, 40),
            (key.word(&[2, b'b']), &all, 40),
            (key.word(&[4]), &one, 40),
            (gram_word, &gram, 3),
        ];
        lists.sort_unstable_by_key(|(word, ..)| *word);
        let blocks = [block(56), block(900), block(1_800)];
        let mut bytes = encode(&header(), Position(41), 2_500, &blocks, &lists, &key).unwrap();
        bytes.truncate(bytes.len() - SUM);
        bytes
    }

    #[test]
    fn an_index_reads_back() {
        let bytes = index();
        assert_eq!(probe(&bytes), Some(()));
        assert_eq!(bytes[..12], *b"GABIONIX\x02\0\0\0");
        assert_eq!(bytes[48..64], [3, 0, 0, 0, 4, 0, 0, 0, bytes[56], 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn two_values_with_one_word_make_no_index() {
        let (list, key) = (List::default(), IndexKey::of_clear_records());
        let lists = [(7, &list, 40), (7, &list, 40)];
        assert_eq!(encode(&header(), Position(41), 2_500, &[], &lists, &key), None);
    }

    proptest! {
        /// Whoever has the key may write what they like; it is read under bounds, and without a panic.
        #[test]
        fn any_bytes_are_read_or_refused(
            random in prop::collection::vec(any::<u8>(), 0..400),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            low in prop::collection::vec((0..64_usize, any::<u8>()), 0..3),
        ) {
            probe(&random);
            let mut bytes = index();
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            for (at, value) in low {
                bytes[at] = value;
            }
            probe(&bytes);
        }
    }
}
