//! `gabion demo`, and the attack on the shop with and without the gate.

use std::fs;
use std::net::SocketAddr;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Process, gabion, get, post, run, told};

/// What the gate in front of the shop must close; the rest is listed as open.
const CLOSED: &[&str] = &[
    "cacheable-answer",
    "command-injection",
    "csrf",
    "forged-identity",
    "function-level",
    "host-header",
    "idor-tenant",
    "idor-user",
    "login-rate",
    "mass-assignment",
    "missing-headers",
    "missing-login",
    "nosql-injection",
    "open-redirect",
    "path-traversal",
    "permissive-cors",
    "reflected-xss",
    "secrets-in-answer",
    "stored-xss",
    "unsafe-upload",
    "unsigned-webhook",
    "user-enumeration",
    "verbose-errors",
    "weak-session-cookie",
    "websocket-hijacking",
];

/// Which answer each of the three attempts gets: closed is closed by the check that should close it.
const REFUSED: &[(&str, [u16; 3])] = &[
    ("idor-user", [404, 404, 404]),
    ("idor-tenant", [404, 404, 400]),
    ("function-level", [403, 403, 403]),
    ("mass-assignment", [400, 400, 400]),
    ("nosql-injection", [400, 400, 400]),
    ("unsafe-upload", [422, 422, 415]),
    ("unsigned-webhook", [403, 403, 403]),
    ("open-redirect", [502, 502, 502]),
    ("missing-login", [401, 401, 401]),
    // Answered, without what the contract does not name.
    ("secrets-in-answer", [200, 200, 200]),
    ("cacheable-answer", [200, 200, 200]),
];

#[test]
fn every_hole_exploits_directly_and_every_feature_works_through_the_gate() {
    let directory = TempDir::new().expect("a temporary directory");
    let output = run(directory.path(), &["demo", "--attack", "--port", "0", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let holes = report["holes"].as_array().expect("a list");
    assert!(holes.len() >= 24, "{}", holes.len());
    for hole in holes {
        let id = hole["id"].as_str().expect("an id");
        assert_eq!(hole["direct"], "open", "{id} directly: {hole}");
        assert_eq!(hole["twin_direct"], true, "{id} directly: {hole}");
        assert_eq!(hole["twin_gate"], true, "{id} through the gate: {hole}");
        assert_eq!(hole["repaired"], "closed", "{id} in the repaired application: {hole}");
        if CLOSED.contains(&id) {
            assert_eq!(hole["gate"], "closed", "{id} through the gate: {hole}");
        }
    }
    for (id, answers) in REFUSED {
        let hole = holes.iter().find(|hole| hole["id"] == *id).expect("on the list");
        let evidence = hole["evidence_gate"].as_str().expect("text");
        for (line, answer) in evidence.lines().zip(answers) {
            assert!(line.ends_with(&format!("answer {answer}")), "{id}: {line}, not {answer}");
        }
    }
    assert_eq!(report["summary"]["broken_claims"], serde_json::json!([]));
    assert_eq!(report["summary"]["broken_twins"], serde_json::json!([]));
    for id in CLOSED {
        assert!(holes.iter().any(|hole| hole["id"] == *id), "{id} is not on the list");
    }
}

/// Where the shop is through the gate, and without it.
fn both(demo: &Process) -> (SocketAddr, SocketAddr) {
    demo.wait_for(|stdout, _| {
        if !stdout.contains("Ctrl-C") {
            return None;
        }
        let address = |words: &str| {
            let line = stdout.lines().find(|line| line.contains(words))?;
            line.split("http://").nth(1)?.split('/').next()?.parse().ok()
        };
        Some((address("through the gate")?, address("without it")?))
    })
}

#[test]
fn a_probe_of_both_says_what_the_gate_stops() {
    let directory = TempDir::new().expect("a temporary directory");
    let mut command = gabion(directory.path());
    command.args(["demo", "--port", "0"]).env("TMPDIR", directory.path());
    let demo = Process::start(command);
    let (gate, alone) = both(&demo);
    let tests = ["headers", "verbose-errors", "xss-reflected"];
    let (alone, gate) = (format!("http://{alone}"), format!("http://{gate}"));
    let mut arguments = vec!["probe", &alone, "--format", "json", "--fail-on", "low"];
    arguments.extend(tests.iter().flat_map(|test| ["--only", test]));
    let direct = run(directory.path(), &arguments);
    assert_eq!(direct.status.code(), Some(1), "{}", told(&direct));

    arguments.extend(["--through", &gate]);
    let output = run(directory.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let found = report["findings"].as_array().expect("a list");
    let rows = report["through"]["findings"].as_array().expect("a list");
    for test in tests {
        let own = found.iter().find(|one| one["test"] == test).expect("found without the gate");
        let row = rows.iter().find(|row| row["id"] == own["id"]).expect("looked at through the gate");
        assert_eq!(row["standing"], "stopped", "{row}");
    }
    assert_eq!(report["through"]["only"], serde_json::json!([]));
    demo.signal(Signal::INT);
    let (code, _, stderr) = demo.end();
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn the_demo_shows_where_to_look_and_leaves_nothing_behind() {
    let directory = TempDir::new().expect("a temporary directory");
    let mut command = gabion(directory.path());
    command.args(["demo", "--port", "0"]).env("TMPDIR", directory.path());
    let demo = Process::start(command);
    let (gate, alone) = both(&demo);
    assert_eq!(get(gate, "/notes", &[]).status, 401);
    assert_eq!(get(gate, "/shop", &[]).status, 200);
    assert_eq!(get(alone, "/shop", &[]).status, 200);
    assert_eq!(get(gate, "/favicon.ico", &[]).status, 200);
    let said = demo.wait_for(|stdout, _| stdout.contains("Ctrl-C").then(|| stdout.to_owned()));

    // The name and the password of the shop's own sign-in work there.
    let own = said.lines().find(|line| line.ends_with("at its own sign-in")).expect("a name and a password");
    let words: Vec<&str> = own.split_whitespace().collect();
    let answer = post(alone, "/login", &format!("name={}&password={}", words[0], words[1]), &[]);
    assert!(answer.head.to_lowercase().contains("set-cookie"), "{} {}", answer.status, answer.head);

    // The exploit by hand: believed without the gate, refused by it.
    let forged: Vec<&str> = said.lines().filter_map(|line| line.split('\'').nth(1)).collect();
    let forged = forged.into_iter().find(|field| field.starts_with("Gabion-Identity: ")).expect("an exploit");
    assert!(get(alone, "/api/me", &[forged]).body.contains("\"role\":\"admin\""));
    assert_eq!(get(gate, "/api/me", &[forged]).status, 401);
    demo.signal(Signal::INT);
    let (code, _, stderr) = demo.end();
    assert_eq!(code, Some(0), "{stderr}");
    let left: Vec<_> = fs::read_dir(directory.path()).expect("readable").collect();
    assert!(left.is_empty(), "{left:?}");
}
