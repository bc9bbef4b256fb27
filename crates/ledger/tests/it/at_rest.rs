//! Records sealed at rest: what lies in the files tells nothing, everybody who reads with the key sees everything, and what
//! was promised of ledgers in the clear holds as before.

use std::sync::Arc;

use gabion_ledger::format::{Frame, HEADER_SIZE, Header, SEALED_HEADER_SIZE};
use gabion_ledger::storage::faulty::{Faults, FaultySegments};
use gabion_ledger::verify::{Unproven, verify};
use gabion_ledger::{
    KeyError, Keys, Ledger, MemorySegments, MemoryTree, OpenError, Order, Position, Protection, Query,
    ReadError, Reader, RecordSealing, Seal, SegmentId, SegmentSource, SegmentStorage, Settings, TreeStorage,
};
use gabion_model::Secret;
use gabion_model::random::SeededRng;
use gabion_tlog::note::Purpose;
use gabion_tlog::trust::Trust;
use gabion_tlog::{Hash, Note, SigningKey};

use crate::support::{clock, everything, login, number, small};

fn secret(seed: u64) -> Secret<Vec<u8>> {
    Keys::generate(&SeededRng::new(seed))
}

fn keys(seed: u64) -> Arc<Keys> {
    Arc::new(Keys::parse("ledger-sealing.key", &secret(seed)).unwrap())
}

fn signing() -> SigningKey {
    SigningKey::new("gate.example/ledger", Purpose::Log, &Secret::new([1; 32])).unwrap()
}

/// Opens `storage` with the key of this number, or without one.
fn open(
    storage: &Arc<impl SegmentStorage + 'static>,
    tree: &Arc<MemoryTree>,
    key: Option<u64>,
    settings: &Settings,
) -> Result<Ledger, OpenError> {
    let seal = Seal { key: signing(), storage: Arc::clone(tree) as Arc<dyn TreeStorage> };
    let rng = Arc::new(SeededRng::new(77));
    let records = key.map(|seed| RecordSealing { keys: keys(seed), rng, subjects: None });
    let protection = Protection { seal: Some(seal), records, retention: None };
    let storage = Arc::clone(storage) as Arc<dyn SegmentStorage>;
    Ledger::open_protected(storage, settings, clock(), protection).map(|(ledger, _)| ledger)
}

fn record(ledger: &Ledger, range: std::ops::Range<u64>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for step in range {
        runtime.block_on(ledger.record(login(step))).unwrap();
    }
    runtime.block_on(ledger.close()).unwrap();
}

fn reader(storage: &Arc<MemorySegments>) -> Reader {
    Reader::open(Arc::clone(storage) as Arc<dyn SegmentSource>).unwrap()
}

fn read(reader: &Reader) -> Result<Vec<u64>, ReadError> {
    let query = Query { order: Order::OldestFirst, ..Query::default() };
    reader.search(query).map(|record| record.map(|record| number(&record))).collect()
}

fn checked(storage: &Arc<MemorySegments>, tree: &Arc<MemoryTree>) -> Result<u64, Unproven> {
    let tiles = Arc::clone(tree) as Arc<dyn TreeStorage>;
    let note = Note::parse(&tree.checkpoint().unwrap().unwrap()).unwrap();
    let trust = Trust::in_log(signing().verifying().clone());
    verify(&reader(storage), Some(&tiles), &trust, &note, &[], |_| {}).map(|verified| verified.size)
}

fn holds(storage: &MemorySegments, text: &[u8]) -> bool {
    let segments = storage.list().unwrap();
    segments.into_iter().any(|id| storage.bytes(id).windows(text.len()).any(|part| part == text))
}

