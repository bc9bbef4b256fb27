//! Errors of OAuth as answers (RFC 6749, 5.2): JSON, never kept, with a challenge where one is due.

use axum::response::{IntoResponse, Response};
use gabion_checks::challenge::metadata_address;
use gabion_service::oauth::{ErrorCode, OAuthError};
use gabion_vault::jwt::Algorithm;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, Entry, PRAGMA, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::json;

use crate::{Console, page, words};

/// How the request tried to say who it is: what a challenge answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Basic,
    Bearer,
    Dpop,
    /// In the body, or not at all.
    None,
}

/// The error as JSON. A failed client authentication is 401 with a `Basic` challenge, because that is the
/// one scheme of HTTP by which a client could have authenticated (RFC 6749, 5.2).
pub(crate) fn answer(error: &OAuthError) -> Response {
    let scheme = if error.code == ErrorCode::InvalidClient { Scheme::Basic } else { Scheme::None };
    answer_with(error, scheme)
}

/// The error with a challenge of the given scheme where the status wants one (RFC 6750, 3; RFC 9449, 7.1).
pub(crate) fn answer_with(error: &OAuthError, scheme: Scheme) -> Response {
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({ "error": error.code.as_str(), "error_description": error.description() });
    let mut answer = json_answer(status, &body);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        answer = page::retry_after(answer, error.retry_after.map_or(30, words::seconds_up));
    }
    let described = format!("error=\"{}\", error_description=\"{}\"", error.code, error.description());
    let challenge = match scheme {
        Scheme::Basic => Some("Basic realm=\"gabion\", charset=\"UTF-8\"".to_owned()),
        Scheme::Bearer => Some(format!("Bearer realm=\"gabion\", {described}")),
        Scheme::Dpop => Some(format!("DPoP realm=\"gabion\", {described}, algs=\"{}\"", algorithms())),
        Scheme::None => None,
    };
    if let Some(challenge) = challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
        answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    answer
}

/// A request to a protected endpoint without any credentials: a challenge and nothing about why
/// (RFC 6750, 3.1).
pub(crate) fn challenge() -> Response {
    let mut answer = page::empty(StatusCode::UNAUTHORIZED);
    answer.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gabion\""));
    let dpop = format!("DPoP realm=\"gabion\", algs=\"{}\"", algorithms());
    if let Ok(dpop) = HeaderValue::from_str(&dpop) {
        answer.headers_mut().append(WWW_AUTHENTICATE, dpop);
    }
    answer
}

/// With the address of the metadata of this site itself in every challenge (RFC 9728, 5.1).
pub(crate) fn of_this_site(mut answer: Response, console: &Console) -> Response {
    let Some(address) = metadata_address(&console.service.origin()) else { return answer };
    if let Entry::Occupied(mut challenges) = answer.headers_mut().entry(WWW_AUTHENTICATE) {
        for challenge in challenges.iter_mut() {
            let Ok(text) = challenge.to_str() else { continue };
            let separator = if text.contains(' ') { "," } else { "" };
            let named = format!("{text}{separator} resource_metadata=\"{address}\"");
            if let Ok(named) = HeaderValue::from_str(&named) {
                *challenge = named;
            }
        }
    }
    answer
}

/// What proofs may be signed with, as `algs` lists it (RFC 9449, 7.1).
fn algorithms() -> String {
    Algorithm::ASYMMETRIC.iter().map(|alg| alg.as_str()).collect::<Vec<_>>().join(" ")
}

/// JSON that no cache keeps.
pub(crate) fn json_answer(status: StatusCode, body: &impl Serialize) -> Response {
    let Ok(body) = serde_json::to_string(body) else {
        tracing::error!("answer not written");
        return page::empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut answer = (status, body).into_response();
    let headers = answer.headers_mut();
    page::harden(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    answer
}

/// The address exists, but not for this method.
pub(crate) fn wrong_method(allowed: &'static str) -> Response {
    let error = OAuthError::invalid_request("this endpoint wants another method");
    let mut answer = answer_with(&error, Scheme::None);
    *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_came_too_often_is_told_when_to_come_again() {
        let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, "wait");
        let told = |error: &OAuthError| answer(error).headers()["retry-after"].clone();
        assert_eq!(told(&error), "30");
        assert_eq!(told(&error.after(Duration::from_millis(89_500))), "90");
        assert!(!answer(&OAuthError::invalid_client()).headers().contains_key("retry-after"));
    }
}
