//! One tenant's log as its auditor is given it: that it verifies alone, that nothing in it can be changed, and that it says
//! nothing of others.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_ledger::tenants::line;
use gabion_ledger::tenants::proof::TenantLog;
use gabion_ledger::{
    Keys, Ledger, MemorySegments, MemoryTenants, MemoryTree, Position, Protection, Reader, RecordSealing,
    Seal, Sealed, SegmentSource, SegmentStorage, Settings, TenantStorage, TreeStorage,
};
use gabion_model::random::SeededRng;
use gabion_model::{ManualClock, Secret, TenantId, Timestamp};
use gabion_tlog::Hash;
use gabion_tlog::cosignature::cosign;
use gabion_tlog::evidence::Evidence;
use gabion_tlog::note::{Purpose, SigningKey};
use gabion_tlog::trust::Trust;
use gabion_verifier::{CARRIED, Files, RECORDS, Refusal, export, log_key, single, tag, trust, whole};

use crate::program::{event, key, signing};

const NODE: &str = "gate.example/ledger";

/// A sealed ledger of many tenants, in memory.
struct Node {
    segments: Arc<MemorySegments>,
    tree: Arc<MemoryTree>,
    tenants: Arc<MemoryTenants>,
    keys: Arc<Keys>,
}

impl Node {
    fn new(records: u64, every: u64) -> Self {
        Self::of(records, every, 5)
    }

    /// Of three records in turn one is acme's, one beta's, one the node's own.
    fn of(records: u64, every: u64, seed: u64) -> Self {
        let rng = Arc::new(SeededRng::new(seed));
        let keys = Arc::new(Keys::parse("test", &Keys::generate(&*rng)).unwrap());
        let (segments, tree) = (Arc::new(MemorySegments::new()), Arc::new(MemoryTree::new()));
        let own = Self { segments, tree, tenants: Arc::new(MemoryTenants::new()), keys };
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(7)));
        let protection = Protection {
            retention: None,
            seal: Some(Seal { key: signing(7), storage: Arc::clone(&own.tree) as Arc<dyn TreeStorage> }),
            records: Some(RecordSealing { keys: Arc::clone(&own.keys), rng, subjects: None }),
        };
        let storage = Arc::clone(&own.segments) as Arc<dyn SegmentStorage>;
        let settings =
            Settings { segment_size: gabion_model::ByteSize::new(64 << 10), ..Settings::default() };
        let (ledger, _) =
            Ledger::open_protected(storage, &settings, Arc::clone(&clock) as _, protection).unwrap();
        let ledger = ledger.keep_tenants(Arc::clone(&own.tenants) as _, &signing(7), clock).unwrap();
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            for number in 0..records {
                let mut event = event(number);
                let whose = usize::try_from(number % 3).unwrap();
                event.tenant = [Some("acme"), Some("beta"), None][whose].map(TenantId::new);
                ledger.record(event).await.unwrap();
                if number % every == every - 1 {
                    ledger.seal_tenants().await.unwrap();
                }
            }
            ledger.close().await.unwrap();
        });
        own
    }

    fn reader(&self) -> Reader {
        let source = Arc::clone(&self.segments) as Arc<dyn SegmentSource>;
        Reader::open(source).unwrap().with_keys(Arc::clone(&self.keys))
    }

    fn sealed(&self) -> Sealed {
        Sealed::open(Arc::clone(&self.tree) as _, &self.reader()).unwrap().unwrap()
    }

    fn log(&self, id: &str) -> TenantLog {
        TenantLog::open(&*self.tenants, tag(id), NODE).unwrap().unwrap()
    }

    fn carried(&self, log: &TenantLog) -> Evidence {
        let sealed = self.sealed();
        let carrier = log.carrier(&sealed).unwrap().unwrap();
        let path = sealed.inclusion(carrier).unwrap().unwrap();
        Evidence { extra: None, index: carrier.0 - 1, path, checkpoint: sealed.note().clone() }
    }

    /// As `gabion ledger export --tenant` does it.
    fn export(&self, id: &str, to: &Path) {
        let log = self.log(id);
        fs::create_dir(to).unwrap();
        let (mut lines, mut next) = (Vec::new(), None);
        for record in self.reader().of_tenant(tag(id)).unwrap() {
            let (_, disclosed) = record.unwrap();
            let index = next.unwrap_or_else(|| log.index(Hash::leaf(&disclosed.stored)).unwrap().unwrap());
            lines.extend(line::write(index, &disclosed).unwrap());
            lines.push(b'\n');
            next = Some(index + 1);
        }
        fs::write(to.join(RECORDS), lines).unwrap();
        for tile in log.tiles() {
            let (tile, hashes) = tile.unwrap();
            let path = to.join(tile.to_string());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, hashes).unwrap();
        }
        fs::write(to.join("checkpoint"), log.note().to_string()).unwrap();
        fs::write(to.join(CARRIED), self.carried(&log).to_string()).unwrap();
    }

    /// As `gabion ledger prove --tenant` does it.
    fn prove(&self, id: &str, record: Position) -> String {
        let log = self.log(id);
        let disclosed = self.reader().disclose(record).unwrap().unwrap();
        let index = log.index(Hash::leaf(&disclosed.stored)).unwrap().unwrap();
        let path = log.inclusion(index).unwrap().unwrap();
        let extra = Some(disclosed.encode());
        let evidence = Evidence { extra, index, path, checkpoint: log.note().clone() };
        format!("{evidence}{}", self.carried(&log))
    }
}

