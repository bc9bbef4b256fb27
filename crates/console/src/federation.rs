//! `/.gabion/federation/…`: signing in with another provider.

pub(crate) mod backchannel_logout;
pub(crate) mod callback;
pub(crate) mod choose;
pub(crate) mod start;

use axum::response::Response;
use gabion_model::Acr;
use gabion_service::{ActError, FederationError, SignInError};
use http::StatusCode;

use crate::context::Visitor;
use crate::page::{self, Action, Message};
use crate::words;

/// The page for a sign-in that came to nothing. What the provider wrote is never on it.
fn failed(visitor: &Visitor, error: FederationError) -> Response {
    let (status, title, text) = match error {
        FederationError::Denied => {
            (StatusCode::FORBIDDEN, "Not signed in", "The sign-in was cancelled at the provider.")
        }
        FederationError::NotAdmitted => (
            StatusCode::FORBIDDEN,
            "Not signed in",
            "Your account at the provider may not sign in here. Ask an administrator, or sign in another way.",
        ),
        FederationError::NotFresh => (
            StatusCode::FORBIDDEN,
            "Not signed in",
            "You were to sign in anew, and the provider does not say that you did. Sign in another way.",
        ),
        FederationError::Rejected => (
            StatusCode::BAD_GATEWAY,
            "Not signed in",
            "What the provider answered is not valid. Please try again; if it stays, tell an administrator.",
        ),
        FederationError::Unknown => (
            StatusCode::BAD_REQUEST,
            "Please begin again",
            "This sign-in was begun in another browser, was used already or is older than ten minutes.",
        ),
        FederationError::Unreachable => (
            StatusCode::BAD_GATEWAY,
            "The provider does not answer",
            "It cannot be reached at the moment. Please try again in a minute, or sign in another way.",
        ),
        FederationError::SignIn(SignInError::Rejected) => (
            StatusCode::FORBIDDEN,
            "Not signed in",
            "The account this belongs to cannot be signed in to. Ask an administrator.",
        ),
        FederationError::SignIn(SignInError::Throttled { retry_after }) => {
            let message = Message {
                title: "Not signed in",
                text: "Too many tries. Please wait a while and begin again.",
                action: Some(BACK),
                request_id: Some(visitor.known.request_id.to_string()),
            };
            let answer = page::render(StatusCode::TOO_MANY_REQUESTS, &message);
            return page::retry_after(answer, words::seconds_up(retry_after));
        }
        FederationError::SignIn(SignInError::Busy | SignInError::Unavailable)
        | FederationError::Act(ActError::Busy | ActError::Unavailable) => return visitor.unavailable(),
        FederationError::Act(ActError::StepUp { acr, .. }) => return visitor.step_up(acr),
        FederationError::Act(ActError::Forbidden) => return page::see_other("/.gabion/login"),
        FederationError::Act(ActError::NotFound) => return page::not_found(),
    };
    let request_id = Some(visitor.known.request_id.to_string());
    page::render(status, &Message { title, text, action: Some(BACK), request_id })
}

/// What is asked for at least; nothing where it says nothing we know.
fn wanted(acr: &str) -> Option<Acr> {
    Acr::parse(acr)
}

const BACK: Action = Action { href: "/.gabion/login", label: "Back to sign-in" };
