//! Applications that resolve names which somebody else chose, and cannot connect; and such that only look so.

use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use gabion_egress::{Datagram, Dial as _, TcpDial};
use gabion_model::Severity;
use gabion_probe::facts::Callback;
use gabion_probe::{Document, DocumentKind, Facts, Report, Verdict, World, run};
use hickory_proto::op::{Message, MessageType, OpCode, Query as Question};
use hickory_proto::rr::{Name, RData, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::ground::{Silent, print, world};

const ZONE: &str = "cb.example";

/// What the application's resolver does: it asks who is responsible for the zone.
async fn resolve(server: SocketAddr, name: &str) -> Option<IpAddr> {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.add_query(Question::query(Name::from_ascii(format!("{name}.")).ok()?, RecordType::A));
    let bytes = message.to_vec().ok()?;
    let question = Datagram { bytes: &bytes, patience: Duration::from_secs(2), any_port: false };
    let answers = TcpDial.ask(server, question).await.ok()?;
    match Message::from_vec(answers.first()?).ok()?.answers.first()?.data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        _ => None,
    }
}

fn host(url: &str) -> Option<(String, u16)> {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let authority = rest.split(['/', ' ']).next()?;
    let (name, port) = authority.split_once(':').unwrap_or((authority, "80"));
    Some((name.to_owned(), port.parse().ok()?))
}

async fn fetched(address: IpAddr, port: u16, path: &str) -> Option<()> {
    let mut stream = TcpDial.dial(SocketAddr::new(address, port)).await.ok()?;
    let request = format!("GET /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    stream.read_to_end(&mut Vec::new()).await.ok()?;
    Some(())
}

#[derive(Clone, Copy)]
struct Way {
    dns: SocketAddr,
    /// `resolve`, `fetch`, `list`, `scan`.
    does: &'static str,
}

async fn preview(State(way): State<Way>, Query(values): Query<Vec<(String, String)>>) -> Response {
    let url = values.first().map(|(_, value)| value.clone()).unwrap_or_default();
    let refused = || (StatusCode::BAD_GATEWAY, "That page does not answer.").into_response();
    if way.does == "scan" {
        // Whatever looks like a name is asked for, wherever it stands.
        for word in url.split([' ', '/', ':']).filter(|word| word.ends_with(ZONE)) {
            resolve(way.dns, word).await;
        }
        return refused();
    }
    let Some((name, port)) = host(&url) else { return refused() };
    // A list of addresses: names are not on it.
    let literal = name.parse::<IpAddr>().is_ok() || name.chars().all(|letter| letter.is_ascii_digit());
    if literal || name == "localhost" || name.starts_with("0x") || name.contains(['[', '@', ' ']) {
        return (StatusCode::FORBIDDEN, "Not inside.").into_response();
    }
    if way.does == "list" && name != "news.example" {
        return (StatusCode::FORBIDDEN, "Not on the list.").into_response();
    }
    let Some(address) = resolve(way.dns, &name).await else { return refused() };
    if way.does == "fetch" {
        let path = url.rsplit('/').next().unwrap_or_default();
        fetched(address, port, path).await;
        return "seen".into_response();
    }
    refused()
}

/// A port that is free in both ways.
pub(crate) fn free() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

async fn probe(router: Router, dns: Option<SocketAddr>, world: World) -> Report {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut facts = Facts::of(&base);
    facts.limits.rate = 2_000;
    facts.callback = dns.map(|dns| Callback { dns, zone: ZONE.to_owned() });
    let report = run(facts, &world, &Silent).await.unwrap();
    server.abort();
    print(&report);
    report
}

async fn previews(does: &'static str) -> Report {
    let dns = free();
    let home = async || Html("<form action=\"/preview\"><input name=\"url\"></form>");
    let router =
        Router::new().route("/", get(home)).route("/preview", get(preview)).with_state(Way { dns, does });
    probe(router, Some(dns), world(&["ssrf"])).await
}

fn found(report: &Report) -> Vec<(&str, Verdict, Severity)> {
    let found = report.findings.iter();
    found.map(|one| (one.outcome.aspect.as_str(), one.outcome.verdict, one.severity)).collect()
}

#[tokio::test]
async fn an_application_that_resolves_and_cannot_connect_is_found() {
    assert_eq!(found(&previews("resolve").await), [("name", Verdict::Proven, Severity::Low)]);
}

#[tokio::test]
async fn a_list_of_forbidden_addresses_is_got_around_by_a_name() {
    let report = previews("fetch").await;
    assert_eq!(found(&report), [("", Verdict::Proven, Severity::High)]);
    assert!(report.findings[0].outcome.says.contains("a list of hosts misses it"));
}

#[tokio::test]
async fn a_list_of_destinations_asks_for_no_name_and_a_reader_of_names_is_none() {
    let report = previews("list").await;
    assert_eq!(found(&report), []);
    assert!(
        report
            .outcomes
            .iter()
            .any(|one| one.operation == "GET /preview" && one.verdict == Verdict::Inconclusive)
    );
    let report = previews("scan").await;
    assert_eq!(found(&report), []);
    assert!(report.outcomes.iter().any(|one| one.says.contains("no address are resolved too")));
}

/// Takes XML, and resolves what its entities name; it may connect to nothing.
async fn read(State(way): State<Way>, body: String) -> Response {
    if way.does == "resolve" {
        for declared in body.split("<!ENTITY ").skip(1) {
            let url = declared.split_once("SYSTEM \"http://").filter(|(name, _)| !name.contains('"'));
            let name = url.and_then(|(_, url)| url.split([':', '/', '"']).next());
            if let Some(name) = name.filter(|name| name.parse::<IpAddr>().is_err()) {
                resolve(way.dns, name).await;
            }
        }
    }
    "<answer>taken</answer>".into_response()
}

async fn documents(does: &'static str) -> Report {
    let dns = free();
    let document = r#"{ "openapi": "3.0.0", "paths": { "/orders": { "post": { "requestBody": { "content": {
        "application/xml": { "example": "<order><item>lamp</item></order>" } } }, "responses": { "200": { "description": "" } } } } } }"#;
    let mut world = world(&["xxe"]);
    let (kind, name, text) = (DocumentKind::OpenApi, "api.json".to_owned(), document.to_owned());
    world.documents.push(Document { kind, name, text });
    let router = Router::new()
        .route("/", get(async || "x"))
        .route("/orders", post(read))
        .with_state(Way { dns, does });
    probe(router, Some(dns), world).await
}

