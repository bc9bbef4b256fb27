//! Vouchers live in a small document store: JSON documents, asked with JSON filters in the manner of MongoDB
//! (`$ne`, `$gt`, `$in`, `$prefix`).

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::App;
use super::caller::SignedIn;
use super::refusal::{Answer, Refusal};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/vouchers/redeem", post(redeem))
}

/// `{"code": "WELCOME10"}` answers the voucher.
async fn redeem(
    State(app): State<App>,
    SignedIn(_): SignedIn,
    Json(filter): Json<Map<String, Value>>,
) -> Answer {
    // HOLE nosql-injection: the code may be an operator instead of a text.
    let filter = if app.repaired {
        match filter.get("code") {
            Some(Value::String(code)) if filter.len() == 1 => {
                Map::from_iter([("code".to_owned(), json!(code))])
            }
            _ => return Err(Refusal::bad_request("A voucher has a code.")),
        }
    } else {
        filter
    };
    let documents =
        find(&app, &filter).map_err(|error| app.broken("SELECT document FROM vouchers", error))?;
    if documents.is_empty() {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "We do not know that voucher."));
    }
    Ok(Json(json!({ "vouchers": documents })).into_response())
}

/// The documents that match every condition of the filter.
fn find(app: &App, filter: &Map<String, Value>) -> rusqlite::Result<Vec<Value>> {
    let database = app.database();
    let mut statement = database.prepare("SELECT document FROM vouchers")?;
    let texts = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut found = Vec::new();
    for text in texts {
        let document: Value = serde_json::from_str(&text?).unwrap_or_default();
        if filter
            .iter()
            .all(|(key, condition)| document.get(key).is_some_and(|value| matches(value, condition)))
        {
            found.push(document);
        }
    }
    Ok(found)
}

/// A condition is a value to equal, or an object of operators that must all hold.
fn matches(value: &Value, condition: &Value) -> bool {
    let Value::Object(operators) = condition else { return value == condition };
    operators.iter().all(|(operator, operand)| match (operator.as_str(), value, operand) {
        ("$ne", value, operand) => value != operand,
        ("$in", value, Value::Array(list)) => list.contains(value),
        ("$gt", Value::String(value), Value::String(operand)) => value > operand,
        ("$gt", Value::Number(value), Value::Number(operand)) => value.as_f64() > operand.as_f64(),
        ("$prefix", Value::String(value), Value::String(operand)) => value.starts_with(operand.as_str()),
        _ => false,
    })
}
