//! A contract in front of an application that keeps whatever it is sent and answers with all it has.

use std::net::SocketAddr;
use std::process::Stdio;

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::client::{Answer, Client, text};
use crate::clients::{node, run};
use crate::gate::{Gate, PATIENCE, cli};

const CONTRACT: &str = r##"openapi: 3.1.0
info: { title: Accounts, version: '1' }
servers: [ { url: /api } ]
paths:
  /accounts:
    get:
      parameters: [ { name: page, in: query, schema: { type: integer, minimum: 1, maximum: 9007199254740991 } } ]
      responses: { '200': { description: all, content: { application/json: { schema: { type: array, maxItems: 99, items: { $ref: '#/components/schemas/Account' } } } } } }
    post:
      requestBody: { required: true, content: { application/json: { schema: { $ref: '#/components/schemas/Account' } } } }
      responses: { '201': { description: made, content: { application/json: { schema: { $ref: '#/components/schemas/Account' } } } } }
  /count: { get: { responses: { '200': { description: n, content: { application/json: { schema: { type: integer } } } } } } }
  /zipped: { get: { responses: { '200': { description: all, content: { application/json: { schema: { type: array, items: {} } } } } } } }
  /wrong: { get: { responses: { '200': { description: one, content: { application/json: { schema: { $ref: '#/components/schemas/Account' } } } } } } }
  /odd: { get: { responses: { '200': { description: fine } } } }
  /old: { get: { deprecated: true, x-deprecated-at: '2025-01-01', x-sunset: '2099-01-01', responses: { '200': { description: n, content: { application/json: { schema: { type: integer } } } } } } }
  /gone: { get: { x-sunset: '2020-01-01', responses: { '200': { description: n } } } }
components:
  schemas:
    Account:
      type: object
      required: [name]
      properties:
        id: { type: integer, readOnly: true }
        name: { type: string, minLength: 1, maxLength: 20 }
        age: { type: integer, minimum: 0, maximum: 9007199254740991 }
"##;

/// The application, the folder with the contract, and lines for the configuration.
async fn setting(mode: &str) -> (Child, SocketAddr, TempDir, String) {
    let mut application = node("accounts.mjs", &[]).stdout(Stdio::piped()).spawn().expect("node runs");
    let mut lines = BufReader::new(application.stdout.take().expect("a pipe")).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("in time");
    let port: u16 = line.expect("readable").expect("a line").trim().parse().expect("a port");
    let folder = TempDir::new().expect("a temporary directory");
    let file = folder.path().join("accounts.yaml");
    std::fs::write(&file, CONTRACT).expect("the contract is written");
    let more = format!(
        "[contracts.accounts]\nfile = {file:?}\nanswers = \"strip\"\n\n[checks.contract]\nmode = \"{mode}\"\n\n\
         [[routes]]\npath = \"/api/*\"\naccess = \"public\"\nupstream = \"app\"\ncontract = \"accounts\"\n\
         csrf_off = \"for programs\"\n"
    );
    (application, SocketAddr::from(([127, 0, 0, 1], port)), folder, more)
}

async fn post(client: &mut Client, media_type: &str, body: &str) -> Answer {
    let request = Request::post("/api/accounts").header("content-type", media_type);
    client.send(request, Bytes::from(body.to_owned())).await.expect("the gate answers")
}

fn errors(answer: &Answer) -> Vec<String> {
    let value: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let told = |error: &Value| {
        format!(
            "{}: {}",
            error["place"].as_str().unwrap_or_default(),
            error["rule"].as_str().unwrap_or_default()
        )
    };
    value["errors"].as_array().into_iter().flatten().map(told).collect()
}

