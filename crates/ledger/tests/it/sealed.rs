//! Sealed ledgers: what a checkpoint vouches for, and that nothing changed goes unseen.

use std::sync::Arc;
use std::time::Duration;

use gabion_ledger::format::{FRAME_OVERHEAD, Frame, HEADER_SIZE};
use gabion_ledger::verify::{Unproven, Verified, verify};
use gabion_ledger::{
    Ledger, MemorySegments, MemoryTree, OpenError, Order, Position, Query, Reader, Seal, SealError, Sealed,
    SegmentSource, SegmentStorage, Settings, TreeStorage,
};
use gabion_model::{ManualClock, Secret};
use gabion_tlog::note::Purpose;
use gabion_tlog::trust::Trust;
use gabion_tlog::{Hash, Note, SigningKey, proof};

use crate::support::{clock, login, small};

fn key(seed: u8) -> SigningKey {
    SigningKey::new("gate.example/ledger", Purpose::Log, &Secret::new([seed; 32])).unwrap()
}

fn trust() -> Trust {
    Trust::in_log(key(1).verifying().clone())
}

/// A ledger and its seal, in memory.
#[derive(Clone)]
struct Kept {
    segments: Arc<MemorySegments>,
    tree: Arc<MemoryTree>,
}

impl Kept {
    fn new() -> Self {
        Self { segments: Arc::new(MemorySegments::new()), tree: Arc::new(MemoryTree::new()) }
    }

