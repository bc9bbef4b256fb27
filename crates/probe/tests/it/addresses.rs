//! Sessions that stand in addresses and cookies that nobody told of; tokens that name the address of their key.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use gabion_probe::{Facts, Report, Verdict, run};
use gabion_vault::encoding::base64url_decode;
use gabion_vault::jose::{Algorithm, Jwk, SigningKey, verify};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::ground::{Silent, print, world};

async fn probe(router: Router, tests: &[&str], people: &[(&str, &str)]) -> Report {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let facts = people.iter().fold(Facts::of(&base), |facts, (name, password)| facts.with(name, password));
    let report = run(facts, &world(tests), &Silent).await.unwrap();
    server.abort();
    print(&report);
    report
}

fn found(report: &Report) -> Vec<(&str, &str, Verdict)> {
    let mut found: Vec<_> = report
        .findings
        .iter()
        .map(|finding| {
            let outcome = &finding.outcome;
            (outcome.operation.as_str(), outcome.aspect.as_str(), outcome.verdict)
        })
        .collect();
    found.sort_unstable();
    found
}

/// Where a session may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// In a cookie alone.
    Cookie,
    /// Also in the query of any address.
    Query,
    /// In a cookie alone, and the page one is sent to after signing in has it in its address.
    Told,
}

const TICKET: &str = "h7Kq2ZpW9sXv4LmB8tRn";

fn club(kept: Kept) -> Router {
    let is_in = move |headers: &HeaderMap, query: &BTreeMap<String, String>| {
        let cookie = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        cookie.contains(&format!("sid={TICKET}"))
            || kept == Kept::Query && query.get("sid").is_some_and(|sid| sid == TICKET)
    };
    let me = move |headers: HeaderMap, Query(query): Query<BTreeMap<String, String>>| async move {
        if is_in(&headers, &query) {
            Html("<h1>alice</h1><p>member since May</p>".to_owned()).into_response()
        } else {
            StatusCode::UNAUTHORIZED.into_response()
        }
    };
    let sign_in = move |Form(form): Form<BTreeMap<String, String>>| async move {
        let right = form.get("name").is_some_and(|name| name == "alice")
            && form.get("password").is_some_and(|password| password == "Harbour-41-Gate");
        if !right {
            return StatusCode::FORBIDDEN.into_response();
        }
        let to = if kept == Kept::Told { format!("/me?was={TICKET}") } else { "/me".to_owned() };
        let cookie = format!("sid={TICKET}; HttpOnly; SameSite=Lax");
        (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, to)]).into_response()
    };
    let form = "<form method=post action=/login><input name=name><input type=password name=password></form>";
    Router::new()
        .route("/", get(|| async { Html("<a href=/login>in</a> <a href='/me?tab=1'>me</a>") }))
        .route("/login", get(move || async move { Html(form) }).post(sign_in))
        .route("/me", get(me))
}

#[tokio::test]
async fn sessions_in_addresses_are_proven_and_cookies_are_not() {
    let alice = [("alice", "Harbour-41-Gate")];
    let tests = ["session-in-address"];
    let report = probe(club(Kept::Query), &tests, &alice).await;
    assert_eq!(found(&report), [("GET /me", "taken", Verdict::Proven)]);
    let report = probe(club(Kept::Told), &tests, &alice).await;
    assert_eq!(found(&report), [("POST /login", "given", Verdict::Proven)]);
    let report = probe(club(Kept::Cookie), &tests, &alice).await;
    assert_eq!(found(&report), []);
    assert!(report.outcomes.iter().any(|outcome| outcome.verdict == Verdict::Passed));
}