#[tokio::test]
async fn only_what_the_contract_describes_comes_in_and_goes_out() {
    let (_application, address, _folder, more) = setting("enforce").await;
    let gate = Gate::start_with(address, &more).await;
    let mut client = Client::new(gate.address);

    // What fits passes, and what the contract does not name does not come back.
    let answer = post(&mut client, "application/json; charset=utf-8", r#"{"name":"kim","age":3}"#).await;
    assert_eq!((answer.status().as_u16(), text(&answer).as_str()), (201, r#"{"id":1,"name":"kim","age":3}"#));
    let answer = client.get("/api/accounts?page=1").await.expect("the gate answers");
    assert_eq!(text(&answer), r#"[{"id":1,"name":"kim","age":3}]"#);

    // What does not fit is refused, and nothing of it is repeated.
    let deep = format!("{{\"name\":{}1{}}}", "[".repeat(100), "]".repeat(100));
    let rows: [(&str, &str, u16, &str); 11] = [
        (
            "application/json",
            r#"{"name":"kim","role":"planted"}"#,
            400,
            "must not have members that the contract does not name",
        ),
        ("application/json", r#"{"name":"kim","id":7}"#, 400, "body /id: is read-only and must not be sent"),
        ("application/json", r#"{"name":"kim","name":"planted"}"#, 400, "body: each name once in an object"),
        (
            "application/json",
            r#"{"name":"kim","age":9007199254740993}"#,
            400,
            "body /age: must be at most 9007199254740991",
        ),
        ("application/json", r#"{"name":"\ud800"}"#, 400, "body: half of a surrogate pair"),
        ("application/json", &deep, 400, "body: nested too deeply"),
        ("application/json", "", 400, "body: must be there"),
        ("text/plain", "planted", 415, "header content-type: must be application/json"),
        (
            "application/json; charset=utf-16",
            "{}",
            415,
            "header content-type: must be application/json; charset=utf-8",
        ),
        ("application/json, text/plain", "{}", 415, "header content-type: must be application/json"),
        (
            "application/x-www-form-urlencoded",
            "name=planted",
            415,
            "header content-type: must be application/json",
        ),
    ];
    for (media_type, body, status, error) in rows {
        let answer = post(&mut client, media_type, body).await;
        assert_eq!(answer.status(), status, "{body}: {}", text(&answer));
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let found = errors(&answer);
        assert!(found.iter().any(|found| found.contains(error)), "{body}: {found:?}");
        assert!(!text(&answer).contains("planted"), "{}", text(&answer));
    }
    let zipped = Request::post("/api/accounts")
        .header("content-type", "application/json")
        .header("content-encoding", "gzip");
    let answer = client.send(zipped, Bytes::from_static(b"\x1f\x8b\x08")).await.expect("the gate answers");
    assert_eq!(answer.status(), 415);
    let large = format!("{{\"name\":\"{}\"}}", "a".repeat(100_000));
    assert_eq!(
        post(&mut Client::new(gate.address), "application/json", &large).await.status(),
        413,
        "no larger than the schema lets it be"
    );
    for (target, status) in [
        ("/api/accounts?debug=1", 400),
        ("/api/accounts?page=1&page=2", 400),
        ("/api/accounts?page=9007199254740993", 400),
        ("/api/accounts?page[$gt]=1", 400),
        ("/api/internal/users", 404),
        ("/api/accounts/", 404),
        ("/api/gone", 410),
        ("/api/wrong", 502),
        ("/api/zipped", 502),
        ("/api/odd", 418),
    ] {
        let answer = client.get(target).await.expect("the gate answers");
        assert_eq!(answer.status(), status, "{target}: {}", text(&answer));
        assert!(
            !text(&answer).contains("planted") && !text(&answer).contains("internals"),
            "{}",
            text(&answer)
        );
    }
    assert_eq!(
        text(&client.get("/api/count").await.expect("the gate answers")),
        "1",
        "nothing else came through"
    );

    let answer = client.send(Request::head("/api/accounts"), Bytes::new()).await.expect("the gate answers");
    assert_eq!((answer.status().as_u16(), answer.body().len()), (200, 0));
    let answer =
        client.send(Request::options("/api/accounts"), Bytes::new()).await.expect("the gate answers");
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["allow"].to_str().unwrap_or_default()),
        (405, "GET, HEAD, POST")
    );
    let answer = client.get("/api/old").await.expect("the gate answers");
    assert_eq!(answer.headers()["deprecation"], "@1735689600");
    assert_eq!(answer.headers()["sunset"], "Thu, 01 Jan 2099 00:00:00 GMT");
}

async fn sent(arguments: &[&str]) -> Value {
    serde_json::from_str(&run(&mut node("http2.mjs", arguments)).await).expect("JSON")
}

async fn shadow(directory: &std::path::Path) -> Value {
    serde_json::from_str(&cli(directory, &["contract", "shadow", "--format", "json"]).await).expect("JSON")
}

#[tokio::test]
async fn http2_is_judged_alike() {
    let (_application, address, _folder, more) = setting("enforce").await;
    let gate = Gate::start_over_tls_with(address, &more).await;
    let url = format!("https://localhost:{}/api/accounts", gate.address.port());
    let json = "content-type=application/json";
    let made = sent(&["POST", &url, r#"{"name":"kim"}"#, json]).await;
    assert_eq!(
        (made["status"].as_u64(), made["body"].as_str()),
        (Some(201), Some(r#"{"id":1,"name":"kim"}"#))
    );
    assert_eq!(sent(&["POST", &url, r#"{"name":"kim","role":"admin"}"#, json]).await["status"], 400);
    assert_eq!(sent(&["POST", &url, "", json]).await["status"], 400);
    assert_eq!(sent(&["POST", &url, "{}"]).await["status"], 415, "a body without a type");
    assert_eq!(sent(&["GET", &url, "{}", json]).await["status"], 413, "a body where there is none");
    assert_eq!(sent(&["GET", &url]).await["body"], r#"[{"id":1,"name":"kim"}]"#);
}

#[tokio::test]
async fn what_no_contract_knows_is_kept_over_a_restart() {
    let (_application, address, _folder, more) = setting("observe").await;
    let gate = Gate::start_with(address, &more).await;
    let mut client = Client::new(gate.address);
    for target in ["/api/internal/users/7", "/api/internal/users/8", "/api/nothing", "/api/count"] {
        client.get(target).await.expect("the gate answers");
    }
    let directory = gate.directory().to_owned();
    let stopped = gate.terminate().await;
    let first = shadow(&directory).await;
    let row = |report: &Value| {
        let shadow = report["shadows"][0].clone();
        (shadow["path"].clone(), shadow["answered"].clone())
    };
    assert_eq!(row(&first), ("/api/internal/users/{id}".into(), 2.into()), "{first}");
    let unused = first["operations"].as_array().expect("operations").iter();
    assert_eq!(unused.filter(|usage| usage["count"] == 0).count(), 7, "{first}");
    let gate = stopped.start_again().await;
    Client::new(gate.address).get("/api/internal/users/9").await.expect("the gate answers");
    // Holds the directory.
    let _stopped = gate.terminate().await;
    assert_eq!(row(&shadow(&directory).await), ("/api/internal/users/{id}".into(), 3.into()));
    let told = cli(&directory, &["contract", "shadow"]).await;
    assert!(told.contains("/api/internal/users/{id}") && told.contains("never used"), "{told}");
}

#[tokio::test]
async fn a_contract_is_learned_from_live_traffic_and_then_holds() {
    let (_application, address, folder, _) = setting("enforce").await;
    let more = "[[routes]]\npath = \"/api/*\"\naccess = \"public\"\nupstream = \"app\"\nlearn = \"accounts\"\n\
                csrf_off = \"for programs\"\n";
    let gate = Gate::start_with(address, more).await;
    let mut client = Client::new(gate.address);
    for number in 0..6 {
        let body = format!("{{\"name\":\"planted{number}\",\"age\":{}}}", 30 + number);
        assert_eq!(post(&mut client, "application/json", &body).await.status(), 201);
        client.get("/api/accounts?page=1").await.expect("the gate answers");
        client.get("/api/internal/users/47").await.expect("the gate answers");
        client.get("/api/nothing").await.expect("the gate answers");
    }
    let directory = gate.directory().to_owned();
    // What was learned outlives a restart.
    let gate = gate.terminate().await.start_again().await;
    post(&mut Client::new(gate.address), "application/json", r#"{"name":"planted","age":7}"#).await;
    let stopped = gate.terminate().await;
    let text = cli(&directory, &["contract", "learn", "--live", "--title", "Accounts"]).await;
    assert!(!text.contains("planted") && !text.contains("/api/nothing"), "{text}");
    let named = cli(&directory, &["contract", "learn", "--live=accounts", "--title", "Accounts"]).await;
    assert_eq!(text, named);
    let file = folder.path().join("learned.yaml");
    std::fs::write(&file, &text).expect("the contract is written");
    let kept = std::fs::read_to_string(directory.join("data/contract-drafts.json")).unwrap_or_default();
    assert!(!kept.contains("planted"), "{kept}");
    drop(stopped);

    let more = format!(
        "[contracts.learned]\nfile = {file:?}\nanswers = \"enforce\"\n\n[[routes]]\npath = \"/api/*\"\naccess = \"public\"\n\
         upstream = \"app\"\ncontract = \"learned\"\ncsrf_off = \"for programs\"\n"
    );
    let gate = Gate::start_with(address, &more).await;
    let mut client = Client::new(gate.address);
    let answer = post(&mut client, "application/json", r#"{"name":"kim","age":31}"#).await;
    assert_eq!(answer.status(), 201, "{}", crate::client::text(&answer));
    assert_eq!(client.get("/api/accounts?page=1").await.expect("the gate answers").status(), 200);
    assert_eq!(client.get("/api/internal/users/8").await.expect("the gate answers").status(), 200);
    for body in [r#"{"name":"kim","age":31,"role":"admin"}"#, r#"{"name":"kim","age":-1}"#, r#"{"age":31}"#] {
        assert_eq!(post(&mut client, "application/json", body).await.status(), 400, "{body}");
    }
    assert_eq!(client.get("/api/count").await.expect("the gate answers").status(), 404, "never seen");
}
