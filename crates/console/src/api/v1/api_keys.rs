//! `GET /.gabion/api/v1/api-keys`: every living API key. `DELETE …/{id}`: ends one. `POST …/{id}/rotate`: makes
//! its successor.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, post};
use gabion_model::Period;
use gabion_service::{ApiKeyView, FreshApiKey};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Page, done, json, refused};
use crate::Console;
use crate::api::{Asker, Body, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list)
}

pub(crate) fn one() -> MethodRouter<Console> {
    delete(revoke)
}

pub(crate) fn rotation() -> MethodRouter<Console> {
    post(rotate)
}

/// An API key; never the key itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApiKeyItem {
    id: String,
    /// The account's name.
    account: String,
    label: String,
    /// The key's beginning.
    hint: String,
    scopes: Vec<String>,
    created: String,
    expires: String,
    last_used: Option<String>,
    /// The id of the key that takes its place.
    successor: Option<String>,
}

/// An API key that was made just now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FreshKey {
    /// The key. Shown this once.
    key: String,
    #[serde(flatten)]
    item: ApiKeyItem,
}

/// How to rotate.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rotation {
    /// How long the former key works on, for instance `1h`; as the configuration says when not given.
    #[schema(value_type = Option<String>)]
    overlap: Option<Period>,
}

impl From<ApiKeyView> for ApiKeyItem {
    fn from(key: ApiKeyView) -> Self {
        Self {
            id: key.id,
            account: key.account,
            label: key.label,
            hint: key.hint,
            scopes: key.scopes,
            created: key.created.to_string(),
            expires: key.expires.to_string(),
            last_used: key.last_used.map(|time| time.to_string()),
            successor: key.successor,
        }
    }
}

impl From<FreshApiKey> for FreshKey {
    fn from(fresh: FreshApiKey) -> Self {
        Self { key: fresh.secret.expose().clone(), item: fresh.view.into() }
    }
}

/// Every living API key of everybody.
#[utoipa::path(get, path = "/.gabion/api/v1/api-keys", tag = "api-keys", operation_id = "list_api_keys",
    responses((status = 200, body = Page<ApiKeyItem>), (status = 403, body = Problem)))]
pub(crate) async fn list(State(console): State<Console>, asker: Asker) -> Response {
    match console.service.all_api_keys(&asker.caller).await {
        Ok(keys) => {
            let items: Vec<ApiKeyItem> = keys.into_iter().map(ApiKeyItem::from).collect();
            json(StatusCode::OK, &Page { items, total: None, next: None })
        }
        Err(error) => refused(error),
    }
}

/// Ends an API key now, with every stream it opened.
#[utoipa::path(delete, path = "/.gabion/api/v1/api-keys/{id}", tag = "api-keys", operation_id = "revoke_api_key", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn revoke(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match console.service.revoke_api_key(&asker.caller, &id).await {
        Ok(()) => done(),
        Err(error) => refused(error),
    }
}

/// Makes the successor of an API key; both work for a while. The new one is in this answer and kept nowhere.
#[utoipa::path(post, path = "/.gabion/api/v1/api-keys/{id}/rotate", tag = "api-keys", operation_id = "rotate_api_key",
    params(("id" = String, Path)), request_body = Rotation,
    responses((status = 201, body = FreshKey), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn rotate(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<String>,
    Body(rotation): Body<Rotation>,
) -> Response {
    match console.service.rotate_api_key(&asker.caller, &id, rotation.overlap).await {
        Ok(fresh) => json(StatusCode::CREATED, &FreshKey::from(fresh)),
        Err(error) => refused(error),
    }
}
