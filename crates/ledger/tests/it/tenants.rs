//! A log of its own for every tenant: that it is the tenant's records and no others, that the node's log carries it, and that
//! nothing changed in either goes unseen.

use std::sync::Arc;

use gabion_ledger::format::{
    CLASS_TENANT_CHECKPOINT, CLASS_TENANT_EVENT, FRAME_OVERHEAD, Frame, HEADER_SIZE,
};
use gabion_ledger::tenants::audit::{Audit, TenantFault, TenantVerified};
use gabion_ledger::tenants::proof::TenantLog;
use gabion_ledger::tenants::{SEALED, TenantCheckpoint};
use gabion_ledger::verify::{Unproven, verify_with};
use gabion_ledger::{
    Damage, Form, Ledger, MemorySegments, MemoryTenants, MemoryTree, Order, Position, Query, ReadError,
    Reader, Seal, Sealed, SegmentSource, SegmentStorage, Settings, TenantStorage, TenantTag, TreeStorage,
};
use gabion_model::{Event, Secret, TenantId};
use gabion_tlog::note::Purpose;
use gabion_tlog::trust::Trust;
use gabion_tlog::{Checkpoint, Hash, Note, SigningKey, Tree, proof};

use crate::support::{clock, login, small};

pub(crate) const NODE: &str = "gate.example/ledger";

pub(crate) fn key() -> SigningKey {
    SigningKey::new(NODE, Purpose::Log, &Secret::new([1; 32])).unwrap()
}

pub(crate) fn tag(id: &str) -> TenantTag {
    TenantTag::of(&TenantId::new(id))
}

/// The `number`th event: of three in turn one is acme's, one beta's, one the node's own.
pub(crate) fn event(number: u64) -> Event {
    let mut event = login(number);
    event.tenant =
        [Some("acme"), Some("beta"), None][usize::try_from(number % 3).unwrap()].map(TenantId::new);
    event
}

/// Class and stored bytes of records.
type Frames = Vec<(u32, Vec<u8>)>;

/// A ledger, its seal and its tenants, in memory.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) segments: Arc<MemorySegments>,
    pub(crate) tree: Arc<MemoryTree>,
    pub(crate) tenants: Arc<MemoryTenants>,
}

impl Kept {
    pub(crate) fn new() -> Self {
        let (segments, tree) = (Arc::new(MemorySegments::new()), Arc::new(MemoryTree::new()));
        Self { segments, tree, tenants: Arc::new(MemoryTenants::new()) }
    }

    pub(crate) fn open(&self, settings: &Settings) -> Ledger {
        let storage = Arc::clone(&self.segments) as Arc<dyn SegmentStorage>;
        let seal = Seal { key: key(), storage: Arc::clone(&self.tree) as Arc<dyn TreeStorage> };
        let (ledger, _) = Ledger::open_sealed(storage, settings, clock(), seal).unwrap();
        let tenants = Arc::clone(&self.tenants) as Arc<dyn TenantStorage>;
        ledger.keep_tenants(tenants, &key(), clock()).unwrap()
    }

    /// Records so many events, numbered from `from`, with a checkpoint of every tenant after each `every`, and closes.
    pub(crate) fn recorded(&self, settings: &Settings, from: u64, count: u64, every: u64) {
        let ledger = self.open(settings);
        block_on(async {
            for number in from..from + count {
                ledger.record(event(number)).await.unwrap();
                if number % every == every - 1 {
                    ledger.seal_tenants().await.unwrap();
                }
            }
            ledger.close().await.unwrap();
        });
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::open(Arc::clone(&self.segments) as Arc<dyn SegmentSource>).unwrap()
    }

    pub(crate) fn verify(&self) -> Result<Vec<TenantVerified>, Unproven> {
        let storage = Arc::clone(&self.tenants) as Arc<dyn TenantStorage>;
        let mut audit = Audit::begin(storage, key().verifying())?;
        let tiles = Arc::clone(&self.tree) as Arc<dyn TreeStorage>;
        let note = Note::parse(&self.tree.checkpoint().unwrap().unwrap()).unwrap();
        let trust = Trust::in_log(key().verifying().clone());
        verify_with(&self.reader(), Some(&tiles), &trust, &note, &[], Some(&mut audit), |_| {})?;
        Ok(audit.finish()?)
    }

