//! `gabion doctor`.

use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Application, Gate, directory_with, run};

/// What was examined, with its state, and the exit code.
fn examined(directory: &Path) -> (Vec<(String, String)>, Option<i32>) {
    let output = run(directory, &["doctor", "--format", "json"]);
    let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let word = |finding: &Value, key: &str| finding[key].as_str().expect("text").to_owned();
    let findings = findings.as_array().expect("a list").iter();
    (findings.map(|finding| (word(finding, "what"), word(finding, "state"))).collect(), output.status.code())
}

fn state<'a>(findings: &'a [(String, String)], what: &str) -> &'a str {
    let found = findings.iter().find(|(name, _)| name == what);
    found.map_or("not examined", |(_, state)| state.as_str())
}

#[test]
fn a_healthy_installation_has_nothing_that_fails() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let gate = Gate::start(directory.path());
    gate.link();
    let (findings, code) = examined(directory.path());
    assert_eq!(code, Some(0), "{findings:?}");
    for what in ["configuration", "data directory", "gate", "upstream app", "clients", "clock"] {
        assert_eq!(state(&findings, what), "ok", "{what}: {findings:?}");
    }
    drop(gate);
    // Killed: what it wrote is whole, and is read through.
    let (findings, _) = examined(directory.path());
    assert_eq!(state(&findings, "database"), "ok", "{findings:?}");
    assert_eq!(state(&findings, "ledger"), "ok", "{findings:?}");
}

#[test]
fn an_application_that_is_down_and_a_damaged_ledger_are_found() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let gate = Gate::start(directory.path());
    gate.link();
    drop(gate);
    let ledger = directory.path().join("data/ledger");
    let segment = crate::harness::files(&ledger).pop().expect("a segment");
    let mut bytes = std::fs::read(&segment).expect("readable");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xFF;
    std::fs::write(&segment, bytes).expect("written");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let text = application.configuration("").replace(&application.address.to_string(), &free.to_string());
    std::fs::write(directory.path().join("gabion.toml"), text).expect("written");
    let (findings, code) = examined(directory.path());
    assert_eq!(code, Some(1));
    assert_eq!(state(&findings, "upstream app"), "fail", "{findings:?}");
    assert_eq!(state(&findings, "ledger"), "fail", "{findings:?}");
}
