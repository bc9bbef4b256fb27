//! The ledger proves itself: what an auditor does with the files, and what is found when somebody edits them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{run, succeed, told};

/// A data directory in which some acts were recorded.
fn recorded() -> TempDir {
    let directory = TempDir::new().expect("a temporary directory");
    for name in ["ann", "bob", "cid"] {
        succeed(directory.path(), &["user", "add", name, "--data", "data"]);
    }
    directory
}

fn segment(directory: &Path) -> PathBuf {
    directory.join("data/ledger/00000000000000000001.segment")
}

fn refused(directory: &Path, arguments: &[&str], words: &str) {
    let output = run(directory, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}\n{}", told(&output));
    assert!(told(&output).contains(words), "{}", told(&output));
}

#[test]
fn an_auditor_needs_the_files_and_a_key() {
    let directory = recorded();
    let path = directory.path();
    let key = succeed(path, &["ledger", "key", "--data", "data"]);
    let former = fs::read(path.join("data/ledger/tree/checkpoint")).expect("a checkpoint");
    fs::write(path.join("kept"), &former).expect("a file");
    succeed(path, &["user", "add", "dan", "--data", "data"]);

    // Of a copy without any key in it.
    let copy = path.join("copy/ledger");
    fs::create_dir_all(copy.join("tree")).expect("a directory");
    fs::copy(segment(path), copy.join("00000000000000000001.segment")).expect("a copy");
    fs::copy(path.join("data/ledger/tree/checkpoint"), copy.join("tree/checkpoint")).expect("a copy");
    let told = succeed(
        path,
        &["ledger", "verify", "--data", "copy", "--key", key.trim(), "--after", "kept", "--format", "json"],
    );
    let verified: Value = serde_json::from_str(&told).expect("JSON");
    assert!(verified["records"].as_u64().expect("a number") > 4, "{verified}");
    assert_eq!(verified["behind"], 0);

    // Another gate's key, and another gate's past, are not this one's.
    let other = recorded();
    let foreign = succeed(other.path(), &["ledger", "key", "--data", "data"]);
    refused(
        path,
        &["ledger", "verify", "--data", "copy", "--key", foreign.trim()],
        "no signature of a known key",
    );
    let output = run(path, &["ledger", "verify", "--data", "copy", "--key", "nonsense"]);
    assert_eq!(output.status.code(), Some(2), "{}", crate::harness::told(&output));
}

#[test]
fn one_record_is_proved_to_somebody_who_sees_no_other() {
    let directory = recorded();
    let path = directory.path();
    let key = succeed(path, &["ledger", "key", "--data", "data"]);
    let records = succeed(path, &["ledger", "search", "bob", "--data", "data", "--format", "json"]);
    let record: Value = serde_json::from_str(records.lines().next().expect("a record")).expect("JSON");
    let number = record["position"].to_string();
    let proof = succeed(path, &["ledger", "prove", &number, "--data", "data"]);
    fs::write(path.join("bob.tlog-proof"), &proof).expect("a file");
    let elsewhere = TempDir::new().expect("a temporary directory");
    fs::copy(path.join("bob.tlog-proof"), elsewhere.path().join("bob.tlog-proof")).expect("a copy");
    let arguments =
        ["ledger", "verify", "--proof", "bob.tlog-proof", "--key", key.trim(), "--format", "json"];
    let verified: Value = serde_json::from_str(&succeed(elsewhere.path(), &arguments)).expect("JSON");
    assert_eq!(verified["record"].to_string(), number);
    assert_eq!(verified["event"]["action"], record["action"]);

    // The same proof of another record, and of an edited one.
    let forged =
        proof.replace(&format!("index {}", record["position"].as_u64().expect("a number") - 1), "index 0");
    fs::write(elsewhere.path().join("bob.tlog-proof"), forged).expect("a file");
    refused(elsewhere.path(), &arguments, "the proof does not hold");
    refused(path, &["ledger", "prove", "999", "--data", "data"], "record 999 is not there");
}

#[test]
fn an_edited_ledger_is_refused_by_the_auditor_and_by_the_gate() {
    let directory = recorded();
    let path = directory.path();
    let whole = fs::read(segment(path)).expect("a segment");
    assert!(!whole.windows(3).any(|window| window == b"bob"), "sealed at rest");
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    fs::write(segment(path), &changed).expect("a file");
    refused(path, &["ledger", "verify", "--data", "data"], "the checksum does not match");

    // Cut off where a record ends, nothing is wrong with what is left, except that it ended later.
    let mut frame = 128;
    let mut last = frame;
    while let Some(length) = whole.get(frame..frame + 4) {
        last = frame;
        frame += 40 + u32::from_le_bytes(length.try_into().expect("4 bytes")) as usize;
    }
    fs::write(segment(path), &whole[..last]).expect("a file");
    refused(path, &["ledger", "verify", "--data", "data"], "records were sealed");
    refused(path, &["user", "add", "eve", "--data", "data"], "the ledger cannot be opened");

    fs::write(segment(path), &whole).expect("a file");
    succeed(path, &["ledger", "verify", "--data", "data"]);
    succeed(path, &["user", "add", "eve", "--data", "data"]);

    fs::remove_file(path.join("data/ledger.key")).expect("the key");
    refused(path, &["user", "add", "fay", "--data", "data"], "the ledger's checkpoint is not believed");
}

