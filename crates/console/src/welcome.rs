//! `GET /.gabion/welcome?token=…`: what a one-time link is for. `POST`: sets the password with `token`,
//! `password` and, from the page, `repeat`.
//!
//! Showing the page does not use the link up: mail scanners and link previews fetch addresses.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_identity::cookie;
use gabion_model::Secret;
use gabion_service::{ActError, InvitationError, InvitationView, Purpose};
use http::StatusCode;
use serde::Deserialize;

use crate::context::Visitor;
use crate::form::{Asking, Form};
use crate::words::Moment;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    // gabion:allow authz.route.missing whoever holds the one-time link may: nobody has a session yet
    get(show).post(accept)
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    token: Option<Secret<String>>,
}

#[derive(Debug, Deserialize)]
struct Fields {
    token: Secret<String>,
    password: Secret<String>,
    /// The page always sends it; a program need not.
    repeat: Option<Secret<String>>,
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct Page<'a> {
    heading: String,
    lead: &'static str,
    name: &'a str,
    token: &'a str,
    rules: Vec<String>,
    violations: Vec<String>,
    expires: Moment,
}

#[derive(Debug, Template)]
#[template(path = "link_invalid.html")]
struct Invalid;

async fn show(State(console): State<Console>, visitor: Visitor, Asking(asked): Asking<Asked>) -> Response {
    let Some(token) = asked.token else { return invalid() };
    form(&console, &visitor, &token, Vec::new()).await
}

async fn accept(
    State(console): State<Console>,
    visitor: Visitor,
    Form(Fields { token, password, repeat }): Form<Fields>,
) -> Response {
    if repeat.is_some_and(|repeat| repeat.expose() != password.expose()) {
        return form(&console, &visitor, &token, vec![DIFFERENT.to_owned()]).await;
    }
    match console.service.accept_invitation(&visitor.caller(), token.clone(), password).await {
        Ok(()) => {
            // Whoever was signed in here before is not who comes next.
            let answer = page::see_other("/.gabion/login?notice=password-set");
            page::with_cookie(answer, &cookie::clear(visitor.known.secure))
        }
        Err(InvitationError::Violations(violations)) => form(&console, &visitor, &token, violations).await,
        Err(InvitationError::Invalid) => invalid(),
        Err(InvitationError::Act(error)) => refused(&visitor, error),
    }
}

async fn form(
    console: &Console,
    visitor: &Visitor,
    token: &Secret<String>,
    violations: Vec<String>,
) -> Response {
    let InvitationView { name, purpose, expires } =
        match console.service.invitation(&visitor.caller(), token.clone()).await {
            Ok(view) => view,
            Err(InvitationError::Act(error)) => return refused(visitor, error),
            Err(_) => return invalid(),
        };
    let (heading, lead) = match purpose {
        Purpose::FirstAdministrator => (
            "Welcome to Gabion".to_owned(),
            "Choose a password for the first administrator. There is no default one.",
        ),
        Purpose::Enrolment => (format!("Welcome, {name}"), "Choose a password to finish your account."),
        Purpose::Forgotten => (
            "Choose a new password".to_owned(),
            "Your old one works until you do. Every device will be signed out.",
        ),
        Purpose::Reset => ("Choose a new password".to_owned(), "Your old one does not work any more."),
    };
    let status = if violations.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = Page {
        heading,
        lead,
        name: &name,
        token: token.expose(),
        rules: console.service.password_rules(),
        violations,
        expires: Moment::new(expires, console.clock.now()),
    };
    page::render(status, &page)
}

/// Unknown, used, expired, replaced: one answer (410 would tell that the link was once good).
pub(crate) fn invalid() -> Response {
    page::render(StatusCode::NOT_FOUND, &Invalid)
}

fn refused(visitor: &Visitor, error: ActError) -> Response {
    match error {
        ActError::Busy | ActError::Unavailable => visitor.unavailable(),
        ActError::Forbidden | ActError::NotFound | ActError::StepUp { .. } => invalid(),
    }
}

pub(crate) const DIFFERENT: &str = "The two entries are not the same.";
