//! `POST /.gabion/access/v1/evaluation` (AuthZEN Authorization API 1.0, 6): may this subject do this to that?

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_service::{Caller, Until};
use http::StatusCode;
use serde_json::Value;

use super::question::{Open, Question};
use super::{Application, Asked, Decision, unusable};
use crate::Console;
use crate::api::Problem;
use crate::api::v1::{json, refused};

pub(crate) fn route() -> MethodRouter<Console> {
    post(evaluate)
}

async fn evaluate(
    State(console): State<Console>,
    Application(caller): Application,
    Asked(question): Asked,
) -> Response {
    match Question::read(Value::Object(question)) {
        Ok(question) => one(&console, &caller, question).await,
        Err(message) => unusable(message),
    }
}

/// The answer to one question.
pub(super) async fn one(console: &Console, caller: &Caller, question: Question) -> Response {
    let asked = match question.asked(Open::Nothing) {
        Ok(asked) => asked,
        Err(message) => return unusable(message),
    };
    match console.service.decide(caller, vec![asked], Until::All).await {
        Ok(decided) => match decided.into_iter().next() {
            Some(decided) => json(StatusCode::OK, &Decision::from(decided)),
            None => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "nothing was decided").answer(),
        },
        Err(error) => refused(error),
    }
}
