//! `GET /.gabion/api/v1/incidents/{id}`: everything there is to tell of one, with what is due next and whether the ledger has
//! every step.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use http::StatusCode;

use super::Id;
use crate::Console;
use crate::api::v1::{json, refused};
use crate::api::{Asker, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    get(read)
}

/// An incident with its checklist, duties, evidence and timeline.
#[utoipa::path(get, path = "/.gabion/api/v1/incidents/{id}", tag = "incidents", operation_id = "read_incident", params(("id" = u64, Path)),
    responses((status = 200, body = serde_json::Value), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn read(State(console): State<Console>, asker: Asker, Path(id): Path<Id>) -> Response {
    match console.service.incident(&asker.caller, id.0).await {
        Ok(material) => json(StatusCode::OK, &material),
        Err(error) => refused(error),
    }
}
