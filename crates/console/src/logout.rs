//! `GET /.gabion/logout`: asks whether to sign out, or says that it is done. `POST`: signs out.
//!
//! The cookie is cleared whether or not there was a session, so that a browser never keeps a dead one.
//!
//! Somebody who came from another provider is told that they may still be signed in there, or sent there;
//! the provider sends them back here with `state`. It cannot be a redirect: the policy of the page that the
//! form was on would stop it (CSP Level 3, `form-action`).

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_identity::cookie;
use gabion_service::{ActError, Upstream};
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

/// They may still be signed in at a provider.
#[derive(Debug, Template)]
#[template(path = "logout_upstream.html")]
struct UpstreamPage {
    upstream: Upstream,
}

async fn show(State(console): State<Console>, visitor: Visitor, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let state = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "state");
    // An application asked for the sign-out that took the browser to a provider, and gets it back.
    if let Some(back) = state.and_then(|(_, state)| console.service.upstream_logout_returned(&state)) {
        return page::see_other(&back);
    }
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
    let answer = match console.service.upstream_logout(&visitor.caller(), None).await {
        Some(upstream) => at_provider(upstream),
        None => page::see_other("/.gabion/logout"),
    };
    let mut answer = page::with_cookie(answer, &cookie::clear(visitor.known.secure));
    // What was cached while signed in goes too (W3C Clear Site Data, 3.1).
    answer
        .headers_mut()
        .insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\""));
    answer
}

/// The page that leads on to the provider. What it was asked for is in its address, which is told to nobody
/// else.
pub(crate) fn at_provider(upstream: Upstream) -> Response {
    page::render(StatusCode::OK, &UpstreamPage { upstream })
}
