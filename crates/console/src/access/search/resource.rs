//! `POST /.gabion/access/v1/search/resource` (AuthZEN Authorization API 1.0, 8.5): to what may this subject do that?

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use serde::Serialize;

use super::super::question::Open;
use super::super::{Application, Asked};
use super::answer;
use crate::Console;

pub(crate) fn route() -> MethodRouter<Console> {
    post(search)
}

#[derive(Debug, Serialize)]
struct Found {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

async fn search(State(console): State<Console>, Application(caller): Application, asked: Asked) -> Response {
    answer(&console, &caller, asked, Open::Resource, |kind, hit| Found { kind: kind.to_owned(), id: hit.id })
        .await
}
