//! Making an index: record by record in memory, where it can be asked at once; then as a file.

use std::collections::HashMap;

use gabion_model::{Event, Timestamp};
use gabion_vault::IndexKey;

use super::file::{self, Block};
use super::lists::{Bits, List};
use super::words::{self, Wanted};
use crate::format::Header;
use crate::{Position, SegmentId};

/// Records in a block. Fields are known of each record, three bytes of text of each block.
pub(super) const BLOCK: u32 = 16;

/// The index of a segment, as far as it was read.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) header: Header,
    /// The number behind the last record that was added.
    pub(super) next: Position,
    /// Where that record ends.
    pub(super) end: u64,
    pub(super) blocks: Vec<Block>,
    fields: HashMap<Box<[u8]>, List>,
    grams: HashMap<u32, List>,
}

/// One record to be added.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) offset: u64,
    pub(super) end: u64,
    pub(super) time: Timestamp,
    /// None when this version does not know it.
    pub(super) event: Option<Event>,
}

impl Builder {
    pub(super) fn new(header: Header) -> Self {
        let (next, end) = (header.first, header.size() as u64);
        let (blocks, fields, grams) = (Vec::new(), HashMap::new(), HashMap::new());
        Self { header, next, end, blocks, fields, grams }
    }

    pub(super) const fn segment(&self) -> SegmentId {
        self.header.segment
    }

    /// Records that were added.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.next.0.saturating_sub(self.header.first.0)).unwrap_or(u32::MAX)
    }

    pub(super) fn add(&mut self, entry: &Entry) {
        let record = self.count();
        let block = record / BLOCK;
        match self.blocks.last_mut() {
            Some(last) if !record.is_multiple_of(BLOCK) => last.include(entry.time),
            _ => self.blocks.push(Block::begin(entry.offset, entry.time)),
        }
        let fields = &mut self.fields;
        let mut add = |word: &[u8]| match fields.get_mut(word) {
            Some(list) => list.push(record),
            None => fields.entry(word.into()).or_default().push(record),
        };
        match &entry.event {
            Some(event) => {
                words::of_fields(event, &mut add);
                words::of_texts(event, |gram| self.grams.entry(gram).or_default().push(block));
            }
            None => add(words::UNKNOWN),
        }
        self.next = self.next.next();
        self.end = entry.end;
    }

    /// Records that may fit.
    pub(super) fn candidates(&self, wanted: &Wanted) -> Bits {
        let (records, blocks) = (self.count(), self.count().div_ceil(BLOCK));
        let of = |list: Option<&List>, bound| {
            let mut bits = Bits::none(bound);
            list.iter().for_each(|list| list.add_to(&mut bits));
            bits
        };
        let mut some = Bits::all(records);
        wanted.fields.iter().for_each(|word| some.and(&of(self.fields.get(&**word), records)));
        wanted.grams.iter().for_each(|gram| some.and_blocks(&of(self.grams.get(gram), blocks)));
        some.or(&of(self.fields.get(words::UNKNOWN), records));
        some
    }

    /// The file of a segment whose records were all added; none when it cannot be made.
    pub(super) fn finish(self, key: &IndexKey) -> Option<Vec<u8>> {
        let (records, blocks) = (self.count(), self.count().div_ceil(BLOCK));
        let fields = self.fields.iter().map(|(word, list)| (key.word(word), list, records));
        let grams = self.grams.iter().map(|(gram, list)| (key.word(&words::of_gram(*gram)), list, blocks));
        let mut lists: Vec<(u64, &List, u32)> = fields.chain(grams).collect();
        lists.sort_unstable_by_key(|(word, ..)| *word);
        file::encode(&self.header, self.next, self.end, &self.blocks, &lists, key)
    }
}