#[tokio::test]
async fn a_reader_of_xml_that_only_resolves_is_found() {
    let report = documents("resolve").await;
    assert_eq!(found(&report).iter().map(|one| one.1).collect::<Vec<_>>(), [Verdict::Proven]);
    assert!(report.findings[0].outcome.proof.as_ref().unwrap().evidence.contains("DNS A gx"));
    let report = documents("nothing").await;
    assert_eq!(found(&report), []);
    assert!(
        report.outcomes.iter().any(|one| one.operation == "POST /orders" && one.verdict == Verdict::Passed)
    );
}

#[derive(Clone)]
struct Shell {
    /// Where its programs are; nothing for those of this machine.
    programs: Option<String>,
    quoted: bool,
}

/// Has a shell look into something, and does not wait for it.
async fn look(State(shell): State<Shell>, Query(values): Query<Vec<(String, String)>>) -> Response {
    let value = values.first().map(|(_, value)| value.clone()).unwrap_or_default();
    let value = if shell.quoted { format!("'{}'", value.replace('\'', "'\\''")) } else { value };
    let mut command = tokio::process::Command::new("/bin/sh");
    command.args(["-c", &format!("echo {value} > /dev/null")]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(programs) = &shell.programs {
        command.env("PATH", programs);
    }
    let child = command.spawn().unwrap();
    tokio::spawn(async move { child.wait_with_output().await });
    "It will be looked into.".into_response()
}

async fn shells(shell: Shell, dns: Option<SocketAddr>) -> Report {
    let home = async || Html("<form action=\"/look\"><input name=\"what\" value=\"lamp\"></form>");
    let router = Router::new().route("/", get(home)).route("/look", get(look)).with_state(shell);
    probe(router, dns, world(&["command-injection"])).await
}

fn proven(report: &Report) -> Vec<&str> {
    report.findings.iter().map(|one| one.outcome.proof.as_ref().unwrap().evidence.as_str()).collect()
}

#[tokio::test]
async fn a_shell_behind_the_answer_is_met_at_an_address() {
    let report = shells(Shell { programs: None, quoted: false }, None).await;
    assert_eq!(found(&report), [("", Verdict::Proven, Severity::Critical)]);
    assert!(proven(&report)[0].contains("GET /gx"));
    let report = shells(Shell { programs: None, quoted: true }, None).await;
    assert_eq!(found(&report), []);
    assert!(report.outcomes.iter().any(|one| one.operation == "GET /look" && one.verdict == Verdict::Passed));
}

/// A program that asks for a name: all that a machine without a way out still has.
const NSLOOKUP: &str = "#!/bin/bash
question='\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00'
name=$1.
while [ -n \"$name\" ]; do
  label=${name%%.*}; name=${name#*.}
  printf -v length '\\\\x%02x' ${#label}
  question+=$length$label
done
printf \"$question\\\\x00\\\\x00\\\\x01\\\\x00\\\\x01\" > /dev/udp/127.0.0.1/PORT
";

#[tokio::test]
async fn a_shell_that_can_only_ask_for_names_is_met_by_one() {
    let folder = Arc::new(tempfile::TempDir::new().unwrap());
    let dns = free();
    let program = folder.path().join("nslookup");
    std::fs::write(&program, NSLOOKUP.replace("PORT", &dns.port().to_string())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let programs = Some(folder.path().display().to_string());
    let report = shells(Shell { programs: programs.clone(), quoted: false }, Some(dns)).await;
    assert_eq!(found(&report), [("", Verdict::Proven, Severity::Critical)]);
    assert!(proven(&report)[0].contains("DNS A gx"));
    // Without a zone nobody would know.
    let report = shells(Shell { programs, quoted: false }, None).await;
    assert_eq!(found(&report), []);
}
