//! The payment provider reports here: `{"id": "evt-1", "order": 4, "status": "paid"}`, signed like
//! `X-Payment-Signature: t=<seconds>,v1=<hex HMAC-SHA-256 of "<seconds>.<body>">`.

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::post;
use gabion_vault::{constant_time_eq, hmac_sha256};
use http::{HeaderMap, StatusCode};
use rusqlite::params;
use serde::Deserialize;
use serde_json::json;

use super::App;
use super::refusal::{Answer, Refusal};

/// What the payment provider and the application share.
pub(crate) const SECRET: &str = "whsec-strawman-7f1d0c9a";

/// The header field with the signature.
pub(crate) const SIGNATURE: &str = "x-payment-signature";

/// The value of the header field for a message sent at `seconds`.
pub(crate) fn signature(secret: &str, seconds: i64, body: &str) -> String {
    let code = hmac_sha256(secret.as_bytes(), format!("{seconds}.{body}").as_bytes());
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
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
    let Some(given) = headers.get(SIGNATURE).and_then(|value| value.to_str().ok()) else { return false };
    let seconds: Option<i64> =
        given.strip_prefix("t=").and_then(|rest| rest.split(',').next()).and_then(|text| text.parse().ok());
    let Some(seconds) = seconds else { return false };
    let fresh = app.now().as_secs().abs_diff(seconds) <= 300;
    fresh && constant_time_eq(given.as_bytes(), signature(SECRET, seconds, body).as_bytes())
}
