//! `GET /.gabion/api/v1/incidents/metrics`: how long detecting, acknowledging, containing and resolving took.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use http::StatusCode;

use crate::Console;
use crate::api::v1::{json, refused};
use crate::api::{Asker, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    get(read)
}

/// Figures by class and by month, in seconds.
#[utoipa::path(get, path = "/.gabion/api/v1/incidents/metrics", tag = "incidents", operation_id = "incident_metrics",
    responses((status = 200, body = serde_json::Value), (status = 403, body = Problem)))]
pub(crate) async fn read(State(console): State<Console>, asker: Asker) -> Response {
    match console.service.incident_metrics(&asker.caller).await {
        Ok(metrics) => json(StatusCode::OK, &metrics),
        Err(error) => refused(error),
    }
}
