//! `GET /.gabion/scim/v2/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas`, and each of the latter by its id
//! (RFC 7644, 4).

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_service::scim::discovery;
use http::StatusCode;
use serde_json::Value;

use crate::Console;
use crate::scim::answer::{json, of_values};
use crate::scim::{Asked, Refused};

pub(crate) fn service_provider_config() -> MethodRouter<Console> {
    get(async |State(console): State<Console>, _: Asked| {
        json(StatusCode::OK, &discovery::service_provider_config(&base(&console)))
    })
}

pub(crate) fn resource_types() -> MethodRouter<Console> {
    get(async |State(console): State<Console>, asked: Asked| {
        all(&asked, discovery::resource_types(&base(&console)))
    })
}

pub(crate) fn resource_type() -> MethodRouter<Console> {
    get(async |State(console): State<Console>, _: Asked, Path(id): Path<String>| {
        one(discovery::resource_types(&base(&console)), &id)
    })
}

pub(crate) fn schemas() -> MethodRouter<Console> {
    get(async |State(console): State<Console>, asked: Asked| all(&asked, discovery::schemas(&base(&console))))
}

pub(crate) fn schema() -> MethodRouter<Console> {
    get(async |State(console): State<Console>, _: Asked, Path(id): Path<String>| {
        one(discovery::schemas(&base(&console)), &id)
    })
}

fn all(asked: &Asked, resources: Vec<Value>) -> Response {
    // RFC 7644, 4: a filter here is answered with 403, so that nobody takes the whole for a part.
    if asked.filters() {
        return Refused::new(StatusCode::FORBIDDEN, "what is offered cannot be filtered").answer();
    }
    of_values(u64::try_from(resources.len()).unwrap_or(u64::MAX), 1, resources)
}

fn one(resources: Vec<Value>, id: &str) -> Response {
    let has_id = |one: &&Value| one.get("id").and_then(Value::as_str).is_some_and(|own| own == id);
    match resources.iter().find(has_id) {
        Some(resource) => json(StatusCode::OK, resource),
        None => Refused::not_found().answer(),
    }
}

fn base(console: &Console) -> String {
    format!("{}/.gabion/scim/v2", console.service.origin())
}
