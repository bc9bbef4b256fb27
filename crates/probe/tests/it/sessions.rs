//! Sessions, names and passwords.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_probe::{Facts, Verdict, run};
use gabion_strawman::Options;
use serde_json::{Value, json};

use crate::ground::{Silent, assert_proven, assert_quiet, probe, world};

const TESTS: &[&str] =
    &["login-rate", "session-cookies", "session-end", "session-identifiers", "user-enumeration"];

#[tokio::test]
async fn weak_sessions_are_taken_over() {
    let report = probe(Options::vulnerable(), TESTS).await;
    assert_proven(
        &report,
        &[
            ("login-rate", "POST /login", ""),
            ("session-cookies", "POST /login", "http-only"),
            ("session-cookies", "POST /login", "same-site"),
            ("session-identifiers", "POST /login", "fixation"),
            ("session-identifiers", "POST /login", "predictable"),
            ("user-enumeration", "POST /login", ""),
            ("user-enumeration", "POST /reset", ""),
        ],
    );
}

#[tokio::test]
async fn sound_sessions_are_left_in_peace() {
    assert_quiet(&probe(Options::repaired(), TESTS).await);
}

/// A door that turns away whoever comes a second time, once each, and says for how long.
#[derive(Default)]
struct Door {
    sign_ins: BTreeMap<String, usize>,
    sessions: BTreeSet<String>,
}

type Shared = State<Arc<Mutex<Door>>>;

async fn login(State(door): Shared, Json(body): Json<Value>) -> Response {
    let name = body["username"].as_str().unwrap_or_default();
    if body["password"] != json!(format!("{name}-Harbour-41")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut door = door.lock().unwrap();
    let times = door.sign_ins.entry(name.to_owned()).or_default();
    *times += 1;
    let times = *times;
    if times == 2 {
        return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response();
    }
    let token = format!("{name}-{times}-Zk3vQ9xWm2Lp7Rt5");
    door.sessions.insert(token.clone());
    Json(json!({ "token": token })).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")
}

async fn me(State(door): Shared, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let token = bearer(&headers).filter(|token| door.lock().unwrap().sessions.contains(*token));
    let (name, _) = token.and_then(|token| token.split_once('-')).ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(Json(json!({ "username": name })))
}

async fn logout(State(door): Shared, headers: HeaderMap) -> StatusCode {
    let ended = bearer(&headers).is_some_and(|token| door.lock().unwrap().sessions.remove(token));
    if ended { StatusCode::NO_CONTENT } else { StatusCode::UNAUTHORIZED }
}

#[tokio::test]
async fn who_is_told_to_wait_before_signing_in_again_waits() {
    let text = json!({ "type": "string" });
    let schema = json!({ "type": "object", "properties": { "username": text, "password": text } });
    let body = json!({ "content": { "application/json": { "schema": schema } } });
    let document = json!({ "openapi": "3.1.0", "info": { "title": "t", "version": "1" }, "paths": {
        "/login": { "post": { "requestBody": body, "responses": {} } },
        "/logout": { "post": { "responses": {} } },
        "/me": { "get": { "responses": {} } },
    } });
    let router = Router::new()
        .route("/openapi.json", get(|| async { Json(document) }))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/me", get(me))
        .with_state(Arc::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let mut facts = Facts::of(&base).with("alice", "alice-Harbour-41").with("bob", "bob-Harbour-41");
    facts.limits.rate = 2_000;
    let report = run(facts, &world(&["session-end"]), &Silent).await.unwrap();
    server.abort();
    let own = report.outcomes.iter().find(|one| one.test == "session-end");
    assert!(own.is_some_and(|one| one.verdict == Verdict::Passed && one.control.is_some()), "{own:#?}");
}