    fn fault(&self) -> Option<TenantFault> {
        match self.verify() {
            Ok(_) => None,
            Err(Unproven::Tenant(fault)) => Some(fault),
            other => {
                other.unwrap();
                None
            }
        }
    }

    /// Class and stored bytes of all records of the only segment.
    fn frames(&self) -> Frames {
        let bytes = self.segments.bytes(self.segments.list().unwrap()[0]);
        let mut rest = &bytes[HEADER_SIZE..];
        let mut frames = Vec::new();
        while let Ok(frame) = Frame::decode(rest) {
            frames.push((frame.class, frame.payload.to_vec()));
            rest = &rest[FRAME_OVERHEAD + frame.payload.len()..];
        }
        frames
    }

    /// Writes the history anew, as whoever has the machine and its key: the node's own tree is right afterwards.
    fn forge(&self, change: impl FnOnce(&mut Frames)) {
        let segment = self.segments.list().unwrap()[0];
        let bytes = self.segments.bytes(segment);
        let mut frames = self.frames();
        change(&mut frames);
        let mut forged = bytes[..HEADER_SIZE].to_vec();
        let mut tree = Tree::new();
        for (number, (class, payload)) in (1..).zip(&frames) {
            let (position, time) = (Position(number), login(number).time);
            Frame { position, mark: position, time, class: *class, payload }.encode(&mut forged);
            tree.push(Hash::leaf(payload), |_, _, _| {});
        }
        self.segments.put(segment, forged);
        for tile in self.tree.tiles() {
            self.tree.change(tile, Vec::clear);
        }
        let checkpoint =
            Checkpoint { origin: NODE.to_owned(), size: tree.size(), root: tree.root(), extensions: vec![] };
        self.tree.set_checkpoint(Some(checkpoint.sign(&key()).to_string().into_bytes()));
    }

    fn copy(&self) -> Self {
        let segments = MemorySegments::new();
        for segment in self.segments.list().unwrap() {
            segments.put(segment, self.segments.bytes(segment));
        }
        let tenants = MemoryTenants::new();
        for tag in self.tenants.list().unwrap() {
            tenants.of(tag).restore(&self.tenants.of(tag));
        }
        self.tenants.mark().unwrap().into_iter().for_each(|mark| tenants.put_mark(mark).unwrap());
        Self { segments: Arc::new(segments), tree: Arc::new(self.tree.copy()), tenants: Arc::new(tenants) }
    }

