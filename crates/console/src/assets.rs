//! `GET /.gabion/assets/{name}`: style sheet, icon and scripts, embedded. Their addresses carry a
//! fingerprint of their content, so browsers keep them for good and still see every change at once.

use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use crate::{Console, page};

/// One embedded file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: &'static [u8],
    fingerprint: u64,
}

pub(crate) const STYLE: Asset =
    Asset::new("gabion.css", "text/css; charset=utf-8", include_bytes!("../../../web/css/gabion.css"));
pub(crate) const ICON: Asset =
    Asset::new("gabion.svg", "image/svg+xml", include_bytes!("../../../web/icons/gabion.svg"));

pub(crate) const FORM_POST: Asset = Asset::new(
    "form-post.js",
    "text/javascript; charset=utf-8",
    include_bytes!("../../../web/js/form-post.js"),
);
pub(crate) const PASSKEY: Asset =
    Asset::new("passkey.js", "text/javascript; charset=utf-8", include_bytes!("../../../web/js/passkey.js"));

impl Asset {
    const fn new(name: &'static str, media_type: &'static str, content: &'static [u8]) -> Self {
        Self { name, media_type, content, fingerprint: fingerprint(content) }
    }

    /// Where pages find it.
    pub(crate) fn url(&self) -> String {
        format!("/.gabion/assets/{}?v={:016x}", self.name, self.fingerprint)
    }
}

pub(crate) fn route() -> MethodRouter<Console> {
    get(handler)
}

async fn handler(Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    let Some(asset) = [STYLE, ICON, FORM_POST, PASSKEY].into_iter().find(|asset| asset.name == name) else {
        return page::not_found();
    };
    let current = query.is_some_and(|query| query == format!("v={:016x}", asset.fingerprint));
    let caching = if current { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut answer = (StatusCode::OK, asset.content).into_response();
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    page::harden(headers);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    answer
}

/// FNV-1a: names a version, protects nothing.
pub(crate) const fn fingerprint(mut bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    while let [byte, rest @ ..] = bytes {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0100_0000_01b3);
        bytes = rest;
    }
    hash
}
