//! `GET /.gabion/api/v1/groups/{id}`: a group. `PATCH`: changes it. `DELETE`: removes it.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::GroupId;
use gabion_service::EditGroup;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::GroupItem;
use crate::Console;
use crate::api::v1::{done, refused, tagged};
use crate::api::{Asker, Body, Problem, some};

pub(crate) fn route() -> MethodRouter<Console> {
    get(read).patch(change).delete(remove)
}

/// What to change; what is absent stays, `null` takes away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ChangedGroup {
    name: Option<String>,
    roles: Option<Vec<String>>,
    #[serde(deserialize_with = "some")]
    #[schema(value_type = Option<String>)]
    external_id: Option<Option<String>>,
}

/// A group.
#[utoipa::path(get, path = "/.gabion/api/v1/groups/{id}", tag = "groups", operation_id = "read_group", params(("id" = String, Path)),
    responses((status = 200, body = GroupItem), (status = 404, body = Problem)))]
pub(crate) async fn read(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match console.service.group(&asker.caller, GroupId::new(&id)).await {
        Ok(group) => {
            let version = group.version.clone();
            tagged(StatusCode::OK, &GroupItem::from(group), &version)
        }
        Err(error) => refused(error),
    }
}

/// Changes a group; sessions of those in it end when its name or roles change.
#[utoipa::path(patch, path = "/.gabion/api/v1/groups/{id}", tag = "groups", operation_id = "change_group",
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = ChangedGroup,
    responses((status = 200, body = GroupItem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem)))]
pub(crate) async fn change(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<String>,
    Body(changed): Body<ChangedGroup>,
) -> Response {
    let edit = EditGroup {
        name: changed.name,
        roles: changed.roles,
        external_id: changed.external_id,
        version: asker.version,
        ..EditGroup::default()
    };
    match console.service.edit_group(&asker.caller, GroupId::new(&id), edit).await {
        Ok(group) => {
            let version = group.version.clone();
            tagged(StatusCode::OK, &GroupItem::from(group), &version)
        }
        Err(error) => refused(error),
    }
}

/// Removes a group.
#[utoipa::path(delete, path = "/.gabion/api/v1/groups/{id}", tag = "groups", operation_id = "remove_group", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn remove(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match console.service.remove_group(&asker.caller, GroupId::new(&id)).await {
        Ok(()) => done(),
        Err(error) => refused(error),
    }
}
