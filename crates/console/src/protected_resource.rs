//! `GET /.well-known/oauth-protected-resource` and `…/{path}` (RFC 9728, 3): which authorization server's tokens open
//! an API behind the gate, for what scopes, and how they are shown. The server is this gate itself; the APIs are the
//! `resource`s of its routes.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use gabion_checks::challenge::METADATA_PATH;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Uri};

use crate::context::Visitor;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    get(handler)
}

async fn handler(State(console): State<Console>, visitor: Visitor, uri: Uri) -> Response {
    let asked = uri.path_and_query().map_or("", |asked| asked.as_str());
    let path = asked.strip_prefix(METADATA_PATH).unwrap_or_default();
    let document = console.service.resource_metadata(visitor.host().unwrap_or_default(), path);
    let Some(document) = document else { return page::not_found() };
    let mut answer = serde_json::Value::Object(document).to_string().into_response();
    let headers = answer.headers_mut();
    page::harden(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    answer
}
