//! A small API of the usual kind: fifteen operations, accounts that register, things that are called by their titles and whose
//! making answers nothing of them. Its lists show everybody everything but what is secret.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use gabion_probe::Report;
use serde_json::{Value, json};

use crate::club::{attack, sure};

type Answered = Result<Json<Value>, StatusCode>;

#[derive(Clone)]
struct Cook {
    password: String,
    email: String,
    admin: bool,
}

#[derive(Clone)]
struct Recipe {
    owner: String,
    secret: String,
    comments: Vec<String>,
}

#[derive(Clone, Default)]
struct Kitchen {
    holes: bool,
    /// How often everything was thrown away.
    renewed: Arc<AtomicUsize>,
    cooks: Arc<Mutex<BTreeMap<String, Cook>>>,
    recipes: Arc<Mutex<BTreeMap<String, Recipe>>>,
}

fn text(body: &Value, name: &str) -> Result<String, StatusCode> {
    let text = body[name].as_str().filter(|text| !text.is_empty() && text.len() < 200);
    text.map(str::to_owned).ok_or(StatusCode::UNPROCESSABLE_ENTITY)
}

impl Kitchen {
    fn who(&self, headers: &HeaderMap) -> Result<String, StatusCode> {
        let field = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let name = field.strip_prefix("Bearer session-0f8a33-of-").unwrap_or_default().to_owned();
        if self.cooks.lock().unwrap().contains_key(&name) { Ok(name) } else { Err(StatusCode::UNAUTHORIZED) }
    }
}

async fn register(State(kitchen): State<Kitchen>, Json(body): Json<Value>) -> Answered {
    let (name, password, email) = (text(&body, "username")?, text(&body, "password")?, text(&body, "email")?);
    let mut cooks = kitchen.cooks.lock().unwrap();
    if cooks.contains_key(&name) {
        return Err(StatusCode::CONFLICT);
    }
    let admin = kitchen.holes && body["admin"] == json!(true);
    cooks.insert(name, Cook { password, email, admin });
    Ok(Json(json!({ "status": "done" })))
}

async fn login(State(kitchen): State<Kitchen>, Json(body): Json<Value>) -> Answered {
    let name = text(&body, "username")?;
    let known =
        kitchen.cooks.lock().unwrap().get(&name).is_some_and(|cook| json!(cook.password) == body["password"]);
    if !known {
        return Err(StatusCode::UNAUTHORIZED);
    }
    Ok(Json(json!({ "token": format!("session-0f8a33-of-{name}") })))
}

async fn cooks(State(kitchen): State<Kitchen>) -> Json<Value> {
    let cooks = kitchen.cooks.lock().unwrap();
    let all: Vec<Value> = cooks
        .iter()
        .map(|(name, cook)| match kitchen.holes {
            true => json!({ "username": name, "admin": cook.admin, "password": cook.password }),
            false => json!({ "username": name, "admin": cook.admin }),
        })
        .collect();
    Json(json!({ "cooks": all }))
}

async fn me(State(kitchen): State<Kitchen>, headers: HeaderMap) -> Answered {
    let name = kitchen.who(&headers)?;
    let email = kitchen.cooks.lock().unwrap()[&name].email.clone();
    Ok(Json(json!({ "username": name, "email": email })))
}

async fn set_email(State(kitchen): State<Kitchen>, headers: HeaderMap, Json(body): Json<Value>) -> Answered {
    let (name, email) = (kitchen.who(&headers)?, text(&body, "email")?);
    kitchen.cooks.lock().unwrap().entry(name).and_modify(|cook| cook.email.clone_from(&email));
    Ok(Json(json!({ "status": "done" })))
}

async fn recipes(State(kitchen): State<Kitchen>) -> Json<Value> {
    let recipes = kitchen.recipes.lock().unwrap();
    let all: Vec<Value> =
        recipes.iter().map(|(title, one)| json!({ "recipe_title": title, "cook": one.owner })).collect();
    Json(json!({ "recipes": all }))
}

async fn cook_one(State(kitchen): State<Kitchen>, headers: HeaderMap, Json(body): Json<Value>) -> Answered {
    let owner = kitchen.who(&headers)?;
    let (title, secret) = (text(&body, "recipe_title")?, text(&body, "secret")?);
    let mut recipes = kitchen.recipes.lock().unwrap();
    if recipes.contains_key(&title) {
        return Err(StatusCode::CONFLICT);
    }
    recipes.insert(title, Recipe { owner, secret, comments: Vec::new() });
    Ok(Json(json!({ "status": "done" })))
}

async fn recipe(State(kitchen): State<Kitchen>, headers: HeaderMap, Path(title): Path<String>) -> Answered {
    let who = kitchen.who(&headers)?;
    let recipes = kitchen.recipes.lock().unwrap();
    let one =
        recipes.get(&title).filter(|one| kitchen.holes || one.owner == who).ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(json!({ "recipe_title": title, "secret": one.secret, "cook": one.owner })))
}

async fn comments(State(kitchen): State<Kitchen>, Path(title): Path<String>) -> Answered {
    let recipes = kitchen.recipes.lock().unwrap();
    recipes.get(&title).map(|one| Json(json!({ "comments": one.comments }))).ok_or(StatusCode::NOT_FOUND)
}

