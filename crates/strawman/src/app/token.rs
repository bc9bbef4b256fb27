//! Tokens for programs: an ES256 JWT for the caller, and the sales figures that want one of an administrator.

use std::time::Duration;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_vault::jwt::{self, Expected, Jwks};
use gabion_vault::{constant_time_eq, encoding, hmac_sha256};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::App;
use super::caller::SignedIn;
use super::refusal::{Answer, Refusal};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/token", post(issue))
        .route("/api/keys", get(keys))
        .route("/api/reports/sales", get(sales))
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    iat: i64,
    exp: i64,
    role: String,
}

async fn issue(State(app): State<App>, SignedIn(user): SignedIn) -> Answer {
    let now = app.now().as_secs();
    let claims = Claims {
        iss: ISSUER.to_owned(),
        sub: user.name,
        aud: AUDIENCE.to_owned(),
        iat: now,
        exp: now + 900,
        role: user.role,
    };
    let token = app.key.sign(TYPE, &claims).map_err(|error| app.broken("sign", error))?;
    Ok(Json(json!({ "token": token })).into_response())
}

/// The public keys, for whoever wants to verify our tokens.
async fn keys(State(app): State<App>) -> Answer {
    Ok(([(header::CONTENT_TYPE, "application/json")], key_text(&app)).into_response())
}

async fn sales(State(app): State<App>, headers: HeaderMap) -> Answer {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, "Send a token."))?;
    let claims = believed(&app, token)
        .ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED, "We do not believe that token."))?;
    if claims.role != "admin" {
        return Err(Refusal::forbidden());
    }
    let query = "SELECT count(*) FROM orders";
    let orders: i64 =
        app.database().query_row(query, [], |row| row.get(0)).map_err(|error| app.broken(query, error))?;
    Ok(Json(json!({ "report": "sales", "orders": orders, "for": claims.sub })).into_response())
}

/// The claims of a token that counts as genuine.
fn believed(app: &App, token: &str) -> Option<Claims> {
    // HOLE jwt-algorithm: the token says itself how it is to be verified.
    if !app.repaired {
        let mut parts = token.split('.');
        let (head, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let fields: Value = serde_json::from_slice(&encoding::base64url_decode(head).ok()?).ok()?;
        let claims = serde_json::from_slice(&encoding::base64url_decode(payload).ok()?).ok();
        match fields.get("alg")?.as_str()? {
            "none" => return claims,
            "HS256" => {
                let key = key_named(app, fields.get("kid").and_then(Value::as_str));
                let expected = hmac_sha256(key.as_bytes(), format!("{head}.{payload}").as_bytes());
                let given = encoding::base64url_decode(signature).ok()?;
                return claims.filter(|_| constant_time_eq(&given, &expected));
            }
            _ => {}
        }
    }
    let expected = Expected {
        typ: TYPE,
        issuer: ISSUER,
        audience: AUDIENCE,
        now: app.now(),
        leeway: Duration::from_secs(30),
    };
    jwt::verify(token, &Jwks::of([&app.key]), &expected).ok()
}

/// The key with an id, as text. An id nobody knows has no key, and no key is an empty text.
fn key_named(app: &App, kid: Option<&str>) -> String {
    match kid {
        None => key_text(app),
        Some(kid) if kid == app.key.kid() => key_text(app),
        Some(_) => String::new(),
    }
}

fn key_text(app: &App) -> String {
    serde_json::to_string(&Jwks::of([&app.key])).unwrap_or_default()
}

const TYPE: &str = "JWT";
const ISSUER: &str = "strawman";
const AUDIENCE: &str = "strawman-api";
