//! `PUT /.gabion/api/v1/resources/{type}/{id}`: an application says what one of its objects is, before anybody asks. `GET`:
//! what it said. `DELETE`: the object is gone.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_service::resources::{Registration, RegistrationError};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{done, json, refused};
use crate::Console;
use crate::access::Application;
use crate::api::{Body, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    get(read).put(register).delete(remove)
}

/// What was registered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Registered {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    registration: Registration,
    /// Since when.
    at: String,
}

impl From<RegistrationError> for Problem {
    fn from(error: RegistrationError) -> Self {
        match error {
            RegistrationError::Act(error) => error.into(),
            RegistrationError::Invalid(problem) => {
                Self::field(StatusCode::UNPROCESSABLE_ENTITY, &problem.path, problem.reason)
            }
            RegistrationError::NotFound => Self::new(StatusCode::NOT_FOUND, error.to_string()),
        }
    }
}

/// What an application registered of an object.
#[utoipa::path(get, path = "/.gabion/api/v1/resources/{type}/{id}", tag = "decisions", operation_id = "read_resource",
    params(("type" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = Registered), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(console): State<Console>,
    Application(caller): Application,
    Path((kind, id)): Path<(String, String)>,
) -> Response {
    match console.service.registered_resource(&caller, &kind, &id).await {
        Ok((registration, at)) => {
            json(StatusCode::OK, &Registered { kind, id, registration, at: at.to_string() })
        }
        Err(error) => refused(error),
    }
}

/// Says what an object is: `attributes`, and `parents` in which it lies. Decisions go by it at once. For applications
/// with the scope `gabion:resources`.
#[utoipa::path(put, path = "/.gabion/api/v1/resources/{type}/{id}", tag = "decisions", operation_id = "register_resource",
    params(("type" = String, Path), ("id" = String, Path)), request_body = Object,
    responses((status = 204), (status = 422, body = Problem), (status = 403, body = Problem)))]
pub(crate) async fn register(
    State(console): State<Console>,
    Application(caller): Application,
    Path((kind, id)): Path<(String, String)>,
    Body(registration): Body<Registration>,
) -> Response {
    match console.service.register_resource(&caller, &kind, &id, registration).await {
        Ok(()) => done(),
        Err(error) => refused(error),
    }
}

/// Forgets an object.
#[utoipa::path(delete, path = "/.gabion/api/v1/resources/{type}/{id}", tag = "decisions", operation_id = "remove_resource",
    params(("type" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn remove(
    State(console): State<Console>,
    Application(caller): Application,
    Path((kind, id)): Path<(String, String)>,
) -> Response {
    match console.service.remove_resource(&caller, &kind, &id).await {
        Ok(()) => done(),
        Err(error) => refused(error),
    }
}
