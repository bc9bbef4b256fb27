//! `POST /.gabion/access/v1/search/subject` (AuthZEN Authorization API 1.0, 8.4): who may do this to that?

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_model::AccountId;
use gabion_service::Hit;
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
    /// The name of the account.
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Properties>,
}

#[derive(Debug, Serialize)]
struct Properties {
    /// The account's id, which stays when the name changes.
    account: AccountId,
}

fn found(kind: &str, hit: Hit) -> Found {
    let properties = hit.account.map(|account| Properties { account });
    Found { kind: kind.to_owned(), id: hit.id, properties }
}

async fn search(State(console): State<Console>, Application(caller): Application, asked: Asked) -> Response {
    answer(&console, &caller, asked, Open::Subject, found).await
}
