//! What people had before a run they have after it: names, addresses and passwords, what they wrote, what a form keeps.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use gabion_probe::wire::Request;
use gabion_probe::{Facts, Level, Report, enter, run};
use gabion_strawman::{Options, serve};
use serde_json::{Map, Value, json};

use crate::ground::{Silent, facts, print, world};

#[derive(Debug, Clone, PartialEq)]
struct Data {
    /// By name.
    people: BTreeMap<String, Map<String, Value>>,
    /// By number: whose, and what it holds.
    notes: BTreeMap<u64, (String, Map<String, Value>)>,
}

#[derive(Clone)]
struct Office {
    data: Arc<Mutex<Data>>,
    /// A display name is chosen once in a month.
    once: bool,
}

const PEOPLE: [&str; 2] = ["alice", "bob"];

impl Office {
    fn new(once: bool) -> Self {
        let person = |(at, name): (usize, &&str)| {
            let own = json!({
                "id": at + 1, "username": name, "email": format!("{name}@office.example"), "password": format!("{name}-Harbour-41"),
                "display_name": format!("The {name}"), "bio": "Counts ships.", "motto": "Steady", "newsletter": at == 0, "version": 1,
            });
            ((*name).to_owned(), own.as_object().unwrap().clone())
        };
        let note = |(at, name): (usize, &&str)| {
            let own = json!({ "title": format!("Of {name}"), "pinned": at == 1 });
            (at as u64 + 1, ((*name).to_owned(), own.as_object().unwrap().clone()))
        };
        let people = PEOPLE.iter().enumerate().map(person).collect();
        let notes = PEOPLE.iter().enumerate().map(note).collect();
        Self { data: Arc::new(Mutex::new(Data { people, notes })), once }
    }

    fn who(&self, headers: &HeaderMap) -> Result<String, StatusCode> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = text(header::AUTHORIZATION).strip_prefix("Bearer ticket-of-").unwrap_or_default();
        self.data
            .lock()
            .unwrap()
            .people
            .contains_key(token)
            .then(|| token.to_owned())
            .ok_or(StatusCode::UNAUTHORIZED)
    }

    /// What of a person was meant to stay: without what nobody reads or what counts changes.
    fn kept(&self) -> Data {
        let mut data = self.data.lock().unwrap().clone();
        data.people.values_mut().for_each(|own| drop(own.remove("version")));
        data.notes.retain(|id, _| *id <= 2);
        data
    }
}

async fn login(State(office): State<Office>, Json(body): Json<Value>) -> Response {
    let data = office.data.lock().unwrap();
    let found = data
        .people
        .iter()
        .find(|(_, own)| own["username"] == body["username"] && own["password"] == body["password"]);
    match found {
        Some((name, _)) => Json(json!({ "token": format!("ticket-of-{name}") })).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn me(State(office): State<Office>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let name = office.who(&headers)?;
    let mut own = office.data.lock().unwrap().people[&name].clone();
    own.remove("password");
    Ok(Json(Value::Object(own)))
}

/// Everything but the number can be set, the password too.
async fn change(
    State(office): State<Office>,
    headers: HeaderMap,
    Json(body): Json<Map<String, Value>>,
) -> Result<Json<Value>, StatusCode> {
    let name = office.who(&headers)?;
    let mut data = office.data.lock().unwrap();
    let own = data.people.get_mut(&name).ok_or(StatusCode::NOT_FOUND)?;
    if office.once && body.contains_key("display_name") && own["version"] != 1 {
        return Err(StatusCode::CONFLICT);
    }
    for (field, value) in body {
        if ["username", "email", "password", "display_name", "bio"].contains(&field.as_str())
            && value.is_string()
        {
            own.insert(field, value);
        }
    }
    let version = own["version"].as_u64().unwrap_or(1) + 1;
    own.insert("version".to_owned(), json!(version));
    Ok(Json(json!({ "changed": true })))
}

async fn settings(State(office): State<Office>, headers: HeaderMap) -> Result<Html<String>, StatusCode> {
    let name = office.who(&headers)?;
    let motto = office.data.lock().unwrap().people[&name]["motto"]
        .as_str()
        .unwrap_or_default()
        .replace(['<', '"'], "");
    Ok(Html(format!(
        "<p>{name}</p><form method=post action=/settings><input type=text name=motto value=\"{motto}\"></form>"
    )))
}

async fn set(
    State(office): State<Office>,
    headers: HeaderMap,
    Form(body): Form<BTreeMap<String, String>>,
) -> Result<Response, StatusCode> {
    let name = office.who(&headers)?;
    let motto = body.get("motto").cloned().ok_or(StatusCode::UNPROCESSABLE_ENTITY)?;
    office.data.lock().unwrap().people.get_mut(&name).unwrap().insert("motto".to_owned(), json!(motto));
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, "/settings")]).into_response())
}

