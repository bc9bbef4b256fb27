//! Two programs, one verdict: `gabion ledger verify`, and `gabion-verify`, which auditors build alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use gabion_ledger::format::{Frame, SEALED_HEADER_SIZE};
use gabion_ledger::{Position, SegmentId};
use tempfile::TempDir;

use crate::harness::{files, run, succeed, told};

/// The other program, built with this one.
fn verify(directory: &Path, arguments: &[&str]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_gabion")).with_file_name("gabion-verify");
    assert!(program.exists(), "`cargo build --package gabion-verifier` builds {}", program.display());
    Command::new(program).current_dir(directory).args(arguments).output().expect("gabion-verify runs")
}

/// Asks both about the ledger in `data`; they say the same. Whether it is as it was signed.
fn agree(directory: &Path, key: &str, more: &[&str], what: &str) -> bool {
    let own = ["ledger", "verify", "--data", "data", "--format", "json", "--key", key];
    let gate = run(directory, &[&own, more].concat());
    let alone = verify(directory, &[&["--json", "--key", key, "data"], more].concat());
    assert_eq!(gate.status.code(), alone.status.code(), "{what}\n{}\n{}", told(&gate), told(&alone));
    let json = |output: &Output| serde_json::from_slice::<serde_json::Value>(&output.stdout).ok();
    assert_eq!(json(&gate), json(&alone), "{what}");
    // Words may be broken into lines otherwise.
    let words = |output: &Output| {
        String::from_utf8_lossy(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let said = words(&alone);
    let reasons = said.trim_start_matches("error: ").split(" hint: ").next().unwrap_or_default().split(": ");
    for reason in reasons.filter(|_| !alone.status.success()) {
        assert!(words(&gate).contains(reason), "{what}: {reason}\n{}", told(&gate));
    }
    gate.status.success()
}

#[test]
fn both_verifiers_agree_on_a_ledger_and_on_every_change_of_it() {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path();
    for name in ["ann", "bob", "cid"] {
        succeed(path, &["user", "add", name, "--data", "data"]);
    }
    let key = succeed(path, &["ledger", "key", "--data", "data"]);
    let key = key.trim();
    let ledger = path.join("data/ledger");
    let former = path.join("former");
    fs::copy(ledger.join("tree/checkpoint"), &former).expect("a copy");
    succeed(path, &["user", "add", "dan", "--data", "data"]);
    assert!(agree(path, key, &[], "whole"));
    assert!(agree(path, key, &["--after", "former"], "continued"));
    assert!(agree(path, key, &["--checkpoint", "former"], "as it was"));
    assert!(!agree(path, key, &["--after", "data/ledger.pub"], "no checkpoint"));
    let witness = "w+fe7b045a+BOjCEHV3UUlzlx2fCfFKtQ6uSVc8Y86JnxmKdvZunMBS";
    assert!(!agree(path, key, &["--witness", witness], "no witness"));
    assert!(!agree(path, "w+1+nonsense", &[], "no key"));
    let other = TempDir::new().expect("a temporary directory");
    succeed(other.path(), &["user", "add", "eve", "--data", "data"]);
    let foreign = succeed(other.path(), &["ledger", "key", "--data", "data"]);
    assert!(!agree(path, foreign.trim(), &[], "another's key"));

    let segment = ledger.join(SegmentId::FIRST.file_name());
    for file in [segment.clone(), ledger.join("tree/checkpoint")] {
        let whole = fs::read(&file).expect("a file");
        // Not a multiple of anything: header, numbers, checksums, payloads, signatures, all come by.
        for at in (0..whole.len()).step_by(whole.len() / 23) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&file, changed).expect("a file");
            assert!(!agree(path, key, &[], &format!("byte {at} of {}", file.display())));
            fs::write(&file, &whole[..at]).expect("a file");
            assert!(!agree(path, key, &[], &format!("cut to {at}: {}", file.display())));
        }
        fs::write(&file, &whole).expect("a file");
    }

    let whole = fs::read(&segment).expect("a segment");
    let (header, mut rest) = whole.split_at(SEALED_HEADER_SIZE);
    let mut frames = Vec::new();
    while let Ok(frame) = Frame::decode(rest) {
        frames.push(frame);
        rest = &rest[frame.size()..];
    }
    let forge = |order: &[usize], what: &str| {
        let mut bytes = header.to_vec();
        for (number, at) in (1..).zip(order) {
            let position = Position(number);
            Frame { position, mark: position, ..frames[*at] }.encode(&mut bytes);
        }
        fs::write(&segment, bytes).expect("a segment");
        agree(path, key, &[], what)
    };
    let order: Vec<usize> = (0..frames.len()).collect();
    assert!(forge(&order, "the same again"));
    let last = frames.len() - 1;
    assert!(!forge(&order[..last], "truncated"));
    assert!(!forge(&order[1..], "the first dropped"));
    assert!(!forge(&[&order[..2], &order[3..]].concat(), "one dropped"));
    assert!(!forge(&[&order[..2], &order[1..]].concat(), "one doubled"));
    assert!(!forge(&[&[1, 0], &order[2..]].concat(), "two swapped"));
    assert!(forge(&[&order[..], &[0]].concat(), "one behind the checkpoint"));
    fs::write(&segment, &whole).expect("a segment");

    let tiles: Vec<PathBuf> = files(&ledger.join("tree/tile"));
    for tile in tiles {
        fs::write(&tile, "no tile").expect("a file");
    }
    assert!(agree(path, key, &[], "tiles accuse nobody"));
    fs::remove_file(ledger.join("tree/checkpoint")).expect("it was there");
    assert!(!agree(path, key, &[], "no checkpoint"));
    fs::remove_file(segment).expect("it was there");
    assert!(!agree(path, key, &[], "no ledger"));
}
