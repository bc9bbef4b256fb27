//! A witness in a process of its own cosigns a ledger, and an auditor asks for its word.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use tempfile::TempDir;

use crate::harness::{Answer, Process, gabion, post, run, succeed, told};

/// A running witness of one log, and its key.
fn witness(directory: &Path, log: &str, more: &[&str]) -> (Process, SocketAddr, String) {
    let mut command = gabion(directory);
    command.args(["witness", "--data", "witness", "--listen", "127.0.0.1:0", "--log", log]).args(more);
    let process = Process::start(command);
    let (address, key) = process.wait_for(|stdout, stderr| {
        let said = format!("{stdout}{stderr}");
        let address = said.split("http://").nth(1)?.split('/').next()?.parse().ok()?;
        let key = said.split("key  ").nth(1)?.lines().next()?.to_owned();
        Some((address, key))
    });
    (process, address, key)
}

/// What the witness says to the last checkpoint, asked with the size it should know.
fn cosign(directory: &Path, address: SocketAddr, old: &str) -> Answer {
    let request = succeed(directory, &["ledger", "checkpoint", "--data", "data", "--old", old]);
    post(address, "/add-checkpoint", &request, &[])
}

fn checkpoint(directory: &Path) -> String {
    fs::read_to_string(directory.join("data/ledger/tree/checkpoint")).expect("a checkpoint")
}

#[test]
fn an_auditor_believes_what_a_witness_saw_grow() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path();
    succeed(path, &["user", "add", "ann", "--data", "data"]);
    let log = succeed(path, &["ledger", "key", "--data", "data"]);
    let first = checkpoint(path);
    let size = first.lines().nth(1).expect("a size").to_owned();
    fs::write(path.join("alone"), &first).expect("a file");

    let (process, address, key) = witness(path, log.trim(), &["--name", "witness.example/w1"]);
    let answer = cosign(path, address, "0");
    assert_eq!(answer.status, 200, "{}", answer.body);
    fs::write(path.join("cosigned"), format!("{first}{}", answer.body)).expect("a file");
    let verify =
        ["ledger", "verify", "--data", "data", "--key", log.trim(), "--witness", &key, "--checkpoint"];
    succeed(path, &[&verify[..], &["cosigned"]].concat());
    let refused = run(path, &[&verify[..], &["alone"]].concat());
    assert!(told(&refused).contains("cosigned by 0 of the 1 witnesses"), "{}", told(&refused));

    // Another process remembers what this one cosigned.
    assert_eq!(
        run(path, &["witness", "--data", "witness", "--log", log.trim()]).status.code(),
        Some(1),
        "locked"
    );
    drop(process);
    let (_process, address, again) = witness(path, log.trim(), &[]);
    assert_eq!(key, again);
    succeed(path, &["user", "add", "bob", "--data", "data"]);
    let answer = cosign(path, address, "0");
    assert_eq!((answer.status, answer.body), (409, format!("{size}\n")));
    assert_eq!(cosign(path, address, &size).status, 200, "it grew");
    assert_eq!(post(address, "/add-checkpoint", "nonsense", &[]).status, 400);

    // A ledger that was written anew with the same key is not what the witness saw.
    let seen = checkpoint(path).lines().nth(1).expect("a size").to_owned();
    for lost in ["data/ledger", "data/gabion.db"] {
        let lost = path.join(lost);
        if lost.is_dir() { fs::remove_dir_all(lost) } else { fs::remove_file(lost) }.expect("it was there");
    }
    for name in ["ann", "bob", "cid", "dan"] {
        succeed(path, &["user", "add", name, "--data", "data"]);
    }
    assert_eq!(cosign(path, address, &seen).status, 422);
    assert_eq!(code(path, &["ledger", "checkpoint", "--data", "data", "--old", "1000"]), Some(2));
}

fn code(directory: &Path, arguments: &[&str]) -> Option<i32> {
    run(directory, arguments).status.code()
}

#[test]
fn what_is_wrong_with_a_witness_is_said() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path();
    succeed(path, &["user", "add", "ann", "--data", "data"]);
    let log = succeed(path, &["ledger", "key", "--data", "data"]);
    for (more, words) in [
        (&["--log", "nonsense", "--name", "w"][..], "is no key of a log"),
        (&["--log", log.trim()], "a new witness needs a name"),
        (&["--log", log.trim(), "--name", "two words"], "`--name two words`"),
    ] {
        let output = run(path, &[&["witness", "--data", "witness"], more].concat());
        assert_eq!(output.status.code(), Some(2), "{more:?}: {}", told(&output));
        assert!(told(&output).contains(words), "{more:?}: {}", told(&output));
    }
}
