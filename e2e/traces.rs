//! Traces of requests, read by OpenTelemetry's own messages, through to an application that its SDK traces.

use std::process::Stdio;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::client::{Client, text};
use crate::clients::python;
use crate::gate::Gate;
use crate::receiver::Receiver;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn traces(port: u16, more: &str) -> String {
    format!("[traces]\nurl = \"http://127.0.0.1:{port}/v1/traces\"\n{more}\n")
}

async fn traced_application(collector: u16) -> (Child, std::net::SocketAddr) {
    let mut process = python("traced_app.py", &[&collector.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python runs");
    let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
    let port: u16 = lines.next_line().await.expect("a line").expect("it starts").parse().expect("a port");
    (process, ([127, 0, 0, 1], port).into())
}

async fn ask(gate: &Gate, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let request =
        fields.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    let answer = Client::new(gate.address).send(request, Bytes::new()).await.expect("the gate answers");
    (answer.status().as_u16(), serde_json::from_str(&text(&answer)).unwrap_or_default())
}

/// The spans of one request: the gate's server span comes last, and the application's own beside them.
async fn spans_of(receiver: &mut Receiver, names: &[&str]) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    while !names.iter().all(|name| found.iter().any(|span| span["name"] == **name)) {
        found.push(receiver.next().await);
    }
    found
}

fn span<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
}

