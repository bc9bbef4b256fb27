//! `GET /.gabion/account/security/recovery-codes`: asks whether to make new codes. `POST`: makes them, and
//! shows them once.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_service::Act;
use http::StatusCode;

use crate::context::Member;
use crate::enrol::show_codes;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show).post(make)
}

#[derive(Debug, Template)]
#[template(path = "new_recovery_codes.html")]
struct Page<'a> {
    name: &'a str,
}

async fn show(State(console): State<Console>, member: Member) -> Response {
    match console.service.ready_for(&member.visitor.caller(), Act::NewRecoveryCodes).await {
        Ok(()) => page::render(StatusCode::OK, &Page { name: &member.session.principal.name }),
        Err(error) => member.refused(error),
    }
}

async fn make(State(console): State<Console>, member: Member) -> Response {
    match console.service.new_recovery_codes(&member.visitor.caller()).await {
        Ok(codes) => show_codes(&codes, "/.gabion/account/security"),
        Err(error) => member.refused(error),
    }
}
