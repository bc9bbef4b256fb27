//! `GET /.well-known/oauth-protected-resource` (RFC 9728, 3): which authorization server's tokens open the
//! application behind the gate, and how they are shown. The server is this gate itself.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    get(handler)
}

async fn handler(State(console): State<Console>) -> Response {
    let origin = console.service.origin();
    let document = serde_json::json!({
        "resource": &*origin,
        "authorization_servers": [&*origin],
        "bearer_methods_supported": ["header"],
        "tls_client_certificate_bound_access_tokens": true,
    });
    let mut answer = document.to_string().into_response();
    let headers = answer.headers_mut();
    page::harden(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    answer
}
