//! Small applications of our own: holes that the straw man lacks, their repaired twins, and what only looks like a hole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_probe::{Access, Report, Verdict};
use gabion_vault::encoding::{base64url_decode, base64url_encode};
use gabion_vault::hmac_sha256;
use serde_json::{Map, Value, json};

use crate::club::attack;
use crate::ground::{assert_proven, assert_quiet};

/// What is wrong with an application.
#[derive(Debug, Clone, Copy, Default)]
struct Holes {
    /// Notes are removed by their number alone.
    remove: bool,
    /// Tokens are signed with a secret that everybody guesses.
    weak_secret: bool,
    /// Signatures of tokens are not looked at.
    unverified: bool,
    /// The guard compares the path as it came, the router does not.
    spelling: bool,
    /// Requests of the machine itself need no login, by what they say.
    local: bool,
    /// `X-Remote-User` is believed.
    remote_user: bool,
    /// Notes of anybody are written without a login.
    open_write: bool,
}

#[derive(Debug, Default)]
struct Data {
    /// By number: owner and what it holds.
    notes: BTreeMap<u64, (String, Map<String, Value>)>,
    next: u64,
}

type App = Arc<(Holes, Mutex<Data>)>;

fn secret(holes: Holes) -> &'static str {
    if holes.weak_secret { "changeme123" } else { "w2Yl0pB7Zr8QnG4tVb1KcXs9HdJ6mFaE" }
}

fn token(holes: Holes, name: &str) -> String {
    let head = base64url_encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = base64url_encode(json!({ "sub": name, "exp": 4_000_000_000_u64 }).to_string().as_bytes());
    let signature = hmac_sha256(secret(holes).as_bytes(), format!("{head}.{claims}").as_bytes());
    format!("{head}.{claims}.{}", base64url_encode(&signature))
}

fn caller(holes: Holes, headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if holes.remote_user
        && let Some(name) = text("x-remote-user").filter(|name| PEOPLE.contains(&name.as_str()))
    {
        return Some(name);
    }
    if holes.local && text("x-forwarded-for").as_deref() == Some("127.0.0.1") {
        return Some("alice".to_owned());
    }
    let token = text("authorization")?.strip_prefix("Bearer ")?.to_owned();
    let (signed, signature) = token.rsplit_once('.')?;
    let (head, claims) = signed.split_once('.')?;
    let head: Value = serde_json::from_slice(&base64url_decode(head).ok()?).ok()?;
    let right = hmac_sha256(secret(holes).as_bytes(), signed.as_bytes());
    if !holes.unverified && (head["alg"] != "HS256" || base64url_decode(signature).ok()? != right) {
        return None;
    }
    let claims: Value = serde_json::from_slice(&base64url_decode(claims).ok()?).ok()?;
    Some(claims["sub"].as_str()?.to_owned())
}

const PEOPLE: &[&str] = &["alice", "bob", "carol"];

/// The guard in front of everything but the sign-in.
async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let guarded = if app.0.spelling {
        path.starts_with("/notes") || path == "/me"
    } else {
        path != "/login" && path != "/openapi.json"
    };
    let open = app.0.open_write && request.method() == "PUT";
    if guarded && !open && caller(app.0, request.headers()).is_none() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    next.run(request).await
}

fn note(app: &App, headers: &HeaderMap, id: u64) -> Result<(String, Value), StatusCode> {
    let data = app.1.lock().unwrap();
    let (owner, fields) = data.notes.get(&id).ok_or(StatusCode::NOT_FOUND)?;
    if Some(owner) != caller(app.0, headers).as_ref() {
        return Err(StatusCode::NOT_FOUND);
    }
    Ok((owner.clone(), with_id(id, fields)))
}

fn with_id(id: u64, fields: &Map<String, Value>) -> Value {
    let mut fields = fields.clone();
    fields.insert("id".to_owned(), json!(id));
    Value::Object(fields)
}