    fn log(&self, id: &str) -> TenantLog {
        TenantLog::open(&*self.tenants, tag(id), NODE).unwrap().unwrap()
    }
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

#[test]
fn every_tenants_log_is_its_records_and_the_nodes_log_carries_it() {
    for (settings, count, every) in [(Settings::default(), 30, 4), (small(), 2_000, 97)] {
        let kept = Kept::new();
        kept.recorded(&settings, 0, count, every);
        kept.recorded(&settings, count, 5, every);
        let verified = kept.verify().unwrap();
        let sealed = Sealed::open(Arc::clone(&kept.tree) as _, &kept.reader()).unwrap().unwrap();
        assert_eq!(verified.len(), 2, "the node's own records are in no tenant's log");
        for (id, own) in [("acme", 0), ("beta", 1)] {
            let there = verified.iter().find(|verified| verified.tenant == tag(id)).unwrap();
            let log = kept.log(id);
            let mut tree = Tree::new();
            for (index, record) in (0_u64..).zip(kept.reader().of_tenant(tag(id)).unwrap()) {
                let (position, disclosed) = record.unwrap();
                assert_eq!(disclosed.form, Form::OfTenant(position));
                let json = disclosed.open(position).unwrap();
                let mut expected = event(index * 3 + own);
                expected.tenant = Some(TenantId::new(id));
                assert_eq!(serde_json::from_slice::<Event>(&json).unwrap(), expected);
                let leaf = Hash::leaf(&disclosed.stored);
                tree.push(leaf, |_, _, _| {});
                if index % 41 == 0 {
                    assert_eq!(log.index(leaf).unwrap(), Some(index));
                    let path = log.inclusion(index).unwrap().unwrap();
                    let (size, root) = (log.checkpoint().size, log.checkpoint().root);
                    assert_eq!(proof::check_inclusion(leaf, index, size, root, &path), Ok(()));
                }
            }
            assert_eq!((there.size, there.root, there.behind), (tree.size(), tree.root(), 0));
            assert_eq!(tree.size(), (count + 5 - own).div_ceil(3));
            let own_key = tag(id).key(key().verifying()).unwrap();
            let signed = Checkpoint::open(log.note(), &own_key).unwrap();
            assert_eq!((signed.size, signed.root), (tree.size(), tree.root()));
            assert!(Checkpoint::open(log.note(), key().verifying()).is_err(), "not the node's");

            let carrier = log.carrier(&sealed).unwrap().unwrap();
            assert_eq!(kept.reader().payload(carrier).unwrap().unwrap(), log.note().text.as_bytes());
            assert!(carrier.0 > log.checkpoint().through);
            let path = sealed.inclusion(carrier).unwrap().unwrap();
            let (leaf, node) = (Hash::leaf(log.note().text.as_bytes()), sealed.checkpoint());
            assert_eq!(proof::check_inclusion(leaf, carrier.0 - 1, node.size, node.root, &path), Ok(()));
            assert_eq!(sealed.inclusion_in(carrier, node.size).unwrap().unwrap(), path);
            let record = kept.reader().record(carrier).unwrap().unwrap();
            assert_eq!((record.event.action.as_str(), record.event.tenant), (SEALED, None));
        }
        let other = TenantLog::open(&*kept.tenants, tag("nobody"), NODE).unwrap();
        assert!(other.is_none());
    }
}

#[test]
fn one_tenant_is_searched_for() {
    let kept = Kept::new();
    let ledger = kept.open(&Settings::default());
    block_on(async {
        for number in 0..30 {
            ledger.record(event(number)).await.unwrap();
        }
    });
    let of = |tenant: &str| {
        let query =
            Query { tenant: Some(TenantId::new(tenant)), order: Order::OldestFirst, ..Query::default() };
        let found: Vec<_> =
            ledger.search(query).map(|record| crate::support::number(&record.unwrap())).collect();
        found
    };
    assert_eq!(of("acme"), (0..30).step_by(3).collect::<Vec<_>>());
    assert_eq!(of("beta"), (1..30).step_by(3).collect::<Vec<_>>());
    assert!(of("acm").is_empty() && of("default").is_empty());
}

/// Without tenants there is nothing of them: no record, no file.
#[test]
fn an_application_with_one_tenant_has_one_log() {
    let kept = Kept::new();
    let ledger = kept.open(&Settings::default());
    block_on(async {
        for number in 0..30 {
            ledger.record(login(number)).await.unwrap();
        }
        ledger.close().await.unwrap();
    });
    assert_eq!(kept.reader().last(), Some(Position(30)));
    assert!(kept.tenants.list().unwrap().is_empty() && kept.verify().unwrap().is_empty());
}

/// More tenants than trees are held in memory, and none of them closed in between.
#[test]
fn more_tenants_than_are_held_in_memory() {
    let kept = Kept::new();
    let of = |tenant: u64| TenantId::new(&format!("tenant {tenant}"));
    for round in 0..3 {
        let ledger = kept.open(&Settings::default());
        block_on(async {
            for number in 0..1_400_u64 {
                let mut event = login(number);
                event.tenant = Some(of((number * 11 + round) % 700));
                ledger.record(event).await.unwrap();
                if number % 500 == 0 {
                    ledger.seal_tenants().await.unwrap();
                }
            }
            ledger.close().await.unwrap();
        });
    }
    let verified = kept.verify().unwrap();
    assert_eq!(verified.len(), 700);
    assert!(verified.iter().all(|own| own.size == 6 && own.behind == 0));
    assert_eq!(kept.tenants.mark().unwrap().unwrap().tenants, 700);
}

/// The history written anew by whoever has the machine and its key: the node's log is right by itself, and the tenants' are not.
#[test]
fn records_dropped_swapped_or_moved_to_another_tenant_are_found() {
    let whole = Kept::new();
    whole.recorded(&Settings::default(), 0, 12, 5);
    assert_eq!(whole.fault().map(|fault| fault.to_string()), None);
    let frames = whole.frames();
    let of = |id: &str| {
        let own = move |(_, (class, payload)): &(usize, &(u32, Vec<u8>))| {
            *class == CLASS_TENANT_EVENT && payload.starts_with(&tag(id).0)
        };
        frames.iter().enumerate().filter(own).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let changed = |change: &dyn Fn(&mut Frames)| {
        let kept = whole.copy();
        kept.forge(change);
        kept.fault()
    };
    assert!(changed(&|_| {}).is_none(), "written anew as it was");
    for own in [of("acme"), of("beta")] {
        for pair in own.windows(2) {
            let [first, second] = [pair[0], pair[1]];
            assert!(changed(&|all| drop(all.remove(first))).is_some(), "{first} dropped");
            assert!(changed(&|all| all.swap(first, second)).is_some(), "{first} swapped");
            assert!(changed(&|all| all[first] = all[second].clone()).is_some(), "{first} replaced");
            assert!(changed(&|all| all.insert(second, all[first].clone())).is_some(), "{first} doubled");
            let moved = |to: &'static str| {
                changed(&move |all: &mut Frames| {
                    all[first].1.splice(..TenantTag::SIZE, tag(to).0);
                })
            };
            let elsewhere = if own == of("acme") { "beta" } else { "acme" };
            assert!(moved(elsewhere).is_some(), "{first} moved");
            assert!(moved("somebody new").is_some(), "{first} moved to somebody new");
            let class = |class| changed(&move |all: &mut Frames| all[first].0 = class);
            assert!(
                class(1).is_some() && class(CLASS_TENANT_CHECKPOINT).is_some(),
                "{first} is another thing"
            );
        }
    }
    // The tenants' checkpoints themselves.
    let carriers = frames.iter().enumerate().filter(|(_, (class, _))| *class == CLASS_TENANT_CHECKPOINT);
    let carriers: Vec<_> = carriers.map(|(at, _)| at).collect();
    assert!(carriers.len() >= 4);
    for at in carriers {
        let text = String::from_utf8(frames[at].1.clone()).unwrap();
        let own = TenantCheckpoint::parse(&text, NODE).unwrap();
        let lies = [
            TenantCheckpoint { root: Hash([9; 32]), ..own.clone() },
            TenantCheckpoint { size: own.size - 1, ..own.clone() },
            TenantCheckpoint { size: own.size + 1, ..own.clone() },
            TenantCheckpoint { through: own.through - 3, ..own.clone() },
            TenantCheckpoint { through: at as u64 + 1, ..own.clone() },
            TenantCheckpoint { tag: tag("nobody"), ..own },
        ];
        for lie in lies {
            let fault = changed(&|all| all[at].1 = lie.text(NODE).into_bytes());
            assert!(fault.is_some(), "{lie:?}");
        }
        assert!(matches!(changed(&|all| all[at].1 = b"x".to_vec()), Some(TenantFault::Malformed(_))));
    }
}

#[test]
fn tenants_files_that_were_changed_are_found() {
    let kept = Kept::new();
    kept.recorded(&Settings::default(), 0, 9, 100);
    let former = kept.copy();
    kept.recorded(&Settings::default(), 9, 9, 100);
    kept.recorded(&Settings::default(), 18, 9, 100);
    let check = |change: &dyn Fn(&Kept)| {
        let copy = kept.copy();
        change(&copy);
        copy.fault()
    };
    assert!(check(&|_| {}).is_none());
    let (acme, beta) = (tag("acme"), tag("beta"));
    // A copy of former days was put back.
    let fault = check(&|copy| copy.tenants.of(acme).restore(&former.tenants.of(acme)));
    assert!(matches!(fault, Some(TenantFault::RolledBack { kept: 3, carried: 6 | 9, .. })), "{fault:?}");
    assert!(matches!(check(&|copy| copy.tenants.remove(Some(acme))), Some(TenantFault::Missing(_))));
    // One seal, and the files are gone again.
    let once = Kept::new();
    once.recorded(&Settings::default(), 0, 9, 100);
    once.tenants.remove(Some(acme));
    assert!(matches!(once.fault(), Some(TenantFault::Missing(_))));
    // Another tenant's log.
    let fault = check(&|copy| copy.tenants.of(acme).restore(&kept.tenants.of(beta)));
    assert!(matches!(fault, Some(TenantFault::Unsigned(..))), "{fault:?}");
    // Signed by the node, and a lie.
    let own = kept.log("acme").checkpoint().clone();
    let signed = |own: &TenantCheckpoint| {
        own.checkpoint(NODE).sign(&key().named(&acme.origin(NODE)).unwrap()).to_string().into_bytes()
    };
    for lie in [
        TenantCheckpoint { root: Hash([9; 32]), ..own.clone() },
        TenantCheckpoint { through: own.through + 1, ..own.clone() },
        TenantCheckpoint { size: own.size - 1, ..own.clone() },
    ] {
        let fault = check(&|copy| copy.tenants.of(acme).set_checkpoint(Some(signed(&lie))));
        assert!(matches!(fault, Some(TenantFault::Uncarried(_))), "{fault:?}");
    }
    // Every byte of the signed note, and of the tiles.
    let note = kept.tenants.of(acme).checkpoint().unwrap().unwrap();
    for at in 0..note.len() {
        let mut changed = note.clone();
        changed[at] ^= 1;
        assert!(check(&|copy| copy.tenants.of(acme).set_checkpoint(Some(changed.clone()))).is_some(), "{at}");
    }
    for tile in kept.tenants.of(acme).tiles() {
        for change in [|bytes: &mut Vec<u8>| bytes[40] ^= 1, Vec::clear] {
            let fault = check(&|copy| copy.tenants.of(acme).change(tile, change));
            assert!(matches!(fault, Some(TenantFault::Tiles(_))), "{tile} {fault:?}");
        }
    }
}

/// Records removed by age: their leaves in a tenant's tiles must be the node's, in their order, and nobody else's.
#[test]
fn removed_by_age_and_still_proved() {
    let kept = Kept::new();
    kept.recorded(&small(), 0, 3_000, 500);
    let segments = kept.segments.list().unwrap();
    assert!(segments.len() > 5, "{}", segments.len());
    let before = kept.verify().unwrap();
    for old in &segments[..3] {
        kept.segments.remove(*old).unwrap();
    }
    assert_eq!(kept.verify().unwrap(), before);
    // Goes on from its tiles.
    kept.recorded(&small(), 3_000, 30, 7);
    let after = kept.verify().unwrap();
    assert!(after.iter().zip(&before).all(|(after, before)| after.size == before.size + 10));

    let first = kept.tenants.of(tag("acme")).tiles()[0];
    let copy = kept.copy();
    copy.tenants.of(tag("acme")).change(first, |bytes| bytes.swap(0, 40));
    assert!(copy.fault().is_some());
    // All of it gone: what was carried says that it was there.
    let copy = kept.copy();
    copy.tenants.remove(Some(tag("acme")));
    assert!(copy.fault().is_some());
    let segments = kept.segments.list().unwrap();
    let (last, gone) = segments.split_last().unwrap();
    for old in gone {
        kept.segments.remove(*old).unwrap();
    }
    assert!(kept.segments.bytes(*last).len() < 64 << 10);
    let rest = kept.verify().unwrap();
    assert_eq!(rest.len(), 2);
    assert_eq!(rest, after, "nothing but hashes, and they still are the node's");

    // Without any tenants' file, as from an archive: what is left of the records is checked.
    for id in ["acme", "beta"] {
        kept.tenants.remove(Some(tag(id)));
    }
    kept.tenants.remove(None);
    assert_eq!(kept.verify().unwrap().len(), 2);
}

/// The tag is below the leaf, and the tenant's name is inside: they belong together.
#[test]
fn a_record_under_another_tenants_tag_does_not_read() {
    let kept = Kept::new();
    kept.recorded(&Settings::default(), 0, 3, 100);
    kept.forge(|all| all[0].1[..TenantTag::SIZE].copy_from_slice(&tag("beta").0));
    let read = kept.reader().record(Position(1));
    assert!(matches!(read, Err(ReadError::Corrupted { reason: Damage::Tenant, .. })), "{read:?}");
}
