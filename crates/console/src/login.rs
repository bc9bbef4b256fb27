//! `GET /.gabion/login`: the sign-in page. `POST`: sign in with `name`, `password` and `next`.
//!
//! A wrong name, a wrong password and a disabled account get one and the same answer. It is 403 and not
//! 401: RFC 9110, 15.5.2 lets a 401 out only with a challenge of a registered HTTP scheme, which a form
//! is not; 403 is "credentials were provided, and they are insufficient" (15.5.4). On success 303 to
//! `next`, which must be a path of this site.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_identity::cookie;
use gabion_model::Secret;
use gabion_service::SignInError;
use http::StatusCode;
use serde::Deserialize;

use crate::context::Visitor;
use crate::form::{Asking, Form, Trouble};
use crate::notice::Notice;
use crate::{Console, next, page, words};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show).post(sign_in)
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    next: String,
    notice: Option<Notice>,
}

#[derive(Debug, Deserialize)]
struct Fields {
    name: String,
    password: Secret<String>,
    #[serde(default)]
    next: String,
}

#[derive(Debug, Template)]
#[template(path = "login.html")]
struct Page<'a> {
    host: Option<&'a str>,
    name: &'a str,
    next: &'a str,
    notice: Option<&'static str>,
    problem: Option<Trouble>,
}

async fn show(visitor: Visitor, Asking(asked): Asking<Asked>) -> Response {
    let next = next::local(&asked.next);
    if visitor.known.session.is_some() {
        return page::see_other(next);
    }
    let page = Page {
        host: visitor.host(),
        name: "",
        next,
        notice: asked.notice.and_then(Notice::text),
        problem: None,
    };
    page::render(StatusCode::OK, &page)
}

async fn sign_in(
    State(console): State<Console>,
    visitor: Visitor,
    Form(Fields { name, password, next }): Form<Fields>,
) -> Response {
    let next = next::local(&next);
    let error = match console.service.sign_in(&visitor.caller(), &name, password).await {
        Ok(signed_in) => {
            let cookie = Secret::new(cookie::set(signed_in.ticket.expose(), visitor.known.secure));
            return page::with_cookie(page::see_other(next), cookie.expose());
        }
        Err(error) => error,
    };
    let (status, problem, retry_after) = match error {
        SignInError::Rejected => (
            StatusCode::FORBIDDEN,
            Trouble::new("The name or the password is wrong.", "Please check both and try again."),
            None,
        ),
        SignInError::Throttled { retry_after } => (
            StatusCode::TOO_MANY_REQUESTS,
            Trouble::throttled(&words::wait(retry_after)),
            Some(words::seconds_up(retry_after)),
        ),
        SignInError::Busy => (StatusCode::SERVICE_UNAVAILABLE, Trouble::busy(), Some(5)),
        SignInError::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, Trouble::unavailable(), Some(60)),
    };
    let page = Page { host: visitor.host(), name: &name, next, notice: None, problem: Some(problem) };
    let answer = page::render(status, &page);
    match retry_after {
        Some(seconds) => page::retry_after(answer, seconds),
        None => answer,
    }
}