async fn comment(
    State(kitchen): State<Kitchen>,
    headers: HeaderMap,
    Path(title): Path<String>,
    Json(body): Json<Value>,
) -> Answered {
    kitchen.who(&headers)?;
    let said = text(&body, "text")?;
    let mut recipes = kitchen.recipes.lock().unwrap();
    recipes.get_mut(&title).ok_or(StatusCode::NOT_FOUND)?.comments.push(said);
    Ok(Json(json!({ "status": "done" })))
}

async fn renew(State(kitchen): State<Kitchen>) -> Json<Value> {
    kitchen.renewed.fetch_add(1, Ordering::Relaxed);
    kitchen.recipes.lock().unwrap().clear();
    Json(json!({ "status": "done" }))
}

async fn count(State(kitchen): State<Kitchen>) -> Json<Value> {
    Json(json!({ "recipes": kitchen.recipes.lock().unwrap().len() }))
}

fn document() -> Value {
    let example = |text: &str| json!({ "type": "string", "example": text });
    let body = |fields: Value| json!({ "content": { "application/json": { "schema": { "type": "object", "properties": fields } } } });
    let ok = json!({ "200": { "description": "" } });
    let read = || json!({ "get": { "responses": ok } });
    let title =
        json!([{ "name": "recipe_title", "in": "path", "required": true, "schema": example("bread") }]);
    let people = json!({ "username": example("jo.doe"), "password": example("Harbour-41-Light"), "email": example("jo@example.com") });
    json!({ "openapi": "3.0.0", "paths": {
        "/createdb": read(), "/health": read(), "/count": read(), "/version": read(), "/units": read(),
        "/me": read(),
        "/cooks/v1": read(),
        "/cooks/v1/register": { "post": { "requestBody": body(people), "responses": ok } },
        "/cooks/v1/login": { "post": { "requestBody": body(json!({ "username": example("jo.doe"), "password": example("x") })), "responses": ok } },
        "/cooks/v1/email": { "put": { "requestBody": body(json!({ "email": example("jo@example.com") })), "responses": ok } },
        "/recipes/v1": {
            "get": { "responses": ok },
            "post": { "requestBody": body(json!({ "recipe_title": example("rye99"), "secret": example("seven days of leaven") })), "responses": ok },
        },
        "/recipes/v1/{recipe_title}": { "get": { "parameters": title, "responses": ok } },
        "/recipes/v1/{recipe_title}/comments": {
            "get": { "parameters": title, "responses": ok },
            "post": { "parameters": title, "requestBody": body(json!({ "text": { "type": "string" } })), "responses": ok },
        },
    } })
}

async fn probe(holes: bool, only: &[&str]) -> (Report, Kitchen) {
    let kitchen = Kitchen { holes, ..Kitchen::default() };
    for name in ["alice", "bob"] {
        let cook = Cook {
            password: format!("{name}-Harbour-41"),
            email: format!("{name}@example.com"),
            admin: false,
        };
        kitchen.cooks.lock().unwrap().insert(name.to_owned(), cook);
        let recipe =
            Recipe { owner: name.to_owned(), secret: format!("the way of {name}"), comments: Vec::new() };
        kitchen.recipes.lock().unwrap().insert(format!("soup-{name}"), recipe);
    }
    let router = Router::new()
        .route("/openapi.json", get(|| async { Json(document()) }))
        .route("/createdb", get(renew))
        .route("/health", get(|| async { Json(json!({ "up": true })) }))
        .route("/version", get(|| async { Json(json!({ "version": "1" })) }))
        .route("/units", get(|| async { Json(json!(["spoon", "cup"])) }))
        .route("/count", get(count))
        .route("/me", get(me))
        .route("/cooks/v1", get(cooks))
        .route("/cooks/v1/register", post(register))
        .route("/cooks/v1/login", post(login))
        .route("/cooks/v1/email", put(set_email))
        .route("/recipes/v1", get(recipes).post(cook_one))
        .route("/recipes/v1/{recipe_title}", get(recipe))
        .route("/recipes/v1/{recipe_title}/comments", get(comments).post(comment))
        .with_state(kitchen.clone());
    let report = attack(router, only, |facts| facts).await;
    (report, kitchen)
}

const TESTS: &[&str] = &["mass-assignment", "object-access", "object-write", "secrets-in-answers"];

#[tokio::test]
async fn what_is_made_is_known_by_what_was_sent_and_registering_gives_no_power() {
    let (report, kitchen) = probe(true, TESTS).await;
    let mut found = sure(&report);
    found.sort();
    found.dedup();
    assert_eq!(found, ["mass-assignment admin", "object-access ", "secrets-in-answers "]);
    assert_eq!(kitchen.renewed.load(Ordering::Relaxed), 0, "nobody asks for what throws everything away");
}

#[tokio::test]
async fn a_kitchen_without_holes_is_left_in_peace() {
    let (report, kitchen) = probe(false, TESTS).await;
    assert_eq!(sure(&report), [""; 0]);
    assert_eq!(kitchen.renewed.load(Ordering::Relaxed), 0);
}

/// An API of fifteen operations is promised to take fewer than two thousand requests. It takes about 950.
#[tokio::test]
async fn fifteen_operations_take_few_requests() {
    let (report, _) = probe(true, &[]).await;
    println!("{} requests in {:?}", report.requests, report.elapsed);
    assert!(report.requests < 1_300, "{} requests", report.requests);
    assert!(report.operations.len() >= 15);
    for found in ["mass-assignment", "object-access", "secrets-in-answers", "login-rate"] {
        assert!(report.findings.iter().any(|finding| finding.about.id == found), "{found}");
    }
}
