//! Values that are stored well and read badly: a nickname by which friends are looked up.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_probe::{Facts, Report, Verdict, run};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::ground::{Silent, print, world};

/// How what was stored is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// It is joined into the query.
    Joined,
    /// As a parameter.
    Given,
    /// As a parameter, and a page that breaks on quotation marks shows it.
    Fragile,
}

#[derive(Clone)]
struct App {
    database: Arc<Mutex<Connection>>,
    reads: Reads,
}

async fn rename(State(app): State<App>, Json(body): Json<Value>) -> Response {
    let Some(name) = body["nickname"].as_str() else { return StatusCode::BAD_REQUEST.into_response() };
    app.database.lock().unwrap().execute("UPDATE people SET nickname = ?1", [name]).unwrap();
    Json(json!({ "saved": true })).into_response()
}

async fn friends(State(app): State<App>) -> Response {
    let database = app.database.lock().unwrap();
    let name: String = database.query_row("SELECT nickname FROM people", [], |row| row.get(0)).unwrap();
    let count = match app.reads {
        Reads::Joined => {
            let query = format!("SELECT count(*) FROM friends WHERE of = '{name}'");
            database.query_row(&query, [], |row| row.get::<_, i64>(0))
        }
        Reads::Given | Reads::Fragile => {
            database.query_row("SELECT count(*) FROM friends WHERE of = ?1", [&name], |row| row.get(0))
        }
    };
    match count {
        Ok(_) if app.reads == Reads::Fragile && name.contains(['\'', '"']) => {
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Ok(count) => Json(json!({ "friends": count })).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "something went wrong").into_response(),
    }
}

async fn contract() -> Json<Value> {
    let text = json!({ "type": "string", "example": "robin" });
    let schema = json!({ "type": "object", "required": ["nickname"], "properties": { "nickname": text } });
    let body = json!({ "content": { "application/json": { "schema": schema } } });
    Json(json!({ "openapi": "3.1.0", "info": { "title": "t", "version": "1" }, "paths": {
        "/nickname": { "post": { "requestBody": body, "responses": {} } },
        "/friends": { "get": { "responses": {} } },
    } }))
}

async fn probe(reads: Reads) -> Report {
    let database = Connection::open_in_memory().unwrap();
    database
        .execute_batch(
            "CREATE TABLE people (nickname TEXT); INSERT INTO people VALUES ('robin'); CREATE TABLE friends (of TEXT);",
        )
        .unwrap();
    let app = App { database: Arc::new(Mutex::new(database)), reads };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new()
        .route("/nickname", post(rename))
        .route("/friends", get(friends))
        .route("/openapi.json", get(contract))
        .with_state(app);
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let report = run(Facts::of(&base), &world(&["sql-stored", "sql-injection"]), &Silent).await.unwrap();
    server.abort();
    print(&report);
    report
}

fn found(report: &Report) -> Vec<(&str, &str, &str, Verdict)> {
    let found = report.findings.iter().map(|finding| {
        let outcome = &finding.outcome;
        (finding.about.id.as_str(), outcome.operation.as_str(), outcome.aspect.as_str(), outcome.verdict)
    });
    found.collect()
}

#[tokio::test]
async fn what_was_stored_and_becomes_part_of_a_query_is_proven() {
    let report = probe(Reads::Joined).await;
    assert_eq!(found(&report), [("sql-stored", "POST /nickname", "GET /friends", Verdict::Proven)]);
}

#[tokio::test]
async fn parameters_and_pages_that_break_are_no_finding() {
    for reads in [Reads::Given, Reads::Fragile] {
        assert_eq!(found(&probe(reads).await), [], "{reads:?}");
    }
}
