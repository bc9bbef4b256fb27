//! `GET /.gabion/account/password`: the form. `POST`: changes the password with `current`, `password`
//! and, from the page, `repeat`; every other session ends.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::Secret;
use gabion_service::{Act, ActError, ChangePasswordError};
use http::StatusCode;
use serde::Deserialize;

use crate::context::Member;
use crate::form::{Form, Trouble};
use crate::welcome::DIFFERENT;
use crate::{Console, page, words};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show).post(change)
}

#[derive(Debug, Deserialize)]
struct Fields {
    current: Secret<String>,
    password: Secret<String>,
    /// The page always sends it; a program need not.
    repeat: Option<Secret<String>>,
}

#[derive(Debug, Template)]
#[template(path = "password.html")]
struct Page<'a> {
    name: &'a str,
    rules: Vec<String>,
    problem: Option<Trouble>,
    violations: Vec<String>,
}

async fn show(State(console): State<Console>, member: Member) -> Response {
    if let Err(error) = console.service.ready_for(&member.visitor.caller(), Act::ChangePassword).await {
        return member.refused(error);
    }
    form(&console, &member, StatusCode::OK, None, Vec::new())
}

async fn change(
    State(console): State<Console>,
    member: Member,
    Form(Fields { current, password, repeat }): Form<Fields>,
) -> Response {
    let again = |status, trouble| form(&console, &member, status, Some(trouble), Vec::new());
    let violated = |violations| form(&console, &member, StatusCode::UNPROCESSABLE_ENTITY, None, violations);
    if repeat.is_some_and(|repeat| repeat.expose() != password.expose()) {
        return violated(vec![DIFFERENT.to_owned()]);
    }
    match console.service.change_password(&member.visitor.caller(), current, password).await {
        Ok(()) => page::see_other("/.gabion/account?notice=password-changed"),
        Err(ChangePasswordError::Violations(violations)) => violated(violations),
        Err(ChangePasswordError::Rejected) => again(
            StatusCode::FORBIDDEN,
            Trouble::new("The current password is wrong.", "Your password was not changed."),
        ),
        Err(ChangePasswordError::Throttled { retry_after }) => page::retry_after(
            again(StatusCode::TOO_MANY_REQUESTS, Trouble::throttled(&words::wait(retry_after))),
            words::seconds_up(retry_after),
        ),
        Err(ChangePasswordError::Act(ActError::Busy)) => {
            page::retry_after(again(StatusCode::SERVICE_UNAVAILABLE, Trouble::busy()), 5)
        }
        Err(ChangePasswordError::Act(error)) => member.refused(error),
    }
}

fn form(
    console: &Console,
    member: &Member,
    status: StatusCode,
    problem: Option<Trouble>,
    violations: Vec<String>,
) -> Response {
    let rules = console.service.password_rules();
    page::render(status, &Page { name: &member.session.principal.name, rules, problem, violations })
}
