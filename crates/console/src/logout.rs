//! `GET /.gabion/logout`: asks whether to sign out, or says that it is done. `POST`: signs out.
//!
//! The cookie is cleared whether or not there was a session, so that a browser never keeps a dead one.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_identity::cookie;
use gabion_service::ActError;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::Console;
use crate::context::Visitor;
use crate::page::{self, Action, Message};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show).post(sign_out)
}

#[derive(Debug, Template)]
#[template(path = "logout.html")]
struct Page<'a> {
    name: &'a str,
}

async fn show(visitor: Visitor) -> Response {
    match &visitor.known.session {
        Some(session) => page::render(StatusCode::OK, &Page { name: &session.principal.name }),
        None => {
            let message = Message {
                title: "You are signed out",
                text: "On a shared computer, close the browser as well.",
                action: Some(Action { href: "/.gabion/login", label: "Sign in again" }),
                request_id: None,
            };
            page::render(StatusCode::OK, &message)
        }
    }
}

async fn sign_out(State(console): State<Console>, visitor: Visitor) -> Response {
    if visitor.known.session.is_some() {
        match console.service.sign_out(&visitor.caller()).await {
            // Not found, forbidden: the session ended or the account was disabled meanwhile.
            Ok(()) | Err(ActError::NotFound | ActError::Forbidden | ActError::StepUp { .. }) => {}
            Err(ActError::Busy | ActError::Unavailable) => return visitor.unavailable(),
        }
    }
    let mut answer =
        page::with_cookie(page::see_other("/.gabion/logout"), &cookie::clear(visitor.known.secure));
    // What was cached while signed in goes too (W3C Clear Site Data, 3.1).
    answer
        .headers_mut()
        .insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\""));
    answer
}
