//! `GET /.gabion/api/v1/incidents`: the incidents that are open, or all. `POST`: opens one.

pub(crate) mod evidence;
pub(crate) mod metrics;
pub(crate) mod one;
pub(crate) mod report;
pub(crate) mod steps;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_service::incidents::{IncidentError, NewIncident};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json as object;
use utoipa::IntoParams;

use super::{json, limit, refused};
use crate::Console;
use crate::api::{Asker, Body, Problem, Query};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list).post(open)
}

/// The number of an incident. What is none is one there is not.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Id(u64);

impl From<String> for Id {
    fn from(written: String) -> Self {
        Self(written.parse().unwrap_or(0))
    }
}

/// Which incidents.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// `true`: those that are closed, too.
    #[serde(default)]
    all: bool,
    /// Only ids below this.
    before: Option<u64>,
    /// How many, at most 200; 50 when not given.
    limit: Option<usize>,
}

/// Incidents, the latest first. Ask with `before` the last id for what follows.
#[utoipa::path(get, path = "/.gabion/api/v1/incidents", tag = "incidents", operation_id = "list_incidents", params(Which),
    responses((status = 200, body = serde_json::Value), (status = 403, body = Problem)))]
pub(crate) async fn list(
    State(console): State<Console>,
    asker: Asker,
    Query(which): Query<Which>,
) -> Response {
    let limit = match limit(which.limit) {
        Ok(limit) => limit,
        Err(answer) => return answer,
    };
    match console.service.incidents(&asker.caller, !which.all, which.before, limit).await {
        Ok(items) => json(StatusCode::OK, &object!({ "items": items })),
        Err(error) => refused(error),
    }
}

/// Opens an incident: `title`, `class` (`P0` to `P3`), `kind`, `subjects` (`account:NAME`, `address:IP`, …), or `alert`, the
/// record of one.
#[utoipa::path(post, path = "/.gabion/api/v1/incidents", tag = "incidents", operation_id = "open_incident", request_body = serde_json::Value,
    responses((status = 201, body = serde_json::Value), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn open(
    State(console): State<Console>,
    asker: Asker,
    Body(new): Body<NewIncident>,
) -> Response {
    match console.service.open_incident(&asker.caller, new).await {
        Ok(incident) => json(StatusCode::CREATED, &incident),
        Err(error) => refused(error),
    }
}

impl From<IncidentError> for Problem {
    fn from(error: IncidentError) -> Self {
        let detail = error.to_string();
        match error {
            IncidentError::Act(error) => error.into(),
            // Told whole: what was tampered with must not look like an incident that is not there.
            IncidentError::Damaged { .. } => Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail),
            IncidentError::Invalid(problem) => Self::invalid(vec![problem]),
            IncidentError::NotFound => Self::new(StatusCode::NOT_FOUND, detail),
            IncidentError::Refused(_) => Self::new(StatusCode::CONFLICT, detail),
            IncidentError::Unsealed => Self::new(StatusCode::SERVICE_UNAVAILABLE, detail),
        }
    }
}
