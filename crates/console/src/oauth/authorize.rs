//! `GET` and `POST /.gabion/oauth/authorize`: the authorization endpoint (RFC 6749, 3.1; OpenID Connect
//! Core 1.0, 3.1.2.1).
//!
//! A posted request is answered by 303 to the same request as `GET`: browsers send `SameSite` cookies with
//! that, and not with a form of another site. It changes nothing by itself, so it needs no defence
//! against forgery.

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_service::oauth::Parameters;
use http::{HeaderMap, StatusCode};

use super::respond::{self, Shown};
use super::{flow, form};
use crate::Console;
use crate::context::Visitor;
use crate::page::{self, Message};

pub(crate) fn route() -> MethodRouter<Console> {
    get(ask).post(post)
}

async fn ask(
    State(console): State<Console>,
    visitor: Visitor,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    judge(console, visitor, &headers, query.as_deref().unwrap_or_default()).await
}

async fn post(State(console): State<Console>, visitor: Visitor, headers: HeaderMap, body: Bytes) -> Response {
    let text = std::str::from_utf8(&body).ok().filter(|_| form::is_form(&headers));
    let Some(text) = text else { return malformed(&visitor) };
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if plain && text.len() <= LONGEST_QUERY {
        return page::see_other(&format!("/.gabion/oauth/authorize?{text}"));
    }
    judge(console, visitor, &headers, text).await
}

async fn judge(console: Console, visitor: Visitor, headers: &HeaderMap, text: &str) -> Response {
    let Ok(parameters) = Parameters::parse(text) else { return malformed(&visitor) };
    let browsers = flow::read(headers, visitor.known.secure);
    let result = console.service.authorize(&visitor.caller(), parameters, browsers).await;
    respond::to(&visitor, headers, result, Shown::Elsewhere)
}

fn malformed(visitor: &Visitor) -> Response {
    let message = Message {
        title: "This sign-in request cannot be read",
        text: "The application sent something that is not a sign-in request. Go back to it and try again.",
        action: None,
        request_id: Some(visitor.known.request_id.to_string()),
    };
    page::render(StatusCode::BAD_REQUEST, &message)
}

/// Below what the gate takes as a request line.
const LONGEST_QUERY: usize = 6000;
