//! `POST /.gabion/access/v1/evaluations` (AuthZEN Authorization API 1.0, 7): several questions at once, with defaults.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_service::Until;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::question::{Open, Question};
use super::{Application, Asked, Decision, MOST_QUESTIONS, evaluation, unusable};
use crate::Console;
use crate::api::Problem;
use crate::api::v1::{json, refused};

pub(crate) fn route() -> MethodRouter<Console> {
    post(evaluate)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Options {
    evaluations_semantic: Semantic,
}

/// When the rest is not asked (7.1.2.1).
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Semantic {
    #[default]
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

#[derive(Debug, Serialize)]
struct Answers {
    evaluations: Vec<Decision>,
}

async fn evaluate(
    State(console): State<Console>,
    Application(caller): Application,
    Asked(mut members): Asked,
) -> Response {
    let evaluations = match members.remove("evaluations") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(evaluations)) => evaluations,
        Some(_) => return unusable("`evaluations` is no list"),
    };
    let options = match members.remove("options").map(serde_json::from_value::<Option<Options>>) {
        None => Options::default(),
        Some(Ok(options)) => options.unwrap_or_default(),
        Some(Err(_)) => return unusable("`options.evaluations_semantic` is none that is known"),
    };
    let defaults = match Question::read(Value::Object(members)) {
        Ok(defaults) => defaults,
        Err(message) => return unusable(message),
    };
    if evaluations.is_empty() {
        // As if one had been asked (7.1).
        return evaluation::one(&console, &caller, defaults).await;
    }
    if evaluations.len() > MOST_QUESTIONS {
        return Problem::field(StatusCode::BAD_REQUEST, "evaluations", "at most 100").answer();
    }
    let until = match options.evaluations_semantic {
        Semantic::ExecuteAll => Until::All,
        Semantic::DenyOnFirstDeny => Until::FirstDenied,
        Semantic::PermitOnFirstPermit => Until::FirstAllowed,
    };
    let mut answers: Vec<Option<Decision>> = Vec::with_capacity(evaluations.len());
    let mut usable = Vec::with_capacity(evaluations.len());
    for one in evaluations {
        let asked = Question::read(one).and_then(|question| question.or(&defaults).asked(Open::Nothing));
        match asked {
            Ok(asked) => {
                usable.push(asked);
                answers.push(None);
            }
            Err(message) => {
                answers.push(Some(Decision::unusable(message)));
                // What follows a no is not asked.
                if until == Until::FirstDenied {
                    break;
                }
            }
        }
    }
    let mut decided = match console.service.decide(&caller, usable, until).await {
        Ok(decided) => decided.into_iter(),
        Err(error) => return refused(error),
    };
    let mut told = Vec::with_capacity(answers.len());
    for answer in answers {
        let Some(answer) = answer.or_else(|| decided.next().map(Decision::from)) else { break };
        let ends = match until {
            Until::All => false,
            Until::FirstAllowed => answer.decision,
            Until::FirstDenied => !answer.decision,
        };
        told.push(answer);
        if ends {
            break;
        }
    }
    json(StatusCode::OK, &Answers { evaluations: told })
}