async fn notes(State(office): State<Office>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let name = office.who(&headers)?;
    let data = office.data.lock().unwrap();
    let own = data.notes.iter().filter(|(_, (owner, _))| *owner == name);
    let own =
        own.map(|(id, (_, note))| json!({ "id": id, "title": note["title"], "pinned": note["pinned"] }));
    Ok(Json(own.collect()))
}

async fn write(
    State(office): State<Office>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    Json(body): Json<Map<String, Value>>,
) -> Result<Json<Value>, StatusCode> {
    // HOLE: whose it is is not asked.
    office.who(&headers)?;
    let mut data = office.data.lock().unwrap();
    let note = data.notes.get_mut(&id).ok_or(StatusCode::NOT_FOUND)?;
    note.1.extend(body.into_iter().filter(|(name, _)| ["title", "pinned"].contains(&name.as_str())));
    Ok(Json(json!({ "id": id, "title": note.1["title"], "pinned": note.1["pinned"] })))
}

fn document() -> Value {
    let body = |fields: Value| json!({ "content": { "application/json": { "schema": { "type": "object", "properties": fields } } } });
    let (text, flag) = (json!({ "type": "string" }), json!({ "type": "boolean" }));
    let ok = json!({ "200": { "description": "" } });
    let id = json!([{ "name": "id", "in": "path", "schema": { "type": "integer" } }]);
    let own = json!({ "username": text, "email": text, "password": text, "display_name": text, "bio": text });
    json!({ "openapi": "3.0.0", "paths": {
        "/login": { "post": { "requestBody": body(json!({ "username": text, "password": text })), "responses": ok } },
        "/me": { "get": { "responses": ok } },
        "/account": { "put": { "requestBody": body(own), "responses": ok } },
        "/settings": { "get": { "responses": ok } },
        "/notes": { "get": { "responses": ok } },
        "/notes/{id}": { "parameters": id, "put": { "requestBody": body(json!({ "title": text, "pinned": flag })), "responses": ok } },
    } })
}

async fn probe(office: &Office, only: &[&str]) -> Report {
    let router = Router::new()
        .route("/openapi.json", get(|| async { Json(document()) }))
        .route("/login", post(login))
        .route("/me", get(me))
        .route("/account", axum::routing::put(change))
        .route("/settings", get(settings).post(set))
        .route("/notes", get(notes))
        .route("/notes/{id}", axum::routing::put(write))
        .with_state(office.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let mut facts =
        PEOPLE.iter().fold(Facts::of(&base), |facts, name| facts.with(name, &format!("{name}-Harbour-41")));
    facts.target.level = Level::Destructive;
    facts.target.start = vec!["/settings".to_owned()];
    facts.limits.rate = 2_000;
    let report = run(facts, &world(only), &Silent).await.unwrap();
    server.abort();
    print(&report);
    report
}

const OURS: &[&str] =
    &["input-validation", "mass-assignment", "object-access", "object-write", "sql-injection", "sql-stored"];

#[tokio::test]
async fn people_are_after_a_run_as_they_were_before_it() {
    let office = Office::new(false);
    let before = office.kept();
    let report = probe(&office, OURS).await;
    assert_eq!(office.kept(), before);
    let back =
        |what: &str| report.notes.iter().any(|note| note.contains(what) && note.contains("was put back"));
    // It was changed meanwhile, or nothing was shown by this.
    assert!(back("`display_name`") && back("`motto`") && back("`title`"), "{:?}", report.notes);
    let writes = |found: &gabion_probe::Finding| found.about.id == "object-write";
    assert!(report.findings.iter().any(writes), "somebody wrote to what is another's");
}

#[tokio::test]
async fn what_cannot_be_put_back_is_said() {
    let office = Office::new(true);
    let report = probe(&office, &["mass-assignment"]).await;
    assert_ne!(office.kept(), Office::new(true).kept());
    let said =
        |note: &String| note.contains("`display_name`, `bio` of `alice` at `/me` could not be put back");
    assert!(report.notes.iter().any(said), "{:?}", report.notes);
}

/// What everybody of the straw man is told of themselves.
async fn told(base: &str) -> Vec<Value> {
    let field = enter(facts(base), &world(&["headers"]), &Silent).await.unwrap();
    let mut all = Vec::new();
    for who in field.signed_in().collect::<Vec<_>>() {
        all.push(field.request(who, &Request::get("/api/me")).await.unwrap().json().unwrap());
    }
    all
}

#[tokio::test]
async fn the_straw_mans_people_keep_their_names() {
    for options in [Options::vulnerable(), Options::repaired()] {
        let application = serve(options).await.unwrap();
        let before = told(&application.base()).await;
        assert!(before.len() > 2 && before.iter().all(|own| own["display_name"].is_string()));
        let tests = ["input-validation", "mass-assignment", "object-write", "sql-injection", "sql-stored"];
        let report = run(facts(&application.base()), &world(&tests), &Silent).await.unwrap();
        print(&report);
        assert_eq!(told(&application.base()).await, before);
        application.shutdown().await;
    }
}
