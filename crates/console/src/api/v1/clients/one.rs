//! `GET /.gabion/api/v1/clients/{id}`: an application. `DELETE`: removes it; what it was given ends.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use http::StatusCode;

use crate::Console;
use crate::api::v1::{done, json, refused};
use crate::api::{Asker, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    get(read).delete(remove)
}

/// An application; never its secrets.
#[utoipa::path(get, path = "/.gabion/api/v1/clients/{id}", tag = "clients", operation_id = "read_client", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
pub(crate) async fn read(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match console.service.client(&asker.caller, &id).await {
        Ok(client) => json(StatusCode::OK, &client),
        Err(error) => refused(error),
    }
}

/// Removes an application.
#[utoipa::path(delete, path = "/.gabion/api/v1/clients/{id}", tag = "clients", operation_id = "remove_client", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn remove(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match console.service.remove_client(&asker.caller, &id).await {
        Ok(()) => done(),
        Err(error) => refused(error),
    }
}
