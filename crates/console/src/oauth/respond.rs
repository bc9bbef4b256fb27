//! What becomes of an authorization request, as an answer to the browser.

use askama::Template;
use axum::response::Response;
use gabion_model::{Acr, Secret};
use gabion_service::oauth::AuthorizationResponse;
use gabion_service::oauth::form_action;
use gabion_service::oauth::{Asked, Authorization};
use gabion_service::oauth::{OAuthError, redirect_host};
use gabion_service::oauth::{ResponseMode, TargetError};
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::flow;
use crate::context::Visitor;
use crate::page::{self, CONTENT_POLICY, Message};

/// Where the question is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// On the consent page, to which the browser is sent.
    Elsewhere,
    /// In this answer, after a navigation.
    Here,
    /// In this answer to the consent form.
    Form,
}

#[derive(Debug, Template)]
#[template(path = "consent.html")]
struct Page {
    asked: Asked,
}

/// A form that goes back to the application by itself where scripts run, and by a button where not.
#[derive(Debug, Template)]
#[template(path = "form_post.html")]
struct FormPost<'a> {
    host: String,
    action: &'a str,
    fields: Vec<(&'static str, &'a str)>,
}

/// The way back for a browser that is amid the redirects of a form: a policy of the form's page would
/// stop a redirect to another site (CSP Level 3, `form-action`), this is none.
#[derive(Debug, Template)]
#[template(path = "return.html")]
struct Return<'a> {
    host: String,
    location: &'a str,
}

pub(super) fn to(
    visitor: &Visitor,
    headers: &HeaderMap,
    result: Result<Authorization, OAuthError>,
    shown: Shown,
) -> Response {
    let secure = visitor.known.secure;
    match result {
        Err(_) => visitor.unavailable(),
        Ok(Authorization::Answer(response)) => answer(headers, &response, shown),
        Ok(Authorization::Ask(asked)) => {
            let cookie = flow::write(&asked.browser, secure);
            let answer = if shown == Shown::Elsewhere {
                page::see_other(&format!("/.gabion/oauth/consent?flow={}", asked.flow.expose()))
            } else {
                let action = form_action(&asked.redirect_uri);
                with_form_action(page::render(StatusCode::OK, &Page { asked: *asked }), action)
            };
            page::with_cookie(answer, cookie.expose())
        }
        Ok(Authorization::SignIn { flow, browser, fresh, acr, hint }) => {
            let answer = page::see_other(&login(&flow, fresh, acr, hint.as_deref()));
            page::with_cookie(answer, flow::write(&browser, secure).expose())
        }
        Ok(Authorization::Gone) => {
            let message = Message {
                title: "This sign-in has ended",
                text: "It took too long, was answered already, or began in another browser. Go back to the \
                       application and sign in again.",
                action: None,
                request_id: None,
            };
            page::render(StatusCode::GONE, &message)
        }
        Ok(Authorization::Invalid(error)) => invalid(visitor, error),
    }
}

fn answer(headers: &HeaderMap, response: &AuthorizationResponse, shown: Shown) -> Response {
    let host = redirect_host(&response.redirect_uri);
    let mut answer = match response.mode {
        ResponseMode::FormPost => {
            let fields = response.fields().collect();
            let page = FormPost { host, action: &response.redirect_uri, fields };
            with_form_action(page::render(StatusCode::OK, &page), form_action(&response.redirect_uri))
        }
        ResponseMode::Query if shown == Shown::Here && headers.contains_key("sec-fetch-mode") => {
            page::render(StatusCode::OK, &Return { host, location: response.location().expose() })
        }
        ResponseMode::Query => page::see_other(response.location().expose()),
    };
    // The code is nobody's business on the way.
    answer.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

/// Lets the page's form end at one more place: the address was registered, and is one word.
fn with_form_action(mut answer: Response, source: Option<String>) -> Response {
    let Some(source) = source else { return answer };
    let policy = CONTENT_POLICY.replace("form-action 'self'", &format!("form-action 'self' {source}"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

fn login(flow: &Secret<String>, fresh: bool, acr: Option<Acr>, hint: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("next", &format!("/.gabion/oauth/consent?flow={}", flow.expose()));
    if fresh {
        query.append_pair("fresh", "1");
    }
    if let Some(acr) = acr {
        query.append_pair("acr", acr.as_str());
    }
    if let Some(hint) = hint {
        query.append_pair("login_hint", hint);
    }
    format!("/.gabion/login?{}", query.finish())
}

/// Nobody is redirected: a page of our own, which repeats nothing that was sent (RFC 6749, 4.1.2.1).
fn invalid(visitor: &Visitor, error: TargetError) -> Response {
    let text = match error {
        TargetError::MissingRedirect | TargetError::Repeated => {
            "The request does not say clearly where to return to. Nobody was signed in anywhere."
        }
        TargetError::UnknownClient => {
            "The application is not registered here, or was disabled. Nobody was signed in anywhere."
        }
        TargetError::UnknownRedirect => {
            "The request wants to return to an address that is not registered for the application. Nobody was \
             signed in anywhere."
        }
    };
    let message = Message {
        title: "This application cannot sign you in",
        text,
        action: None,
        request_id: Some(visitor.known.request_id.to_string()),
    };
    page::render(StatusCode::BAD_REQUEST, &message)
}
