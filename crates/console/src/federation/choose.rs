//! `GET /.gabion/federation/choose?ticket=…`: somebody came from a provider whom no account here is linked
//! to. `POST` with `ticket` and `choice`: `link`, to the account one is signed in to, or `create`, where
//! accounts are made for people of the provider.
//!
//! The page is the same whether or not there is an account with the same address.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use form_urlencoded::byte_serialize;
use gabion_service::{ActError, LinkError, ProvenView};
use http::StatusCode;
use serde::Deserialize;

use super::failed;
use crate::context::Visitor;
use crate::form::{Asking, Form};
use crate::page::{self, Action, Message};
use crate::{Console, step};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show).post(choose)
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    ticket: String,
}

#[derive(Debug, Deserialize)]
struct Fields {
    ticket: String,
    choice: Choice,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Choice {
    Create,
    Link,
}

#[derive(Debug, Template)]
#[template(path = "federation_choose.html")]
struct Page<'a> {
    provider: &'a str,
    label: &'a str,
    ticket: &'a str,
    /// The name of the account one is signed in to.
    name: Option<&'a str>,
    may_create: bool,
    sign_in: String,
}

async fn show(State(console): State<Console>, visitor: Visitor, Asking(asked): Asking<Asked>) -> Response {
    let cookies = visitor.federation_tickets();
    let Some(proven) = console.service.federation_proven(&asked.ticket, &cookies) else {
        return expired();
    };
    let ProvenView { provider, label, may_create, .. } = &proven;
    let session = visitor.known.session.as_ref().filter(|session| !session.is_ended());
    let page = Page {
        provider: &provider.display_name,
        label,
        ticket: &asked.ticket,
        name: session.map(|session| &*session.principal.name),
        may_create: *may_create,
        sign_in: format!("/.gabion/login?next={}", encoded(&path(&asked.ticket))),
    };
    page::render(StatusCode::OK, &page)
}

async fn choose(
    State(console): State<Console>,
    visitor: Visitor,
    Form(Fields { ticket, choice }): Form<Fields>,
) -> Response {
    let (caller, cookies) = (visitor.caller(), visitor.federation_tickets());
    match choice {
        Choice::Create => match console.service.create_from_identity(&caller, &ticket, cookies).await {
            Ok(chosen) => step::answer(&visitor, &chosen.step, &chosen.next),
            Err(error) => failed(&visitor, error),
        },
        Choice::Link => match console.service.link_identity(&caller, &ticket, cookies).await {
            Ok(next) => page::see_other(&next),
            Err(LinkError::Unknown) => expired(),
            Err(LinkError::Taken) => taken(),
            Err(LinkError::Act(ActError::StepUp { acr, .. })) => {
                let (acr, next) = (encoded(acr.as_str()), encoded(&path(&ticket)));
                page::see_other(&format!("/.gabion/login?fresh=1&acr={acr}&next={next}"))
            }
            Err(LinkError::Act(ActError::Forbidden | ActError::NotFound)) => {
                page::see_other(&format!("/.gabion/login?next={}", encoded(&path(&ticket))))
            }
            Err(LinkError::Act(ActError::Busy | ActError::Unavailable)) => visitor.unavailable(),
        },
    }
}

/// Where somebody a ticket names chooses.
pub(crate) fn path(ticket: &str) -> String {
    format!("/.gabion/federation/choose?ticket={}", encoded(ticket))
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

fn expired() -> Response {
    let message = Message {
        title: "Please begin again",
        text: "This sign-in was begun in another browser, was used already or is older than ten minutes.",
        action: Some(Action { href: "/.gabion/login", label: "Back to sign-in" }),
        request_id: None,
    };
    page::render(StatusCode::BAD_REQUEST, &message)
}

fn taken() -> Response {
    let message = Message {
        title: "Linked already",
        text: "This sign-in is linked to an account already. Unlink it there first.",
        action: Some(Action { href: "/.gabion/account/identities", label: "Your other sign-ins" }),
        request_id: None,
    };
    page::render(StatusCode::CONFLICT, &message)
}
