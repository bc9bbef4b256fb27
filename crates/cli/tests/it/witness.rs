//! A witness in a process of its own cosigns a ledger, and an auditor asks for its word.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use tempfile::TempDir;

use rustix::process::Signal;

use crate::harness::{Answer, Application, Gate, Process, gabion, post, run, succeed, told};

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

/// The gate sends its checkpoints by itself; `verify` asks for the witness's word by itself; a former copy of the ledger is
/// noticed at the start, and one of the whole directory by the witness.
#[test]
fn a_gate_is_cosigned_while_it_runs() {
    let application = Application::start();
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path();
    succeed(path, &["user", "add", "ann", "--data", "data"]);
    copy(&path.join("data"), &path.join("former"));
    succeed(path, &["user", "add", "bob", "--data", "data"]);
    let log = succeed(path, &["ledger", "key", "--data", "data"]);
    let (_witness, address, key) = witness(path, log.trim(), &["--name", "witness.example/w1"]);
    let witnesses = format!(
        "[ledger]\nwitness_every = \"1s\"\n[[ledger.witnesses]]\nurl = \"http://{address}\"\nkey = \"{key}\"\n"
    );
    fs::write(path.join("gabion.toml"), application.configuration(&witnesses)).expect("a file");
    let stop = |gate: Gate| {
        gate.process.signal(Signal::TERM);
        assert_eq!(gate.process.end().0, Some(0));
    };
    let gate = Gate::start(path);
    gate.process.wait_for_stderr("ledger cosigned by witnesses");
    stop(gate);
    let verified = succeed(path, &["ledger", "verify"]);
    assert!(verified.contains("are cosigned, by 1 of the witnesses asked for"), "{verified}");
    let elsewhere = ["ledger", "verify", "--data", "data", "--key", log.trim(), "--witness"];
    succeed(path, &[&elsewhere[..], &[key.as_str()]].concat());
    let foreign = succeed(path, &["ledger", "key", "--data", "former"]).replace("+1+", "+4+");
    assert_ne!(run(path, &[&elsewhere[..], &[foreign.trim()]].concat()).status.code(), Some(0));

    // The records of before, and what was cosigned since: the gate does not go on.
    let cosigned = fs::read(path.join("data/ledger/tree/cosigned")).expect("it was kept");
    fs::remove_dir_all(path.join("data/ledger")).expect("removed");
    copy(&path.join("former/ledger"), &path.join("data/ledger"));
    fs::write(path.join("data/ledger/tree/cosigned"), &cosigned).expect("a file");
    let refused = run(path, &["run"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(told(&refused).contains("the ledger ends with"), "{}", told(&refused));
    let refused = run(path, &["ledger", "verify"]);
    assert!(told(&refused).contains("records were sealed"), "{}", told(&refused));

    // Without it nobody here can know. The witness does.
    fs::remove_file(path.join("data/ledger/tree/cosigned")).expect("removed");
    let gate = Gate::start(path);
    gate.process.wait_for_stderr("witness does not cosign");
    stop(gate);
    let records = succeed(path, &["ledger", "search", "ledger.witness.contradicts", "--format", "json"]);
    assert!(records.contains("\"severity\":\"critical\""), "{records}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            copy(&entry.path(), &to);
        } else if kind.is_file() {
            fs::copy(entry.path(), to).map(drop).expect("a copy");
        }
    }
}