#[test]
fn a_directory_of_both_versions_is_read_verified_and_followed() {
    let (storage, tree) = (Arc::new(MemorySegments::new()), Arc::new(MemoryTree::new()));
    record(&open(&storage, &tree, None, &small()).unwrap(), 0..5);
    assert!(holds(&storage, b"user3"), "in the clear, as former versions wrote");
    let former = storage.bytes(SegmentId(1));
    record(&open(&storage, &tree, Some(1), &small()).unwrap(), 5..300);
    assert_eq!(storage.bytes(SegmentId(1)), former, "what was written stays as it was");
    assert!(storage.list().unwrap().len() > 2, "several sealed segments");

    let blind = reader(&storage);
    assert_eq!(checked(&storage, &tree).unwrap(), 300, "checked without a key");
    assert_eq!(blind.verify().unwrap(), 300);
    assert!(blind.is_sealed().unwrap());
    let all: Vec<u64> = (0..300).collect();
    assert_eq!(read(&blind.clone().with_keys(keys(1))).unwrap(), all);
    let ledger = open(&storage, &tree, Some(1), &small()).unwrap();
    assert_eq!(everything(&ledger).iter().map(number).collect::<Vec<_>>(), all);
    assert_eq!(ledger.tail(3).unwrap().iter().map(number).collect::<Vec<_>>(), [297, 298, 299]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut follow = ledger.follow(Some(Position(3)));
    for expected in 3..300 {
        let record = runtime.block_on(follow.next()).unwrap().unwrap();
        assert_eq!((record.position, number(&record)), (Position(expected + 1), expected));
    }
    assert_eq!(number(&ledger.reader().record(Position(250)).unwrap().unwrap()), 249);
}

#[test]
fn what_lies_in_the_files_tells_nothing_of_the_events() {
    let (storage, tree) = (Arc::new(MemorySegments::new()), Arc::new(MemoryTree::new()));
    record(&open(&storage, &tree, Some(1), &small()).unwrap(), 0..20);
    for text in [&b"user3"[..], b"login", b"success", b"id2", secret(1).expose()] {
        assert!(!holds(&storage, text), "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn without_the_right_key_nothing_is_read_and_nothing_is_written_and_the_error_says_why() {
    let (storage, tree) = (Arc::new(MemorySegments::new()), Arc::new(MemoryTree::new()));
    record(&open(&storage, &tree, Some(1), &small()).unwrap(), 0..5);
    let before = storage.bytes(SegmentId(1));
    let refused = |key| match open(&storage, &tree, key, &small()) {
        Err(OpenError::Read(ReadError::Key(error))) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(None), KeyError::Missing(SegmentId(1)));
    assert!(matches!(refused(Some(2)), KeyError::Foreign { segment: SegmentId(1), .. }));
    assert_eq!(storage.bytes(SegmentId(1)), before);

    let blind = reader(&storage);
    assert!(matches!(read(&blind), Err(ReadError::Key(KeyError::Missing(_)))));
    assert!(matches!(read(&blind.clone().with_keys(keys(2))), Err(ReadError::Key(KeyError::Foreign { .. }))));
    assert!(matches!(blind.disclose(Position(2)), Err(ReadError::Key(KeyError::Missing(_)))));
    assert_eq!(checked(&storage, &tree).unwrap(), 5);
}

/// Also of a former segment, which nobody would read for a year.
#[test]
fn a_key_that_opens_only_the_last_segment_is_refused() {
    let (storage, tree) = (Arc::new(MemorySegments::new()), Arc::new(MemoryTree::new()));
    record(&open(&storage, &tree, Some(1), &small()).unwrap(), 0..300);
    let last = *storage.list().unwrap().last().unwrap();
    let header = Header::decode(&storage.bytes(last)).unwrap();
    let other = Arc::new(MemorySegments::new());
    record(&open(&other, &Arc::new(MemoryTree::new()), Some(2), &small()).unwrap(), 0..1);
    let foreign = Header::decode(&other.bytes(SegmentId(1))).unwrap().sealed;
    storage.replace_header(last, &Header { sealed: foreign, ..header }.encode()).unwrap();
    assert!(open(&storage, &tree, Some(1), &small()).is_err());
    assert!(open(&storage, &tree, Some(2), &small()).is_err());
}

#[test]
fn the_key_is_replaced_without_touching_a_record_and_a_crash_between_loses_nothing() {
    let (storage, tree) = (Arc::new(MemorySegments::new()), Arc::new(MemoryTree::new()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ledger = open(&storage, &tree, Some(1), &small()).unwrap();
    for step in 0..300 {
        runtime.block_on(ledger.record(login(step))).unwrap();
    }
    let segments = storage.list().unwrap();
    let records = |id: &SegmentId| storage.bytes(*id)[SEALED_HEADER_SIZE..].to_vec();
    let before: Vec<_> = segments.iter().map(records).collect();

    let both = Secret::new([secret(2).expose().as_slice(), secret(1).expose()].concat());
    let both = Arc::new(Keys::parse("ledger-sealing.key", &both).unwrap());
    // A crash after the first header: the two keys read everything.
    let first = Header::decode(&storage.bytes(segments[0])).unwrap();
    assert_eq!(ledger.rekey(Arc::clone(&both), &SeededRng::new(5)).unwrap(), segments.len() as u64);
    let second = Header::decode(&storage.bytes(segments[0])).unwrap();
    storage.replace_header(segments[0], &first.encode()).unwrap();
    let all: Vec<u64> = (0..300).collect();
    assert_eq!(read(&reader(&storage).with_keys(Arc::clone(&both))).unwrap(), all);
    assert_eq!(ledger.rekey(both, &SeededRng::new(6)).unwrap(), 1, "and it goes on where it stopped");
    assert_ne!(Header::decode(&storage.bytes(segments[0])).unwrap(), second, "another nonce");

    // While it runs: what comes next is sealed with the new one.
    ledger.rekey(keys(2), &SeededRng::new(7)).unwrap();
    for step in 300..600 {
        runtime.block_on(ledger.record(login(step))).unwrap();
    }
    runtime.block_on(ledger.close()).unwrap();
    for (now, before) in segments.iter().map(records).zip(before) {
        assert!(now.starts_with(&before));
    }
    assert_eq!(checked(&storage, &tree).unwrap(), 600);
    assert_eq!(read(&reader(&storage).with_keys(keys(2))).unwrap(), (0..600).collect::<Vec<_>>());
    assert!(open(&storage, &tree, Some(1), &small()).is_err(), "the former key is of no use any more");
}

/// A position that is written again after a failed or torn write is sealed with another key: with the same one, and nonce
/// zero, two ciphertexts would give their texts away.
#[test]
fn no_key_seals_two_texts() {
    let storage = Arc::new(FaultySegments::new(MemorySegments::new()));
    let tree = Arc::new(MemoryTree::new());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ledger = open(&storage, &tree, Some(1), &small()).unwrap();
    runtime.block_on(ledger.record(login(0))).unwrap();
    // Nothing fits, the batch is cut off again, and the segment goes on.
    let whole = storage.inner().bytes(SegmentId(1));
    storage.inject(Faults { space: Some(100), ..Faults::default() });
    runtime.block_on(ledger.record(login(1))).unwrap_err();
    storage.inject(Faults::default());
    runtime.block_on(ledger.record(login(2))).unwrap();
    runtime.block_on(ledger.close()).unwrap();
    let bytes = storage.inner().bytes(SegmentId(1));
    assert_eq!(bytes[..whole.len()], whole, "the same segment");
    let first = Frame::decode(&bytes[SEALED_HEADER_SIZE..]).unwrap();
    let second = Frame::decode(&bytes[whole.len()..]).unwrap();
    assert_eq!(second.position, Position(2));
    assert_ne!(first.class >> 8, second.class >> 8, "another run");

    // The same after a crash: the torn record is cut, its position used again by a run of its own.
    let crashed = Arc::new(MemorySegments::new());
    crashed.put(SegmentId(1), bytes[..bytes.len() - 1].to_vec());
    let tree = Arc::new(MemoryTree::new());
    let seal = Seal { key: signing(), storage: Arc::clone(&tree) as Arc<dyn TreeStorage> };
    let records = Some(RecordSealing { keys: keys(1), rng: Arc::new(SeededRng::new(78)), subjects: None });
    let (again, recovery) = Ledger::open_protected(
        Arc::clone(&crashed) as Arc<dyn SegmentStorage>,
        &small(),
        clock(),
        Protection { seal: Some(seal), records, retention: None },
    )
    .unwrap();
    assert_eq!(recovery.cuts.len(), 1);
    record(&again, 2..3);
    let rewritten = crashed.bytes(SegmentId(1));
    let third = Frame::decode(&rewritten[whole.len()..]).unwrap();
    assert_eq!(third.position, Position(2));
    assert_ne!(third.payload, second.payload, "the same event at the same place");
    assert_ne!(third.payload[..32], second.payload[..32], "by another key");
}

#[test]
fn one_record_is_disclosed_and_no_other() {
    let (storage, tree) = (Arc::new(MemorySegments::new()), Arc::new(MemoryTree::new()));
    record(&open(&storage, &tree, None, &small()).unwrap(), 0..2);
    record(&open(&storage, &tree, Some(1), &small()).unwrap(), 2..6);
    let reader = reader(&storage).with_keys(keys(1));
    for position in 1..=6 {
        let given = reader.disclose(Position(position)).unwrap().unwrap();
        assert_eq!(given.key.is_some(), position > 2, "those of before need no key");
        let taken = gabion_ledger::Disclosure::parse(&given.encode()).unwrap();
        let stored = reader.payload(Position(position)).unwrap().unwrap();
        assert_eq!(Hash::leaf(&taken.stored), Hash::leaf(&stored));
        let json = taken.open(Position(position)).unwrap();
        assert_eq!(json, serde_json::to_vec(&login(position - 1)).unwrap());
    }
    let (third, fourth) =
        (reader.disclose(Position(3)).unwrap().unwrap(), reader.disclose(Position(4)).unwrap().unwrap());
    let mixed = gabion_ledger::Disclosure { key: third.key, ..fourth };
    assert!(mixed.open(Position(4)).is_err());
}

/// Every byte of a small sealed ledger: whoever verifies without a key notices, and whoever reads with one, too.
#[test]
fn every_flipped_byte_is_found() {
    let (storage, tree) = (Arc::new(MemorySegments::new()), Arc::new(MemoryTree::new()));
    record(&open(&storage, &tree, Some(1), &small()).unwrap(), 0..4);
    let whole = storage.bytes(SegmentId(1));
    let source = || Arc::clone(&storage) as Arc<dyn SegmentSource>;
    let blind = || Reader::open(source()).map_err(Unproven::from);
    let check = || {
        let tiles = Arc::clone(&tree) as Arc<dyn TreeStorage>;
        let note = Note::parse(&tree.checkpoint().unwrap().unwrap()).unwrap();
        let trust = Trust::in_log(signing().verifying().clone());
        verify(&blind()?, Some(&tiles), &trust, &note, &[], |_| {})
    };
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        storage.put(SegmentId(1), changed);
        assert!(check().is_err(), "byte {at} of {}", whole.len());
    }
    for end in 0..whole.len() {
        storage.put(SegmentId(1), whole[..end].to_vec());
        assert!(check().is_err(), "cut to {end} of {}", whole.len());
    }
    // Whoever knows the format makes the sums right again: the header's key does not open then, the record's class gives
    // another key. Both are said, and the record is as proved as before.
    let mut header = Header::decode(&whole).unwrap();
    header.sealed.as_mut().unwrap().sealed[20] ^= 1;
    let forged = [header.encode(), whole[SEALED_HEADER_SIZE..].to_vec()].concat();
    storage.put(SegmentId(1), forged);
    assert!(check().is_ok());
    let reading = read(&reader(&storage).with_keys(keys(1)));
    assert!(matches!(reading, Err(ReadError::Key(KeyError::Damaged(SegmentId(1))))), "{reading:?}");
    let frame = Frame::decode(&whole[SEALED_HEADER_SIZE..]).unwrap();
    let mut forged = whole[..SEALED_HEADER_SIZE].to_vec();
    Frame { class: frame.class ^ 0x100, ..frame }.encode(&mut forged);
    forged.extend_from_slice(&whole[SEALED_HEADER_SIZE + frame.size()..]);
    storage.put(SegmentId(1), forged);
    assert!(matches!(read(&reader(&storage).with_keys(keys(1))), Err(ReadError::Corrupted { .. })));
    let clear = Header { sealed: None, ..Header::decode(&whole).unwrap() };
    assert_eq!(clear.encode().len(), HEADER_SIZE);
    storage.put(SegmentId(1), [clear.encode(), whole[SEALED_HEADER_SIZE..].to_vec()].concat());
    assert!(read(&reader(&storage).with_keys(keys(1))).is_err(), "a sealed record where none belongs");
}
