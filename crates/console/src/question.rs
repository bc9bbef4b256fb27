//! Questions for the browser's passkeys, as JSON, and its answers, in a field of a form.

use axum::response::{IntoResponse as _, Response};
use gabion_identity::cookie;
use gabion_model::Secret;
use gabion_service::{PasskeyAnswer, PasskeyQuestion};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use crate::context::Visitor;
use crate::page;

pub(crate) fn ask(visitor: &Visitor, question: &PasskeyQuestion) -> Response {
    let answer = json(StatusCode::OK, question.options.to_string());
    match &question.ticket {
        Some(ticket) => {
            let cookie = Secret::new(cookie::set_login(ticket.expose(), visitor.known.secure));
            page::with_cookie(answer, cookie.expose())
        }
        None => answer,
    }
}

/// There is nothing to ask, whatever the reason: the page says so in its own words.
pub(crate) fn refused() -> Response {
    json(StatusCode::FORBIDDEN, "{\"error\":\"passkeys cannot be asked for here and now\"}".to_owned())
}

/// None for what is no answer.
pub(crate) fn answer_of(field: &str) -> Option<PasskeyAnswer> {
    serde_json::from_str(field).ok()
}

fn json(status: StatusCode, body: String) -> Response {
    let mut answer = (status, body).into_response();
    page::harden(answer.headers_mut());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
