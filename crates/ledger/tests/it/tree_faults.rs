//! What is wrong with a ledger's tree when it is opened, and what happens when it cannot be written. The table of all of them
//! is `docs/ledger-faults.md`.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gabion_ledger::verify::{Verified, verify};
use gabion_ledger::{
    Ledger, MemorySegments, MemoryTree, OpenError, Position, Reader, Seal, SealError, SegmentSource,
    SegmentStorage, Status, TreeStorage,
};
use gabion_model::{ManualClock, Secret};
use gabion_tlog::note::Purpose;
use gabion_tlog::tile::Tile;
use gabion_tlog::trust::Trust;
use gabion_tlog::{Checkpoint, Note, SigningKey};

use crate::support::{clock, login, small};

fn key(seed: u8) -> SigningKey {
    SigningKey::new("gate.example/ledger", Purpose::Log, &Secret::new([seed; 32])).unwrap()
}

/// A tree whose disk fails on demand.
#[derive(Debug, Default)]
struct FaultyTree {
    inner: MemoryTree,
    /// What writing answers; none when all is well.
    fault: Mutex<Option<io::ErrorKind>>,
    /// Writes that still succeed before it does.
    left: AtomicUsize,
}

impl FaultyTree {
    fn fail(&self, fault: Option<io::ErrorKind>, after: usize) {
        *self.fault.lock().unwrap() = fault;
        self.left.store(after, Ordering::SeqCst);
    }

    fn may_write(&self) -> io::Result<()> {
        let fault = *self.fault.lock().unwrap();
        let spent = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match (fault, spent) {
            (Some(kind), Err(_)) => Err(kind.into()),
            _ => Ok(()),
        }
    }
}

impl TreeStorage for FaultyTree {
    fn tile(&self, tile: Tile) -> io::Result<Option<Vec<u8>>> {
        self.inner.tile(tile)
    }

    fn put_tile(&self, tile: Tile, hashes: &[u8]) -> io::Result<()> {
        self.may_write()?;
        self.inner.put_tile(tile, hashes)
    }

    fn place_tile(&self, tile: Tile, hashes: &[u8]) -> io::Result<()> {
        self.may_write()?;
        self.inner.place_tile(tile, hashes)
    }

    fn sync_tiles(&self, tiles: &[Tile]) -> io::Result<()> {
        self.may_write()?;
        self.inner.sync_tiles(tiles)
    }

    fn partial_tile(&self, tile: Tile) -> io::Result<Option<(Tile, Vec<u8>)>> {
        self.inner.partial_tile(tile)
    }

    fn settled(&self) -> io::Result<Option<Vec<u8>>> {
        self.inner.settled()
    }

    fn put_settled(&self, note: &[u8]) -> io::Result<()> {
        self.may_write()?;
        self.inner.put_settled(note)
    }

    fn checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        self.inner.checkpoint()
    }

    fn put_checkpoint(&self, note: &[u8]) -> io::Result<()> {
        self.may_write()?;
        self.inner.put_checkpoint(note)
    }

    fn cosigned(&self) -> io::Result<Option<Vec<u8>>> {
        self.inner.cosigned()
    }

    fn put_cosigned(&self, note: &[u8]) -> io::Result<()> {
        self.may_write()?;
        self.inner.put_cosigned(note)
    }
}

struct Kept {
    segments: Arc<MemorySegments>,
    tree: Arc<FaultyTree>,
}

impl Kept {
    /// With so many records, and closed.
    fn of(count: u64) -> Self {
        let kept = Self { segments: Arc::default(), tree: Arc::default() };
        kept.record(0, count);
        kept
    }