/// A shop that counts visitors by a cookie: joined into the query, or as a parameter.
fn counted(joined: bool) -> Router {
    let database = rusqlite::Connection::open_in_memory().unwrap();
    let tables = "CREATE TABLE visitors (ticket TEXT); INSERT INTO visitors VALUES ('v1x9q7');";
    database.execute_batch(tables).unwrap();
    let database = Arc::new(Mutex::new(database));
    let home = move |headers: HeaderMap| async move {
        let cookie = headers.get(header::COOKIE).and_then(|value| value.to_str().ok());
        let ticket = cookie.and_then(|cookie| cookie.strip_prefix("visitor=")).unwrap_or("new");
        let database = database.lock().unwrap();
        let count: rusqlite::Result<i64> = if joined {
            let query = format!("SELECT count(*) FROM visitors WHERE ticket = '{ticket}'");
            database.query_row(&query, [], |row| row.get(0))
        } else {
            database.query_row("SELECT count(*) FROM visitors WHERE ticket = ?1", [ticket], |row| row.get(0))
        };
        let text = match count {
            Ok(0) => "welcome".to_owned(),
            Ok(_) => "welcome back".to_owned(),
            Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
        ([(header::SET_COOKIE, "visitor=v1x9q7")], Html(format!("<p>{text}</p>"))).into_response()
    };
    Router::new().route("/", get(home))
}

#[tokio::test]
async fn a_cookie_that_becomes_part_of_a_query_is_proven() {
    let report = probe(counted(true), &["sql-injection"], &[]).await;
    assert_eq!(found(&report), [("GET /", "", Verdict::Proven)]);
    assert_eq!(found(&probe(counted(false), &["sql-injection"], &[]).await), []);
}

/// Whose keys are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// The application's own.
    Own,
    /// Those at the address that the token names.
    Named,
    /// The application's own, and the address is looked at before.
    Fetched,
}

struct Signer {
    key: SigningKey,
    keys: Keys,
}

async fn keys_at(address: &str) -> Option<Value> {
    let (authority, path) = address.strip_prefix("http://")?.split_once('/')?;
    #[expect(clippy::disallowed_methods, reason = "the server under test asks where it should not")]
    let mut stream = tokio::net::TcpStream::connect(authority).await.ok()?;
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

async fn me(State(signer): State<Arc<Signer>>, headers: HeaderMap) -> Response {
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = sent.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let head = token.split('.').next().and_then(|head| base64url_decode(head).ok()).unwrap_or_default();
    let head: Value = serde_json::from_slice(&head).unwrap_or_default();
    let named = match head["jku"].as_str().filter(|_| signer.keys != Keys::Own) {
        Some(address) => keys_at(address).await,
        None => None,
    };
    let named = named.filter(|_| signer.keys == Keys::Named);
    let named = named.and_then(|set| Jwk::from_json(&set["keys"][0].to_string()).ok());
    let key = named.as_ref().unwrap_or_else(|| signer.key.public());
    match verify(token, key, &[Algorithm::Es256]) {
        Ok(_) => Json(json!({ "name": "alice", "quota": 7 })).into_response(),
        Err(_) => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn sign_in(State(signer): State<Arc<Signer>>, Json(body): Json<Value>) -> Response {
    if body["username"] != "alice" || body["password"] != "Harbour-41-Gate" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let claims = json!({ "sub": "alice", "exp": 4_000_000_000_u64 });
    Json(json!({ "token": signer.key.sign("JWT", &claims).unwrap() })).into_response()
}

fn signing(keys: Keys) -> Router {
    let text = json!({ "type": "string" });
    let schema = json!({ "type": "object", "properties": { "username": text, "password": text } });
    let body = json!({ "content": { "application/json": { "schema": schema } } });
    let document = json!({ "openapi": "3.1.0", "info": { "title": "t", "version": "1" }, "paths": {
        "/login": { "post": { "requestBody": body, "responses": {} } },
        "/me": { "get": { "responses": {} } },
    } });
    Router::new()
        .route("/openapi.json", get(move || async move { Json(document) }))
        .route("/login", post(sign_in))
        .route("/me", get(me))
        .with_state(Arc::new(Signer { key: SigningKey::generate().unwrap(), keys }))
}

#[tokio::test]
async fn a_token_that_names_the_address_of_its_key_is_proven_where_it_is_believed() {
    let alice = [("alice", "Harbour-41-Gate")];
    let report = probe(signing(Keys::Named), &["jwt"], &alice).await;
    assert_eq!(found(&report), [("GET /me", "key-address", Verdict::Proven)]);
    let report = probe(signing(Keys::Fetched), &["jwt"], &alice).await;
    assert_eq!(found(&report), [("GET /me", "key-fetched", Verdict::Firm)]);
    let report = probe(signing(Keys::Own), &["jwt"], &alice).await;
    assert_eq!(found(&report), []);
    assert!(report.outcomes.iter().any(|outcome| outcome.verdict == Verdict::Passed));
}
