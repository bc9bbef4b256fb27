//! `GET /.gabion/account/email`: one's own address. `POST`: sends a link to `email` that makes it one's
//! own. A critical act: who did not sign in lately is asked to and comes back, before they type.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_service::{Act, ChangeEmailError, EmailView};
use http::StatusCode;
use serde::Deserialize;

use crate::context::Member;
use crate::form::{Asking, Form, Trouble};
use crate::notice::Notice;
use crate::{Console, page, words};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show).post(change)
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    notice: Option<Notice>,
}

#[derive(Debug, Deserialize)]
struct Fields {
    email: String,
}

#[derive(Debug, Template)]
#[template(path = "email.html")]
struct Page<'a> {
    name: &'a str,
    email: Option<&'a str>,
    verified: bool,
    possible: bool,
    typed: &'a str,
    notice: Option<&'static str>,
    problem: Option<Trouble>,
}

async fn show(State(console): State<Console>, member: Member, Asking(asked): Asking<Asked>) -> Response {
    if let Err(error) = console.service.ready_for(&member.visitor.caller(), Act::ChangeEmail).await {
        return member.refused(error);
    }
    form(&console, &member, StatusCode::OK, asked.notice, None, "").await
}

async fn change(
    State(console): State<Console>,
    member: Member,
    Form(Fields { email }): Form<Fields>,
) -> Response {
    let (status, trouble, seconds) =
        match console.service.change_email(&member.visitor.caller(), &email).await {
            Ok(()) => return page::see_other("/.gabion/account/email?notice=link-sent"),
            Err(ChangeEmailError::NoAddress) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                Trouble::new("This is no e-mail address.", "Please check it, for instance for a missing @."),
                None,
            ),
            Err(ChangeEmailError::Same) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                Trouble::new("This is your address already.", "There is nothing to change."),
                None,
            ),
            Err(ChangeEmailError::NotConfigured) => {
                (StatusCode::SERVICE_UNAVAILABLE, Trouble::unavailable(), None)
            }
            Err(ChangeEmailError::Throttled { retry_after }) => (
                StatusCode::TOO_MANY_REQUESTS,
                Trouble::new(
                    "Too many letters were sent.",
                    format!("Please wait {}, then try again.", words::wait(retry_after)),
                ),
                Some(words::seconds_up(retry_after)),
            ),
            Err(ChangeEmailError::Act(error)) => return member.refused(error),
        };
    let answer = form(&console, &member, status, None, Some(trouble), &email).await;
    match seconds {
        Some(seconds) => page::retry_after(answer, seconds),
        None => answer,
    }
}

async fn form(
    console: &Console,
    member: &Member,
    status: StatusCode,
    notice: Option<Notice>,
    problem: Option<Trouble>,
    typed: &str,
) -> Response {
    let EmailView { email, verified, possible } = match console.service.email(&member.visitor.caller()).await
    {
        Ok(view) => view,
        Err(error) => return member.refused(error),
    };
    let email = email.as_ref().map(|email| email.as_str());
    let typed = if typed.is_empty() && !verified { email.unwrap_or_default() } else { typed };
    let page = Page {
        name: &member.session.principal.name,
        email,
        verified,
        possible,
        typed,
        notice: notice.and_then(Notice::text),
        problem,
    };
    page::render(status, &page)
}
