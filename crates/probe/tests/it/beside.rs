//! What stands beside the application: components that show their version, and other ports of its host.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use gabion_dependencies::{Advisories, AdvisoryBuilder};
use gabion_model::Severity;
use gabion_probe::facts::Ports;
use gabion_probe::{Report, Verdict, World, run};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::ground::{Silent, print, world};
use crate::surface::{Served, facts_of};

const FLAW: &str = r#"{"id": "GHSA-0000-test-0001", "summary": "Scripts in selectors run", "aliases": ["CVE-2000-0001"],
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"}],
  "affected": [{"package": {"ecosystem": "npm", "name": "jquery"},
    "ranges": [{"type": "SEMVER", "events": [{"introduced": "1.2.0"}, {"fixed": "3.5.0"}]}]}]}"#;

fn advisories() -> Advisories {
    let mut builder = AdvisoryBuilder::new();
    builder.add("GHSA-0000-test-0001.json", FLAW.as_bytes()).unwrap();
    Advisories::judge(builder.build("tests", 0), 0, 14)
}

async fn with_library(banner: &'static str, advisories: Advisories) -> Report {
    let router = Router::new()
        .route("/", get(async || Html("<script src=/lib/query.js></script>")))
        .route("/lib/query.js", get(async move || ([("content-type", "text/javascript")], banner)));
    let served = Served::start(router).await;
    let world = World { advisories, ..world(&["vulnerable-component"]) };
    let report = run(facts_of(&served.base), &world, &Silent).await.unwrap();
    print(&report);
    report
}

#[tokio::test]
async fn a_library_with_a_known_flaw_is_found_and_a_repaired_one_is_not() {
    let report = with_library("/*! jQuery v3.4.1 | (c) us */ var jq = 1", advisories()).await;
    let found = report.findings.first().unwrap();
    assert_eq!((found.outcome.verdict, found.severity), (Verdict::Firm, Severity::Medium));
    assert_eq!(found.outcome.operation, "GET /lib/query.js");
    assert!(
        found.outcome.says.contains("GHSA-0000-test-0001") && found.outcome.says.contains("3.5.0"),
        "{}",
        found.outcome.says
    );
    let report = with_library("/*! jQuery v3.5.0 | (c) us */ var jq = 1", advisories()).await;
    assert_eq!(report.findings.len(), 0);
    assert!(report.outcomes.iter().any(|one| one.verdict == Verdict::Passed));
}

#[tokio::test]
async fn without_advisories_there_is_no_verdict() {
    let report = with_library("/*! jQuery v3.4.1 | (c) us */ var jq = 1", Advisories::Missing).await;
    assert!(report.outcomes.iter().all(|one| one.verdict == Verdict::NotTested), "{:?}", report.outcomes);
    assert!(report.outcomes[0].says.contains("jquery 3.4.1") && report.outcomes[0].says.contains("hint"));
}

/// A server that says something first, or answers each question.
async fn server(first: &'static str, answer: fn(&str) -> String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                stream.write_all(first.as_bytes()).await.unwrap_or_default();
                let mut asked = vec![0; 4096];
                while let Ok(read) = stream.read(&mut asked).await {
                    let text = String::from_utf8_lossy(&asked[..read]).into_owned();
                    if read == 0 || stream.write_all(answer(&text).as_bytes()).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

fn keys(text: &str) -> String {
    match text {
        text if text.contains("PING") => "+PONG\r\n",
        text if text.contains("DBSIZE") => ":12\r\n",
        _ => "-ERR unknown command\r\n",
    }
    .to_owned()
}

fn search(text: &str) -> String {
    let (status, body) = match text.split(' ').nth(1) {
        Some("/") => ("200 OK", r#"{"name":"n","version":{"number":"7.10.0","lucene_version":"8.7.0"}}"#),
        Some("/_cat/indices?format=json") => ("200 OK", r#"[{"index":"orders"}]"#),
        _ => ("400 Bad Request", r#"{"error":"no handler"}"#),
    };
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn ports_are_looked_at_and_databases_without_a_lock_are_proven() {
    let open = server("", keys).await;
    let locked = server("", |text| {
        if text.starts_with('*') { "-NOAUTH Authentication required.\r\n" } else { "-ERR\r\n" }.to_owned()
    })
    .await;
    let indices = server("", search).await;
    let shell = server("SSH-2.0-OpenSSH_9.2\r\n", |_| String::new()).await;
    let anything = server("", |_| "+PONG\r\n:1\r\n".to_owned()).await;
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let served = Served::start(Router::new().route("/", get(async || Html("x")))).await;
    let mut facts = facts_of(&served.base);
    facts.target.ports = Ports::These(vec![open, locked, indices, shell, anything, closed]);
    let report = run(facts, &world(&["open-port"]), &Silent).await.unwrap();
    print(&report);
    let at = |port: u16| report.findings.iter().find(|one| one.outcome.operation == format!("TCP {port}"));
    for port in [open, indices] {
        let found = at(port).unwrap();
        assert_eq!(
            (&*found.outcome.aspect, found.severity, found.outcome.verdict),
            ("no-lock", Severity::High, Verdict::Proven)
        );
        assert!(found.outcome.proof.as_ref().unwrap().twin.is_some());
    }
    for port in [locked, shell, anything] {
        assert_eq!(
            (&*at(port).unwrap().outcome.aspect, at(port).unwrap().severity),
            ("open", Severity::Informational)
        );
    }
    assert!(
        at(shell).unwrap().outcome.says.contains("SSH") && at(locked).unwrap().outcome.says.contains("Redis")
    );
    assert!(at(closed).is_none());
}

#[tokio::test]
async fn nobodys_ports_are_looked_at_unasked() {
    let served = Served::start(Router::new().route("/", get(async || Html("x")))).await;
    let report = run(facts_of(&served.base), &world(&["open-port"]), &Silent).await.unwrap();
    assert!(report.outcomes.iter().all(|one| one.verdict == Verdict::NotTested));
}