    fn record(&self, from: u64, count: u64) {
        let ledger = self.open(clock()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for step in from..from + count {
            runtime.block_on(ledger.record(login(step))).unwrap();
        }
        runtime.block_on(ledger.close()).unwrap();
    }

    fn open(&self, clock: Arc<ManualClock>) -> Result<Ledger, OpenError> {
        let storage = Arc::clone(&self.segments) as Arc<dyn SegmentStorage>;
        let seal = Seal { key: key(1), storage: Arc::clone(&self.tree) as Arc<dyn TreeStorage> };
        Ledger::open_sealed(storage, &small(), clock, seal).map(|(ledger, _)| ledger)
    }

    fn refused(&self) -> SealError {
        let of_seal = |error| if let OpenError::Seal(error) = error { Some(error) } else { None };
        self.open(clock()).map_err(of_seal).unwrap_err().unwrap()
    }

    fn checkpoint(&self) -> Vec<u8> {
        self.tree.checkpoint().unwrap().unwrap()
    }

    fn verify(&self) -> Verified {
        let reader = Reader::open(Arc::clone(&self.segments) as Arc<dyn SegmentSource>).unwrap();
        let tiles = Arc::clone(&self.tree) as Arc<dyn TreeStorage>;
        let trust = Trust::in_log(key(1).verifying().clone());
        let note = Note::parse(&self.checkpoint()).unwrap();
        verify(&reader, Some(&tiles), &trust, &note, &[], |_| {}).unwrap()
    }

    fn full_tiles(&self) -> Vec<(Tile, Vec<u8>)> {
        let tiles = self.tree.inner.tiles().into_iter().filter(Tile::is_full);
        tiles.map(|tile| (tile, self.tree.tile(tile).unwrap().unwrap())).collect()
    }
}

/// Ways in which a disk loses a file.
const DAMAGE: [fn(&mut Vec<u8>); 4] =
    [Vec::clear, |bytes| bytes.truncate(100), |bytes| bytes.fill(0), |bytes| bytes[77] ^= 1];

#[test]
fn tiles_that_are_missing_torn_or_wrong_are_made_again() {
    let kept = Kept::of(700);
    let whole = kept.full_tiles();
    assert_eq!(whole.len(), 2);
    for damage in DAMAGE {
        for (tile, _) in &whole {
            kept.tree.inner.change(*tile, damage);
            drop(kept.open(clock()).unwrap());
            assert_eq!(kept.full_tiles(), whole);
        }
        whole.iter().for_each(|(tile, _)| kept.tree.inner.change(*tile, damage));
        drop(kept.open(clock()).unwrap());
        assert_eq!(kept.full_tiles(), whole);
    }
    assert_eq!(kept.verify().size, 700);
}

/// Tiles are synced a while after they were written. A crash before that may take them, not the records; also when most of the
/// records have been removed by age.
#[test]
fn tiles_that_a_crash_takes_are_made_again() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for damage in DAMAGE {
        let kept = Kept::of(300);
        let clock = clock();
        let ledger = kept.open(Arc::clone(&clock)).unwrap();
        // Four minutes, each with its tiles: those of the last one are young.
        for minute in 0..4 {
            for step in 0..600 {
                runtime.block_on(ledger.record(login(300 + minute * 600 + step))).unwrap();
            }
            // The first waits until all of them are in the tree.
            runtime.block_on(ledger.flush()).unwrap();
            clock.advance(Duration::from_secs(61));
            runtime.block_on(ledger.flush()).unwrap();
        }
        let sealed = Checkpoint::parse(&Note::parse(&kept.checkpoint()).unwrap().text).unwrap().size;
        assert_eq!(sealed, 2700);
        let settled = Note::parse(&kept.tree.settled().unwrap().unwrap()).unwrap();
        let settled = Checkpoint::parse(&settled.text).unwrap().size;
        assert_eq!(settled, 2100, "what was sealed a minute ago");
        let crashed = Kept {
            segments: Arc::new(kept.segments.crash(0)),
            tree: Arc::new(FaultyTree { inner: kept.tree.inner.crash(damage), ..FaultyTree::default() }),
        };
        let whole = kept.full_tiles();
        assert_eq!(whole.len(), 10);
        assert_eq!(
            crashed.full_tiles().iter().filter(|tile| whole.contains(tile)).count(),
            8,
            "the older ones"
        );
        // What is settled may be removed by age, up to the middle of a tile.
        let old = crashed.segments.list().unwrap().into_iter().filter(|segment| {
            let behind = crashed.segments.bytes(segment.next());
            gabion_ledger::format::Header::decode(&behind).is_ok_and(|header| header.first.0 <= settled + 1)
        });
        old.collect::<Vec<_>>().into_iter().for_each(|old| crashed.segments.remove(old).unwrap());
        drop(crashed.open(self::clock()).unwrap());
        assert_eq!(crashed.full_tiles(), whole);
        assert_eq!(crashed.verify().size, 2700);
        drop(ledger);
    }
}