    /// Records so many logins, numbered from `from`, and closes.
    fn recorded(&self, from: u64, count: u64) {
        let ledger = self.open(1, &small(), clock()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for step in from..from + count {
            runtime.block_on(ledger.record(login(step))).unwrap();
        }
        runtime.block_on(ledger.close()).unwrap();
    }

    fn open(&self, seed: u8, settings: &Settings, clock: Arc<ManualClock>) -> Result<Ledger, OpenError> {
        let storage = Arc::clone(&self.segments) as Arc<dyn SegmentStorage>;
        let seal = Seal { key: key(seed), storage: Arc::clone(&self.tree) as Arc<dyn TreeStorage> };
        Ledger::open_sealed(storage, settings, clock, seal).map(|(ledger, _)| ledger)
    }

    fn reader(&self) -> Result<Reader, gabion_ledger::ReadError> {
        Reader::open(Arc::clone(&self.segments) as Arc<dyn SegmentSource>)
    }

    fn note(&self) -> Note {
        Note::parse(&self.tree.checkpoint().unwrap().unwrap()).unwrap()
    }

    fn verify(&self) -> Result<Verified, Unproven> {
        self.verify_after(&[])
    }

    fn verify_after(&self, former: &[Note]) -> Result<Verified, Unproven> {
        let tiles = Arc::clone(&self.tree) as Arc<dyn TreeStorage>;
        verify(&self.reader()?, Some(&tiles), &trust(), &self.note(), former, |_| {})
    }

    /// Puts these payloads in the place of the ledger's, numbered and summed as if they had always stood there.
    fn forge(&self, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
        let segment = self.segments.list().unwrap()[0];
        let bytes = self.segments.bytes(segment);
        let (header, mut rest) = bytes.split_at(HEADER_SIZE);
        let mut payloads = Vec::new();
        let mut first = None;
        while let Ok(frame) = Frame::decode(rest) {
            first = first.or(Some((frame.time, frame.class)));
            payloads.push(frame.payload.to_vec());
            rest = &rest[FRAME_OVERHEAD + frame.payload.len()..];
        }
        let (time, class) = first.unwrap();
        change(&mut payloads);
        let mut forged = header.to_vec();
        for (number, payload) in (1..).zip(&payloads) {
            let position = Position(number);
            Frame { position, mark: position, time, class, payload }.encode(&mut forged);
        }
        self.segments.put(segment, forged);
    }
}

#[test]
fn what_was_recorded_is_proved() {
    let kept = Kept::new();
    let mut former = Vec::new();
    let mut size = 0;
    for count in [1, 2, 250, 3, 300, 70] {
        kept.recorded(size, count);
        size += count;
        let verified = kept.verify_after(&former).unwrap();
        assert_eq!((verified.size, verified.first, verified.behind), (size, Position(1), 0));
        former.push(kept.note());
    }
    let reader = kept.reader().unwrap();
    let sealed = Sealed::open(Arc::clone(&kept.tree) as _, &reader).unwrap().expect("a checkpoint");
    let root = sealed.checkpoint().root;
    for record in [1, 2, 255, 256, 257, 512, 600, size] {
        let payload = serde_json::to_vec(&login(record - 1)).unwrap();
        let path = sealed.inclusion(Position(record)).unwrap().expect("it is in the tree");
        let leaf = Hash::leaf(&payload);
        assert_eq!(proof::check_inclusion(leaf, record - 1, size, root, &path), Ok(()), "{record}");
        assert_eq!(sealed.leaf(Position(record)).unwrap(), leaf);
    }
    assert!(sealed.inclusion(Position(size + 1)).unwrap().is_none());
    for old in [1, 3, 253, 256, 556, size] {
        let path = sealed.consistency(old).unwrap().expect("it grew");
        let old_root = sealed.root(old).unwrap();
        assert_eq!(proof::check_consistency((old, old_root), (size, root), &path), Ok(()), "{old}");
    }
}

#[test]
fn every_edit_is_found_and_the_first_one_named() {
    for count in [5, 256, 300] {
        let kept = Kept::new();
        kept.recorded(0, count);
        let whole = kept.segments.bytes(kept.segments.list().unwrap()[0]);
        let segment = kept.segments.list().unwrap()[0];
        let undo = || kept.segments.put(segment, whole.clone());
        let single = kept.segments.list().unwrap().len() == 1;

        kept.forge(|all| all[3] = all[2].clone());
        assert!(matches!(kept.verify(), Err(Unproven::Changed(Position(4)))), "{count}");
        undo();
        kept.forge(|all| all.swap(1, 4));
        assert!(matches!(kept.verify(), Err(Unproven::Changed(Position(2)))), "{count}");
        undo();
        if !single {
            continue;
        }
        kept.forge(|all| drop(all.remove(2)));
        assert!(kept.verify().is_err(), "one is missing");
        undo();
        kept.forge(|all| all.insert(2, all[0].clone()));
        assert!(matches!(kept.verify(), Err(Unproven::Changed(Position(3)))), "{count}");
        undo();
        kept.forge(|all| all.truncate(4));
        assert!(matches!(kept.verify(), Err(Unproven::Truncated { last: 4, sealed }) if sealed == count));
        undo();
        assert!(kept.verify().is_ok());
    }
}

/// Every byte of a small ledger, its tiles and its checkpoint, each flipped: nothing changed is called right.
#[test]
fn every_flipped_byte_is_found() {
    let kept = Kept::new();
    kept.recorded(0, 6);
    let segment = kept.segments.list().unwrap()[0];
    let whole = kept.segments.bytes(segment);
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        kept.segments.put(segment, changed);
        assert!(kept.verify().is_err(), "byte {at} of {}", whole.len());
    }
    kept.segments.put(segment, whole.clone());
    for end in 0..whole.len() {
        kept.segments.put(segment, whole[..end].to_vec());
        assert!(kept.verify().is_err(), "cut to {end} of {}", whole.len());
    }
    kept.segments.put(segment, whole);
    let note = kept.tree.checkpoint().unwrap().unwrap();
    for at in 0..note.len() {
        let mut changed = note.clone();
        changed[at] ^= 1;
        let read = Note::parse(&changed)
            .map(|note| verify(&kept.reader().unwrap(), None, &trust(), &note, &[], |_| {}).is_ok());
        assert_ne!(read, Ok(true), "byte {at} of the checkpoint");
    }
    // A tile that was changed accuses no record: the records come to the root by themselves.
    for tile in kept.tree.tiles() {
        kept.tree.change(tile, |bytes| bytes[0] ^= 1);
    }
    assert!(kept.verify().is_ok());
}

#[test]
fn without_right_tiles_an_edit_is_found_and_not_named() {
    let kept = Kept::new();
    kept.recorded(0, 5);
    kept.forge(|all| all[3] = all[2].clone());
    for tile in kept.tree.tiles() {
        kept.tree.change(tile, Vec::clear);
    }
    assert!(matches!(kept.verify(), Err(Unproven::Root)));
    // Whoever edits the tiles with the records does not get past the root either.
    let forged = Kept::new();
    forged.recorded(0, 5);
    forged.forge(|all| all[3] = all[2].clone());
    for tile in forged.tree.tiles() {
        forged.tree.change(tile, |bytes| {
            let (third, fourth) = (bytes[64..96].to_vec(), &mut bytes[96..128]);
            fourth.copy_from_slice(&third);
        });
    }
    assert!(matches!(forged.verify(), Err(Unproven::Root)));
}

