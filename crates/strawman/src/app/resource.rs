//! What the application tells the gate about its objects, so that policies can ask whose they are: the gate posts
//! `{"type":"Order","id":"17"}` with a signature of its own, and is told owner and tenant.
//!
//! This is what a team adds to its application for the gate, so it is well made whether the rest is repaired or not.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use gabion_vault::jwt::{self, Expected};
use gabion_vault::{encoding, sha256};
use http::{HeaderMap, StatusCode};
use rusqlite::{OptionalExtension, Row};
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::caller::Trust;
use super::refusal::{Answer, Refusal};

/// Where the gate asks.
pub(crate) const PATH: &str = "/internal/resources";

pub(super) fn routes() -> Router<App> {
    Router::new().route(PATH, post(describe))
}

#[derive(Deserialize)]
struct Question {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

async fn describe(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Answer {
    if !is_from_the_gate(&app, &headers, &body) {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "The gate signs its questions."));
    }
    let Question { kind, id } = serde_json::from_slice(&body)
        .map_err(|_| Refusal::bad_request("A question has a type and an id."))?;
    let query = match kind.as_str() {
        "Order" => {
            "SELECT users.subject, orders.tenant FROM orders JOIN users ON users.id = orders.user_id \
             WHERE orders.id = ?1"
        }
        "Note" => {
            "SELECT users.subject, notes.tenant FROM notes JOIN users ON users.id = notes.user_id \
             WHERE notes.id = ?1"
        }
        _ => return Err(Refusal::not_found()),
    };
    // An id is a number as the database writes it: `017` and `+17` are nobody's.
    let number: i64 = id.parse().map_err(|_| Refusal::not_found())?;
    if number.to_string() != id {
        return Err(Refusal::not_found());
    }
    let read = |row: &Row<'_>| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, String>(1)?));
    let found = app.database().query_row(query, [number], read).optional();
    let (owner, tenant) = found.map_err(|error| app.broken(query, error))?.ok_or_else(Refusal::not_found)?;
    let tenant = json!({ "type": "Tenant", "id": tenant });
    // Who never came through the gate has no name there yet: then nobody is the owner.
    let owner: Option<Value> = owner.map(|id| json!({ "type": "User", "id": id }));
    Ok(Json(json!({
        "type": kind, "id": id,
        "attributes": { "owner": owner, "tenant": tenant },
        "parents": [tenant],
    }))
    .into_response())
}

/// What the signature covers.
#[derive(Deserialize)]
struct Claims {
    htm: String,
    htu: String,
    body: String,
}

fn is_from_the_gate(app: &App, headers: &HeaderMap, body: &[u8]) -> bool {
    let Trust::Gate { keys, issuer, .. } = &app.trust else { return false };
    let token = headers.get("gabion-request").and_then(|value| value.to_str().ok());
    let expected = Expected {
        typ: "gabion-request+jwt",
        issuer,
        audience: RESOLVER,
        now: app.now(),
        leeway: Duration::from_secs(30),
    };
    let claims: Option<Claims> = token.and_then(|token| jwt::verify(token, keys, &expected).ok());
    claims.is_some_and(|claims| {
        claims.htm == "POST"
            && claims.htu == format!("http://{}{PATH}", app.address)
            && claims.body == encoding::base64url_encode(&sha256(body))
    })
}

/// The name of the resolver in the gate's configuration.
const RESOLVER: &str = "shop";
