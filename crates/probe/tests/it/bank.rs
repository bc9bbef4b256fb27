//! A bank: ids stand in queries, header fields, bodies and answers to sign-ins. Each hole has a name; without any it is whole.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_probe::Report;
use serde_json::{Value, json};

use crate::club::{attack, sure};

type Answered = Result<Json<Value>, StatusCode>;

#[derive(Clone)]
struct Bank {
    holes: &'static [&'static str],
    /// Balance by account.
    balances: Arc<Mutex<BTreeMap<u64, i64>>>,
    /// Notes by basket.
    notes: Arc<Mutex<BTreeMap<u64, String>>>,
    /// Texts by number, and whose they are.
    memos: Arc<Mutex<BTreeMap<u64, (u64, String)>>>,
}

const PEOPLE: [&str; 2] = ["alice", "bob"];

impl Bank {
    fn has(&self, hole: &str) -> bool {
        self.holes.contains(&hole)
    }
}

/// Whose session it is: their place.
fn who(headers: &HeaderMap) -> Result<u64, StatusCode> {
    let field = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let place = PEOPLE.iter().position(|name| field == format!("Bearer session-of-{name}"));
    place.map(|place| place as u64).ok_or(StatusCode::UNAUTHORIZED)
}

/// Each has a basket, an account and two orders.
fn basket(who: u64) -> u64 {
    310 + who
}
fn account(who: u64) -> u64 {
    9100 + who
}
fn order(who: u64, at: u64) -> u64 {
    500 + who * 10 + at
}
fn user(who: u64) -> u64 {
    70 + who
}

fn order_of(id: u64) -> Value {
    json!({ "id": id, "address": format!("{} Quay Road, door {}", id * 3, id * 7) })
}

