//! What happens to tenants' trees when the machine stops in the middle, the disk fails, or files are lost.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gabion_ledger::tenants::{Mark, TenantStorage};
use gabion_ledger::{
    Ledger, MemoryTenants, Seal, SegmentSource as _, SegmentStorage, Settings, TenantTag, TreeStorage,
};
use gabion_tlog::tile::Tile;

use crate::support::{clock, small};
use crate::tenants::{Kept, block_on, event, key, tag};

/// Tenants' trees on a disk that takes so many writes, and then none.
#[derive(Debug)]
struct Faulty {
    inner: Arc<MemoryTenants>,
    left: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct FaultyTree {
    inner: Arc<dyn TreeStorage>,
    left: Arc<AtomicUsize>,
}

fn spend(left: &AtomicUsize) -> io::Result<()> {
    let spent = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    spent.map(drop).map_err(|_| io::ErrorKind::StorageFull.into())
}

impl TenantStorage for Faulty {
    fn list(&self) -> io::Result<Vec<TenantTag>> {
        self.inner.list()
    }

    fn tree(&self, tenant: TenantTag) -> Arc<dyn TreeStorage> {
        Arc::new(FaultyTree { inner: self.inner.tree(tenant), left: Arc::clone(&self.left) })
    }

    fn mark(&self) -> io::Result<Option<Mark>> {
        self.inner.mark()
    }

    fn put_mark(&self, mark: Mark) -> io::Result<()> {
        spend(&self.left)?;
        self.inner.put_mark(mark)
    }
}

impl TreeStorage for FaultyTree {
    fn tile(&self, tile: Tile) -> io::Result<Option<Vec<u8>>> {
        self.inner.tile(tile)
    }

    fn put_tile(&self, tile: Tile, hashes: &[u8]) -> io::Result<()> {
        spend(&self.left)?;
        self.inner.put_tile(tile, hashes)
    }

    fn checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        self.inner.checkpoint()
    }

    fn put_checkpoint(&self, note: &[u8]) -> io::Result<()> {
        spend(&self.left)?;
        self.inner.put_checkpoint(note)
    }

    fn cosigned(&self) -> io::Result<Option<Vec<u8>>> {
        self.inner.cosigned()
    }

    fn put_cosigned(&self, note: &[u8]) -> io::Result<()> {
        self.inner.put_cosigned(note)
    }
}

fn open(kept: &Kept, left: &Arc<AtomicUsize>) -> Ledger {
    let storage = Arc::clone(&kept.segments) as Arc<dyn SegmentStorage>;
    let seal = Seal { key: key(), storage: Arc::clone(&kept.tree) as Arc<dyn TreeStorage> };
    let (ledger, _) = Ledger::open_sealed(storage, &Settings::default(), clock(), seal).unwrap();
    let tenants = Faulty { inner: Arc::clone(&kept.tenants), left: Arc::clone(left) };
    ledger.keep_tenants(Arc::new(tenants), &key(), clock()).unwrap()
}

/// Stopped before every single write of a run with two seals, opened again, and gone on: the trees are those of a run that
/// nothing happened to.
#[test]
fn stopped_at_any_moment_the_trees_are_made_again() {
    let run = |kept: &Kept, left: usize| {
        let left = Arc::new(AtomicUsize::new(left));
        let ledger = open(kept, &left);
        block_on(async {
            for number in 0..600 {
                ledger.record(event(number)).await.unwrap();
                if number == 250 {
                    // Whatever it answers: the machine stops somewhere in between.
                    let _ = ledger.seal_tenants().await;
                }
            }
            let _ = ledger.seal_tenants().await;
            ledger.flush().await.unwrap();
            ledger.close().await.unwrap();
        });
        left.load(Ordering::SeqCst)
    };
    let undisturbed = Kept::new();
    let writes = 1_000 - run(&undisturbed, 1_000);
    assert!(writes >= 10, "{writes}");
    let right: Vec<_> =
        undisturbed.verify().unwrap().into_iter().map(|own| (own.tenant, own.size, own.root)).collect();
    for stopped in 0..writes {
        let kept = Kept::new();
        run(&kept, stopped);
        // Also as it lies there after the stop: nothing that was sealed is missing.
        if let Err(fault) = kept.verify() {
            panic!("{stopped} of {writes}: {fault}");
        }
        drop(kept.open(&Settings::default()));
        kept.recorded(&Settings::default(), 600, 0, 100);
        let verified = kept.verify().unwrap();
        assert!(verified.iter().all(|own| own.behind == 0), "{stopped}: {verified:?}");
        let trees: Vec<_> = verified.into_iter().map(|own| (own.tenant, own.size, own.root)).collect();
        assert_eq!(trees, right, "{stopped}");
    }
}

