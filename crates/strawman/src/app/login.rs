//! The application's own login, sign-up check and password reset. Behind a gate nobody comes here.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use gabion_model::{Secret, Timestamp};
use gabion_vault::encoding;
use gabion_vault::password::{Cost, Verification, dummy, verify};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rusqlite::OptionalExtension;
use serde::Deserialize;

use super::caller::{Visitor, cookies};
use super::page::page;
use super::refusal::{Answer, Refusal};
use super::{App, lock};

/// The session cookie.
pub(super) const COOKIE: &str = "sid";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/login", get(form).post(sign_in))
        .route("/logout", post(sign_out))
        .route("/signup/check", get(check_name))
        .route("/reset", post(reset))
}

/// Who is signed in, by the value of the cookie.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    names: HashMap<String, String>,
    counter: u64,
}

impl Sessions {
    pub(super) fn name(&self, ticket: &str) -> Option<String> {
        self.names.get(ticket).cloned()
    }
}

/// Wrong passwords, by account: how many and since when.
#[derive(Debug, Default)]
pub(super) struct Failures(HashMap<String, (u32, Timestamp)>);

impl Failures {
    fn blocked(&mut self, name: &str, now: Timestamp) -> bool {
        self.0.retain(|_, (_, since)| now.saturating_since(*since) < WINDOW);
        self.0.get(name).is_some_and(|(count, _)| *count >= LIMIT)
    }

    fn count(&mut self, name: &str, now: Timestamp) {
        self.0.entry(name.to_owned()).or_insert((0, now)).0 += 1;
    }

    /// Takes back one count: the password was right.
    fn forgive(&mut self, name: &str) {
        if let Some((count, _)) = self.0.get_mut(name) {
            *count = count.saturating_sub(1);
        }
    }
}

async fn form(Visitor(user): Visitor) -> Response {
    page("Sign in", user.as_ref(), FORM)
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

async fn sign_in(
    State(app): State<App>,
    headers: HeaderMap,
    Form(Credentials { name, password }): Form<Credentials>,
) -> Answer {
    // HOLE login-rate: as many tries as anybody likes.
    if app.repaired {
        let mut failures = lock(&app.failures);
        if failures.blocked(&name, app.now()) || failures.blocked(EVERYBODY, app.now()) {
            return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "Too many tries. Come back later."));
        }
        // Counted before the slow hash, so that tries at the same time count too.
        failures.count(&name, app.now());
        failures.count(EVERYBODY, app.now());
    }
    let stored: Option<String> = app
        .database()
        .query_row("SELECT password_hash FROM users WHERE name = ?1", [&name], |row| row.get(0))
        .optional()
        .map_err(|error| app.broken("SELECT password_hash FROM users", error))?;
    // HOLE user-enumeration: the answer says which half was wrong.
    if stored.is_none() && !app.repaired {
        return Err(Refusal::new(StatusCode::NOT_FOUND, format!("There is no account called {name}.")));
    }
    let known = stored.is_some();
    let hash = stored.unwrap_or_else(|| dummy(Cost::default(), &app.rng));
    let verified = tokio::task::spawn_blocking(move || verify(&Secret::new(password), &hash)).await;
    if !known || !verified.is_ok_and(Verification::matches) {
        let text = if app.repaired { "Name or password is wrong." } else { "The password is wrong." };
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, text));
    }
    let mut sessions = lock(&app.sessions);
    let mut answer = Redirect::to("/").into_response();
    if app.repaired {
        let mut failures = lock(&app.failures);
        failures.forgive(&name);
        failures.forgive(EVERYBODY);
        let ticket = encoding::base64url_encode(&gabion_model::random::bytes::<32>(&app.rng));
        let cookie = field(&format!("{COOKIE}={ticket}; Path=/; HttpOnly; SameSite=Lax"))?;
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
        sessions.names.insert(ticket, name);
    } else {
        // HOLE weak-session-cookie: numbers in a row, kept from before the login, readable by scripts.
        sessions.counter += 1;
        let next = (FIRST_TICKET + sessions.counter).to_string();
        let ticket = cookies(&headers, COOKIE).next().map_or(next, str::to_owned);
        answer.headers_mut().insert(header::SET_COOKIE, field(&format!("{COOKIE}={ticket}; Path=/"))?);
        sessions.names.insert(ticket, name);
    }
    Ok(answer)
}

fn field(text: &str) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_str(text).map_err(|_| Refusal::bad_request("That is no cookie."))
}

async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Response {
    let mut sessions = lock(&app.sessions);
    for ticket in cookies(&headers, COOKIE) {
        sessions.names.remove(ticket);
    }
    ([(header::SET_COOKIE, format!("{COOKIE}=; Path=/; Max-Age=0"))], Redirect::to("/")).into_response()
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

/// Whether a name is free, asked while somebody types into the sign-up form.
async fn check_name(State(app): State<App>, Query(Name { name }): Query<Name>) -> Answer {
    // HOLE user-enumeration
    if app.repaired {
        return Ok("We will tell you by e-mail.".into_response());
    }
    let taken = app.user_by_name(&name).is_some();
    Ok(if taken { "taken" } else { "free" }.into_response())
}

/// Sends a link to set a new password.
async fn reset(State(app): State<App>, Form(Name { name }): Form<Name>) -> Answer {
    // HOLE user-enumeration
    if !app.repaired && app.user_by_name(&name).is_none() {
        return Err(Refusal::not_found());
    }
    Ok("If the account exists, a link is on its way.".into_response())
}

const FORM: &str = "<h1>Sign in</h1><form method=\"post\" action=\"/login\">\
    <label>Name <input name=\"name\" autocomplete=\"username\" required></label>\
    <label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>\
    <button>Sign in</button></form>\
    <form method=\"post\" action=\"/reset\"><label>Forgot it? Your name <input name=\"name\" required></label>\
    <button>Send me a link</button></form>";

const FIRST_TICKET: u64 = 1_000_000;
const LIMIT: u32 = 5;
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Stands for the whole application: on loopback every caller has the same address.
const EVERYBODY: &str = "";
