//! `POST /.gabion/api/v1/clients/{id}/secret`: makes a new secret; the former ones work for a while.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_model::Period;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::with_secret;
use crate::Console;
use crate::api::v1::refused;
use crate::api::{Asker, Body, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    post(rotate)
}

/// How to make the new secret.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NewSecret {
    /// How much longer former secrets work, for instance `1h`; `0s` ends them at once; a day when not given.
    #[schema(value_type = Option<String>)]
    overlap: Option<Period>,
}

/// Makes a new secret. It is in this answer and kept nowhere.
#[utoipa::path(post, path = "/.gabion/api/v1/clients/{id}/secret", tag = "clients", operation_id = "rotate_client_secret",
    params(("id" = String, Path)), request_body = NewSecret,
    responses((status = 201, body = Object), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn rotate(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<String>,
    Body(new): Body<NewSecret>,
) -> Response {
    let overlap = new.overlap.map_or(OVERLAP, Period::as_duration);
    match console.service.rotate_client_secret(&asker.caller, &id, overlap).await {
        Ok(added) => with_secret(StatusCode::CREATED, &added),
        Err(error) => refused(error),
    }
}

const OVERLAP: Duration = Duration::from_secs(86_400);