fn notebook(holes: Holes) -> Router {
    let app: App = Arc::new((holes, Mutex::default()));
    let me = |State(app): State<App>, headers: HeaderMap| async move {
        let name = caller(app.0, &headers).unwrap_or_else(|| "alice".to_owned());
        Json(json!({ "name": name, "email": format!("{name}@notebook.example"), "quota": 7 }))
    };
    Router::new()
        .route("/openapi.json", get(|| async { Json(document()) }))
        .route("/login", post(|State(app): State<App>, Json(body): Json<Value>| async move {
            let name = body["username"].as_str().unwrap_or_default().to_owned();
            if PEOPLE.contains(&name.as_str()) && body["password"] == format!("{name}-Harbour-41") {
                Json(json!({ "token": token(app.0, &name) })).into_response()
            } else {
                StatusCode::UNAUTHORIZED.into_response()
            }
        }))
        .route("/me", get(me))
        .route("/Me", get(me))
        .route("/me/", get(me))
        .route("/notes", get(|State(app): State<App>, headers: HeaderMap| async move {
            let own = caller(app.0, &headers);
            let data = app.1.lock().unwrap();
            let notes = data.notes.iter().filter(|(_, (owner, _))| Some(owner) == own.as_ref());
            Json(notes.map(|(id, (_, fields))| with_id(*id, fields)).collect::<Vec<_>>())
        }).post(|State(app): State<App>, headers: HeaderMap, Json(body): Json<Map<String, Value>>| async move {
            let owner = caller(app.0, &headers).unwrap_or_default();
            let mut data = app.1.lock().unwrap();
            data.next += 1;
            let id = data.next;
            // Whatever is sent is kept: notes are open documents.
            let answer = with_id(id, &body);
            data.notes.insert(id, (owner, body));
            (StatusCode::CREATED, Json(answer))
        }))
        .route("/notes/{id}", get(|State(app): State<App>, headers: HeaderMap, Path(id): Path<u64>| async move {
            note(&app, &headers, id).map(|(_, note)| Json(note))
        }).put(|State(app): State<App>, headers: HeaderMap, Path(id): Path<u64>, Json(body): Json<Map<String, Value>>| async move {
            if !app.0.open_write {
                note(&app, &headers, id)?;
            }
            let mut data = app.1.lock().unwrap();
            let kept = data.notes.get_mut(&id).ok_or(StatusCode::NOT_FOUND)?;
            kept.1 = body;
            Ok::<_, StatusCode>(Json(with_id(id, &kept.1)))
        }).delete(|State(app): State<App>, headers: HeaderMap, Path(id): Path<u64>| async move {
            if !app.0.remove {
                note(&app, &headers, id)?;
            }
            app.1.lock().unwrap().notes.remove(&id);
            Ok::<_, StatusCode>(StatusCode::NO_CONTENT)
        }))
        .layer(from_fn_with_state(app.clone(), guard))
        .with_state(app)
}

fn document() -> Value {
    let draft = json!({ "type": "object", "properties": { "title": { "type": "string" } } });
    let body = json!({ "content": { "application/json": { "schema": draft } } });
    let id = json!([{ "name": "id", "in": "path", "schema": { "type": "integer" } }]);
    let credentials = json!({ "type": "object", "properties": { "username": { "type": "string" }, "password": { "type": "string" } } });
    let ok = json!({ "200": { "description": "" } });
    json!({ "openapi": "3.0.0", "security": [{ "token": [] }], "paths": {
        "/login": { "post": { "security": [], "requestBody": { "content": { "application/json": { "schema": credentials } } }, "responses": ok } },
        "/me": { "get": { "responses": ok } },
        "/notes": { "get": { "responses": ok }, "post": { "requestBody": body, "responses": ok } },
        "/notes/{id}": { "parameters": id, "get": { "responses": ok }, "put": { "requestBody": body, "responses": ok }, "delete": { "responses": ok } },
    } })
}

async fn probe(router: Router, only: &[&str]) -> Report {
    attack(router, only, |facts| facts).await
}

const OURS: &[&str] = &[
    "authentication-bypass",
    "forged-identity",
    "jwt",
    "mass-assignment",
    "missing-login",
    "object-access",
    "object-delete",
    "object-write",
    "tenant-access",
];

/// What was found, test and aspect, for sure.
fn sure(report: &Report) -> BTreeSet<(String, String)> {
    let sure = report.findings.iter().filter(|finding| finding.outcome.verdict > Verdict::Tentative);
    sure.map(|finding| (finding.about.id.clone(), finding.outcome.aspect.clone())).collect()
}

#[tokio::test]
async fn a_notebook_without_holes_is_left_in_peace_and_every_test_of_it_passed() {
    let report = probe(notebook(Holes::default()), OURS).await;
    assert_quiet(&report);
    for test in [
        "authentication-bypass",
        "forged-identity",
        "jwt",
        "missing-login",
        "object-access",
        "object-delete",
        "object-write",
    ] {
        let passed =
            |outcome: &&gabion_probe::Outcome| outcome.test == test && outcome.verdict == Verdict::Passed;
        assert!(report.outcomes.iter().any(|outcome| passed(&outcome)), "{test}");
    }
    let cell = report.matrix.cell("DELETE /notes/{id}", "bob").unwrap();
    assert_eq!(cell.access, Access::Denied, "{cell:?}");
    assert_eq!(report.matrix.count(Access::Violation), 0);
}

