//! `POST /.gabion/api/v1/clients/{id}/disable` and `…/enable`.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use http::StatusCode;

use crate::Console;
use crate::api::v1::{json, refused};
use crate::api::{Asker, Problem};

pub(crate) fn disabling() -> MethodRouter<Console> {
    post(disable)
}

pub(crate) fn enabling() -> MethodRouter<Console> {
    post(enable)
}

/// Refuses an application from now on.
#[utoipa::path(post, path = "/.gabion/api/v1/clients/{id}/disable", tag = "clients", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
pub(crate) async fn disable(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<String>,
) -> Response {
    match console.service.disable_client(&asker.caller, &id).await {
        Ok(client) => json(StatusCode::OK, &client),
        Err(error) => refused(error),
    }
}

/// Lets a disabled application ask again.
#[utoipa::path(post, path = "/.gabion/api/v1/clients/{id}/enable", tag = "clients", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
pub(crate) async fn enable(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match console.service.enable_client(&asker.caller, &id).await {
        Ok(client) => json(StatusCode::OK, &client),
        Err(error) => refused(error),
    }
}
