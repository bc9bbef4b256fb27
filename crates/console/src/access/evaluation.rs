//! `POST /.gabion/access/v1/evaluation` (AuthZEN Authorization API 1.0, 6): may this subject do this to that?

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_service::Until;
use http::StatusCode;

use super::{Application, Decision, Evaluation};
use crate::Console;
use crate::api::v1::{json, refused};
use crate::api::{Body, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    post(evaluate)
}

async fn evaluate(
    State(console): State<Console>,
    Application(caller): Application,
    Body(evaluation): Body<Evaluation>,
) -> Response {
    one(&console, &caller, evaluation).await
}

/// The answer to one question.
pub(super) async fn one(
    console: &Console,
    caller: &gabion_service::Caller,
    evaluation: Evaluation,
) -> Response {
    let asked = match evaluation.asked() {
        Ok(asked) => asked,
        Err(message) => return Problem::new(StatusCode::BAD_REQUEST, message).answer(),
    };
    match console.service.decide(caller, vec![asked], Until::All).await {
        Ok(decided) => match decided.into_iter().next() {
            Some(decided) => json(StatusCode::OK, &Decision::from(decided)),
            None => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "nothing was decided").answer(),
        },
        Err(error) => refused(error),
    }
}
