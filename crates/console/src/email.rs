//! `GET /.gabion/email?token=…`: what a link that came by mail does. `POST`: uses it, with `token`.
//!
//! Showing the page does not use the link up: mail scanners and link previews fetch addresses.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::Secret;
use gabion_service::{ActError, MailLinkError};
use http::StatusCode;
use serde::Deserialize;

use crate::context::Visitor;
use crate::form::{Asking, Form};
use crate::page::{Action, Message};
use crate::{Console, page, welcome};

pub(crate) fn route() -> MethodRouter<Console> {
    // gabion:allow authz.route.missing whoever holds the token of the letter may: it is the proof, and it works once
    get(show).post(accept)
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    token: Option<Secret<String>>,
}

#[derive(Debug, Deserialize)]
struct Fields {
    token: Secret<String>,
}

#[derive(Template)]
#[template(path = "mail_link.html")]
struct Page<'a> {
    name: &'a str,
    email: &'a str,
    cancels: bool,
    token: &'a str,
}

async fn show(State(console): State<Console>, visitor: Visitor, Asking(asked): Asking<Asked>) -> Response {
    let Some(token) = asked.token else { return welcome::invalid() };
    match console.service.mail_link(&visitor.caller(), token.clone()).await {
        Ok(link) => {
            let page = Page {
                name: &link.name,
                email: link.email.as_str(),
                cancels: link.cancels,
                token: token.expose(),
            };
            page::render(StatusCode::OK, &page)
        }
        Err(error) => refused(&visitor, error),
    }
}

async fn accept(
    State(console): State<Console>,
    visitor: Visitor,
    Form(Fields { token }): Form<Fields>,
) -> Response {
    let message = match console.service.use_mail_link(&visitor.caller(), token).await {
        Ok(link) if link.cancels => Message {
            title: "Your address is kept",
            text: "Every device is signed out, and the password does not work any more. Choose a new one with a link by mail.",
            action: Some(Action { href: "/.gabion/forgot", label: "Choose a new password" }),
            request_id: None,
        },
        Ok(_) => Message {
            title: "Your address is confirmed",
            text: "It is the address of your account from now on.",
            action: Some(Action { href: "/.gabion/account", label: "Go to your account" }),
            request_id: None,
        },
        Err(error) => return refused(&visitor, error),
    };
    page::render(StatusCode::OK, &message)
}

fn refused(visitor: &Visitor, error: MailLinkError) -> Response {
    match error {
        MailLinkError::Act(ActError::Busy | ActError::Unavailable) => visitor.unavailable(),
        MailLinkError::Act(_) | MailLinkError::Invalid => welcome::invalid(),
        MailLinkError::Taken => {
            let message = Message {
                title: "This address cannot be used",
                text: "Another account has confirmed it. Sign in to that one, or ask an administrator.",
                action: Some(Action { href: "/.gabion/account", label: "Go to your account" }),
                request_id: None,
            };
            page::render(StatusCode::CONFLICT, &message)
        }
    }
}