#[test]
fn tiles_are_not_made_again_of_records_that_were_changed() {
    let kept = Kept::of(700);
    // Another record in the place of one, as if it had always stood there: what the tile would have shown.
    let forged = Kept::of(0);
    forged.record(5_000, 1);
    forged.record(1, 699);
    for segment in kept.segments.list().unwrap() {
        kept.segments.put(segment, forged.segments.bytes(segment));
    }
    let (tile, _) = kept.full_tiles()[0];
    kept.tree.inner.change(tile, |bytes| bytes.fill(7));
    let (before, checkpoint) = (kept.full_tiles(), kept.checkpoint());
    assert!(matches!(kept.refused(), SealError::Tree));
    assert_eq!((kept.full_tiles(), kept.checkpoint()), (before, checkpoint), "evidence stays");
}

/// In a quiet ledger whole segments are removed whose hashes are in no full tile yet.
#[test]
fn records_removed_by_age_from_the_edge_do_not_stop_a_gate() {
    let kept = Kept::of(700);
    let segments = kept.segments.list().unwrap();
    assert!(segments.len() >= 3);
    segments[..segments.len() - 1].iter().for_each(|old| kept.segments.remove(*old).unwrap());
    let verified = kept.verify();
    assert!(verified.first > Position(513), "{:?} is in no full tile", verified.first);
    kept.record(700, 10);
    assert_eq!(kept.verify().size, 710);
    // Their tiles are all that is left of them, and cannot be made again.
    let (tile, whole) = kept.full_tiles()[0].clone();
    for damage in DAMAGE {
        kept.tree.inner.change(tile, damage);
        assert!(matches!(kept.refused(), SealError::Tree));
        kept.tree.put_tile(tile, &whole).unwrap();
        drop(kept.open(clock()).unwrap());
    }
}

#[test]
fn a_checkpoint_that_is_cut_or_changed_is_not_gone_on_from() {
    let kept = Kept::of(5);
    let whole = kept.checkpoint();
    let damaged = (0..whole.len()).flat_map(|at| {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        [whole[..at].to_vec(), flipped]
    });
    for note in damaged {
        kept.tree.inner.set_checkpoint(Some(note.clone()));
        assert!(matches!(kept.refused(), SealError::Checkpoint(_)), "{}", String::from_utf8_lossy(&note));
        assert_eq!(kept.checkpoint(), note, "nothing is written over it");
    }
    kept.tree.inner.set_checkpoint(Some(whole));
    drop(kept.open(clock()).unwrap());
}

