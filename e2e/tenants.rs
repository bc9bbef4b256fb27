//! An application of several tenants: each has a log of its own in the gate's ledger, which its auditor verifies alone.

use std::fs;
use std::process::Stdio;

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::application::Application;
use crate::client::{Client, text};
use crate::gate::{Gate, binary, command};

async fn key(gate: &Gate, account: &str) -> String {
    let made = ["api-key", "create", "--account", account, "--scope", "gabion:events", "--format", "json"];
    let made: Value = serde_json::from_str(&gate.cli(&made).await).expect("JSON");
    made["key"].as_str().expect("a key").to_owned()
}

/// Submits an event; its position.
async fn submit(gate: &Gate, key: &str, resource: &str) -> u64 {
    let event = json!({ "action": "order.created", "outcome": "success", "resource": resource });
    let request = Request::post("/.gabion/api/v1/events")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json");
    let answer = Client::new(gate.address).send(request, Bytes::from(event.to_string())).await;
    let answer = answer.expect("the gate answers");
    assert_eq!(answer.status(), StatusCode::CREATED, "{}", text(&answer));
    serde_json::from_str::<Value>(&text(&answer)).expect("JSON")["position"].as_u64().expect("a number")
}

#[tokio::test]
async fn a_tenants_auditor_is_given_its_records_and_no_others() {
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, "[ledger]\ntenants_every = \"1s\"\n").await;
    let mut positions = Vec::new();
    for (name, tenant) in [("ann", "acme"), ("bob", "beta")] {
        gate.cli(&["user", "add", name, "--tenant", tenant]).await;
        let key = key(&gate, name).await;
        for number in 0..3 {
            positions.push(submit(&gate, &key, &format!("/{tenant}/orders/{number}")).await);
        }
    }
    let found = gate.cli(&["ledger", "search", "--tenant", "acme", "--format", "json"]).await;
    let found: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(found.len() >= 3 && found.iter().all(|record| record["tenant"] == "acme"), "{found:?}");

    // The gate is killed and goes on: what was not sealed is sealed then.
    let gate = gate.kill().await.start_again().await;
    let public = gate.cli(&["ledger", "key"]).await;
    let public = public.trim();
    let stopped = gate.terminate().await;
    let run = |arguments: &[&str]| {
        let mut command = command(stopped.directory());
        command.args(arguments).stdin(Stdio::null());
        async move { command.output().await.expect("gabion runs") }
    };
    let verified = run(&["ledger", "verify", "--tenant", "acme"]).await;
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("2 tenants have logs of their own"), "{verified:?}");

    let exported = run(&["ledger", "export", "--tenant", "acme", "--to", "for-acme"]).await;
    assert!(exported.status.success(), "{exported:?}");
    let again = run(&["ledger", "export", "--tenant", "acme", "--to", "for-acme"]).await;
    assert!(!again.status.success(), "what is there is not written over");
    let directory = stopped.directory().join("for-acme");
    let records = fs::read_to_string(directory.join("records.jsonl")).expect("records");
    assert!(records.contains("/acme/orders/2") && !records.contains("beta"), "{records}");

    // By the auditor's own program, which has nothing but the directory and the key.
    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    fs::rename(&directory, elsewhere.path().join("given")).expect("moved");
    let verifier = binary().with_file_name("gabion-verify");
    let audit = |tenant: &str| {
        let mut command = Command::new(&verifier);
        command.current_dir(elsewhere.path()).args(["--key", public, "--tenant", tenant, "given"]);
        async move { command.output().await.expect("gabion-verify runs") }
    };
    if verifier.exists() {
        let audited = audit("acme").await;
        let said = String::from_utf8_lossy(&audited.stdout).into_owned();
        assert!(audited.status.success() && said.contains("for tenant `acme`"), "{audited:?}");
        assert_eq!(audit("beta").await.status.code(), Some(1));
    }
    let given = elsewhere.path().join("given");
    let given = given.to_str().expect("a path");
    let same = run(&["ledger", "verify", "--export", given, "--tenant", "acme", "--key", public]).await;
    assert!(same.status.success(), "{same:?}");

    let proof = run(&["ledger", "prove", &positions[1].to_string(), "--tenant", "acme"]).await;
    assert!(proof.status.success(), "{proof:?}");
    let file = elsewhere.path().join("proof");
    fs::write(&file, &proof.stdout).expect("written");
    let file = file.to_str().expect("a path");
    let single = run(&["ledger", "verify", "--proof", file, "--tenant", "acme", "--key", public]).await;
    let said = String::from_utf8_lossy(&single.stdout).into_owned();
    assert!(single.status.success() && said.contains("/acme/orders/1"), "{single:?}");
    let foreign = run(&["ledger", "prove", &positions[4].to_string(), "--tenant", "acme"]).await;
    assert!(!foreign.status.success(), "it is beta's");
}
