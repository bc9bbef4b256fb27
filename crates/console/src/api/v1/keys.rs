//! `GET /.gabion/api/v1/keys`: the signing keys. `POST …/keys/rotate`: announces successors ahead of the
//! schedule. `DELETE …/keys/{kid}`: trusts a key no more.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, post};
use gabion_service::{KeyStanding, KeyView};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Page, json, refused};
use crate::Console;
use crate::api::{Asker, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list)
}

pub(crate) fn rotation() -> MethodRouter<Console> {
    post(rotate)
}

pub(crate) fn one() -> MethodRouter<Console> {
    delete(revoke)
}

/// A key without its private part.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyItem {
    kid: String,
    algorithm: String,
    /// `active` signs, `next` will, `retired` only verifies.
    standing: &'static str,
    created: String,
    active: String,
    retired: Option<String>,
    expires: Option<String>,
}

impl From<KeyView> for KeyItem {
    fn from(key: KeyView) -> Self {
        Self {
            kid: key.kid,
            algorithm: key.algorithm.as_str().to_owned(),
            standing: match key.standing {
                KeyStanding::Active => "active",
                KeyStanding::Next => "next",
                KeyStanding::Retired => "retired",
            },
            created: key.times.created.to_string(),
            active: key.times.active.to_string(),
            retired: key.times.retired.map(|time| time.to_string()),
            expires: key.times.expires.map(|time| time.to_string()),
        }
    }
}

fn shown(keys: Vec<KeyView>) -> Response {
    let items: Vec<KeyItem> = keys.into_iter().map(KeyItem::from).collect();
    json(StatusCode::OK, &Page { items, total: None, next: None })
}

/// The signing keys and what each is for now; never a private part.
#[utoipa::path(get, path = "/.gabion/api/v1/keys", tag = "keys", operation_id = "list_keys",
    responses((status = 200, body = Page<KeyItem>), (status = 403, body = Problem)))]
pub(crate) async fn list(State(console): State<Console>, asker: Asker) -> Response {
    match console.service.list_keys(&asker.caller).await {
        Ok(keys) => shown(keys),
        Err(error) => refused(error),
    }
}

/// Announces successors of all signing keys; they sign once everybody who keeps the published keys has them.
#[utoipa::path(post, path = "/.gabion/api/v1/keys/rotate", tag = "keys",
    responses((status = 200, body = Page<KeyItem>), (status = 403, body = Problem)))]
pub(crate) async fn rotate(State(console): State<Console>, asker: Asker) -> Response {
    match console.service.rotate_keys(&asker.caller, None).await {
        Ok(keys) => shown(keys),
        Err(error) => refused(error),
    }
}

/// Trusts a key no more: for one that became known to others.
#[utoipa::path(delete, path = "/.gabion/api/v1/keys/{kid}", tag = "keys", operation_id = "revoke_key", params(("kid" = String, Path)),
    responses((status = 200, body = KeyItem), (status = 404, body = Problem)))]
pub(crate) async fn revoke(
    State(console): State<Console>,
    asker: Asker,
    Path(kid): Path<String>,
) -> Response {
    match console.service.revoke_key(&asker.caller, &kid).await {
        Ok(key) => json(StatusCode::OK, &KeyItem::from(key)),
        Err(error) => refused(error),
    }
}
