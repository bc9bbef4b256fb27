//! `GET /.well-known/authzen-configuration` (AuthZEN Authorization API 1.0, 9): where the gate is asked what somebody
//! may. The decision point is `https://gate/.gabion`, so the document also stands at
//! `/.well-known/authzen-configuration/.gabion`.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::api::v1::json;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show)
}

#[derive(Debug, Serialize)]
struct Document {
    policy_decision_point: String,
    access_evaluation_endpoint: String,
    access_evaluations_endpoint: String,
    search_subject_endpoint: String,
    search_resource_endpoint: String,
    search_action_endpoint: String,
}

async fn show(State(console): State<Console>) -> Response {
    if !console.decisions.enabled {
        return page::not_found();
    }
    let point = format!("{}/.gabion", console.service.origin());
    let mut answer = json(
        StatusCode::OK,
        &Document {
            access_evaluation_endpoint: format!("{point}/access/v1/evaluation"),
            access_evaluations_endpoint: format!("{point}/access/v1/evaluations"),
            search_subject_endpoint: format!("{point}/access/v1/search/subject"),
            search_resource_endpoint: format!("{point}/access/v1/search/resource"),
            search_action_endpoint: format!("{point}/access/v1/search/action"),
            policy_decision_point: point,
        },
    );
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    answer
}
