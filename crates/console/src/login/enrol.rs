//! `GET /.gabion/login/enrol`: a half-done sign-in that cannot end before a second factor is set up: which
//! one?

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use http::StatusCode;
use serde::Deserialize;

use crate::context::Visitor;
use crate::enrol::begin_again;
use crate::form::Asking;
use crate::{Console, next, page, step};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show)
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    next: String,
}

#[derive(Debug, Template)]
#[template(path = "enrol.html")]
struct Page<'a> {
    name: &'a str,
    totp: String,
    passkey: Option<String>,
}

async fn show(State(console): State<Console>, visitor: Visitor, Asking(asked): Asking<Asked>) -> Response {
    let next = next::local(&asked.next);
    let view = match console.service.pending(&visitor.login_tickets()).await {
        Ok(Some(view)) => view,
        Ok(None) => return begin_again(next),
        Err(_) => return visitor.unavailable(),
    };
    if !view.enrol {
        return page::see_other(&step::with_next(step::SECOND_FACTOR, next));
    }
    let page = Page {
        name: &view.name,
        totp: step::with_next("/.gabion/login/enrol/totp", next),
        passkey: console
            .service
            .passkeys_are_possible()
            .then(|| step::with_next("/.gabion/login/enrol/passkey", next)),
    };
    page::render(StatusCode::OK, &page)
}
