//! `GET …/passkey`: asks for a name and a passkey. `POST …/passkey/options`: the question for the
//! browser, as JSON. `POST …/passkey`: sets it up with the browser's answer.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use gabion_service::{Act, EnrolError};
use http::StatusCode;
use serde::Deserialize;

use super::Place;
use crate::context::Visitor;
use crate::form::{Asking, Form, Trouble};
use crate::question::{self, answer_of};
use crate::{Console, next, page};

pub(crate) fn route(place: Place) -> MethodRouter<Console> {
    get(move |State(console): State<Console>, visitor: Visitor, Asking(asked): Asking<Asked>| async move {
        show(place, &console, &visitor, next::local(&asked.next)).await
    })
    .post(
        move |State(console): State<Console>, visitor: Visitor, Form(fields): Form<Fields>| async move {
            finish(place, &console, &visitor, &fields).await
        },
    )
}

pub(crate) fn options(place: Place) -> MethodRouter<Console> {
    post(move |State(console): State<Console>, visitor: Visitor| async move {
        let asked = console.service.begin_passkey(&visitor.caller(), &place.ground(&visitor)).await;
        asked.map_or_else(|_| question::refused(), |question| question::ask(&visitor, &question))
    })
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    next: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Fields {
    answer: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    next: String,
}

#[derive(Debug, Template)]
#[template(path = "enrol_passkey.html")]
struct Page<'a> {
    base: &'static str,
    next: &'a str,
    name: &'a str,
    problem: Option<Trouble>,
}

async fn show(place: Place, console: &Console, visitor: &Visitor, next: &str) -> Response {
    if place == Place::Account
        && let Err(error) = console.service.ready_for(&visitor.caller(), Act::AddFactor).await
    {
        return place.refused(visitor, error.into(), next);
    }
    if place == Place::Login
        && !console
            .service
            .pending(&visitor.login_tickets())
            .await
            .is_ok_and(|open| open.is_some_and(|open| open.enrol))
    {
        return place.refused(visitor, EnrolError::Gone, next);
    }
    page::render(StatusCode::OK, &Page { base: place.base(), next, name: "", problem: None })
}

async fn finish(place: Place, console: &Console, visitor: &Visitor, fields: &Fields) -> Response {
    let (next, ground) = (next::local(&fields.next), place.ground(visitor));
    let error = match answer_of(&fields.answer) {
        Some(answer) => {
            match console.service.finish_passkey(&visitor.caller(), &ground, answer, &fields.name).await {
                Ok(enrolled) => return place.done(visitor, &enrolled, next),
                Err(error) => error,
            }
        }
        None => EnrolError::Rejected,
    };
    if error != EnrolError::Rejected {
        return place.refused(visitor, error, next);
    }
    let problem = Trouble::new("That did not work.", "The passkey was not set up. Please try again.");
    let page = Page { base: place.base(), next, name: &fields.name, problem: Some(problem) };
    page::render(StatusCode::FORBIDDEN, &page)
}