/// The key that the records are sealed with: lost, another one, and replaced.
#[test]
fn records_are_read_with_their_key_and_with_no_other() {
    let directory = recorded();
    let path = directory.path();
    let key = path.join("data/ledger-sealing.key");
    let own = fs::read(&key).expect("the key");
    assert_eq!(own.len(), 32);
    let mode = fs::metadata(&key).expect("the key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    fs::remove_file(&key).expect("removed");
    refused(path, &["user", "add", "eve", "--data", "data"], "ledger-sealing.key`, is not there");
    assert!(!key.exists(), "no other key is begun beside sealed records");
    refused(path, &["ledger", "prove", "2", "--data", "data"], "there is no key to open it with");
    succeed(path, &["ledger", "verify", "--data", "data"]);

    fs::write(&key, [9; 32]).expect("another key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("only ours");
    refused(path, &["user", "add", "eve", "--data", "data"], "ledger-sealing.key` holds");
    fs::write(&key, [9; 31]).expect("no key");
    refused(path, &["user", "add", "eve", "--data", "data"], "holds 31 bytes, and a key has 32");
    fs::write(&key, &own).expect("the key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("open to all");
    refused(path, &["user", "add", "eve", "--data", "data"], "chmod 600");

    // In another place, and replaced there.
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("only ours");
    fs::rename(&key, path.join("elsewhere.key")).expect("moved");
    fs::write(path.join("gabion.toml"), "[ledger]\nkey_file = \"elsewhere.key\"\n").expect("a file");
    succeed(path, &["ledger", "rekey", "--data", "data"]);
    assert!(!key.exists());
    let new = fs::read(path.join("elsewhere.key")).expect("the key");
    assert!(new.len() == 32 && new != own);
    let records = succeed(path, &["ledger", "search", "--data", "data", "--format", "json"]);
    for word in ["bob", "ledger.rekey"] {
        assert!(records.contains(word), "{word} in {records}");
    }
    succeed(path, &["ledger", "verify", "--data", "data"]);
    fs::write(path.join("elsewhere.key"), &own).expect("the former key");
    refused(path, &["user", "add", "eve", "--data", "data"], "elsewhere.key` holds");
}

/// A person is erased: their name stands in no file any more, records read as erased, and the ledger is proved as before.
#[test]
fn an_erased_person_stands_in_no_file_and_the_ledger_verifies() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path();
    for name in ["ann", "rumpelstiltskin"] {
        succeed(path, &["user", "add", name, "--data", "data"]);
    }
    succeed(path, &["user", "disable", "rumpelstiltskin", "--data", "data"]);
    let former = fs::read(path.join("data/ledger/tree/checkpoint")).expect("a checkpoint");
    fs::write(path.join("kept"), &former).expect("a file");
    let search = ["ledger", "search", "--data", "data", "--format", "json"];
    assert!(succeed(path, &search).contains("rumpelstiltskin"));
    refused(
        path,
        &["ledger", "erase", "rumpelstiltskin", "--data", "data"],
        "there is an account with this name",
    );
    succeed(path, &["user", "erase", "rumpelstiltskin", "--data", "data"]);
    refused(path, &["ledger", "erase", "rumpelstiltskin", "--data", "data"], "or it is erased already");

    let records = succeed(path, &search);
    assert!(!records.contains("rumpelstiltskin"), "{records}");
    let erased = |line: &&str| line.contains("\"resource\":\"erased");
    assert!(records.lines().filter(erased).count() >= 5, "{records}");
    assert!(records.contains("\"resource\":\"ann\""), "nobody else is");
    for file in crate::harness::files(&path.join("data")) {
        let bytes = fs::read(&file).expect("a file");
        let found = bytes.windows(15).any(|part| part.eq_ignore_ascii_case(b"rumpelstiltskin"));
        assert!(!found, "the name stands in {}", file.display());
    }
    succeed(path, &["ledger", "verify", "--data", "data", "--after", "kept"]);
    let erasure = records.lines().find(|line| line.contains("ledger.erase")).expect("the act is on record");
    let record: Value = serde_json::from_str(erasure).expect("JSON");
    let number = record["position"].to_string();
    fs::write(path.join("proof"), succeed(path, &["ledger", "prove", &number, "--data", "data"]))
        .expect("a file");
    succeed(path, &["ledger", "verify", "--data", "data", "--proof", "proof"]);

    // Removed, but not erased at once: it reads until its time has come.
    succeed(path, &["user", "remove", "ann", "--data", "data"]);
    assert!(succeed(path, &search).contains("\"resource\":\"ann\""));
    succeed(path, &["ledger", "erase", "ann", "--data", "data"]);
    assert!(!succeed(path, &search).contains("\"ann\""));
}
