//! What collectors, Sentry and search clusters get, read by their own readers.

use std::fs;

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use tokio::process::Command;

use crate::application::Application;
use crate::client::Client;
use crate::gate::Gate;
use crate::receiver::Receiver;

fn otlp(name: &str, port: u16, more: &str) -> String {
    format!(
        "[sinks.{name}]\ntype = \"otlp\"\nurl = \"http://127.0.0.1:{port}/v1/logs\"\nfrom_start = true\n{more}\n"
    )
}

/// A refusal with texts that mean to leave their fields; its status.
async fn attack(gate: &Gate) -> u16 {
    let hostile = Request::post("/transfer")
        .header("user-agent", "a|b=c \\\" {\"create\":{}} CEF:0|")
        .header("origin", "null");
    let mut client = Client::new(gate.address);
    let status = client.send(hostile, Bytes::new()).await.expect("the gate answers").status();
    assert!(status.is_client_error());
    status.as_u16()
}

fn is_refusal(record: &Value) -> bool {
    record["event"] == "request.refused"
}

#[tokio::test]
async fn a_collector_reads_every_record_in_either_encoding() {
    let application = Application::start().await;
    let (mut binary, mut text) = (Receiver::start().await, Receiver::start().await);
    let sinks =
        [otlp("binary", binary.port, "gzip = true"), otlp("text", text.port, "encoding = \"json\"")].concat();
    let gate = Gate::start_with(application.address, &sinks).await;
    gate.cli(&["sink", "test", "binary"]).await;
    let status = attack(&gate).await;
    let mut same = Vec::new();
    for receiver in [&mut binary, &mut text] {
        let (refusal, before) = receiver.until(is_refusal).await;
        assert!(before.iter().any(|record| record["event"] == "gate.start"), "{before:?}");
        assert_eq!(
            (&refusal["resource"]["service.name"], &refusal["scope"]),
            (&"gabion".into(), &"gabion.ledger".into())
        );
        let attributes = &refusal["attributes"];
        assert_eq!(attributes["client.address"], "127.0.0.1");
        assert_eq!(attributes["http.request.method"], "POST");
        assert_eq!(attributes["http.response.status_code"], status);
        assert_eq!(attributes["user_agent.original"], "a|b=c \\\" {\"create\":{}} CEF:0|");
        assert_eq!(attributes["url.path"], "/transfer");
        assert_eq!(refusal["severity"], 10);
        assert!(attributes["gabion.control"].is_string(), "{attributes}");
        same.push(refusal);
    }
    assert_eq!(same[0], same[1]);
    assert!(same[0]["time"].as_u64().expect("a time") > 1_700_000_000_000_000_000);
}

#[tokio::test]
async fn sentry_and_a_search_cluster_read_what_they_get() {
    let application = Application::start().await;
    let (mut sentry, mut cluster) = (Receiver::start().await, Receiver::start().await);
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (dsn, key) = (folder.path().join("dsn"), folder.path().join("key"));
    fs::write(&dsn, format!("http://0123456789abcdef@127.0.0.1:{}/42\n", sentry.port)).expect("written");
    fs::write(&key, "VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWkybHAyYXhUTm1zeWFrdzl0dk5udw==\n").expect("written");
    let sinks = format!(
        "[sinks.sentry]\ntype = \"sentry\"\nsecret_file = {dsn:?}\nseverity = \"low\"\nfrom_start = true\n\
         [sinks.search]\ntype = \"elasticsearch\"\nurl = \"http://127.0.0.1:{}\"\nindex = \"logs-gabion-default\"\n\
         auth = \"api_key\"\nsecret_file = {key:?}\nfrom_start = true\n",
        cluster.port
    );
    let gate = Gate::start_with(application.address, &sinks).await;
    attack(&gate).await;
    let (event, _) = sentry.until(|event| event["event"]["tags"]["action"] == "request.refused").await;
    assert_eq!(event["path"], "/api/42/envelope/");
    assert!(event["auth"].as_str().expect("a text").ends_with("sentry_key=0123456789abcdef"), "{event}");
    let event = &event["event"];
    assert_eq!((&event["level"], &event["user"]["ip_address"]), (&"info".into(), &"127.0.0.1".into()));
    assert_eq!(
        event["fingerprint"],
        serde_json::json!(["gabion", "request.refused", event["tags"]["control"]])
    );

    let (created, before) =
        cluster.until(|created| created["document"]["metadata"]["event_code"] == "request.refused").await;
    assert_eq!(created["index"], "logs-gabion-default");
    assert!(before.len() > 1 && created["document"]["@timestamp"].is_string(), "{created}");
    let listed: Value =
        serde_json::from_str(&gate.cli(&["sink", "list", "--format", "json"]).await).expect("JSON");
    assert_eq!(
        (&listed[0]["type"], &listed[1]["type"]),
        (&"elasticsearch".into(), &"sentry".into()),
        "{listed}"
    );
    let everything = [gate.output(), listed.to_string()].concat();
    assert!(!everything.contains("0123456789abcdef") && !everything.contains("VnVhQ2ZH"), "{everything}");
}

#[tokio::test]
async fn a_reload_moves_a_sink_without_a_restart_and_without_a_gap() {
    let application = Application::start().await;
    let (mut first, mut second) = (Receiver::start().await, Receiver::start().await);
    let gate = Gate::start_with(application.address, &otlp("otel", first.port, "")).await;
    attack(&gate).await;
    let (last, before) = first.until(is_refusal).await;
    let path = gate.directory().join("gabion.toml");
    let configuration = fs::read_to_string(&path).expect("the configuration is read");
    let moved = configuration.replace(&first.port.to_string(), &second.port.to_string());
    fs::write(&path, moved).expect("the configuration is written");
    reload(&gate, "configuration reloaded").await;
    attack(&gate).await;
    let (_, after) = second.until(is_refusal).await;
    let position = |record: &Value| record["attributes"]["gabion.position"].as_i64().expect("a position");
    let mut all: Vec<i64> = before.iter().chain([&last]).chain(&after).map(position).collect();
    let end = all.iter().copied().max().expect("positions");
    // What was recorded before the move, the reload itself for instance, is still at the first.
    while !(1..=end).all(|position| all.contains(&position)) {
        all.push(position(&first.next().await));
    }
    all.sort_unstable();
    assert_eq!(all, (1..=end).collect::<Vec<_>>(), "none is missing and none is there twice");

    // One that cannot be used changes nothing.
    fs::write(&path, configuration.replace("otlp", "sentry")).expect("the configuration is written");
    reload(&gate, "configuration not reloaded").await;
    attack(&gate).await;
    second.until(is_refusal).await;
}

async fn reload(gate: &Gate, said: &str) {
    let sent =
        Command::new("kill").args(["-HUP", &gate.pid().to_string()]).status().await.expect("kill runs");
    assert!(sent.success());
    gate.said(|text| text.contains(said)).await;
}
