use std::sync::Arc;

use gabion_ledger::format::{Frame, HEADER_SIZE, Header, Span};
use gabion_ledger::{
    Damage, Ledger, MemorySegments, OpenError, Position, Query, ReadError, Reader, SegmentId, SegmentSource,
    SegmentStorage,
};
use gabion_model::Timestamp;
use proptest::prelude::*;

use crate::support::{clock, everything, login, number, open, small};

/// A ledger of so many records, and where each record ends in its segment.
fn recorded(count: u64) -> (Arc<MemorySegments>, Vec<(SegmentId, usize)>) {
    let storage = Arc::new(MemorySegments::new());
    let (ledger, _) = open(&storage, &small());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ends = (0..count).map(|step| {
        runtime.block_on(ledger.record(login(step))).unwrap();
        let segment = *storage.list().unwrap().last().unwrap();
        (segment, storage.bytes(segment).len())
    });
    let ends = ends.collect();
    runtime.block_on(ledger.close()).unwrap();
    (storage, ends)
}

fn numbers(storage: &Arc<MemorySegments>) -> Vec<u64> {
    let (ledger, _) = open(storage, &small());
    everything(&ledger).iter().map(number).collect()
}

/// Everything that reads, on whatever the storage holds. Must not panic.
fn read_everything(storage: &Arc<MemorySegments>) -> Option<OpenError> {
    let source = Arc::clone(storage) as Arc<dyn SegmentSource>;
    if let Ok(reader) = Reader::open(source) {
        let _ = (reader.search(Query::default()).count(), reader.verify(), reader.tail(3));
    }
    let opened = Ledger::open(Arc::clone(storage) as Arc<dyn SegmentStorage>, &small(), clock());
    let (ledger, _) = match opened {
        Ok(opened) => opened,
        Err(error) => return Some(error),
    };
    let last = ledger.last();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let place = runtime.block_on(ledger.record(login(7))).unwrap();
    assert_eq!(place, last.map_or(Position(1), Position::next));
    assert_eq!(number(&ledger.tail(1).unwrap()[0]), 7);
    None
}

#[test]
fn every_prefix_of_the_last_segment_reopens_with_exactly_what_was_whole() {
    let (whole, ends) = recorded(12);
    let bytes = whole.bytes(SegmentId(1));
    for length in 0..=bytes.len() {
        let storage = Arc::new(MemorySegments::new());
        storage.put(SegmentId(1), bytes[..length].to_vec());
        let kept = ends.iter().filter(|(_, end)| *end <= length).count() as u64;
        let (ledger, recovery) = open(&storage, &small());
        assert_eq!(recovery.last.map_or(0, |last| last.0), kept, "cut at {length}");
        let end = ends.iter().map(|(_, end)| *end).filter(|end| *end <= length).max();
        let torn = length - end.unwrap_or(if length < HEADER_SIZE { 0 } else { HEADER_SIZE });
        assert_eq!(recovery.cuts.iter().map(|cut| cut.bytes).sum::<u64>(), torn as u64, "cut at {length}");
        drop(ledger);
        assert_eq!(numbers(&storage), (0..kept).collect::<Vec<_>>());
        assert!(read_everything(&storage).is_none());
    }
}

#[test]
fn a_crash_while_a_segment_begins_loses_nothing() {
    let (whole, ends) = recorded(800);
    let last = ends[799].0;
    assert!(last > SegmentId(1));
    for length in 0..=HEADER_SIZE {
        let storage = Arc::new(whole.crash(0));
        let bytes = storage.bytes(last);
        storage.put(last, bytes[..length].to_vec());
        let kept = ends.iter().filter(|(segment, _)| *segment < last).count() as u64;
        assert_eq!(numbers(&storage), (0..kept).collect::<Vec<_>>(), "cut at {length}");
        assert!(read_everything(&storage).is_none());
    }
}

#[test]
fn damage_in_the_middle_is_named_and_not_repaired() {
    let (whole, ends) = recorded(12);
    let bytes = whole.bytes(SegmentId(1));
    // Everything before the last record was durable when the last one was written.
    for at in HEADER_SIZE..ends[10].1 {
        let storage = Arc::new(whole.crash(0));
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        storage.put(SegmentId(1), damaged.clone());
        let begin = ends.iter().map(|(_, end)| *end).filter(|end| *end <= at).max().unwrap_or(HEADER_SIZE);
        match read_everything(&storage) {
            Some(OpenError::Read(ReadError::Corrupted { segment: SegmentId(1), offset, .. })) => {
                assert_eq!(offset, begin as u64, "byte {at}");
            }
            other => panic!("byte {at}: {other:?}"),
        }
        assert_eq!(storage.bytes(SegmentId(1)), damaged, "nothing is changed");
    }
}