#[test]
fn damaged_and_lost_files_are_made_again_of_the_records() {
    let kept = Kept::new();
    kept.recorded(&Settings::default(), 0, 900, 300);
    let right = kept.verify().unwrap();
    let acme = kept.tenants.of(tag("acme"));
    for change in 0..4 {
        match change {
            0 => acme.tiles().into_iter().for_each(|tile| acme.change(tile, |bytes| bytes[0] ^= 1)),
            1 => acme.tiles().into_iter().for_each(|tile| acme.change(tile, Vec::clear)),
            2 => kept.tenants.remove(Some(tag("beta"))),
            _ => {
                kept.tenants.remove(Some(tag("acme")));
                kept.tenants.remove(Some(tag("beta")));
                kept.tenants.remove(None);
            }
        }
        // Without any file what records carry is checked.
        assert_eq!(kept.verify().is_err(), change < 3, "{change}");
        // One record each, so that their trees are asked for.
        kept.recorded(&Settings::default(), 900 + change * 3, 3, 100);
        let again = kept.verify().unwrap();
        let grown = |own: &gabion_ledger::tenants::audit::TenantVerified| own.size;
        assert_eq!(again.iter().map(grown).max(), right.iter().map(|own| grown(own) + change + 1).max());
    }
}

/// The records are gone by age, and then the files: nobody makes up another history.
#[test]
fn what_is_lost_with_its_records_is_not_begun_anew() {
    let kept = Kept::new();
    kept.recorded(&small(), 0, 3_000, 100);
    let segments = kept.segments.list().unwrap();
    for old in &segments[..3] {
        kept.segments.remove(*old).unwrap();
    }
    kept.tenants.remove(Some(tag("acme")));
    kept.recorded(&small(), 3_000, 9, 3);
    assert!(kept.tenants.of(tag("acme")).is_empty(), "acme has no log of fewer records");
    assert!(kept.verify().is_err());
    let beta = kept.tenants.of(tag("beta")).checkpoint().unwrap().unwrap();
    assert!(String::from_utf8(beta).unwrap().contains("\n1003\n"), "beta goes on");
}

/// A full disk: recording goes on, and the trees come behind.
#[test]
fn trees_that_cannot_be_written_stop_nobody() {
    let kept = Kept::new();
    let left = Arc::new(AtomicUsize::new(0));
    let ledger = open(&kept, &left);
    block_on(async {
        for number in 0..30 {
            ledger.record(event(number)).await.unwrap();
        }
        assert!(ledger.seal_tenants().await.is_err());
        ledger.record(event(30)).await.unwrap();
        left.store(1_000, Ordering::SeqCst);
        ledger.seal_tenants().await.unwrap();
        ledger.close().await.unwrap();
    });
    let verified = kept.verify().unwrap();
    assert_eq!(verified.iter().map(|own| own.size).sum::<u64>(), 21);
    assert!(verified.iter().all(|own| own.behind == 0));
}

/// One tenant's checkpoint was edited: it stays as it is, as evidence, and the others go on.
#[test]
fn an_edited_checkpoint_stops_no_other_tenant() {
    let kept = Kept::new();
    kept.recorded(&Settings::default(), 0, 30, 10);
    let acme = kept.tenants.of(tag("acme"));
    let mut note = acme.checkpoint().unwrap().unwrap();
    note[0] ^= 1;
    acme.set_checkpoint(Some(note.clone()));
    kept.recorded(&Settings::default(), 30, 30, 10);
    assert_eq!(acme.checkpoint().unwrap().unwrap(), note);
    let beta = kept.tenants.of(tag("beta")).checkpoint().unwrap().unwrap();
    assert!(String::from_utf8(beta).unwrap().contains("\n20\n"));
    assert!(kept.verify().is_err());
}
