//! `GET /.gabion/api/v1/clients`: the applications that may ask for tokens. `POST`: registers one.

pub(crate) mod one;
pub(crate) mod secret;
pub(crate) mod state;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_service::client::Metadata;
use gabion_service::{AddedClient, ClientView, NewClient};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{json, refused, tagged};
use crate::Console;
use crate::api::{Asker, Body, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list).post(create)
}

/// The application to register.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewApplication {
    /// Random when not given.
    id: Option<String>,
    tenant: Option<String>,
    /// RFC 7591, section 2, and OpenID Connect Registration 1.0; what is absent has its default.
    #[schema(value_type = Object)]
    metadata: Metadata,
}

/// With the secret, where one was made just now.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    client: &'a ClientView,
    /// Shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
}

/// A client under its entity tag.
pub(super) fn one_client(status: StatusCode, client: &ClientView) -> Response {
    tagged(status, client, &client.revision.to_string())
}

pub(super) fn with_secret(status: StatusCode, added: &AddedClient) -> Response {
    let client_secret = added.secret.as_ref().map(|secret| secret.expose().as_str());
    tagged(status, &Shown { client: &added.client, client_secret }, &added.client.revision.to_string())
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

/// Registers an application. Its secret, where it has one, is in this answer and kept nowhere.
#[utoipa::path(post, path = "/.gabion/api/v1/clients", tag = "clients", operation_id = "create_client", request_body = NewApplication,
    responses((status = 201, body = Object), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(console): State<Console>,
    asker: Asker,
    Body(new): Body<NewApplication>,
) -> Response {
    let new = NewClient { id: new.id, tenant: new.tenant, metadata: new.metadata, secret: None };
    match console.service.add_client(&asker.caller, new).await {
        Ok(added) => with_secret(StatusCode::CREATED, &added),
        Err(error) => refused(error),
    }
}
