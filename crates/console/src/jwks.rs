//! `GET /.well-known/jwks.json`: the public keys by which applications check `Gabion-Identity` and every
//! token (RFC 7517, 5).
//!
//! Kept for five minutes and revalidated by `ETag`: shorter than a new key is published before it signs, long
//! enough that no application asks per request.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use gabion_identity::Keyring;
use gabion_vault::jwt::Jwks;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::{Console, assets, page};

pub(crate) fn route() -> MethodRouter<Console> {
    get(handler)
}

/// The living keys and the document made of them, anew when they change.
#[derive(Debug)]
pub(crate) struct Published {
    ring: Arc<Keyring>,
    document: Mutex<Arc<Document>>,
}

/// The document and its version.
#[derive(Debug)]
struct Document {
    keys: Arc<Jwks>,
    body: String,
    tag: HeaderValue,
}

impl Published {
    pub(crate) fn new(ring: Arc<Keyring>) -> Self {
        let document = Mutex::new(Arc::new(Document::new(ring.public())));
        Self { ring, document }
    }

    fn document(&self) -> Arc<Document> {
        let keys = self.ring.public();
        let mut document = self.document.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&document.keys, &keys) {
            *document = Arc::new(Document::new(keys));
        }
        Arc::clone(&document)
    }
}

impl Document {
    fn new(keys: Arc<Jwks>) -> Self {
        let body = serde_json::to_string(&*keys).unwrap_or_else(|_| "{\"keys\":[]}".to_owned());
        let tag = format!("\"{:016x}\"", assets::fingerprint(body.as_bytes()));
        let tag = HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
        Self { keys, body, tag }
    }
}

async fn handler(State(console): State<Console>, headers: HeaderMap) -> Response {
    let document = console.keys.document();
    let Document { body, tag, .. } = &*document;
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
