//! The caller's own data, and the directory of colleagues.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, patch, post};
use axum::{Form, Json, Router};
use rusqlite::params;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::App;
use super::caller::{SignedIn, Trust, User};
use super::page::{escape, page};
use super::refusal::{Answer, Refusal};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/profile", get(profile))
        .route("/profile/email", post(change_email))
        .route("/api/profile", patch(change))
        .route("/api/me", get(me))
        .route("/api/people", get(people))
}

async fn profile(State(app): State<App>, SignedIn(user): SignedIn) -> Answer {
    let logout = if matches!(app.trust, Trust::OwnLogin) { "/logout" } else { "/.gabion/logout" };
    let body = format!(
        "<h1>{}</h1><table><tr><th>Name</th><td>{}</td></tr><tr><th>Tenant</th><td>{}</td></tr>\
         <tr><th>Role</th><td>{}</td></tr><tr><th>E-mail</th><td>{}</td></tr><tr><th>Credit</th><td>{}</td></tr></table>\
         <form method=\"post\" action=\"/profile/email\"><label>New e-mail address \
         <input name=\"email\" type=\"email\" required></label><button>Change</button></form>\
         <form method=\"post\" action=\"{logout}\"><button>Sign out</button></form>",
        escape(&user.display_name),
        escape(&user.name),
        escape(&user.tenant),
        escape(&user.role),
        escape(&user.email),
        user.credit,
    );
    Ok(page("Profile", Some(&user), &body))
}

#[derive(Deserialize)]
struct Email {
    email: String,
}

async fn change_email(State(app): State<App>, SignedIn(user): SignedIn, Form(form): Form<Email>) -> Answer {
    let query = "UPDATE users SET email = ?2 WHERE id = ?1";
    app.database().execute(query, params![user.id, form.email]).map_err(|error| app.broken(query, error))?;
    Ok(Redirect::to("/profile").into_response())
}

/// `{"display_name": "…"}` changes the name others see.
async fn change(
    State(app): State<App>,
    SignedIn(user): SignedIn,
    Json(fields): Json<Map<String, Value>>,
) -> Answer {
    for (field, value) in &fields {
        // HOLE mass-assignment: every column can be set, not only the one in the form.
        let columns: &[&str] = if app.repaired {
            &["display_name"]
        } else {
            &["display_name", "email", "role", "tenant", "credit"]
        };
        if !columns.contains(&field.as_str()) {
            return Err(Refusal::bad_request("Only the display name can be changed."));
        }
        let query = format!("UPDATE users SET {field} = ?2 WHERE id = ?1");
        let done = match value {
            Value::String(text) => app.database().execute(&query, params![user.id, text]),
            Value::Number(number) => app.database().execute(&query, params![user.id, number.as_i64()]),
            _ => return Err(Refusal::bad_request("A field is a text or a number.")),
        };
        done.map_err(|error| app.broken(&query, error))?;
    }
    let user = app.user_by_name(&user.name).ok_or_else(Refusal::not_found)?;
    Ok(Json(described(&app, &user)?).into_response())
}

async fn me(State(app): State<App>, SignedIn(user): SignedIn) -> Answer {
    Ok(Json(described(&app, &user)?).into_response())
}

/// The people of the caller's tenant.
async fn people(State(app): State<App>, SignedIn(user): SignedIn) -> Answer {
    let query = format!("SELECT {} FROM users WHERE tenant = ?1 ORDER BY id", User::COLUMNS);
    let run = || {
        let database = app.database();
        let mut statement = database.prepare(&query)?;
        statement.query_map([&user.tenant], User::read)?.collect::<rusqlite::Result<Vec<_>>>()
    };
    let users = run().map_err(|error| app.broken(&query, error))?;
    let list: Vec<_> = users.iter().map(|user| described(&app, user)).collect::<Result<_, _>>()?;
    Ok(Json(list).into_response())
}

/// A user as JSON.
fn described(app: &App, user: &User) -> Result<Value, Refusal> {
    let User { id, name, tenant, role, display_name, email, credit } = user;
    let mut object = json!({
        "id": id, "name": name, "tenant": tenant, "role": role,
        "display_name": display_name, "email": email, "credit": credit,
    });
    // HOLE secrets-in-answer: the whole row, with what was never meant to leave.
    if let (false, Some(fields)) = (app.repaired, object.as_object_mut()) {
        let query = "SELECT password_hash, api_token FROM users WHERE id = ?1";
        let (hash, token): (String, String) = app
            .database()
            .query_row(query, [id], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(|error| app.broken(query, error))?;
        fields.insert("password_hash".to_owned(), json!(hash));
        fields.insert("api_token".to_owned(), json!(token));
    }
    Ok(object)
}
