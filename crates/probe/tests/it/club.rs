//! A club: people register, sign in, set their passwords and look at what is theirs. Each hole has a name; without any it is whole.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use gabion_probe::{Facts, Level, Report, Verdict, run};
use serde_json::{Value, json};

use crate::ground::{Silent, print, world};

#[derive(Debug, Clone)]
struct Member {
    id: u64,
    email: String,
    password: String,
}

#[derive(Debug, Default)]
struct Data {
    members: BTreeMap<String, Member>,
    /// By token: whose session it is.
    sessions: BTreeMap<String, String>,
    counter: u64,
}

#[derive(Debug, Clone)]
struct Club {
    holes: &'static [&'static str],
    data: Arc<Mutex<Data>>,
}

impl Club {
    fn has(&self, hole: &str) -> bool {
        self.holes.contains(&hole)
    }

    fn who(&self, headers: &HeaderMap) -> Result<String, StatusCode> {
        let field = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = field.strip_prefix("Bearer ").unwrap_or_default();
        self.data.lock().unwrap().sessions.get(token).cloned().ok_or(StatusCode::UNAUTHORIZED)
    }

    fn takes(&self, name: &str, password: &str) -> bool {
        (password.chars().count() >= 8 || self.has("short"))
            && (!["password123", "Password1"].contains(&password) || self.has("common"))
            && (password != name || self.has("name"))
            && (password.chars().count() <= 32 || !self.has("no-long"))
            && (password.is_ascii() || !self.has("ascii"))
    }

    fn kept(&self, password: &str) -> String {
        if self.has("truncated") { password.chars().take(72).collect() } else { password.to_owned() }
    }
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_default()
}

async fn register(State(club): State<Club>, Json(body): Json<Value>) -> Response {
    let (name, password) = (text(&body, "username").to_owned(), text(&body, "password"));
    let mut data = club.data.lock().unwrap();
    if name.is_empty() || data.members.contains_key(&name) || !club.takes(&name, password) {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    }
    data.counter += 1;
    let id = data.counter + 40;
    let member = Member { id, email: text(&body, "email").to_owned(), password: club.kept(password) };
    data.members.insert(name.clone(), member);
    (StatusCode::CREATED, Json(json!({ "id": id, "username": name }))).into_response()
}

async fn login(State(club): State<Club>, Json(body): Json<Value>) -> Response {
    let name = text(&body, "username").to_owned();
    let password = club.kept(text(&body, "password"));
    let mut data = club.data.lock().unwrap();
    let right = data.members.get(&name).is_some_and(|member| member.password == password);
    let delivered = club.has("default") && name == "admin" && password == "admin";
    if !(right || delivered) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    data.counter += 1;
    let token = format!("t{:032x}", data.counter.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    data.sessions.insert(token.clone(), name);
    Json(json!({ "token": token })).into_response()
}

async fn me(State(club): State<Club>, headers: HeaderMap) -> Response {
    let name = match club.who(&headers) {
        Ok(name) => name,
        Err(status) => return status.into_response(),
    };
    let data = club.data.lock().unwrap();
    let member = data.members.get(&name).cloned();
    let member = member.unwrap_or(Member { id: 1, email: String::new(), password: String::new() });
    Json(json!({ "id": member.id, "username": name, "email": member.email })).into_response()
}

async fn set_password(
    State(club): State<Club>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<StatusCode, StatusCode> {
    let caller = club.who(&headers)?;
    let mut data = club.data.lock().unwrap();
    let whose = data.members.iter().find(|(_, member)| member.id == id).map(|(name, _)| name.clone());
    let whose = whose.ok_or(StatusCode::NOT_FOUND)?;
    if whose != caller && !club.has("other") {
        return Err(StatusCode::FORBIDDEN);
    }
    let old = data.members.get(&caller).map(|member| member.password.clone()).unwrap_or_default();
    if text(&body, "old_password") != old && !club.has("no-old") {
        return Err(StatusCode::FORBIDDEN);
    }
    let new = text(&body, "new_password");
    if !club.takes(&whose, new) {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let new = club.kept(new);
    data.members.get_mut(&whose).unwrap().password = new;
    if !club.has("sessions") {
        data.sessions.retain(|_, own| *own != whose);
    }
    Ok(StatusCode::NO_CONTENT)
}

fn document() -> Value {
    let texts = |names: &[&str]| {
        let fields: BTreeMap<&str, Value> =
            names.iter().map(|name| (*name, json!({ "type": "string" }))).collect();
        json!({ "content": { "application/json": { "schema": { "type": "object", "properties": fields } } } })
    };
    let ok = json!({ "200": { "description": "" } });
    let id = json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }]);
    json!({ "openapi": "3.0.0", "security": [{ "token": [] }], "paths": {
        "/register": { "post": { "security": [], "requestBody": texts(&["username", "email", "password"]), "responses": ok } },
        "/login": { "post": { "security": [], "requestBody": texts(&["username", "password"]), "responses": ok } },
        "/me": { "get": { "responses": ok } },
        "/users/{id}/password": { "parameters": id, "put": { "requestBody": texts(&["old_password", "new_password"]), "responses": ok } },
    } })
}

/// Runs some tests against a club with some holes: two members sign in.
pub(crate) async fn probe(holes: &'static [&'static str], only: &[&str]) -> Report {
    let mut data = Data { counter: 7, ..Data::default() };
    for (id, name) in [(2, "alice"), (3, "bob")] {
        let password = format!("{name}-Harbour-41");
        let email = format!("{name}@club.example");
        data.members.insert(name.to_owned(), Member { id, email, password });
    }
    let club = Club { holes, data: Arc::new(Mutex::new(data)) };
    let router = Router::new()
        .route("/openapi.json", get(|| async { Json(document()) }))
        .route("/register", post(register))
        .route("/login", post(login))
        .route("/me", get(me))
        .route("/users/{id}/password", put(set_password))
        .with_state(club);
    attack(router, only, |facts| facts).await
}

/// Runs some tests against an application of two members, alice and bob.
pub(crate) async fn attack(router: Router, only: &[&str], known: impl FnOnce(Facts) -> Facts) -> Report {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let mut facts = Facts::of(&base);
    for name in ["alice", "bob"] {
        facts = facts.with(name, &format!("{name}-Harbour-41"));
    }
    facts.target.level = Level::Destructive;
    facts.limits.rate = 2_000;
    let report = run(known(facts), &world(only), &Silent).await.unwrap();
    server.abort();
    print(&report);
    report
}

/// Test and aspect of everything that was found for sure.
pub(crate) fn sure(report: &Report) -> Vec<String> {
    let sure = report.findings.iter().filter(|finding| finding.outcome.verdict > Verdict::Tentative);
    let mut all: Vec<String> =
        sure.map(|finding| format!("{} {}", finding.about.id, finding.outcome.aspect)).collect();
    all.sort();
    all.dedup();
    all
}

/// Aspects of one test that passed.
pub(crate) fn passed(report: &Report, test: &str) -> Vec<String> {
    let all = report.outcomes.iter();
    let own = all.filter(|outcome| outcome.test == test && outcome.verdict == Verdict::Passed);
    let mut all: Vec<String> = own.map(|outcome| outcome.aspect.clone()).collect();
    all.sort();
    all.dedup();
    all
}
