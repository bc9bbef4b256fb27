//! `DELETE /.gabion/api/v1/sessions/{id}`: ends a session and the live streams in it.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, delete};
use gabion_model::SessionId;

use crate::Console;
use crate::api::v1::{done, refused};
use crate::api::{Asker, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    delete(end)
}

/// Ends a session.
#[utoipa::path(delete, path = "/.gabion/api/v1/sessions/{id}", tag = "sessions", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn end(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match console.service.revoke_session(&asker.caller, &SessionId::new(&id)).await {
        Ok(()) => done(),
        Err(error) => refused(error),
    }
}