#[test]
fn an_older_checkpoint_is_gone_on_from_and_another_history_is_not() {
    let kept = Kept::of(300);
    let older = kept.checkpoint();
    kept.record(300, 400);
    let newest = kept.checkpoint();
    kept.tree.inner.set_checkpoint(Some(older));
    drop(kept.open(clock()).unwrap());
    assert_eq!(kept.checkpoint(), newest, "the same records come to the same tree");
    assert_eq!(kept.verify().size, 700);

    // Of another ledger that has the same key and name: smaller, as large, larger.
    for count in [200, 700, 701] {
        let other = Kept::of(0);
        other.record(10_000, count);
        kept.tree.inner.set_checkpoint(Some(other.checkpoint()));
        let refused = kept.refused();
        assert!(matches!(refused, SealError::Tree | SealError::RolledBack { .. }), "{refused}");
    }
    // Without any, everything is sealed anew: whoever kept a former one sees whether it is the same.
    kept.tree.inner.set_checkpoint(None);
    drop(kept.open(clock()).unwrap());
    assert_eq!(kept.checkpoint(), newest);
}

/// Recording goes on, and is sealed as soon as the disk takes it, wherever the writing broke off.
#[test]
fn a_disk_that_takes_no_tree_delays_the_seal_and_nothing_else() {
    use io::ErrorKind::{ReadOnlyFilesystem, StorageFull};
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for fault in [StorageFull, ReadOnlyFilesystem] {
        for after in 0..6 {
            let kept = Kept::of(250);
            let sealed = kept.checkpoint();
            let clock = clock();
            let ledger = kept.open(Arc::clone(&clock)).unwrap();
            kept.tree.fail(Some(fault), after);
            for step in 250..600 {
                runtime.block_on(ledger.record(login(step))).unwrap();
            }
            assert_eq!(ledger.status(), Status::Ready);
            // All of it in one go, as far as the disk takes it: two full tiles, two at the edge, the checkpoint.
            clock.advance(Duration::from_secs(2));
            runtime.block_on(ledger.record(login(600))).unwrap();
            runtime.block_on(ledger.flush()).unwrap();
            assert_eq!(kept.checkpoint() == sealed, after < 5, "{after} writes succeed");
            kept.tree.fail(None, 0);
            clock.advance(Duration::from_secs(2));
            runtime.block_on(ledger.record(login(601))).unwrap();
            runtime.block_on(ledger.close()).unwrap();
            assert_eq!(kept.verify().size, 602);
            drop(kept.open(self::clock()).unwrap());
        }
    }
}

/// A disk that fails for good: what was recorded is sealed by the next start.
#[test]
fn what_a_stop_could_not_seal_the_next_start_does() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let kept = Kept::of(10);
    let ledger = kept.open(clock()).unwrap();
    kept.tree.fail(Some(io::ErrorKind::StorageFull), 0);
    runtime.block_on(ledger.record(login(10))).unwrap();
    runtime.block_on(ledger.close()).unwrap();
    assert_eq!((kept.verify().size, kept.verify().behind), (10, 1));
    assert!(matches!(kept.refused(), SealError::Io(_)), "a gate does not start on a disk it cannot seal on");
    kept.tree.fail(None, 0);
    drop(kept.open(clock()).unwrap());
    assert_eq!(kept.verify().size, 11);
}

#[test]
fn a_clock_set_back_keeps_no_record_waiting_for_its_seal() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let kept = Kept::of(3);
    let clock = clock();
    clock.advance(Duration::from_secs(86_400));
    let ledger = kept.open(Arc::clone(&clock)).unwrap();
    runtime.block_on(ledger.record(login(3))).unwrap();
    clock.advance(Duration::from_secs(1));
    runtime.block_on(ledger.record(login(4))).unwrap();
    runtime.block_on(ledger.flush()).unwrap();
    clock.set(gabion_model::Timestamp::from_secs(1_000_000));
    runtime.block_on(ledger.record(login(5))).unwrap();
    runtime.block_on(ledger.flush()).unwrap();
    clock.advance(Duration::from_secs(1));
    runtime.block_on(ledger.flush()).unwrap();
    assert_eq!(kept.verify().size, 6, "without waiting for a day");
    runtime.block_on(ledger.record(login(6))).unwrap();
    runtime.block_on(ledger.close()).unwrap();
    assert_eq!(kept.verify().size, 7);
}