/// Somebody with the key writes another history: only a former checkpoint, kept elsewhere, shows it.
#[test]
fn a_history_written_anew_is_found_by_who_kept_a_former_checkpoint() {
    let kept = Kept::new();
    kept.recorded(0, 5);
    let former = kept.note();
    kept.recorded(5, 5);
    assert!(kept.verify_after(std::slice::from_ref(&former)).is_ok());

    let other = Kept::new();
    other.recorded(20, 10);
    assert!(other.verify().is_ok(), "by itself it is without fault");
    assert!(matches!(other.verify_after(std::slice::from_ref(&former)), Err(Unproven::Rewritten(5))));
    let shorter = Kept::new();
    shorter.recorded(0, 3);
    assert!(matches!(shorter.verify_after(&[former]), Err(Unproven::Truncated { last: 3, sealed: 5 })));
}

#[test]
fn a_ledger_whose_end_is_gone_does_not_open() {
    let kept = Kept::new();
    kept.recorded(0, 5);
    kept.forge(|all| all.truncate(3));
    let refused = kept.open(1, &small(), clock()).unwrap_err();
    assert!(matches!(refused, OpenError::Seal(SealError::RolledBack { sealed: 5, last: 3 })), "{refused}");
}

#[test]
fn another_key_does_not_go_on() {
    let kept = Kept::new();
    kept.recorded(0, 5);
    assert!(matches!(kept.open(2, &small(), clock()), Err(OpenError::Seal(SealError::Checkpoint(_)))));
}

/// Tiles and edge are made again from the records: only the checkpoint is asked whether they come to the same.
#[test]
fn lost_tiles_of_the_edge_are_made_again_and_wrong_records_are_not_taken_over() {
    let kept = Kept::new();
    kept.recorded(0, 300);
    for tile in kept.tree.tiles().into_iter().filter(|tile| !tile.is_full()) {
        kept.tree.change(tile, Vec::clear);
    }
    kept.recorded(300, 3);
    assert_eq!(kept.verify().unwrap().size, 303);

    let edited = Kept::new();
    edited.recorded(0, 5);
    edited.forge(|all| all[3] = all[2].clone());
    assert!(matches!(edited.open(1, &small(), clock()), Err(OpenError::Seal(SealError::Tree))));
}

/// A gate that is killed within its first second leaves records, and a signed tree that begins before them.
#[test]
fn a_new_ledger_is_signed_before_its_first_record() {
    let kept = Kept::new();
    drop(kept.open(1, &small(), clock()).unwrap());
    let empty = kept.note();
    let verified = kept.verify().unwrap();
    assert_eq!((verified.size, verified.behind), (0, 0));
    assert_eq!(verified.root, Hash::of_nothing());
    kept.recorded(0, 5);
    assert_eq!(kept.verify_after(std::slice::from_ref(&empty)).unwrap().size, 5);
    let grown = kept.note();
    kept.tree.set_checkpoint(Some(empty.to_string().into_bytes()));
    let verified = kept.verify().unwrap();
    assert_eq!((verified.size, verified.behind), (0, 5), "as a crash leaves it");
    drop(kept.open(1, &small(), clock()).unwrap());
    assert_eq!(kept.note(), grown);
}

/// It was signed when it was empty, so no record of it can have been removed before there was a seal.
#[test]
fn the_beginning_of_a_ledger_that_was_signed_when_it_was_empty_is_not_missing() {
    let kept = Kept::new();
    drop(kept.open(1, &small(), clock()).unwrap());
    let empty = kept.tree.checkpoint().unwrap();
    kept.recorded(0, 700);
    kept.tree.set_checkpoint(empty.clone());
    kept.segments.remove(kept.segments.list().unwrap()[0]).unwrap();
    assert!(matches!(kept.open(1, &small(), clock()), Err(OpenError::Seal(SealError::Tree))));
    assert_eq!(kept.tree.checkpoint().unwrap(), empty, "nothing is signed");
}

