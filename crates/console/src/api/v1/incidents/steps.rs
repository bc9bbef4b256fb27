//! `POST /.gabion/api/v1/incidents/{id}/steps`: what people do with an incident: note, settle a task, contain, move, review,
//! close.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_service::incidents::Change;
use http::StatusCode;

use super::Id;
use crate::Console;
use crate::api::v1::{json, refused};
use crate::api::{Asker, Body, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    post(take)
}

/// Takes a step. `change` says which: `acknowledge`, `act`, `action_done`, `assign`, `classify`, `close`, `done`, `duty_begin`,
/// `duty_done`, `duty_waive`, `facts`, `move`, `note`, `review`, `skip` or `subjects`; its members stand beside it. `failure`
/// in the answer is why the gate could not do what it was to do; that it was tried is on record.
#[utoipa::path(post, path = "/.gabion/api/v1/incidents/{id}/steps", tag = "incidents", operation_id = "take_incident_step",
    params(("id" = u64, Path)), request_body = serde_json::Value,
    responses((status = 200, body = serde_json::Value), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "the incident is not so far, or somebody did it before"),
        (status = 422, body = Problem)))]
pub(crate) async fn take(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<Id>,
    Body(change): Body<Change>,
) -> Response {
    match console.service.change_incident(&asker.caller, id.0, change).await {
        Ok(changed) => json(StatusCode::OK, &changed),
        Err(error) => refused(error),
    }
}
