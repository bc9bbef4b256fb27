//! The program from outside: what it prints and how it exits.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use gabion_ledger::{
    Ledger, MemorySegments, MemoryTree, Position, Reader, Seal, Sealed, SegmentSource, Settings, TreeStorage,
};
use gabion_model::{Actor, ControlId, Event, EventKind, ManualClock, Outcome, Secret, Timestamp};
use gabion_tlog::SigningKey;
use gabion_tlog::evidence::Evidence;
use gabion_tlog::note::Purpose;

pub(crate) fn signing(seed: u8) -> SigningKey {
    SigningKey::new("gate.example/ledger", Purpose::Log, &Secret::new([seed; 32])).unwrap()
}

/// The key of the ledger that [`ledger`] makes.
pub(crate) fn key() -> String {
    signing(7).verifying().to_string()
}

pub(crate) fn event(number: u64) -> Event {
    let (kind, control) = (EventKind::Administration, ControlId::LEDGER_ADMIN_ACTS);
    let time = Timestamp::from_secs(7);
    let mut event = Event::new(time, kind, "test.recorded", Actor::Operator, Outcome::Success, control);
    event.resource = format!("number {number}");
    event
}

/// Makes a ledger of five records in `directory`; the proof of the second.
pub(crate) fn ledger(directory: &Path) -> String {
    let (segments, tree) = (Arc::new(MemorySegments::new()), Arc::new(MemoryTree::new()));
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(7)));
    let seal = Seal { key: signing(7), storage: Arc::clone(&tree) as _ };
    let (ledger, _) =
        Ledger::open_sealed(Arc::clone(&segments) as _, &Settings::default(), clock, seal).unwrap();
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        for number in 1..=5 {
            ledger.record(event(number)).await.unwrap();
        }
        ledger.close().await.unwrap();
    });
    for segment in segments.list().unwrap() {
        fs::write(directory.join(segment.file_name()), segments.bytes(segment)).unwrap();
    }
    for tile in tree.tiles() {
        let path = directory.join("tree").join(tile.to_string());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, tree.tile(tile).unwrap().unwrap()).unwrap();
    }
    fs::write(directory.join("tree/checkpoint"), tree.checkpoint().unwrap().unwrap()).unwrap();
    let reader = Reader::open(segments as Arc<dyn SegmentSource>).unwrap();
    let sealed = Sealed::open(tree as Arc<dyn TreeStorage>, &reader).unwrap().unwrap();
    let path = sealed.inclusion(Position(2)).unwrap().unwrap();
    let extra = reader.payload(Position(2)).unwrap();
    Evidence { extra, index: 1, path, checkpoint: sealed.note().clone() }.to_string()
}

/// Runs the program in `directory`; exit code, standard output, standard error.
fn run(directory: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let program = env!("CARGO_BIN_EXE_gabion-verify");
    let Output { status, stdout, stderr } =
        Command::new(program).current_dir(directory).args(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_ledger_and_a_proof_are_verified() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path();
    let proof = ledger(path);
    let (key, key_of_another) = (key(), signing(8).verifying().to_string());
    let (code, out, err) = run(path, &["--key", &key, "."]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.starts_with("verified  5 records are what `gate.example/ledger` signed"), "{out}");
    let (code, out, _) = run(path, &["--json", "--key", &key, "."]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["records"], &json["behind"]), (Some(0), &5.into(), &0.into()));

    fs::write(path.join("record.tlog-proof"), &proof).unwrap();
    let (code, out, _) = run(path, &["--key", &key, "--proof", "record.tlog-proof"]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.starts_with("verified  record 2 of the 5") && out.contains("number 2"), "{out}");
    fs::write(path.join("forged"), proof.replace("index 1", "index 2")).unwrap();
    let (code, out, err) = run(path, &["--key", &key, "--proof", "forged"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("the proof does not hold"), "{err}");

    let (code, out, err) = run(path, &["--key", &key_of_another, "."]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("no signature of a known key"), "{err}");
    let (code, ..) = run(path, &["--key", &key, "--after", "tree/checkpoint", "."]);
    assert_eq!(code, Some(0));
}

#[test]
fn a_wrong_command_line_is_told_from_a_wrong_ledger() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path();
    ledger(path);
    let key = key();
    for arguments in [
        &["."][..],
        &["--key", &key],
        &["--key", "nonsense", "."],
        &["--key", &key, "--key", &key, "."],
        &["--key", &key, ".", "."],
        &["--key", &key, "--proof", "x", "."],
        &["--key", &key, "--proof", "x", "--after", "y"],
        &["--key", &key, "--quorum", "many", "."],
        &["--key", &key, "--quorum", "1", "."],
        &["--key", &key, "--unknown", "."],
        &["--key"],
        &[],
    ] {
        let (code, out, err) = run(path, arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {err}");
        assert!(err.starts_with("error: "), "{err}");
    }
    for arguments in [
        &["--key", &key, "nowhere"][..],
        &["--key", &key, "--proof", "nowhere"],
        &["--key", &key, "--after", "nowhere", "."],
        &["--key", &key, "--checkpoint", "/dev/zero", "."],
    ] {
        let (code, out, err) = run(path, arguments);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{arguments:?}: {err}");
    }
    let (code, out, _) = run(path, &["--help"]);
    assert!(code == Some(0) && out.contains("Usage: gabion-verify"), "{out}");
}
