//! `GET /.gabion/api/v1/clients`: the applications that may ask for tokens.

pub(crate) mod one;
pub(crate) mod state;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use http::StatusCode;

use super::{json, refused};
use crate::Console;
use crate::api::{Asker, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list)
}

/// The registered applications.
#[utoipa::path(get, path = "/.gabion/api/v1/clients", tag = "clients", operation_id = "list_clients",
    responses((status = 200, body = Object), (status = 403, body = Problem)))]
pub(crate) async fn list(State(console): State<Console>, asker: Asker) -> Response {
    match console.service.list_clients(&asker.caller).await {
        Ok(clients) => json(StatusCode::OK, &serde_json::json!({ "items": clients })),
        Err(error) => refused(error),
    }
}
