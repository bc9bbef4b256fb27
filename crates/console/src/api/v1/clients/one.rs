//! `GET /.gabion/api/v1/clients/{id}`: an application. `PUT`: gives it other metadata. `DELETE`: removes it; what
//! it was given ends.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_service::client::Metadata;
use http::StatusCode;

use super::one_client;
use crate::Console;
use crate::api::v1::{done, refused};
use crate::api::{Asker, Body, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    get(read).put(change).delete(remove)
}

/// An application; never its secrets.
#[utoipa::path(get, path = "/.gabion/api/v1/clients/{id}", tag = "clients", operation_id = "read_client", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
pub(crate) async fn read(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match console.service.client(&asker.caller, &id).await {
        Ok(client) => one_client(StatusCode::OK, &client),
        Err(error) => refused(error),
    }
}

/// Gives an application other metadata, all of it; what is absent has its default.
#[utoipa::path(put, path = "/.gabion/api/v1/clients/{id}", tag = "clients", operation_id = "change_client",
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = Object,
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 412, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn change(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<String>,
    Body(metadata): Body<Metadata>,
) -> Response {
    let changed = match asker.version.as_deref().map(str::parse::<u64>) {
        None => console.service.change_client(&asker.caller, &id, metadata).await,
        // What is no tag of ours is the tag of no client.
        Some(version) => {
            let revision = version.unwrap_or(u64::MAX);
            console.service.change_client_of(&asker.caller, &id, revision, metadata).await
        }
    };
    match changed {
        Ok(client) => one_client(StatusCode::OK, &client),
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