#[tokio::test]
async fn each_hole_of_a_notebook_is_found_and_nothing_else() {
    for (holes, test, operation, aspect) in [
        (Holes { remove: true, ..Holes::default() }, "object-delete", "DELETE /notes/{id}", ""),
        (Holes { weak_secret: true, ..Holes::default() }, "jwt", "GET /me", "weak-key"),
        (Holes { unverified: true, ..Holes::default() }, "jwt", "GET /me", "unverified"),
        (Holes { spelling: true, ..Holes::default() }, "authentication-bypass", "GET /me", "path"),
        (Holes { local: true, ..Holes::default() }, "authentication-bypass", "GET /me", "address"),
        (Holes { remote_user: true, ..Holes::default() }, "forged-identity", "GET /me", ""),
        (Holes { open_write: true, ..Holes::default() }, "missing-login", "PUT /notes/{id}", ""),
    ] {
        let report = probe(notebook(holes), OURS).await;
        assert_proven(&report, &[(test, operation, aspect)]);
        let others: Vec<_> = sure(&report).into_iter().filter(|(id, _)| id != test).collect();
        // Whoever needs no login writes to everybody's.
        let meant =
            if holes.open_write { vec![("object-write".to_owned(), String::new())] } else { Vec::new() };
        assert_eq!(others, meant, "{holes:?}");
    }
}

/// A wiki: everybody who signed in reads and writes every page; lists show all of them; answers echo what they are sent.
fn wiki() -> Router {
    type Pages = Arc<Mutex<BTreeMap<u64, Value>>>;
    let pages: Pages = Arc::new(Mutex::new(BTreeMap::from([(1, json!({ "title": "Welcome" }))])));
    let name = |headers: &HeaderMap| {
        let cookie = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        cookie.split(';').find_map(|pair| pair.trim().strip_prefix("who=").map(str::to_owned))
    };
    let signed = move |headers: &HeaderMap| name(headers).ok_or(StatusCode::UNAUTHORIZED);
    Router::new()
        .route("/", get(|| async { Html("<a href='/login'>in</a><a href='/pages'>pages</a><a href='/pages/1'>one</a><a href='/me'>me</a><a href='/admin/contact'>write to us</a>") }))
        .route("/login", get(|| async { Html("<form method=post><input name=name><input type=password name=password></form>") })
            .post(|body: Bytes| async move {
                let text = String::from_utf8_lossy(&body).into_owned();
                let who = PEOPLE.iter().find(|who| text.contains(&format!("name={who}&")));
                match who {
                    Some(who) => (StatusCode::SEE_OTHER, [(header::SET_COOKIE, format!("who={who}")), (header::LOCATION, "/".to_owned())]).into_response(),
                    None => StatusCode::FORBIDDEN.into_response(),
                }
            }))
        .route("/me", get(move |headers: HeaderMap| async move {
            let who = signed(&headers)?;
            // It shows what a proxy told, and believes none of it.
            let told: Vec<String> = headers.values().filter_map(|value| value.to_str().ok()).map(str::to_owned).collect();
            Ok::<_, StatusCode>(Html(format!("<p>You are {who}</p><!-- {} -->", told.join(" "))))
        }))
        .route("/admin/contact", get(move |headers: HeaderMap| async move {
            signed(&headers).map(|_| Html("<h1>Write to an administrator</h1><p>contact page</p>"))
        }))
        .route("/pages", {
            let (list, make) = (Arc::clone(&pages), Arc::clone(&pages));
            get(move |headers: HeaderMap| async move {
                signed(&headers)?;
                let pages = list.lock().unwrap();
                Ok::<_, StatusCode>(Json(pages.iter().map(|(id, page)| json!({ "id": id, "title": page["title"] })).collect::<Vec<_>>()))
            }).post(move |headers: HeaderMap, Json(page): Json<Value>| async move {
                signed(&headers)?;
                let mut pages = make.lock().unwrap();
                let id = pages.len() as u64 + 1;
                pages.insert(id, page.clone());
                Ok::<_, StatusCode>(Json(json!({ "id": id, "title": page["title"] })))
            })
        })
        .route("/pages/{id}", {
            let (read, write) = (Arc::clone(&pages), Arc::clone(&pages));
            get(move |headers: HeaderMap, Path(id): Path<u64>| async move {
                signed(&headers)?;
                let page = read.lock().unwrap().get(&id).cloned().ok_or(StatusCode::NOT_FOUND)?;
                Ok::<_, StatusCode>(Json(json!({ "id": id, "title": page["title"], "role": "page" })))
            }).put(move |headers: HeaderMap, Path(id): Path<u64>, Json(page): Json<Value>| async move {
                signed(&headers)?;
                write.lock().unwrap().insert(id, page.clone());
                Ok::<_, StatusCode>(Json(page))
            })
        })
}

#[tokio::test]
async fn what_is_shared_by_design_is_no_hole() {
    let report = probe(
        wiki(),
        &[
            "authentication-bypass",
            "forged-identity",
            "function-access",
            "mass-assignment",
            "missing-login",
            "object-access",
            "tenant-access",
        ],
    )
    .await;
    assert_eq!(sure(&report), BTreeSet::new());
}