async fn login(Json(body): Json<Value>) -> Answered {
    let name = body["username"].as_str().unwrap_or_default();
    let place = PEOPLE.iter().position(|own| *own == name).ok_or(StatusCode::UNAUTHORIZED)? as u64;
    if body["password"] != format!("{name}-Harbour-41") {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let token = format!("session-of-{name}");
    Ok(Json(
        json!({ "token": token, "bid": basket(place), "account_id": account(place), "user": { "id": user(place) } }),
    ))
}

async fn read_basket(
    State(bank): State<Bank>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, u64>>,
) -> Answered {
    let caller = who(&headers)?;
    let id = query.get("id").copied().ok_or(StatusCode::BAD_REQUEST)?;
    let owned = (0..2).any(|who| basket(who) == id);
    if !owned || id != basket(caller) && !bank.has("query") {
        return Err(StatusCode::NOT_FOUND);
    }
    let note = bank.notes.lock().unwrap().get(&id).cloned().unwrap_or_default();
    Ok(Json(json!({ "id": id, "label": format!("basket with {} lamps", id * 11), "note": note })))
}

async fn write_basket(State(bank): State<Bank>, headers: HeaderMap, Json(body): Json<Value>) -> Answered {
    let caller = who(&headers)?;
    let id = body["basket_id"].as_u64().ok_or(StatusCode::BAD_REQUEST)?;
    if id != basket(caller) && !bank.has("body") {
        return Err(StatusCode::NOT_FOUND);
    }
    bank.notes.lock().unwrap().insert(id, body["note"].as_str().unwrap_or_default().to_owned());
    Ok(Json(json!({ "saved": true })))
}

async fn balance(State(bank): State<Bank>, headers: HeaderMap) -> Answered {
    let caller = who(&headers)?;
    let named = headers.get("x-account").and_then(|value| value.to_str().ok()?.parse().ok());
    let id = named.unwrap_or(account(caller));
    if id != account(caller) && !bank.has("header") {
        return Err(StatusCode::FORBIDDEN);
    }
    let balances = bank.balances.lock().unwrap();
    let balance = balances.get(&id).ok_or(StatusCode::NOT_FOUND)?;
    Ok(Json(json!({ "account": id, "iban": format!("XX{}", id * 1_000_003), "balance": balance })))
}

async fn transfer(State(bank): State<Bank>, headers: HeaderMap, Json(body): Json<Value>) -> Answered {
    let caller = who(&headers)?;
    let (from, amount) = (body["from_account"].as_u64().unwrap_or(0), body["amount"].as_i64().unwrap_or(0));
    if from != account(caller) && !bank.has("from") {
        return Err(StatusCode::FORBIDDEN);
    }
    let mut balances = bank.balances.lock().unwrap();
    let balance = balances.get_mut(&from).ok_or(StatusCode::NOT_FOUND)?;
    if amount <= 0 || *balance < amount {
        return Err(StatusCode::CONFLICT);
    }
    *balance -= amount;
    Ok(Json(json!({ "done": true })))
}

async fn export(State(bank): State<Bank>, headers: HeaderMap, Json(body): Json<Value>) -> Answered {
    let caller = who(&headers)?;
    let ids = body["ids"].as_array().ok_or(StatusCode::BAD_REQUEST)?;
    let own = |id: &u64| (0..2).any(|at| order(caller, at) == *id);
    let there = |id: &u64| (0..2).any(|who| (0..2).any(|at| order(who, at) == *id));
    let ids = ids.iter().filter_map(Value::as_u64).filter(|id| own(id) || bank.has("batch") && there(id));
    Ok(Json(json!({ "orders": ids.map(order_of).collect::<Vec<_>>() })))
}

async fn orders(headers: HeaderMap, Path(id): Path<u64>) -> Answered {
    let caller = who(&headers)?;
    if id != user(caller) {
        return Err(StatusCode::FORBIDDEN);
    }
    Ok(Json((0..2).map(|at| order_of(order(caller, at))).collect()))
}

async fn one_order(
    State(bank): State<Bank>,
    headers: HeaderMap,
    Path((id, wanted)): Path<(u64, u64)>,
) -> Answered {
    let caller = who(&headers)?;
    if id != user(caller) && !bank.has("path") {
        return Err(StatusCode::FORBIDDEN);
    }
    let whose = (0..2).find(|who| (0..2).any(|at| order(*who, at) == wanted)).ok_or(StatusCode::NOT_FOUND)?;
    if user(whose) != id && !bank.has("parent") {
        return Err(StatusCode::NOT_FOUND);
    }
    Ok(Json(order_of(wanted)))
}

/// What members are shown of each other.
async fn profile(State(bank): State<Bank>, headers: HeaderMap, Path(id): Path<u64>) -> Answered {
    who(&headers)?;
    let whose = (0..2).find(|who| user(*who) == id).ok_or(StatusCode::NOT_FOUND)?;
    let mut shown = json!({ "id": id, "motto": format!("{} lamps and a pier", id * 31) });
    if bank.has("private") {
        shown["email"] = json!(format!("{}@home.example", PEOPLE[whose as usize]));
    }
    Ok(Json(shown))
}

async fn memos(State(bank): State<Bank>, headers: HeaderMap) -> Answered {
    let caller = who(&headers)?;
    let memos = bank.memos.lock().unwrap();
    let own = memos.iter().filter(|(_, (owner, _))| *owner == caller);
    Ok(Json(own.map(|(id, (_, text))| json!({ "id": id, "text": text })).collect()))
}

async fn write_memo(State(bank): State<Bank>, headers: HeaderMap, Json(body): Json<Value>) -> Answered {
    let caller = who(&headers)?;
    let mut memos = bank.memos.lock().unwrap();
    let id = 9_000 + memos.len() as u64 * 17 + caller;
    memos.insert(id, (caller, body["text"].as_str().unwrap_or_default().to_owned()));
    Ok(Json(json!({ "id": id })))
}

async fn delete_memo(State(bank): State<Bank>, headers: HeaderMap, Json(body): Json<Value>) -> Answered {
    let caller = who(&headers)?;
    let mut memos = bank.memos.lock().unwrap();
    let id = body["id"].as_u64().ok_or(StatusCode::BAD_REQUEST)?;
    let (owner, _) = memos.get(&id).ok_or(StatusCode::NOT_FOUND)?;
    if *owner != caller && !bank.has("delete") {
        return Err(StatusCode::NOT_FOUND);
    }
    memos.get_mut(&id).unwrap().0 = u64::MAX;
    Ok(Json(json!({ "done": true })))
}

fn document() -> Value {
    let body = |fields: Value| json!({ "content": { "application/json": { "schema": { "type": "object", "properties": fields } } } });
    let ok = json!({ "200": { "description": "" } });
    let integer = json!({ "type": "integer" });
    let text = json!({ "type": "string" });
    let parameter = |name: &str, place: &str| json!({ "name": name, "in": place, "required": place != "header", "schema": integer });
    json!({ "openapi": "3.0.0", "security": [{ "token": [] }], "paths": {
        "/login": { "post": { "security": [], "requestBody": body(json!({ "username": text, "password": text })), "responses": ok } },
        "/basket": { "get": { "parameters": [parameter("id", "query")], "responses": ok } },
        "/notes": { "post": { "requestBody": body(json!({ "basket_id": integer, "note": text })), "responses": ok } },
        "/balance": { "get": { "parameters": [parameter("X-Account", "header")], "responses": ok } },
        "/transfer": { "post": { "requestBody": body(json!({ "from_account": integer, "amount": integer })), "responses": ok } },
        "/orders/export": { "post": { "requestBody": body(json!({ "ids": { "type": "array", "items": integer } })), "responses": ok } },
        "/users/{user_id}/profile": { "get": { "parameters": [parameter("user_id", "path")], "responses": ok } },
        "/memos": { "get": { "responses": ok }, "post": { "requestBody": body(json!({ "text": text })), "responses": ok } },
        "/memos/delete": { "post": { "requestBody": body(json!({ "id": integer })), "responses": ok } },
        "/users/{user_id}/orders": { "get": { "parameters": [parameter("user_id", "path")], "responses": ok } },
        "/users/{user_id}/orders/{id}": { "get": { "parameters": [parameter("user_id", "path"), parameter("id", "path")], "responses": ok } },
    } })
}

async fn probe(holes: &'static [&'static str]) -> Report {
    let balances = (0..2).map(|who| (account(who), 1_000)).collect();
    let bank = Bank {
        holes,
        balances: Arc::new(Mutex::new(balances)),
        notes: Arc::default(),
        memos: Arc::default(),
    };
    let router = Router::new()
        .route("/openapi.json", get(|| async { Json(document()) }))
        .route("/login", post(login))
        .route("/basket", get(read_basket))
        .route("/notes", post(write_basket))
        .route("/users/{user_id}/profile", get(profile))
        .route("/memos", get(memos).post(write_memo))
        .route("/memos/delete", post(delete_memo))
        .route("/balance", get(balance))
        .route("/transfer", post(transfer))
        .route("/orders/export", post(export))
        .route("/users/{user_id}/orders", get(orders))
        .route("/users/{user_id}/orders/{id}", get(one_order))
        .with_state(bank);
    attack(router, &["object-access", "object-delete", "object-use", "object-write"], |facts| facts).await
}

