//! `GET /.gabion/account/delete`: what goes with the account. `POST`: deletes it, when `name` is its own name,
//! typed. A critical act; the last administrator cannot.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_identity::cookie;
use gabion_service::{DirectoryError, Leaving};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;

use crate::context::Member;
use crate::form::{Form, Trouble};
use crate::{Console, page, words};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show).post(remove)
}

#[derive(Debug, Deserialize)]
struct Fields {
    name: String,
}

#[derive(Debug, Template)]
#[template(path = "delete.html")]
struct Page<'a> {
    name: &'a str,
    leaving: Leaving,
    /// What goes, each with its number, as people say it.
    goes: Vec<String>,
    problem: Option<Trouble>,
}

async fn show(State(console): State<Console>, member: Member) -> Response {
    form(&console, &member, StatusCode::OK, None).await
}

async fn remove(
    State(console): State<Console>,
    member: Member,
    Form(Fields { name }): Form<Fields>,
) -> Response {
    let (status, problem) = match console.service.remove_own(&member.visitor.caller(), &name).await {
        Ok(()) => {
            let secure = member.visitor.known.secure;
            let answer = page::see_other("/.gabion/login?notice=account-removed");
            let mut answer = page::with_cookie(answer, &cookie::clear(secure));
            // What was cached while signed in goes too (W3C Clear Site Data, 3.1).
            answer
                .headers_mut()
                .insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\""));
            return answer;
        }
        Err(DirectoryError::Invalid(_)) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            Trouble::new("This is not the name of your account.", "Nothing was deleted."),
        ),
        Err(DirectoryError::LastAdministrator) => (
            StatusCode::CONFLICT,
            Trouble::new(
                "You are the last administrator.",
                "Make somebody else one first. Nothing was deleted.",
            ),
        ),
        Err(error) => return member.refused(error.into()),
    };
    form(&console, &member, status, Some(problem)).await
}

async fn form(console: &Console, member: &Member, status: StatusCode, problem: Option<Trouble>) -> Response {
    let leaving = match console.service.leaving(&member.visitor.caller()).await {
        Ok(leaving) => leaving,
        Err(error) => return member.refused(error),
    };
    let counted = [
        (leaving.sessions, "device you are signed in on", "devices you are signed in on"),
        (leaving.second_factors, "second factor", "second factors"),
        (leaving.applications, "application with access", "applications with access"),
        (leaving.api_keys, "API key", "API keys"),
        (leaving.identities, "linked sign-in", "linked sign-ins"),
    ];
    let goes = counted.into_iter().filter(|(number, ..)| *number > 0);
    let page = Page {
        name: &member.session.principal.name,
        goes: goes.map(|(number, one, more)| words::number_of(number, one, more)).collect(),
        leaving,
        problem,
    };
    page::render(status, &page)
}
