//! Exports for the bookkeeper.

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;

use super::App;
use super::caller::{User, Visitor};
use super::refusal::{Answer, Refusal};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/export/customers", get(customers))
        .route("/api/export/orders", get(orders))
        .route("/api/export/configuration", get(configuration))
}

/// HOLE missing-login: nobody asks who calls.
fn permitted(app: &App, user: Option<&User>) -> Result<(), Refusal> {
    match user {
        _ if !app.repaired => Ok(()),
        Some(user) if user.is_admin() => Ok(()),
        Some(_) => Err(Refusal::forbidden()),
        None => Err(Refusal::new(StatusCode::UNAUTHORIZED, "Please sign in.")),
    }
}

async fn customers(State(app): State<App>, Visitor(user): Visitor) -> Answer {
    permitted(&app, user.as_ref())?;
    table(&app, user.as_ref(), "SELECT name, email FROM users", "tenant")
}

async fn orders(State(app): State<App>, Visitor(user): Visitor) -> Answer {
    permitted(&app, user.as_ref())?;
    table(&app, user.as_ref(), "SELECT 'order ' || id, status FROM orders", "tenant")
}

async fn configuration(State(app): State<App>, Visitor(user): Visitor) -> Answer {
    permitted(&app, user.as_ref())?;
    Ok(Json(json!({
        "address": app.address.to_string(),
        "partner": app.partner.to_string(),
        "sqlite": rusqlite::version(),
    }))
    .into_response())
}

/// Two columns as CSV; the repaired application shows the tenant's own rows.
fn table(app: &App, user: Option<&User>, query: &str, tenant_column: &str) -> Answer {
    let tenant = user.filter(|_| app.repaired).map(|user| user.tenant.clone());
    let query = format!("{query} WHERE ?1 IS NULL OR {tenant_column} = ?1");
    let run = || {
        let database = app.database();
        let mut statement = database.prepare(&query)?;
        let lines = statement.query_map([tenant], |row| {
            Ok(format!("{},{}", row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        lines.collect::<rusqlite::Result<Vec<_>>>()
    };
    let lines = run().map_err(|error| app.broken(&query, error))?;
    Ok(([(http::header::CONTENT_TYPE, "text/csv")], lines.join("\n")).into_response())
}
