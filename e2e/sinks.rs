//! Records on their way out of a gate that is killed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::application::Application;
use crate::gate::Gate;

/// A configuration whose file does not move with the gate's own folder.
fn sink(path: &Path) -> String {
    format!("[sinks.disk]\ntype = \"file\"\npath = {path:?}\nfrom_start = true\n")
}

fn positions(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).expect("the sink's file");
    let position = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        event["metadata"]["uid"].as_str().and_then(|uid| uid.parse().ok()).expect("a position")
    };
    text.lines().map(position).collect()
}

#[tokio::test]
async fn a_sink_misses_no_record_of_a_gate_that_is_killed_and_started_again() {
    let application = Application::start().await;
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("events.jsonl");
    let mut gate = Gate::start_with(application.address, &sink(&path)).await;
    for round in 0..4 {
        for number in 0..3 {
            gate.cli(&["service-account", "add", &format!("bot-{round}-{number}")]).await;
        }
        gate = gate.kill().await.start_again().await;
    }
    let listed: Value =
        serde_json::from_str(&gate.cli(&["sink", "list", "--format", "json"]).await).expect("JSON");
    assert_eq!((&listed[0]["name"], &listed[0]["type"]), (&"disk".into(), &"file".into()), "{listed}");
    gate.cli(&["sink", "test", "disk"]).await;
    let stopped = gate.terminate().await;
    let all = positions(&path);
    let gate = stopped.start_again().await;
    let exported = gate.cli(&["ledger", "export", "--format", "json"]).await;
    let last: u64 = exported
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|record| record["action"] == "gate.stop")
        .filter_map(|record| record["position"].as_u64())
        .max()
        .expect("the stop is on record");
    let seen: BTreeSet<u64> = all.into_iter().collect();
    let missing: Vec<u64> = (0..=last).filter(|position| !seen.contains(position)).collect();
    assert_eq!(missing, [0; 0], "every record, and the test event at 0");
}