#[test]
fn damage_in_an_old_segment_is_found_by_whoever_reads_it() {
    let (storage, ends) = recorded(800);
    let mut bytes = storage.bytes(SegmentId(1));
    let (_, end) = ends[99];
    bytes[end + 50] ^= 1;
    storage.put(SegmentId(1), bytes);
    let (ledger, _) = open(&storage, &small());
    let expected = |error: &ReadError| matches!(error, ReadError::Corrupted { segment: SegmentId(1), offset, reason: Damage::Checksum } if *offset == end as u64);
    assert!(expected(&ledger.reader().verify().unwrap_err()));
    let oldest = Query { order: gabion_ledger::Order::OldestFirst, ..Query::default() };
    let read: Vec<_> = ledger.search(oldest).collect();
    assert_eq!(read.len(), 101, "a hundred, then the error, then nothing");
    assert!(expected(read[100].as_ref().unwrap_err()));
    let newest: Vec<_> = ledger.search(Query::default()).collect();
    assert!(newest.last().unwrap().is_err());
    assert_eq!(newest.len(), 700);
}

#[test]
fn a_missing_segment_is_noticed() {
    let (storage, ends) = recorded(1300);
    assert!(ends[1299].0 >= SegmentId(3));
    storage.remove(SegmentId(2)).unwrap();
    let (ledger, _) = open(&storage, &small());
    assert!(matches!(ledger.reader().verify(), Err(ReadError::Corrupted { reason: Damage::Missing, .. })));
    assert!(ledger.search(Query::default()).last().unwrap().is_err());
}

#[test]
fn a_torn_batch_whose_later_part_reached_the_disk_is_cut() {
    // One batch of three; the power failed when only the last two were on the disk.
    let mut bytes = Header {
        segment: SegmentId(1),
        first: Position(1),
        begun: Timestamp::default(),
        previous: Span::EMPTY,
        sealed: None,
    }
    .encode();
    let payload = serde_json::to_vec(&login(0)).unwrap();
    for (position, mark) in [(1, 1), (2, 2), (3, 2), (4, 2)] {
        let (position, mark) = (Position(position), Position(mark));
        Frame { position, mark, time: Timestamp::default(), class: 1, payload: &payload }.encode(&mut bytes);
    }
    let size = 40 + payload.len();
    let second = HEADER_SIZE + size;
    bytes[second..second + size].fill(0);
    let storage = Arc::new(MemorySegments::new());
    storage.put(SegmentId(1), bytes);
    let (ledger, recovery) = open(&storage, &small());
    assert_eq!(recovery.last, Some(Position(1)));
    assert_eq!(recovery.cuts[0].bytes, 3 * size as u64);
    assert_eq!(everything(&ledger).len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_as_segments_are_read_or_refused(
        first in prop::collection::vec(any::<u8>(), 0..300),
        second in prop::collection::vec(any::<u8>(), 0..300),
        real_header: bool,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let storage = Arc::new(MemorySegments::new());
        let mut bytes = if real_header { recorded(2).0.bytes(SegmentId(1)) } else { Vec::new() };
        bytes.extend(first);
        for (index, value) in flips {
            if !bytes.is_empty() {
                let at = index.index(bytes.len());
                bytes[at] = value;
            }
        }
        storage.put(SegmentId(1), bytes);
        if !second.is_empty() {
            storage.put(SegmentId(2), second);
        }
        let _ = read_everything(&storage);
    }

    #[test]
    fn a_kill_at_any_byte_keeps_exactly_the_acknowledged(count in 1..40_u64, torn in 0..400_usize) {
        let (storage, _) = recorded(count);
        // The next batch was being written.
        let mut tail = Vec::new();
        let payload = serde_json::to_vec(&login(count)).unwrap();
        let position = Position(count + 1);
        Frame { position, mark: position, time: Timestamp::default(), class: 1, payload: &payload }.encode(&mut tail);
        tail.truncate(torn.min(tail.len() - 1));
        storage.append(SegmentId(1), &tail).unwrap();
        prop_assert_eq!(numbers(&storage), (0..count).collect::<Vec<_>>());
        prop_assert!(read_everything(&storage).is_none());
    }
}
