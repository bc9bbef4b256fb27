//! What administrators of a tenant do.

use std::fmt::Write;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::caller::{SignedIn, User};
use super::page::{escape, page};
use super::refusal::{Answer, Refusal};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/admin", get(admin_page))
        .route("/api/admin/users", get(users_json))
        .route("/api/admin/announcement", post(announce))
}

/// HOLE function-level: the menu hides the page from members, the server does not ask.
fn permitted(app: &App, user: &User) -> Result<(), Refusal> {
    if app.repaired && !user.is_admin() { Err(Refusal::forbidden()) } else { Ok(()) }
}

async fn admin_page(State(app): State<App>, SignedIn(user): SignedIn) -> Answer {
    permitted(&app, &user)?;
    let mut rows = String::new();
    for person in people(&app, &user)? {
        let _ = write!(
            rows,
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&person.name),
            escape(&person.role),
            escape(&person.email)
        );
    }
    let body = format!(
        "<h1>People of {}</h1><table><tr><th>Name</th><th>Role</th><th>E-mail</th></tr>{rows}</table>",
        escape(&user.tenant)
    );
    Ok(page("Admin", Some(&user), &body))
}

async fn users_json(State(app): State<App>, SignedIn(user): SignedIn) -> Answer {
    permitted(&app, &user)?;
    let list: Vec<Value> = people(&app, &user)?
        .iter()
        .map(|person| json!({ "name": person.name, "role": person.role, "email": person.email }))
        .collect();
    Ok(Json(list).into_response())
}

#[derive(Deserialize)]
struct Announcement {
    text: String,
}

/// The line on the start page.
async fn announce(
    State(app): State<App>,
    SignedIn(user): SignedIn,
    Json(Announcement { text }): Json<Announcement>,
) -> Answer {
    permitted(&app, &user)?;
    let query = "INSERT INTO announcements (text) VALUES (?1)";
    app.database().execute(query, [&text]).map_err(|error| app.broken(query, error))?;
    Ok(Json(json!({ "announced": text })).into_response())
}

fn people(app: &App, user: &User) -> Result<Vec<User>, Refusal> {
    let query = format!("SELECT {} FROM users WHERE tenant = ?1 ORDER BY id", User::COLUMNS);
    let run = || {
        let database = app.database();
        let mut statement = database.prepare(&query)?;
        statement.query_map([&user.tenant], User::read)?.collect::<rusqlite::Result<Vec<_>>>()
    };
    run().map_err(|error| app.broken(&query, error))
}