fn believed() -> Trust {
    trust(log_key(&key()).unwrap(), &[], None).unwrap()
}

fn check(directory: &Path) -> Result<u64, Refusal> {
    export(directory, &believed(), Some("acme"), &[]).map(|export| export.size)
}

fn walk(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_tenants_log_verifies_alone() {
    let temporary = tempfile::tempdir().unwrap();
    for records in [3, 30, 3_000] {
        let node = Node::new(records, 1_000);
        let path = temporary.path().join(records.to_string());
        node.export("acme", &path);
        let own = export(&path, &believed(), Some("acme"), &[]).unwrap();
        assert_eq!((own.size, own.first, own.id.as_deref()), (records / 3, 1, Some("acme")));
        assert_eq!(own.origin, NODE);
        assert!(own.carrier.0 > own.through && own.through >= records - 2);
        assert!(export(&path, &believed(), Some("beta"), &[]).is_err(), "it is not beta's");
        let other = Trust::in_log(signing(8).verifying().clone());
        assert!(export(&path, &other, None, &[]).is_err(), "not that node's");

        // By the node's file beside it, a continuation of what was kept before.
        let kept = path.join("checkpoint");
        assert!(export(&path, &believed(), None, std::slice::from_ref(&kept)).is_ok());
        // The same records of another run are sealed with other keys: another history.
        let other = temporary.path().join(format!("{records} of another run"));
        Node::of(records + 9, 1_000, 6).export("acme", &other);
        assert!(export(&other, &believed(), None, &[]).is_ok());
        assert!(export(&other, &believed(), None, &[kept]).is_err());
    }
}

#[test]
fn nothing_of_an_export_can_be_changed() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("acme");
    let node = Node::new(12, 5);
    node.export("acme", &path);
    assert_eq!(check(&path).unwrap(), 4);
    for file in walk(&path) {
        let whole = fs::read(&file).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(&file, &changed).unwrap();
            assert!(check(&path).is_err(), "byte {at} of {}", file.display());
        }
        for end in (0..whole.len()).step_by(7) {
            fs::write(&file, &whole[..end]).unwrap();
            // Without any record it says that there are none.
            let said = export(&path, &believed(), None, &[]).is_ok_and(|own| own.first <= own.size);
            assert!(!said, "{} cut to {end}", file.display());
        }
        fs::remove_file(&file).unwrap();
        assert!(check(&path).is_err(), "{} removed", file.display());
        fs::write(&file, &whole).unwrap();
    }
    let records = path.join(RECORDS);
    let whole = fs::read_to_string(&records).unwrap();
    let lines: Vec<_> = whole.lines().collect();
    let with = |lines: &[&str]| {
        fs::write(&records, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        check(&path)
    };
    for at in 0..lines.len() {
        let mut changed = lines.clone();
        changed.remove(at);
        match with(&changed) {
            // The first may have been removed by age, and this is said.
            Ok(_) => assert_eq!((at, export(&path, &believed(), None, &[]).unwrap().first), (0, 2)),
            Err(_) => assert!(at > 0),
        }
        let mut changed = lines.clone();
        changed.insert(at, lines[at]);
        assert!(with(&changed).is_err(), "{at} doubled");
        if at > 0 {
            let mut changed = lines.clone();
            changed.swap(at - 1, at);
            assert!(with(&changed).is_err(), "{at} swapped");
        }
        assert!(at == 0 || with(&lines[..at]).is_err(), "cut to {at}");
    }
    // Another tenant's line, numbered as if it were acme's.
    let other = temporary.path().join("beta");
    node.export("beta", &other);
    let foreign = fs::read_to_string(other.join(RECORDS)).unwrap();
    let mut changed = lines.clone();
    changed[0] = foreign.lines().next().unwrap();
    assert!(with(&changed).unwrap_err().to_string().contains("another tenant's"));
    // Another tenant's proof, and another time's.
    assert_eq!(with(&lines).unwrap(), 4);
    fs::copy(other.join(CARRIED), path.join(CARRIED)).unwrap();
    assert!(check(&path).is_err());
}

