//! `GET /.well-known/openid-configuration` (OpenID Connect Discovery 1.0, 4) and
//! `GET /.well-known/oauth-authorization-server` (RFC 8414, 3): one document.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use http::header::{CACHE_CONTROL, PRAGMA};
use http::{HeaderValue, StatusCode};

use super::error;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show)
}

async fn show(State(console): State<Console>) -> Response {
    let Some(document) = console.service.provider_metadata() else { return page::not_found() };
    let mut answer = error::json_answer(StatusCode::OK, &document);
    let headers = answer.headers_mut();
    headers.remove(PRAGMA);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    answer
}
