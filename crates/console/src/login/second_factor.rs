//! `GET /.gabion/login/second-factor`: asks for the second factor of a half-done sign-in. `POST`: ends it
//! with `factor` (`totp` or `recovery-code`) and `code`.
//!
//! The sign-in is found by the login cookie and by nothing else. Without one, or with a form that says
//! nothing, there is nothing to see here but the way back to the beginning.

pub(crate) mod passkey;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::Secret;
use gabion_service::{FactorKind, PendingView, Proof, SecondFactorError};
use http::StatusCode;
use serde::Deserialize;

use crate::context::Visitor;
use crate::enrol::begin_again;
use crate::form::{Asking, Form, Trouble};
use crate::{Console, next, page, step, words};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show).post(prove)
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    next: String,
}

#[derive(Debug, Deserialize)]
struct Fields {
    factor: FactorKind,
    code: Secret<String>,
    #[serde(default)]
    next: String,
}

#[derive(Debug, Template)]
#[template(path = "second_factor.html")]
struct Page<'a> {
    name: &'a str,
    next: &'a str,
    passkey: bool,
    totp: bool,
    recovery_code: bool,
    /// The recovery code is what went wrong.
    recovering: bool,
    problem: Option<Trouble>,
}

async fn show(State(console): State<Console>, visitor: Visitor, Asking(asked): Asking<Asked>) -> Response {
    form(&console, &visitor, StatusCode::OK, next::local(&asked.next), None, false).await
}

async fn prove(
    State(console): State<Console>,
    visitor: Visitor,
    Form(Fields { factor, code, next }): Form<Fields>,
) -> Response {
    let next = next::local(&next);
    let proof = match factor {
        FactorKind::Totp => Proof::Totp(code),
        FactorKind::RecoveryCode => Proof::RecoveryCode(code),
        // Shown by an answer, not by a code.
        FactorKind::Passkey => {
            return refuse(&console, &visitor, SecondFactorError::Rejected, next, false).await;
        }
    };
    let recovering = factor == FactorKind::RecoveryCode;
    let done = console.service.second_factor(&visitor.caller(), &visitor.login_tickets(), proof).await;
    match done {
        Ok(signed_in) => step::signed_in_with(page::see_other(next), &signed_in, visitor.known.secure),
        Err(error) => refuse(&console, &visitor, error, next, recovering).await,
    }
}

pub(super) async fn refuse(
    console: &Console,
    visitor: &Visitor,
    error: SecondFactorError,
    next: &str,
    recovering: bool,
) -> Response {
    match error {
        SecondFactorError::Rejected => {
            let advice = if recovering {
                "Each recovery code works once. Please check it, or use another."
            } else {
                "Each code works once and for half a minute. Please use the next one."
            };
            let trouble = Trouble::new("This did not work.", advice);
            form(console, visitor, StatusCode::FORBIDDEN, next, Some(trouble), recovering).await
        }
        SecondFactorError::Throttled { retry_after } => {
            let trouble = Trouble::throttled(&words::wait(retry_after));
            let status = StatusCode::TOO_MANY_REQUESTS;
            let answer = form(console, visitor, status, next, Some(trouble), recovering).await;
            page::retry_after(answer, words::seconds_up(retry_after))
        }
        SecondFactorError::Gone => begin_again(next),
        SecondFactorError::Act(_) => visitor.unavailable(),
    }
}

async fn form(
    console: &Console,
    visitor: &Visitor,
    status: StatusCode,
    next: &str,
    problem: Option<Trouble>,
    recovering: bool,
) -> Response {
    let view = match console.service.pending(&visitor.login_tickets()).await {
        Ok(Some(view)) => view,
        Ok(None) => return begin_again(next),
        Err(_) => return visitor.unavailable(),
    };
    let PendingView { name, factors, enrol, .. } = view;
    if enrol {
        return page::see_other(&step::with_next(step::ENROL, next));
    }
    let has = |kind| factors.contains(&kind);
    let page = Page {
        name: &name,
        next,
        passkey: has(FactorKind::Passkey) && console.service.passkeys_are_possible(),
        totp: has(FactorKind::Totp),
        recovery_code: has(FactorKind::RecoveryCode),
        recovering,
        problem,
    };
    page::render(status, &page)
}
