//! Tenants' logs in files: read by somebody else's reader of such logs, and after a kill at any moment.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;

use gabion_ledger::tenants::audit::{Audit, TenantVerified};
use gabion_ledger::tenants::proof::TenantLog;
use gabion_ledger::verify::verify_with;
use gabion_ledger::{Ledger, Reader, Seal, SegmentSource, Settings, TenantStorage, TenantTag, TreeStorage};
use gabion_model::{ByteSize, Event, ManualClock, Secret, TenantId, Timestamp};
use gabion_store::{Directory, SegmentFiles, TenantFiles, TreeFiles};
use gabion_tlog::note::Purpose;
use gabion_tlog::trust::Trust;
use gabion_tlog::{Note, SigningKey};
use tlog_tiles::{
    TileHashReader, check_record, check_tree, prove_record, prove_tree, record_hash, tree_hash,
};

use crate::child::{VARIABLE, acknowledged, block_on, command_of, event};
use crate::interoperability::{Files, checkpoint, theirs};

const NODE: &str = "gate.example/ledger";

fn key() -> SigningKey {
    SigningKey::new(NODE, Purpose::Log, &Secret::new([7; 32])).unwrap()
}

fn tag(id: &str) -> TenantTag {
    TenantTag::of(&TenantId::new(id))
}

/// A ledger in files with tenants, below `directory`.
fn open(directory: &Path, segment: u64) -> Ledger {
    let storage = Arc::new(SegmentFiles::open(directory).unwrap());
    let settings = Settings { segment_size: ByteSize::new(segment), ..Settings::default() };
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(7)));
    let seal = Seal { key: key(), storage: Arc::new(TreeFiles::open(&directory.join("tree"))) };
    let (ledger, _) = Ledger::open_sealed(storage, &settings, Arc::clone(&clock) as _, seal).unwrap();
    let tenants = Arc::new(TenantFiles::open(&directory.join("tenants")));
    ledger.keep_tenants(tenants, &key(), clock).unwrap()
}

fn of(tenant: Option<&str>, text: &str) -> Event {
    let mut event = event(text);
    event.tenant = tenant.map(TenantId::new);
    event
}

fn verified(directory: &Path) -> Vec<TenantVerified> {
    let tenants: Arc<dyn TenantStorage> = Arc::new(TenantFiles::open(&directory.join("tenants")));
    let mut audit = Audit::begin(tenants, key().verifying()).unwrap();
    let tree: Arc<dyn TreeStorage> = Arc::new(TreeFiles::open(&directory.join("tree")));
    let note = Note::parse(&tree.checkpoint().unwrap().unwrap()).unwrap();
    let source: Arc<dyn SegmentSource> = Arc::new(SegmentFiles::open(directory).unwrap());
    let (reader, trust) = (Reader::open(source).unwrap(), Trust::in_log(key().verifying().clone()));
    verify_with(&reader, Some(&tree), &trust, &note, &[], Some(&mut audit), |_| {}).unwrap();
    audit.finish().unwrap()
}

