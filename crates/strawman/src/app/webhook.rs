//! The payment provider reports here: `{"id": "evt-1", "order": 4, "status": "paid"}`, signed as Standard Webhooks
//! has it: `webhook-id`, `webhook-timestamp`, and `webhook-signature: v1,BASE64` with the HMAC-SHA-256 of
//! `ID.TIMESTAMP.BODY`.

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::post;
use gabion_vault::{constant_time_eq, encoding, hmac_sha256};
use http::{HeaderMap, StatusCode};
use rusqlite::params;
use serde::Deserialize;
use serde_json::json;

use super::App;
use super::refusal::{Answer, Refusal};

/// What the payment provider and the application share: configuration, which the gate of the demo is given as well.
pub const SECRET: &str = include_str!("payments.secret").trim_ascii();

/// The header fields of a message: its id, when it was sent, the signature.
pub(crate) const FIELDS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

/// The value of `webhook-signature` for a message sent at `seconds`.
pub(crate) fn signature(secret: &str, id: &str, seconds: i64, body: &str) -> String {
    let key = encoding::base64_decode(secret.trim_start_matches("whsec_")).unwrap_or_default();
    let code = hmac_sha256(&key, format!("{id}.{seconds}.{body}").as_bytes());
    format!("v1,{}", encoding::base64_encode(&code))
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/hooks/payment", post(payment))
}

#[derive(Deserialize)]
struct Payment {
    id: String,
    order: i64,
    status: String,
}

async fn payment(State(app): State<App>, headers: HeaderMap, body: String) -> Answer {
    // HOLE unsigned-webhook: whoever posts is the payment provider.
    if app.repaired && !is_genuine(&app, &headers, &body) {
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "That message is not signed."));
    }
    let Payment { id, order, status } = serde_json::from_str(&body)
        .map_err(|_| Refusal::bad_request("A payment has id, order and status."))?;
    if !matches!(status.as_str(), "paid" | "failed") {
        return Err(Refusal::bad_request("A payment is paid or failed."));
    }
    let database = app.database();
    let first = database
        .execute("INSERT OR IGNORE INTO payments (id) VALUES (?1)", [&id])
        .map_err(|error| app.broken("INSERT INTO payments", error))?;
    if app.repaired && first == 0 {
        return Err(Refusal::new(StatusCode::CONFLICT, "That message came before."));
    }
    let query = "UPDATE orders SET status = ?2 WHERE id = ?1";
    database.execute(query, params![order, status]).map_err(|error| app.broken(query, error))?;
    Ok(Json(json!({ "order": order, "status": status })).into_response())
}

/// Signed with our secret, and not older than five minutes.
fn is_genuine(app: &App, headers: &HeaderMap, body: &str) -> bool {
    let field = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let [Some(id), Some(seconds), Some(given)] = FIELDS.map(field) else { return false };
    let Ok(seconds) = seconds.parse::<i64>() else { return false };
    let fresh = app.now().as_secs().abs_diff(seconds) <= 300;
    fresh && constant_time_eq(given.as_bytes(), signature(SECRET, id, seconds, body).as_bytes())
}
