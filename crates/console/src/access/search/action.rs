//! `POST /.gabion/access/v1/search/action` (AuthZEN Authorization API 1.0, 8.6): may this subject do what to that?

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
    name: String,
}

async fn search(State(console): State<Console>, Application(caller): Application, asked: Asked) -> Response {
    answer(&console, &caller, asked, Open::Action, |_, hit| Found { name: hit.id }).await
}
