//! `GET /.gabion/api/v1/users/{id}/api-keys`: the API keys of an account. `POST`: makes one; it is shown once.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::{AccountId, Period};
use gabion_service::{CreateApiKey, Which};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::Console;
use crate::api::v1::api_keys::{ApiKeyItem, FreshKey};
use crate::api::v1::{Page, json, refused};
use crate::api::{Asker, Body, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list).post(create)
}

/// The key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    /// What you call it.
    label: String,
    /// What it may do.
    scopes: Vec<String>,
    /// How long it lives, for instance `30d`; as the configuration says when not given.
    #[schema(value_type = Option<String>)]
    life: Option<Period>,
}

async fn name(console: &Console, asker: &Asker, id: &str) -> Result<String, Response> {
    let person = console.service.person(&asker.caller, Which::Id(AccountId::new(id))).await;
    person.map(|person| person.name).map_err(refused)
}

/// The living API keys of an account.
#[utoipa::path(get, path = "/.gabion/api/v1/users/{id}/api-keys", tag = "api-keys", operation_id = "list_user_api_keys",
    params(("id" = String, Path)), responses((status = 200, body = Page<ApiKeyItem>), (status = 404, body = Problem)))]
pub(crate) async fn list(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    let name = match name(&console, &asker, &id).await {
        Ok(name) => name,
        Err(answer) => return answer,
    };
    match console.service.api_keys(&asker.caller, Some(&name)).await {
        Ok(keys) => {
            let items: Vec<ApiKeyItem> = keys.into_iter().map(ApiKeyItem::from).collect();
            json(StatusCode::OK, &Page { items, total: None, next: None })
        }
        Err(error) => refused(error),
    }
}

/// Makes an API key. It is in this answer and kept nowhere.
#[utoipa::path(post, path = "/.gabion/api/v1/users/{id}/api-keys", tag = "api-keys", operation_id = "create_api_key",
    params(("id" = String, Path)), request_body = NewKey,
    responses((status = 201, body = FreshKey), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<String>,
    Body(new): Body<NewKey>,
) -> Response {
    let name = match name(&console, &asker, &id).await {
        Ok(name) => name,
        Err(answer) => return answer,
    };
    let new = CreateApiKey { account: Some(name), label: new.label, scopes: new.scopes, life: new.life };
    match console.service.create_api_key(&asker.caller, new).await {
        Ok(fresh) => json(StatusCode::CREATED, &FreshKey::from(fresh)),
        Err(error) => refused(error),
    }
}
