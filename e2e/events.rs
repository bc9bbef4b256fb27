//! Applications that record what happens in them, as the guide says it: its snippets are what runs here.

use std::fs;

use bytes::Bytes;
use gabion_tower::{Event, Gabion, NotRecorded, Recorded, Secret, Severity};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::application::Application;
use crate::client::{Client, text};
use crate::clients::{package, run};
use crate::gate::Gate;
use crate::oauth::PASSWORD;

/// Also in the guide.
async fn refunded(gabion: &Gabion, key: &Secret<String>, order: &str) -> Result<Recorded, NotRecorded> {
    let event = Event::success("order.refunded").on(order).severity(Severity::Low).with("amount", "12.50");
    gabion.events(key).submit_once(event, &format!("refund-{order}")).await
}

/// A gate, and the key of an application that may say what happened.
async fn gate_with_key(more: &str) -> (Gate, String) {
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, more).await;
    gate.cli(&["service-account", "add", "shop"]).await;
    let key = make_key(&gate, "gabion:events").await;
    (gate, key)
}

async fn make_key(gate: &Gate, scope: &str) -> String {
    let made = ["api-key", "create", "--account", "shop", "--scope", scope, "--format", "json"];
    let made: Value = serde_json::from_str(&gate.cli(&made).await).expect("JSON");
    made["key"].as_str().expect("a key").to_owned()
}

async fn submit(gate: &Gate, key: &str, event: &Value) -> (StatusCode, Value) {
    let request = Request::post("/.gabion/api/v1/events")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json");
    let answer = Client::new(gate.address).send(request, Bytes::from(event.to_string())).await;
    let answer = answer.expect("the gate answers");
    (answer.status(), serde_json::from_str(&text(&answer)).unwrap_or_default())
}

/// The records of the kind `application`, oldest first.
async fn recorded(gate: &Gate) -> Vec<Value> {
    let exported = gate.cli(&["ledger", "export", "--kind", "application", "--format", "json"]).await;
    exported.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn guide() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guides/events.md"))
        .expect("there is a guide")
}

fn snippet(language: &str) -> String {
    let guide = guide();
    let (_, rest) = guide.split_once(&format!("```{language}\n")).expect("a snippet");
    rest.split_once("```").expect("it ends").0.to_owned()
}

#[tokio::test]
async fn the_guides_snippets_record_events() {
    let (gate, key) = gate_with_key("").await;
    let url = format!("http://{}", gate.address);
    let folder = TempDir::new().expect("a temporary directory");
    let event = r#"{ action: "order.refunded", outcome: "success", resource: "/orders/1", metadata: { by: "typescript" } }"#;
    let typescript = format!("{}\nconsole.log(JSON.stringify(await record({event})));\n", snippet("ts"));
    fs::write(folder.path().join("events.mts"), typescript).expect("written");
    let types = package("@types");
    let mut compiler = Command::new("node");
    compiler
        .arg(package("typescript").join("bin/tsc"))
        .args(["--strict", "--target", "es2022", "--module", "nodenext"]);
    compiler.args(["--types", "node", "--typeRoots"]).arg(types).arg("events.mts").current_dir(folder.path());
    run(&mut compiler).await;
    let mut node = Command::new("node");
    node.arg("events.mjs").env("GABION_URL", &url).env("GABION_KEY", &key).current_dir(folder.path());
    let answers = [run(&mut node).await];

    let call = r#"print(json.dumps(record("order.refunded", "success", resource="/orders/2", metadata={"by": "python"})))"#;
    fs::write(folder.path().join("events.py"), format!("{}\n\n{call}\n", snippet("python")))
        .expect("written");
    let mut python = Command::new("python3");
    python.arg("events.py").env("GABION_URL", &url).env("GABION_KEY", &key).current_dir(folder.path());
    let answers = answers.into_iter().chain([run(&mut python).await]);
    let answers: Vec<Value> = answers.map(|answer| serde_json::from_str(&answer).expect("JSON")).collect();

    let own = include_str!("events.rs");
    let (_, own) = own.split_once("/// Also in the guide.\n").expect("the snippet");
    let own = own.split_once("\n}\n").expect("it ends").0;
    assert_eq!(snippet("rust"), format!("{own}\n}}\n"), "the guide's snippet is the one that runs here");
    let gabion = Gabion::at(&url).expect("an issuer");
    let rust = refunded(&gabion, &Secret::new(key.clone()), "/orders/3").await.expect("recorded");

    let records = recorded(&gate).await;
    let places: Vec<_> =
        records.iter().map(|record| record["position"].as_u64().expect("a number")).collect();
    let told = answers.iter().map(|answer| answer["position"].as_u64().expect("a number"));
    assert_eq!(places, told.chain([rust.position]).collect::<Vec<_>>());
    for (record, resource) in records.iter().zip(["/orders/1", "/orders/2", "/orders/3"]) {
        assert_eq!((&record["action"], &record["outcome"]), (&json!("order.refunded"), &json!("success")));
        assert_eq!(record["resource"], resource);
        assert_eq!(record["actor"]["name"], "shop", "{record}");
    }
    assert_eq!(records[2]["severity"], "low");
    assert_eq!(records[2]["request_id"], rust.id.as_str());
    let again = refunded(&gabion, &Secret::new(key.clone()), "/orders/3").await.expect("answered");
    assert_eq!(again, rust, "sent again, it is answered as before");
    assert_eq!(recorded(&gate).await.len(), 3);
    let refused = gabion.events(&Secret::new(key)).submit(Event::failure("Not An Action")).await.unwrap_err();
    assert!(
        matches!(&refused, NotRecorded::Refused { status: 422, reason } if reason.contains("action")),
        "{refused}"
    );
}

