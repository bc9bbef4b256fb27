//! `GET /.well-known/jwks.json`: the public keys by which applications check `Gabion-Identity`
//! (RFC 7517, 5).
//!
//! Kept for five minutes and revalidated by `ETag`: short enough that a rotated key is known well within
//! the overlap of old and new, long enough that no application asks per request.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::{Console, assets, page};

pub(crate) fn route() -> MethodRouter<Console> {
    get(handler)
}

/// The document and its version, made once.
#[derive(Debug)]
pub(crate) struct Document {
    body: String,
    tag: HeaderValue,
}

impl Document {
    pub(crate) fn new(keys: &gabion_vault::jwt::Jwks) -> Self {
        let body = serde_json::to_string(keys).unwrap_or_else(|_| "{\"keys\":[]}".to_owned());
        let tag = format!("\"{:016x}\"", assets::fingerprint(body.as_bytes()));
        Self { tag: HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\"")), body }
    }
}

async fn handler(State(console): State<Console>, headers: HeaderMap) -> Response {
    let Document { body, tag } = &*console.keys;
    let mut answer = if headers.get_all(IF_NONE_MATCH).iter().any(|known| known == tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut answer = body.clone().into_response();
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
        answer
    };
    let headers = answer.headers_mut();
    page::harden(headers);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.insert(ETAG, tag.clone());
    answer
}
