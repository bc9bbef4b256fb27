//! Events in the forms other programs read, judged by a validator others wrote (PyPI `ocsf-json-schema`).

use std::fs::{self, File};
use std::path::Path;

use bytes::Bytes;
use gabion_model::{
    AccountId, Actor, ControlId, Event, EventKind, Outcome, RequestId, SessionId, Severity, Timestamp,
};
use gabion_service::Act;
use gabion_telemetry::{Source, ocsf};
use http::Request;
use tempfile::TempDir;

use crate::application::Application;
use crate::client::Client;
use crate::clients::{python, run};
use crate::gate::Gate;

/// What is recorded without being an act of the service.
const OTHERS: &[(EventKind, &str)] = &[
    (EventKind::Alert, "alert.raised"),
    (EventKind::Application, "order.created"),
    (EventKind::Application, "x"),
    (EventKind::Configuration, "configuration.reload"),
    (EventKind::Configuration, "gate.start"),
    (EventKind::Configuration, "gate.stop"),
    (EventKind::Configuration, "sink.rejected"),
    (EventKind::Configuration, "sink.test"),
    (EventKind::Decision, "decision.allowed"),
    (EventKind::Decision, "decision.denied"),
    (EventKind::Error, "error.new"),
    (EventKind::Error, "error.regressed"),
    (EventKind::Error, "error.seen"),
    (EventKind::Refusal, "flood.counted"),
    (EventKind::Refusal, "request.observed"),
    (EventKind::Refusal, "request.refused"),
    (EventKind::Session, "key.moved"),
    (EventKind::Session, "oauth.backchannel-logout"),
    (EventKind::Session, "session.moved"),
    (EventKind::Traffic, "answer.failed"),
    (EventKind::Traffic, "answer.refused"),
    (EventKind::Traffic, "request.canary"),
    (EventKind::Traffic, "traffic.counted"),
    (EventKind::Traffic, "traffic.uncounted"),
];

/// Validates a file of lines; how many events there were of each class.
async fn validate(lines: &Path) -> String {
    let input = File::open(lines).expect("the lines are read");
    run(python("ocsf_validate.py", &[ocsf::VERSION]).stdin(input)).await
}

/// Every action with every kind, outcome and actor it could come with, bare and with everything an event can hold.
#[tokio::test]
async fn every_event_there_can_be_is_valid_ocsf() {
    let acts = Act::ALL.iter().map(|act| (act.kind(), act.action()));
    let known: Vec<_> = acts.chain(OTHERS.iter().copied()).collect();
    // An act that is refused keeps its name, and a kind of tomorrow is of no class today.
    let refused = known.iter().map(|(_, action)| (EventKind::Refusal, *action));
    let unknown = EventKind::ALL.iter().flat_map(|kind| [(*kind, "made.up"), (*kind, "")]);
    let id = || AccountId::new("a1");
    let actors = [
        Actor::Account { id: id(), name: "ada".to_owned(), session: None },
        Actor::Account { id: id(), name: "ada".to_owned(), session: Some(SessionId::new("s1")) },
        Actor::Anonymous,
        Actor::Gate,
        Actor::Operator,
    ];
    let source = Source { version: "0.1.0", host: "" };
    let mut lines = String::new();
    for (kind, action) in known.iter().copied().chain(refused).chain(unknown) {
        for (outcome, actor) in
            Outcome::ALL.iter().flat_map(|end| actors.iter().map(move |actor| (end, actor)))
        {
            let now = Timestamp::from_secs(1_767_323_045);
            let mut event = Event::new(now, kind, action, actor.clone(), *outcome, ControlId::WEB_CSRF);
            lines.push_str(&ocsf::line(&source, 1, &event));
            lines.push('\n');
            event.resource = "/orders/7".to_owned();
            event.address = Some("2001:db8::1".parse().expect("an address"));
            event.user_agent = Some("curl/8".to_owned());
            event.reason = Some("why\nnot \u{1f980}".to_owned());
            event.severity = Some(Severity::Critical);
            event.request_id = Some(RequestId::from_bytes([7; 12]));
            event.count = 3;
            event.metadata = [
                ("account", "bob"),
                ("api-key", "k1"),
                ("method", "PROPFIND"),
                ("policy.policies", "p1"),
                ("roles", "clerk"),
                ("scope", "read write"),
                ("session", "s2"),
                ("status", "403"),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
            lines.push_str(&ocsf::line(&source, u64::MAX, &event));
            lines.push('\n');
        }
    }
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("events.jsonl");
    fs::write(&path, &lines).expect("the lines are written");
    let said = validate(&path).await;
    for class in [
        "account_change",
        "api_activity",
        "application_lifecycle",
        "authentication",
        "authorize_session",
        "detection_finding",
        "entity_management",
        "group_management",
        "http_activity",
        "user_access",
    ] {
        assert!(said.contains(class), "{said}");
    }

    // The validator does object.
    fs::write(&path, lines.replacen("\"severity_id\":1", "\"severity_id\":77", 1))
        .expect("the lines are written");
    let input = File::open(&path).expect("the lines are read");
    let output = python("ocsf_validate.py", &[ocsf::VERSION]).stdin(input).output().await.expect("it runs");
    assert!(!output.status.success());
}

#[tokio::test]
async fn what_a_gate_records_is_exported_for_other_programs() {
    let application = Application::start().await;
    let gate = Gate::start(application.address).await;
    gate.add_account("ada", crate::oauth::PASSWORD).await;
    let mut client = Client::new(gate.address);
    assert!(client.sign_in("ada", crate::oauth::PASSWORD).await.expect("the gate answers"));
    let hostile =
        Request::post("/transfer").header("user-agent", "a|b=c ] \" \\ CEF:0").header("origin", "null");
    client.send(hostile, Bytes::new()).await.expect("the gate answers");

    let exported = gate.cli(&["ledger", "export"]).await;
    let path = gate.directory().join("events.jsonl");
    fs::write(&path, &exported).expect("the lines are written");
    let said = validate(&path).await;
    for class in ["account_change", "application_lifecycle", "authentication", "http_activity"] {
        assert!(said.contains(class), "{said}");
    }
    let positions: Vec<u64> = exported
        .lines()
        .map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
            event["metadata"]["uid"].as_str().and_then(|uid| uid.parse().ok()).expect("a position")
        })
        .collect();
    assert_eq!(positions, (1..=positions.len() as u64).collect::<Vec<_>>(), "all of them, oldest first");

    let search = |format| ["ledger", "search", "--kind", "refusal", "--format", format];
    let cef = gate.cli(&search("cef")).await;
    assert!(cef.starts_with("CEF:0|Gabion|Gabion|"), "{cef}");
    assert!(cef.contains(r#" requestClientApplication=a|b\=c ] " \\ CEF:0 "#), "{cef}");
    let syslog = gate.cli(&search("syslog")).await;
    assert!(syslog.starts_with("<109>1 "), "{syslog}");
    assert_eq!(cef.lines().count(), syslog.lines().count());
    let ocsf = gate.cli(&search("ocsf")).await;
    assert!(exported.contains(ocsf.lines().next().expect("a refusal")), "{ocsf}");
}
