//! `POST /.gabion/api/v1/authorize/batch`: several questions, answered in their order.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_service::Until;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DecisionOf, QuestionOf};
use crate::Console;
use crate::access::{Application, MOST_QUESTIONS};
use crate::api::v1::{json, refused};
use crate::api::{Body, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    post(decide)
}

/// Up to 100 questions.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Questions {
    questions: Vec<QuestionOf>,
    /// When the rest is not asked.
    #[serde(default)]
    until: UntilOf,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum UntilOf {
    #[default]
    All,
    FirstAllowed,
    FirstDenied,
}

/// The answers, one for each question that was asked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Decisions {
    decisions: Vec<DecisionOf>,
}

/// Decides several questions.
#[utoipa::path(post, path = "/.gabion/api/v1/authorize/batch", tag = "decisions", operation_id = "authorize_batch",
    request_body = Questions,
    responses((status = 200, body = Decisions), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn decide(
    State(console): State<Console>,
    Application(caller): Application,
    Body(asked): Body<Questions>,
) -> Response {
    if asked.questions.is_empty() || asked.questions.len() > MOST_QUESTIONS {
        return Problem::field(StatusCode::BAD_REQUEST, "questions", "1 to 100").answer();
    }
    let mut questions = Vec::with_capacity(asked.questions.len());
    for (index, question) in asked.questions.into_iter().enumerate() {
        match question.asked() {
            Ok(question) => questions.push(question),
            Err(message) => {
                return Problem::field(StatusCode::BAD_REQUEST, &format!("questions[{index}]"), message)
                    .answer();
            }
        }
    }
    let until = match asked.until {
        UntilOf::All => Until::All,
        UntilOf::FirstAllowed => Until::FirstAllowed,
        UntilOf::FirstDenied => Until::FirstDenied,
    };
    match console.service.decide(&caller, questions, until).await {
        Ok(decided) => {
            let decisions = decided.into_iter().map(DecisionOf::from).collect();
            json(StatusCode::OK, &Decisions { decisions })
        }
        Err(error) => refused(error),
    }
}