/// What stands in it is the tenant's: no tag, no record, no stored byte and no hash of another's record but those on the way
/// to the node's root.
#[test]
fn an_export_says_nothing_of_others() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("acme");
    let node = Node::new(30, 7);
    node.export("acme", &path);
    let mut all: Vec<u8> = walk(&path).into_iter().flat_map(|file| fs::read(file).unwrap()).collect();
    // And what stands there in base64.
    for line in fs::read_to_string(path.join(RECORDS)).unwrap().lines() {
        all.extend(line::parse(line.as_bytes()).unwrap().disclosed.encode());
    }
    let holds = |needle: &[u8]| all.windows(needle.len()).any(|window| window == needle);
    assert!(holds(tag("acme").to_string().as_bytes()) && holds(b"number 0\""));
    assert!(!holds(tag("beta").to_string().as_bytes()) && !holds(&tag("beta").0) && !holds(b"beta"));
    let others = (1..=node.reader().last().unwrap().0).map(Position);
    for record in others {
        let disclosed = node.reader().disclose(record).unwrap().unwrap();
        if disclosed.tenant().is_some_and(|(own, _)| own == tag("acme")) {
            assert!(holds(&disclosed.stored), "all of acme's own");
            continue;
        }
        if disclosed.key.is_none() {
            continue;
        }
        let key = disclosed.key.as_ref().unwrap().bytes().expose();
        assert!(!holds(&key[..16]) && !holds(&disclosed.stored[20..40]), "something of record {record}");
    }
}

#[test]
fn what_was_removed_by_age_is_left_out_and_the_rest_still_verifies() {
    let temporary = tempfile::tempdir().unwrap();
    let node = Node::new(3_000, 500);
    let segments = node.segments.list().unwrap();
    assert!(segments.len() > 4, "{}", segments.len());
    for old in &segments[..2] {
        node.segments.remove(*old).unwrap();
    }
    let path = temporary.path().join("acme");
    node.export("acme", &path);
    let own = export(&path, &believed(), Some("acme"), &[]).unwrap();
    assert!(own.size == 1_000 && own.first > 50, "{own:?}");
    for tile in walk(&path.join("tile/0")) {
        let whole = fs::read(&tile).unwrap();
        let mut changed = whole.clone();
        changed[0] ^= 1;
        fs::write(&tile, changed).unwrap();
        assert!(check(&path).is_err(), "{}", tile.display());
        fs::write(&tile, whole).unwrap();
    }
}