#[tokio::test]
async fn nobody_says_who_it_was_but_the_credential() {
    let (gate, key) = gate_with_key("").await;
    let least = json!({ "action": "a.b", "outcome": "success" });
    assert_eq!(submit(&gate, &key, &least).await.0, StatusCode::CREATED);
    for member in ["actor", "principal", "kind", "control", "time", "address", "request_id", "count"] {
        let mut event = least.clone();
        event[member] = json!("root");
        let (status, problem) = submit(&gate, &key, &event).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{member}: {problem}");
        assert_eq!(problem["errors"][0]["field"], member);
    }
    let forged = json!({ "action": "a.b", "outcome": "success", "metadata": { "api-key": "another" } });
    assert_eq!(submit(&gate, &key, &forged).await.1["errors"][0]["field"], "metadata.api-key");
    for other in ["gabion:authorize", "read"] {
        let key = make_key(&gate, other).await;
        assert_eq!(submit(&gate, &key, &least).await.0, StatusCode::FORBIDDEN, "{other}");
    }
    assert_eq!(submit(&gate, "gab_live_made_up", &least).await.0, StatusCode::UNAUTHORIZED);

    // A person's session, passed on by the application behind.
    gate.add_account("ada", PASSWORD).await;
    let mut ada = Client::new(gate.address);
    assert!(ada.sign_in("ada", PASSWORD).await.expect("the gate answers"));
    let send = |origin: String| {
        let request = Request::post("/.gabion/api/v1/events").header("content-type", "application/json");
        (
            request.header("origin", origin),
            Bytes::from(r#"{"action": "cart.paid", "outcome": "success", "user_agent": "Firefox"}"#),
        )
    };
    let (request, body) = send(format!("http://{}", gate.address));
    assert_eq!(ada.send(request, body).await.expect("the gate answers").status(), StatusCode::CREATED);
    let (request, body) = send("https://evil.example".to_owned());
    assert_eq!(ada.send(request, body).await.expect("the gate answers").status(), StatusCode::FORBIDDEN);

    let records = recorded(&gate).await;
    assert_eq!(records.len(), 2, "what was refused is no event: {records:?}");
    assert_eq!(records[1]["actor"]["name"], "ada");
    assert_eq!(records[1]["user_agent"], "Firefox");
    assert!(records[0]["metadata"]["api-key"].is_string());
}

async fn submit_once(gate: &Gate, key: &str, once: &[&str], event: &Value) -> (StatusCode, Value) {
    let mut request = Request::post("/.gabion/api/v1/events")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json");
    for once in once {
        request = request.header("idempotency-key", *once);
    }
    let answer = Client::new(gate.address).send(request, Bytes::from(event.to_string())).await;
    let answer = answer.expect("the gate answers");
    (answer.status(), serde_json::from_str(&text(&answer)).unwrap_or_default())
}

#[tokio::test]
async fn what_is_sent_twice_with_one_key_is_recorded_once() {
    let (gate, key) = gate_with_key("").await;
    let event = json!({ "action": "order.refunded", "outcome": "success", "resource": "/orders/1" });
    let (status, first) = submit_once(&gate, &key, &["\"one\""], &event).await;
    assert_eq!(status, StatusCode::CREATED);
    // At once, many times, without the quotes, and with the members in another order.
    let same = json!({ "resource": "/orders/1", "outcome": "success", "action": "order.refunded" });
    let (one, two, three) = tokio::join!(
        submit_once(&gate, &key, &["one"], &event),
        submit_once(&gate, &key, &["\"one\""], &same),
        submit_once(&gate, &key, &["one"], &same),
    );
    assert_eq!([one, two, three], [(); 3].map(|()| (StatusCode::CREATED, first.clone())));
    let other = json!({ "action": "order.refunded", "outcome": "failure", "resource": "/orders/1" });
    assert_eq!(submit_once(&gate, &key, &["one"], &other).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    for bad in [&["\"one"][..], &["a b"], &[""], &["one", "one"], &["one", "two"]] {
        assert_eq!(submit_once(&gate, &key, bad, &event).await.0, StatusCode::BAD_REQUEST, "{bad:?}");
    }
    // What was refused is not remembered, and a key is one account's own.
    let broken = json!({ "action": "Not An Action", "outcome": "success" });
    assert_eq!(submit_once(&gate, &key, &["two"], &broken).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(submit_once(&gate, &key, &["two"], &event).await.0, StatusCode::CREATED);
    assert_eq!(submit_once(&gate, "gab_live_made_up", &["one"], &event).await.0, StatusCode::UNAUTHORIZED);
    gate.cli(&["service-account", "add", "other"]).await;
    let made = ["api-key", "create", "--account", "other", "--scope", "gabion:events", "--format", "json"];
    let made: Value = serde_json::from_str(&gate.cli(&made).await).expect("JSON");
    let others = made["key"].as_str().expect("a key");
    let (status, own) = submit_once(&gate, others, &["one"], &event).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_ne!(own["position"], first["position"]);
    // A race for a new key: one record, and every answer is it or says that it is under way.
    let (one, two) = tokio::join!(
        submit_once(&gate, &key, &["race"], &event),
        submit_once(&gate, &key, &["race"], &event)
    );
    let created: Vec<_> =
        [&one, &two].into_iter().filter(|(status, _)| *status == StatusCode::CREATED).collect();
    assert!(
        !created.is_empty() && created.iter().all(|(_, answer)| *answer == created[0].1),
        "{one:?} {two:?}"
    );
    assert!([one.0, two.0].iter().all(|status| [StatusCode::CREATED, StatusCode::CONFLICT].contains(status)));
    assert_eq!(recorded(&gate).await.len(), 4);
}

#[tokio::test]
async fn a_flood_and_what_is_too_large_is_refused_and_hostile_texts_stay_texts() {
    let profile = "[checks.rate.profiles.events]\nrequests = 5\nper = \"1h\"\n";
    let (gate, key) = gate_with_key(profile).await;
    let hostile = json!({
        "action": "a", "outcome": "failure", "resource": "x\n<13>1 forged\u{202e}",
        "metadata": { "password": "hunter2hunter2", "note": "a\r\nb" },
    });
    assert_eq!(submit(&gate, &key, &hostile).await.0, StatusCode::CREATED);
    let large = json!({ "action": "a", "outcome": "failure", "resource": "x".repeat(40_000) });
    assert_eq!(submit(&gate, &key, &large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    for _ in 0..3 {
        assert_eq!(submit(&gate, &key, &json!([])).await.0, StatusCode::BAD_REQUEST);
    }
    assert_eq!(submit(&gate, &key, &hostile).await.0, StatusCode::TOO_MANY_REQUESTS);
    let exported = gate.cli(&["ledger", "export", "--kind", "application", "--format", "syslog"]).await;
    assert_eq!(exported.lines().count(), 1, "{exported}");
    assert!(!exported.contains("hunter2"), "{exported}");
}
