//! `POST /.gabion/login/passkey/options`: the question for a browser whose person wants to sign in with a
//! passkey and nothing else. `POST /.gabion/login/passkey`: signs in with its `answer`.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_service::SecondFactorError;
use http::StatusCode;
use serde::Deserialize;

use super::{Page, hidden, wanted, ways};
use crate::context::Visitor;
use crate::form::{Form, Trouble};
use crate::question::{self, answer_of};
use crate::{Console, next, page, step, words};

pub(crate) fn route() -> MethodRouter<Console> {
    post(sign_in)
}

pub(crate) fn options() -> MethodRouter<Console> {
    post(ask)
}

#[derive(Debug, Deserialize)]
struct Fields {
    answer: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    acr: String,
}

async fn ask(State(console): State<Console>, visitor: Visitor) -> Response {
    let tickets = visitor.login_tickets();
    let asked = console.service.ask_for_passkey(tickets.first());
    asked.map_or_else(|_| question::refused(), |question| question::ask(&visitor, &question))
}

async fn sign_in(
    State(console): State<Console>,
    visitor: Visitor,
    Form(Fields { answer, next, acr }): Form<Fields>,
) -> Response {
    let (next, wanted) = (next::local(&next), wanted(&acr));
    let (caller, tickets) = (visitor.caller(), visitor.login_tickets());
    let error = match answer_of(&answer) {
        Some(answer) => match console.service.sign_in_with_passkey(&caller, &tickets, answer, wanted).await {
            Ok(next_step) => return step::answer(&visitor, &next_step, next),
            Err(error) => error,
        },
        None => SecondFactorError::Rejected,
    };
    let (status, problem, retry_after) = match error {
        SecondFactorError::Act(_) => return visitor.unavailable(),
        SecondFactorError::Throttled { retry_after } => (
            StatusCode::TOO_MANY_REQUESTS,
            Trouble::throttled(&words::wait(retry_after)),
            Some(words::seconds_up(retry_after)),
        ),
        SecondFactorError::Gone | SecondFactorError::Rejected => (
            StatusCode::FORBIDDEN,
            Trouble::new("The passkey did not work.", "Please try again, or sign in with your password."),
            None,
        ),
    };
    let page = Page {
        host: visitor.host(),
        name: "",
        next,
        acr: hidden(wanted),
        again: visitor.known.session.is_some(),
        passkey: console.service.passkeys_are_possible(),
        notice: None,
        problem: Some(problem),
        ways: ways(&console, next, wanted, visitor.known.session.is_some()),
        by_domain: console.service.federation_routes_by_domain(),
    };
    let answer = page::render(status, &page);
    match retry_after {
        Some(seconds) => page::retry_after(answer, seconds),
        None => answer,
    }
}