#[test]
fn another_reader_finds_a_tenants_tree_in_the_files() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path().join("ledger");
    let tree = directory.join("tenants").join(tag("acme").to_string());
    let files = Files(tree.clone());
    let mut former = Vec::new();
    let mut size = 0;
    for count in [1, 6, 248, 1, 1, 768] {
        let ledger = open(&directory, 1 << 20);
        block_on(async {
            for number in 0..count {
                ledger.record(of(Some("beta"), &format!("beta's {size} {number}"))).await.unwrap();
                ledger.record(of(Some("acme"), &format!("acme's {size} {number}"))).await.unwrap();
                ledger.record(of(None, "the node's")).await.unwrap();
            }
            ledger.close().await.unwrap();
        });
        size += count;
        let (checkpoint, _) = checkpoint(&tree);
        assert_eq!(checkpoint.origin(), format!("{NODE}/tenant/{}", tag("acme")));
        assert_eq!(checkpoint.size(), size);
        assert!(checkpoint.extension().starts_with("through "), "{}", checkpoint.extension());
        let root = *checkpoint.hash();
        let hashes = TileHashReader::new(size, root, &files);
        assert_eq!(tree_hash(size, &hashes).unwrap(), root);
        let own = TenantLog::open(&TenantFiles::open(&directory.join("tenants")), tag("acme"), NODE);
        let own = own.unwrap().unwrap();
        let reader = Reader::open(Arc::new(SegmentFiles::open(&directory).unwrap()) as _).unwrap();
        for (index, record) in (0..).zip(reader.of_tenant(tag("acme")).unwrap()) {
            if index % 37 != 0 && index + 1 != size {
                continue;
            }
            let leaf = record_hash(&record.unwrap().1.stored);
            let path = theirs(&own.inclusion(index).unwrap().unwrap());
            check_record(&path, size, root, index, leaf).unwrap();
            assert_eq!(prove_record(size, index, &hashes).unwrap(), path, "{index} of {size}");
        }
        for (old, old_root) in &former {
            let path = prove_tree(size, *old, &hashes).unwrap();
            check_tree(&path, size, root, *old, *old_root).unwrap();
        }
        former.push((size, root));
    }
    assert_eq!(verified(&directory).len(), 2);
}

/// Does its work in a child process only: records of three tenants and of none, until it is killed, and seals all the time.
#[test]
#[expect(clippy::disallowed_methods, reason = "how the parent process says where")]
fn child() {
    let Some(path) = std::env::var_os(VARIABLE) else { return };
    let directory = Directory::open(Path::new(&path)).unwrap();
    let ledger = open(&directory.path().join(Directory::LEDGER), 64 << 10);
    println!();
    let sealing = ledger.clone();
    block_on(async {
        for round in 0_u64.. {
            let tenant = ["acme", "beta", "gamma"].get(usize::try_from(round % 4).unwrap());
            let text = format!("{}-{round}", std::process::id());
            let position = ledger.record(of(tenant.copied(), &text)).await.unwrap();
            let line = format!("recorded {position} {text}\n");
            if std::io::stdout().write_all(line.as_bytes()).is_err() {
                return;
            }
            if round % 5 == 0 {
                let sealing = sealing.clone();
                // Beside the records that follow.
                drop(tokio::spawn(async move { sealing.seal_tenants().await }));
                tokio::task::yield_now().await;
            }
        }
    });
}

#[test]
fn tenants_logs_are_whole_after_a_kill() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("data");
    let directory = path.join(Directory::LEDGER);
    let mut sizes = [0; 3];
    for lines in [1, 3, 9, 33, 60, 100, 101, 102, 103, 104, 105, 106] {
        let mut child = command_of("tenants::child", "", &path).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        while acknowledged(&text).len() < lines {
            assert_ne!(output.read_line(&mut text).unwrap(), 0, "the child ended by itself: {text}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = Vec::new();
        output.read_to_end(&mut rest).unwrap();
        text.push_str(&String::from_utf8(rest).unwrap());

        // As it lies there.
        let ledger = open(&directory, 64 << 10);
        let _ = verified(&directory);
        block_on(ledger.close()).unwrap();
        let own = verified(&directory);
        assert!(own.iter().all(|own| own.behind == 0), "{own:?}");
        for (at, id) in ["acme", "beta", "gamma"].into_iter().enumerate() {
            let acknowledged = acknowledged(&text)
                .iter()
                .filter(|(_, text)| {
                    text.rsplit('-').next().is_some_and(|round| round.parse::<usize>().unwrap() % 4 == at)
                })
                .count() as u64;
            let size = own.iter().find(|own| own.tenant == tag(id)).map_or(0, |own| own.size);
            // What was written and not acknowledged may be there too.
            let expected = sizes[at] + acknowledged;
            assert!((expected..=expected + 1).contains(&size), "{id}: {size}, {expected}");
            sizes[at] = size;
        }
    }
}
