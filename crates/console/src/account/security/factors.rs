//! `GET /.gabion/account/security/factors/{id}`: one factor, to name or remove. `POST …/rename` and
//! `POST …/remove` do it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use gabion_service::{Act, ActError, EnrolError};
use http::StatusCode;
use serde::Deserialize;

use super::Row;
use crate::context::Member;
use crate::form::Form;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show)
}

pub(crate) fn rename() -> MethodRouter<Console> {
    post(do_rename)
}

pub(crate) fn remove() -> MethodRouter<Console> {
    post(do_remove)
}

#[derive(Debug, Deserialize)]
struct Fields {
    name: String,
}

#[derive(Debug, Template)]
#[template(path = "factor.html")]
struct Page<'a> {
    name: &'a str,
    factor: Row,
    /// It is the last one, and one is required.
    stays: bool,
    /// Nothing would be left but the password.
    last: bool,
}

async fn show(State(console): State<Console>, member: Member, Path(id): Path<String>) -> Response {
    let caller = member.visitor.caller();
    if let Err(error) = console.service.ready_for(&caller, Act::RemoveFactor).await {
        return member.refused(error);
    }
    let view = match console.service.factors(&caller).await {
        Ok(view) => view,
        Err(error) => return member.refused(error),
    };
    let last = view.factors.len() == 1;
    let Some(factor) = view.factors.into_iter().find(|one| one.id == id) else {
        return page::see_other("/.gabion/account/security?notice=factor-gone");
    };
    let page = Page {
        name: &member.session.principal.name,
        factor: Row::new(factor, console.clock.now()),
        stays: last && view.required,
        last,
    };
    page::render(StatusCode::OK, &page)
}

async fn do_rename(
    State(console): State<Console>,
    member: Member,
    Path(id): Path<String>,
    Form(Fields { name }): Form<Fields>,
) -> Response {
    match console.service.rename_factor(&member.visitor.caller(), &id, &name).await {
        Ok(()) => page::see_other("/.gabion/account/security?notice=factor-renamed"),
        Err(ActError::NotFound) => page::see_other("/.gabion/account/security?notice=factor-gone"),
        Err(error) => member.refused(error),
    }
}

async fn do_remove(State(console): State<Console>, member: Member, Path(id): Path<String>) -> Response {
    match console.service.remove_factor(&member.visitor.caller(), &id).await {
        Ok(()) => page::see_other("/.gabion/account/security?notice=factor-removed"),
        Err(EnrolError::LastFactor) => page::see_other("/.gabion/account/security?notice=factor-required"),
        Err(EnrolError::Act(ActError::NotFound)) => {
            page::see_other("/.gabion/account/security?notice=factor-gone")
        }
        Err(EnrolError::Act(error)) => member.refused(error),
        Err(_) => member.visitor.unavailable(),
    }
}
