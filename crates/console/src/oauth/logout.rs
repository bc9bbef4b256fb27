//! `GET` and `POST /.gabion/oauth/logout` (OpenID Connect RP-Initiated Logout 1.0, 2): an application sends
//! the browser here to sign out. `POST /.gabion/oauth/logout/confirm`: the person's word, where it was asked.
//!
//! The endpoint takes posts of other sites, and answers them with 303 to the same request as `GET`: the
//! session's cookie comes with that. The confirmation does not take them.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use gabion_identity::cookie;
use gabion_service::ActError;
use gabion_service::oauth::LogoutRequest;
use gabion_service::oauth::Parameters;
use gabion_service::oauth::form_action;
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::form;
use crate::Console;
use crate::context::Visitor;
use crate::logout::at_provider;
use crate::page::{self, Action, CONTENT_POLICY, Message};

pub(crate) fn route() -> MethodRouter<Console> {
    get(ask).post(again)
}

pub(crate) fn confirmed() -> MethodRouter<Console> {
    post(confirm)
}

/// The person is asked.
#[derive(Debug, Template)]
#[template(path = "logout_asked.html")]
struct Page<'a> {
    name: &'a str,
    client: Option<&'a str>,
    fields: Vec<(&'static str, &'a str)>,
}

async fn ask(State(console): State<Console>, visitor: Visitor, RawQuery(query): RawQuery) -> Response {
    let Ok(parameters) = Parameters::parse(query.as_deref().unwrap_or_default()) else {
        return invalid(&visitor);
    };
    let Ok(request) = console.service.logout_request(&visitor.caller(), &parameters).await else {
        return invalid(&visitor);
    };
    let Some(session) = visitor.known.session.as_ref().filter(|session| !session.is_ended()) else {
        return done(&visitor, &request);
    };
    if request.proven {
        return sign_out(&console, &visitor, &request).await;
    }
    let fields = PASSED_ON.iter().filter_map(|name| Some((*name, parameters.get(name)?))).collect();
    let page = Page { name: &session.principal.name, client: request.client.as_deref(), fields };
    let mut answer = page::render(StatusCode::OK, &page);
    // Browsers hold the redirect after a form to `form-action`, too.
    if let Some(source) = request.registered.as_deref().and_then(form_action) {
        let policy = CONTENT_POLICY.replace("form-action 'self'", &format!("form-action 'self' {source}"));
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        }
    }
    answer
}

async fn again(visitor: Visitor, headers: HeaderMap, body: Bytes) -> Response {
    let text = std::str::from_utf8(&body).ok().filter(|_| form::is_form(&headers));
    let plain = |text: &&str| {
        text.len() <= LONGEST_QUERY && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
    };
    match text.filter(plain) {
        Some(text) => page::see_other(&format!("/.gabion/oauth/logout?{text}")),
        None => invalid(&visitor),
    }
}

async fn confirm(State(console): State<Console>, visitor: Visitor, body: Bytes) -> Response {
    let parameters = std::str::from_utf8(&body).ok().and_then(|text| Parameters::parse(text).ok());
    let Some(parameters) = parameters else { return invalid(&visitor) };
    match console.service.logout_request(&visitor.caller(), &parameters).await {
        Ok(request) => sign_out(&console, &visitor, &request).await,
        Err(_) => invalid(&visitor),
    }
}

async fn sign_out(console: &Console, visitor: &Visitor, request: &LogoutRequest) -> Response {
    if visitor.known.session.is_some() {
        match console.service.sign_out(&visitor.caller()).await {
            // Not found, forbidden: the session ended or the account was disabled meanwhile.
            Ok(()) | Err(ActError::NotFound | ActError::Forbidden) => {}
            Err(_) => return visitor.unavailable(),
        }
    }
    let answer = match console.service.upstream_logout(&visitor.caller(), request.redirect.as_deref()).await {
        Some(upstream) => at_provider(upstream),
        None => done(visitor, request),
    };
    let mut answer = page::with_cookie(answer, &cookie::clear(visitor.known.secure));
    answer
        .headers_mut()
        .insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\""));
    answer
}

fn done(_: &Visitor, request: &LogoutRequest) -> Response {
    match &request.redirect {
        Some(address) => page::see_other(address),
        None => {
            let message = Message {
                title: "You are signed out",
                text: "On a shared computer, close the browser as well.",
                action: Some(Action { href: "/.gabion/login", label: "Sign in again" }),
                request_id: None,
            };
            page::render(StatusCode::OK, &message)
        }
    }
}

/// Nobody is redirected and nobody signed out: a page of our own, which repeats nothing that was sent.
fn invalid(visitor: &Visitor) -> Response {
    let message = Message {
        title: "This application cannot sign you out",
        text: "Its request is not one that can be believed. You are still signed in.",
        action: Some(Action { href: "/.gabion/logout", label: "Sign out here" }),
        request_id: Some(visitor.known.request_id.to_string()),
    };
    page::render(StatusCode::BAD_REQUEST, &message)
}

/// What the confirmation repeats.
const PASSED_ON: &[&str] = &["client_id", "id_token_hint", "post_logout_redirect_uri", "state"];
/// Below what the gate takes as a request line.
const LONGEST_QUERY: usize = 6000;
