//! How every answer of the console is made: its headers, and the page shown when there is no other.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// The policy of every page: nothing but the gate's own files; no inline script or style.
pub const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; \
    frame-ancestors 'none'; base-uri 'none'";

/// A page with its status.
pub(crate) fn render(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => {
            let mut answer = (status, html).into_response();
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            harden(answer.headers_mut());
            answer
        }
        Err(error) => {
            tracing::error!(%error, "page not rendered");
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// After a form: `GET` the given local path (RFC 9110, 15.4.4).
pub(crate) fn see_other(path: &str) -> Response {
    let mut answer = empty(StatusCode::SEE_OTHER);
    match HeaderValue::from_str(path) {
        Ok(path) => answer.headers_mut().insert(LOCATION, path),
        Err(_) => answer.headers_mut().insert(LOCATION, HeaderValue::from_static("/")),
    };
    answer
}

pub(crate) fn empty(status: StatusCode) -> Response {
    let mut answer = status.into_response();
    harden(answer.headers_mut());
    answer
}

/// Adds when to come back, in seconds (RFC 9110, 10.2.3).
pub(crate) fn retry_after(mut answer: Response, seconds: u64) -> Response {
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

/// Adds a `Set-Cookie` value; it is left out of logs.
pub(crate) fn with_cookie(mut answer: Response, cookie: &str) -> Response {
    match HeaderValue::from_str(cookie) {
        Ok(mut cookie) => {
            cookie.set_sensitive(true);
            answer.headers_mut().append(SET_COOKIE, cookie);
            answer
        }
        Err(error) => {
            tracing::error!(%error, "cookie not written");
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// The headers every answer carries, with or without the gate's own checks in front.
pub(crate) fn harden(headers: &mut HeaderMap) {
    let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    set(CACHE_CONTROL, "no-store");
    set(CONTENT_SECURITY_POLICY, CONTENT_POLICY);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    // The address of the welcome page holds a one-time link, so paths are never sent on. Not
    // `no-referrer`: with it browsers send `Origin: null` from our own forms (Fetch, 3.2.5).
    set(REFERRER_POLICY, "strict-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
}

/// A page that says one thing and shows the way out.
#[derive(Debug, Template)]
#[template(path = "message.html")]
pub(crate) struct Message {
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
    pub(crate) action: Option<Action>,
    pub(crate) request_id: Option<String>,
}

/// The way out.
#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) href: &'static str,
    pub(crate) label: &'static str,
}

pub(crate) fn not_found() -> Response {
    let message = Message {
        title: "Page not found",
        text: "There is nothing at this address.",
        action: Some(Action { href: "/.gabion/account", label: "Go to your account" }),
        request_id: None,
    };
    render(StatusCode::NOT_FOUND, &message)
}

pub(crate) fn method_not_allowed() -> Response {
    let message = Message {
        title: "This does not work here",
        text: "The address exists, but not for this kind of request.",
        action: Some(Action { href: "/.gabion/account", label: "Go to your account" }),
        request_id: None,
    };
    render(StatusCode::METHOD_NOT_ALLOWED, &message)
}
