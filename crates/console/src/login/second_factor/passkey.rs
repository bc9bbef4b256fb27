//! `POST /.gabion/login/second-factor/passkey/options`: the question for the browser. `POST
//! /.gabion/login/second-factor/passkey`: ends the sign-in with its `answer`.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_service::{Proof, SecondFactorError};
use serde::Deserialize;

use super::refuse;
use crate::context::Visitor;
use crate::form::Form;
use crate::question::{self, answer_of};
use crate::{Console, next, page, step};

pub(crate) fn route() -> MethodRouter<Console> {
    post(prove)
}

pub(crate) fn options() -> MethodRouter<Console> {
    post(ask)
}

#[derive(Debug, Deserialize)]
struct Fields {
    answer: String,
    #[serde(default)]
    next: String,
}

async fn ask(State(console): State<Console>, visitor: Visitor) -> Response {
    let asked = console.service.ask_for_second_passkey(&visitor.login_tickets()).await;
    asked.map_or_else(|_| question::refused(), |question| question::ask(&visitor, &question))
}

async fn prove(
    State(console): State<Console>,
    visitor: Visitor,
    Form(Fields { answer, next }): Form<Fields>,
) -> Response {
    let next = next::local(&next);
    let Some(answer) = answer_of(&answer) else {
        return refuse(&console, &visitor, SecondFactorError::Rejected, next, false).await;
    };
    let (caller, tickets) = (visitor.caller(), visitor.login_tickets());
    match console.service.second_factor(&caller, &tickets, Proof::Passkey(answer)).await {
        Ok(signed_in) => step::signed_in_with(page::see_other(next), &signed_in, visitor.known.secure),
        Err(error) => refuse(&console, &visitor, error, next, false).await,
    }
}
