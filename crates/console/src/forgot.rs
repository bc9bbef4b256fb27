//! `GET /.gabion/forgot`: asks whose password is forgotten. `POST`: sends a link to the proven address of
//! the account `name`, which is a name or an address.
//!
//! The answer is one and the same whether or not there is such an account, and is given before anybody
//! looks.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_service::ForgotPasswordError;
use http::StatusCode;
use serde::Deserialize;

use crate::context::Visitor;
use crate::form::{Form, Trouble};
use crate::page::{Action, Message};
use crate::{Console, page, words};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show).post(send)
}

#[derive(Debug, Deserialize)]
struct Fields {
    name: String,
}

#[derive(Debug, Template)]
#[template(path = "forgot.html")]
struct Page {
    problem: Option<Trouble>,
}

async fn show(State(console): State<Console>) -> Response {
    if console.service.sends_mail() {
        return page::render(StatusCode::OK, &Page { problem: None });
    }
    no_mail()
}

async fn send(
    State(console): State<Console>,
    visitor: Visitor,
    Form(Fields { name }): Form<Fields>,
) -> Response {
    let again = |status, trouble, seconds| {
        page::retry_after(page::render(status, &Page { problem: Some(trouble) }), seconds)
    };
    match console.service.forgot_password(&visitor.caller(), &name) {
        Ok(()) => page::render(StatusCode::OK, &sent()),
        Err(ForgotPasswordError::Busy) => again(StatusCode::SERVICE_UNAVAILABLE, Trouble::busy(), 5),
        Err(ForgotPasswordError::Throttled { retry_after }) => {
            let wait = words::wait(retry_after);
            let trouble = Trouble::new(
                "Too many links were asked for.",
                format!("Please wait {wait}, then try again."),
            );
            again(StatusCode::TOO_MANY_REQUESTS, trouble, words::seconds_up(retry_after))
        }
        Err(ForgotPasswordError::NotConfigured) => no_mail(),
    }
}

const fn sent() -> Message {
    Message {
        title: "Look into your mailbox",
        text: "If there is an account of that name with a confirmed e-mail address, a link to choose a new \
            password is on its way. It works for an hour.",
        action: Some(Action { href: "/.gabion/login", label: "Back to sign in" }),
        request_id: None,
    }
}

fn no_mail() -> Response {
    let message = Message {
        title: "An administrator can help",
        text: "This site sends no e-mail. An administrator can give you a link to choose a new password.",
        action: Some(Action { href: "/.gabion/login", label: "Back to sign in" }),
        request_id: None,
    };
    page::render(StatusCode::OK, &message)
}
