//! `GET /.gabion/oauth/consent?flow=…`: goes on with a waiting request: asks the person, or sends them on.
//! `POST`: the answer, with `flow`, `session` (who was asked) and `decision`.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::Secret;
use gabion_service::oauth::Decision;
use http::HeaderMap;
use serde::Deserialize;

use super::flow;
use super::respond::{self, Shown};
use crate::Console;
use crate::context::Visitor;
use crate::form::{Asking, Form};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show).post(decide)
}

#[derive(Debug, Default, Deserialize)]
struct Waiting {
    #[serde(default)]
    flow: String,
}

#[derive(Debug, Deserialize)]
struct Fields {
    flow: Secret<String>,
    session: String,
    decision: Choice,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Choice {
    Allow,
    Continue,
    Deny,
    Switch,
}

async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    headers: HeaderMap,
    Asking(Waiting { flow }): Asking<Waiting>,
) -> Response {
    let browsers = flow::read(&headers, visitor.known.secure);
    let result = console.service.resume_authorization(&visitor.caller(), Secret::new(flow), browsers).await;
    respond::to(&visitor, &headers, result, Shown::Here)
}

async fn decide(
    State(console): State<Console>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(Fields { flow, session, decision }): Form<Fields>,
) -> Response {
    let decision = match decision {
        Choice::Allow => Decision::Allow,
        Choice::Continue => Decision::Continue,
        Choice::Deny => Decision::Deny,
        Choice::Switch => Decision::Switch,
    };
    let browsers = flow::read(&headers, visitor.known.secure);
    let result =
        console.service.decide_authorization(&visitor.caller(), flow, browsers, &session, decision).await;
    respond::to(&visitor, &headers, result, Shown::Form)
}