#[tokio::test]
async fn a_bank_without_holes_gives_everybody_their_own() {
    let report = probe(&[]).await;
    assert_eq!(sure(&report), [""; 0]);
    // What everybody who signed in is shown of people is worth a look, and no more.
    let open: Vec<&str> = report.findings.iter().map(|finding| finding.outcome.operation.as_str()).collect();
    assert_eq!(open, ["GET /users/{user_id}/profile"]);
    for (test, operation) in [
        ("object-access", "GET /basket"),
        ("object-access", "GET /balance"),
        ("object-access", "POST /orders/export"),
        ("object-access", "GET /users/{user_id}/orders/{id}"),
        ("object-delete", "POST /memos/delete"),
        ("object-use", "POST /transfer"),
        ("object-write", "POST /notes"),
    ] {
        let passed = report.outcomes.iter().any(|outcome| {
            outcome.test == test
                && outcome.operation == operation
                && outcome.verdict == gabion_probe::Verdict::Passed
        });
        assert!(passed, "{test} {operation}");
    }
}

#[tokio::test]
async fn ids_are_followed_wherever_they_stand() {
    let cases: [(&'static [&'static str], &str, &str); 9] = [
        (&["query"], "object-access ", "GET /basket"),
        (&["header"], "object-access ", "GET /balance"),
        (&["batch"], "object-access ", "POST /orders/export"),
        (&["private"], "object-access ", "GET /users/{user_id}/profile"),
        (&["path"], "object-access ", "GET /users/{user_id}/orders/{id}"),
        (&["parent"], "object-access parent", "GET /users/{user_id}/orders/{id}"),
        (&["delete"], "object-delete ", "POST /memos/delete"),
        (&["from"], "object-use ", "POST /transfer"),
        (&["body"], "object-write ", "POST /notes"),
    ];
    for (holes, found, operation) in cases {
        let report = probe(holes).await;
        assert_eq!(sure(&report), [found], "{holes:?}");
        let at = report.findings.iter().any(|finding| finding.outcome.operation == operation);
        assert!(at, "{holes:?}");
    }
}