#[tokio::test]
async fn a_request_is_one_trace_from_the_gate_into_the_application() {
    let mut receiver = Receiver::start().await;
    let (_application, address) = traced_application(receiver.port).await;
    let gate = Gate::start_with(address, &traces(receiver.port, "")).await;
    let hostile = [("traceparent", PARENT), ("tracestate", "rojo=1"), ("user-agent", "a|b")];
    let (status, told) = ask(&gate, "/public/orders/7?token=hunter2", &hostile).await;
    assert_eq!(status, 200);
    let spans = spans_of(&mut receiver, &["GET /public/*", "GET", "checks", "connect", "show"]).await;
    let (server, client) = (span(&spans, "GET /public/*"), span(&spans, "GET"));
    let trace = server["trace"].as_str().expect("an id");
    assert!(spans.iter().all(|span| span["trace"] == trace), "one trace: {spans:#?}");
    assert!(!PARENT.contains(trace), "what a client says of its trace is not believed");
    assert_eq!((&server["parent"], &server["state"], &server["kind"]), (&json!(""), &json!(""), &json!(2)));
    assert_eq!(client["parent"], server["span"]);
    assert_eq!(span(&spans, "checks")["parent"], server["span"]);
    assert_eq!(span(&spans, "connect")["parent"], client["span"]);
    assert_eq!(span(&spans, "show")["parent"], client["span"], "the application goes on with it");
    let parent = format!("00-{trace}-{}-03", client["span"].as_str().expect("an id"));
    assert_eq!(told, json!({ "traceparent": [parent], "tracestate": null }));
    for (one, inner) in
        [(server, client), (server, span(&spans, "checks")), (client, span(&spans, "connect"))]
    {
        let time = |span: &Value, key: &str| span[key].as_u64().expect("a time");
        assert!(
            time(one, "start") <= time(inner, "start") && time(inner, "end") <= time(one, "end"),
            "{spans:#?}"
        );
    }
    let attributes = &server["attributes"];
    for (key, value) in [
        ("http.request.method", json!("GET")),
        ("http.response.status_code", json!(200)),
        ("http.route", json!("/public/*")),
        ("url.path", json!("/public/orders/7")),
        ("url.scheme", json!("http")),
        ("client.address", json!("127.0.0.1")),
        ("server.address", json!("127.0.0.1")),
    ] {
        assert_eq!(attributes[key], value, "{key}: {attributes}");
    }
    assert_eq!(client["attributes"]["server.port"], address.port());
    assert_eq!((&server["resource"]["service.name"], &client["kind"]), (&json!("gabion"), &json!(3)));
    assert!(!format!("{spans:?}").contains("hunter2"), "{spans:#?}");

    // An error, and a refusal of the gate's own.
    assert_eq!(ask(&gate, "/public/broken", &[]).await.0, 500);
    assert_eq!(ask(&gate, "/private", &[]).await.0, 401);
    let (broken, _) = receiver.until(|span| span["name"] == "GET /public/*").await;
    assert_eq!((&broken["status"], &broken["attributes"]["error.type"]), (&json!(2), &json!("500")));
    let (refused, before) = receiver.until(|span| span["name"] == "GET /*").await;
    assert!(refused["attributes"]["gabion.control"].is_string(), "{refused}");
    assert_eq!(refused["status"], 0, "a client's mistake is no error of the server");
    let own = before.iter().filter(|span| span["trace"] == refused["trace"]).count();
    assert_eq!(own, 1, "the checks, and no upstream");
    let counted = async {
        while gate.metric("gabion_traces_exported").await < 8.0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::gate::PATIENCE, counted).await.expect("they are counted");
    assert!((gate.metric("gabion_traces_dropped").await).abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_trace_is_continued_from_where_it_is_said_and_only_a_whole_one() {
    let mut receiver = Receiver::start().await;
    let (_application, address) = traced_application(receiver.port).await;
    let more = "continue_from = [\"127.0.0.1\"]\nratio = 0.0\nencoding = \"json\"\n";
    let gate = Gate::start_with(address, &traces(receiver.port, more)).await;
    let (_, told) =
        ask(&gate, "/public/x", &[("traceparent", PARENT), ("tracestate", "rojo=1, congo=2")]).await;
    let (server, _) = receiver.until(|span| span["name"] == "GET /public/*").await;
    assert_eq!(
        (&server["trace"], &server["parent"]),
        (&json!("4bf92f3577b34da6a3ce929d0e0e4736"), &json!("00f067aa0ba902b7"))
    );
    assert_eq!((&server["state"], &server["flags"]), (&json!("rojo=1,congo=2"), &json!(0x301)));
    assert_eq!(told["tracestate"], json!(["rojo=1,congo=2"]));
    assert!(
        told["traceparent"][0].as_str().expect("a text").starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-")
    );
    // What is no trace context begins anew, and with this ratio is not recorded; the application is told so.
    let unsampled = PARENT.replace("-01", "-00");
    for fields in [
        &[("traceparent", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01")][..],
        &[("traceparent", PARENT), ("traceparent", PARENT)],
        &[("tracestate", "rojo=1")],
        &[("traceparent", &unsampled)],
        &[],
    ] {
        let (_, told) = ask(&gate, "/public/x", fields).await;
        let parent = told["traceparent"][0].as_str().expect("a text");
        assert!(parent.ends_with("-02") || parent.ends_with("-00"), "{parent}");
        assert!(told["tracestate"].is_null(), "{told}");
        assert_eq!(parent.contains("4bf92f35"), fields.first().is_some_and(|(_, value)| *value == unsampled));
    }
    // The next that is recorded is the next that arrives: nothing came of those between.
    ask(&gate, "/public/last", &[("traceparent", PARENT)]).await;
    let (_, before) = receiver.until(|span| span["name"] == "GET /public/*").await;
    assert!(before.iter().all(|span| span["trace"] == "4bf92f3577b34da6a3ce929d0e0e4736"), "{before:#?}");
}

#[tokio::test]
async fn without_the_table_a_request_passes_as_it_came_and_a_collector_that_is_away_delays_nothing() {
    let receiver = Receiver::start().await;
    let (_application, address) = traced_application(receiver.port).await;
    let gate = Gate::start_with(address, &traces(Gate::free_port(), "timeout = \"1s\"")).await;
    for _ in 0..20 {
        assert_eq!(ask(&gate, "/public/x", &[]).await.0, 200);
    }
    // Traces go away with a reload, and so does what was put into requests.
    let own = gate.directory().join("gabion.toml");
    let text = std::fs::read_to_string(&own).expect("the configuration is read");
    let without = text.split("[traces]").next().expect("a beginning").to_owned();
    std::fs::write(&own, without).expect("the configuration is written");
    let sent =
        Command::new("kill").args(["-HUP", &gate.pid().to_string()]).status().await.expect("kill runs");
    assert!(sent.success());
    gate.said(|text| text.contains("configuration reloaded")).await;
    let (_, told) = ask(&gate, "/public/x", &[("traceparent", PARENT), ("tracestate", "a=1")]).await;
    assert_eq!(told, json!({ "traceparent": [PARENT], "tracestate": ["a=1"] }));
    // What the collector never took is counted.
    let counted = async {
        while gate.metric("gabion_traces_dropped").await < 60.0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::gate::PATIENCE, counted).await.expect("they are counted");
    gate.terminate().await;
}