#[test]
fn one_record_of_a_tenant_is_proved_with_the_witnesses_word() {
    let temporary = tempfile::tempdir().unwrap();
    let file = temporary.path().join("proof");
    let node = Node::new(12, 5);
    let proof = node.prove("acme", Position(4));
    fs::write(&file, &proof).unwrap();
    let own = single(&file, &believed()).unwrap();
    assert_eq!((own.record, own.event["tenant"].as_str()), (Position(4), Some("acme")));
    assert_eq!(own.event["resource"], "number 3");
    own.must_be_of(tag("acme")).unwrap();
    assert!(own.must_be_of(tag("beta")).is_err());

    let witness = SigningKey::new("w.example/1", Purpose::Witness, &Secret::new([3; 32])).unwrap();
    let asked =
        Trust { log: log_key(&key()).unwrap(), witnesses: vec![witness.verifying().clone()], quorum: 1 };
    assert!(single(&file, &asked).unwrap_err().to_string().contains("cosigned by 0"));
    let line = cosign(&node.sealed().note().text, 7, &witness).unwrap();
    fs::write(&file, format!("{proof}{line}\n")).unwrap();
    assert!(single(&file, &asked).is_ok(), "one cosignature, of the node's checkpoint");

    // The first part alone is not what was asked for; nor is any other changed byte.
    let (first, second) = proof.split_at(proof.rfind("c2sp.org/tlog-proof@v1").unwrap());
    let elsewhere = node.prove("beta", Position(5));
    let (_, other) = elsewhere.split_at(elsewhere.rfind("c2sp.org/tlog-proof@v1").unwrap());
    for wrong in [first.to_owned(), second.to_owned(), format!("{second}{first}"), format!("{first}{other}")]
    {
        fs::write(&file, wrong).unwrap();
        assert!(single(&file, &believed()).is_err());
    }
    for at in 0..proof.len() {
        let mut changed = proof.clone().into_bytes();
        changed[at] ^= 1;
        fs::write(&file, changed).unwrap();
        assert!(single(&file, &believed()).is_err(), "byte {at}");
    }
}

/// In files, as a gate leaves them: the whole node is verified with its tenants.
#[test]
fn a_whole_ledger_is_verified_with_its_tenants() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path();
    let node = Node::new(30, 7);
    for segment in node.segments.list().unwrap() {
        fs::write(path.join(segment.file_name()), node.segments.bytes(segment)).unwrap();
    }
    let write = |tree: &MemoryTree, to: &Path| {
        fs::create_dir_all(to).unwrap();
        fs::write(to.join("checkpoint"), tree.checkpoint().unwrap().unwrap()).unwrap();
        for tile in tree.tiles() {
            let path = to.join(tile.to_string());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, tree.tile(tile).unwrap().unwrap()).unwrap();
        }
    };
    write(&node.tree, &path.join("tree"));
    for tag in node.tenants.list().unwrap() {
        write(&node.tenants.of(tag), &path.join("tenants").join(tag.to_string()));
    }
    let verdict = || whole(&Files::open(path).unwrap(), &believed(), None, &[], |_, _| {});
    let own = verdict().unwrap();
    assert_eq!(own.tenants.len(), 2);
    assert!(own.to_string().contains("2 tenants have logs of their own: their 20 records"), "{own}");
    let (json, text) = own.told_of(tag("acme")).unwrap();
    assert!(json["records"] == 10 && text.contains("10 of them are the tenant's"), "{text}");
    assert!(own.told_of(tag("nobody")).is_err());
    let files = walk(&path.join("tenants"));
    assert!(files.len() >= 4);
    for file in files {
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, [&bytes[..bytes.len() - 1], b"x"].concat()).unwrap();
        let refusal = verdict().unwrap_err();
        assert!(refusal.to_string().contains("tenant"), "{}: {refusal}", file.display());
        fs::write(&file, bytes).unwrap();
    }
    fs::remove_dir_all(path.join("tenants")).unwrap();
    // As segments come back from an archive: said, and what records carry is checked all the same.
    let without = verdict().unwrap();
    assert!(without.to_string().contains("their own files are not here") && without.tenants == own.tenants);
}