/// A crash before the checkpoint: what is durable is sealed at the next opening.
#[test]
fn what_was_recorded_behind_the_last_checkpoint_is_sealed_at_the_next_opening() {
    let kept = Kept::new();
    kept.recorded(0, 5);
    let before = kept.tree.checkpoint().unwrap();
    kept.recorded(5, 300);
    kept.tree.set_checkpoint(before);
    assert_eq!(kept.verify().unwrap().behind, 300);
    drop(kept.open(1, &small(), clock()).unwrap());
    assert_eq!(kept.verify().unwrap().size, 305);
}

/// A ledger of a former version has no seal: all of it is sealed when it is opened with one.
#[test]
fn an_unsealed_ledger_is_sealed_whole() {
    let kept = Kept::new();
    let (ledger, _) = crate::support::open(&kept.segments, &small());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for step in 0..700 {
        runtime.block_on(ledger.record(login(step))).unwrap();
    }
    runtime.block_on(ledger.close()).unwrap();
    drop(kept.open(1, &small(), clock()).unwrap());
    assert_eq!(kept.verify().unwrap().size, 700);
}

/// Records removed by age: their hashes stand for them.
#[test]
fn removed_by_age_and_still_proved() {
    let kept = Kept::new();
    kept.recorded(0, 2_000);
    let segments = kept.segments.list().unwrap();
    assert!(segments.len() > 3, "{}", segments.len());
    for old in &segments[..2] {
        kept.segments.remove(*old).unwrap();
    }
    let verified = kept.verify().unwrap();
    assert!(verified.first > Position(200), "{:?}", verified.first);
    assert_eq!(verified.size, 2_000);
    // One from the middle is not removed by age.
    kept.segments.remove(segments[3]).unwrap();
    assert!(kept.verify().is_err());
}

/// A checkpoint is due one second after the last one, by the clock.
#[test]
fn a_checkpoint_a_second() {
    let kept = Kept::new();
    let clock = clock();
    let ledger = kept.open(1, &small(), Arc::clone(&clock)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let record = |step| runtime.block_on(ledger.record(login(step))).unwrap();
    record(0);
    record(1);
    runtime.block_on(ledger.flush()).unwrap();
    let verified = kept.verify().unwrap();
    assert_eq!((verified.size, verified.behind), (0, 2), "not yet a second");
    clock.advance(Duration::from_secs(1));
    record(2);
    runtime.block_on(ledger.flush()).unwrap();
    assert_eq!(kept.verify().unwrap().size, 3);
    runtime.block_on(ledger.close()).unwrap();
}

/// A directory from before there was a seal, whose first segments the setting `keep` had removed: the tree begins with the
/// first record there is, and what was before is said.
#[test]
fn a_ledger_that_lost_its_beginning_before_it_was_sealed_is_sealed_from_there_on() {
    let kept = Kept::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (ledger, _) = crate::support::open(&kept.segments, &small());
    for step in 0..700 {
        runtime.block_on(ledger.record(login(step))).unwrap();
    }
    runtime.block_on(ledger.close()).unwrap();
    let segments = kept.segments.list().unwrap();
    kept.segments.remove(segments[0]).unwrap();
    let first = kept.reader().unwrap().search(Query { order: Order::OldestFirst, ..Query::default() });
    let first = first.into_iter().next().unwrap().unwrap().position;
    assert!(first > Position(1));

    let open = || {
        let storage = Arc::clone(&kept.segments) as Arc<dyn SegmentStorage>;
        let seal = Seal { key: key(1), storage: Arc::clone(&kept.tree) as Arc<dyn TreeStorage> };
        Ledger::open_sealed(storage, &small(), clock(), seal).unwrap()
    };
    let (ledger, recovery) = open();
    assert_eq!(recovery.unknown, first.0 - 1);
    runtime.block_on(ledger.record(login(700))).unwrap();
    runtime.block_on(ledger.close()).unwrap();
    let verified = kept.verify().unwrap();
    assert_eq!((verified.size, verified.first), (701, first));
    assert_eq!(open().1.unknown, 0, "told once");

    // A gap behind the beginning is no age.
    let other = Kept::new();
    for (id, at) in segments.iter().zip(0..) {
        if at != 1 {
            other.segments.put(*id, kept.segments.bytes(*id));
        }
    }
    let (first, _) = crate::support::open(&Arc::new(MemorySegments::new()), &small());
    drop(first);
    assert!(other.open(1, &small(), clock()).is_err() || segments.len() < 3);
}
