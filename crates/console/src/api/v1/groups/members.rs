//! `GET /.gabion/api/v1/groups/{id}/members`: who is in a group. `POST`: puts some in and takes others out.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::{AccountId, GroupId};
use gabion_service::EditGroup;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::GroupItem;
use crate::Console;
use crate::api::v1::{Page, json, limit, refused, tagged};
use crate::api::{Asker, Body, Problem, Query};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list).post(change)
}

/// Somebody in a group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberItem {
    id: String,
    name: String,
}

/// Which part of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhichMembers {
    /// Behind this account id.
    after: Option<String>,
    /// How many, at most 200; 50 when not given.
    limit: Option<usize>,
}

/// Who comes and who goes, by account id.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ChangedMembers {
    add: Vec<String>,
    remove: Vec<String>,
}

/// Those in a group, by account id.
#[utoipa::path(get, path = "/.gabion/api/v1/groups/{id}/members", tag = "groups", operation_id = "list_members",
    params(("id" = String, Path), WhichMembers), responses((status = 200, body = Page<MemberItem>), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<String>,
    Query(which): Query<WhichMembers>,
) -> Response {
    let limit = match limit(which.limit) {
        Ok(limit) => limit,
        Err(answer) => return answer,
    };
    let after = which.after.as_deref().map(AccountId::new);
    match console.service.group_members(&asker.caller, GroupId::new(&id), after, limit).await {
        Ok(members) => {
            let items: Vec<MemberItem> = members
                .into_iter()
                .map(|member| MemberItem { id: member.id.to_string(), name: member.name })
                .collect();
            json(StatusCode::OK, &Page { items, total: None, next: None })
        }
        Err(error) => refused(error),
    }
}

/// Puts accounts in and takes others out; their sessions end.
#[utoipa::path(post, path = "/.gabion/api/v1/groups/{id}/members", tag = "groups", operation_id = "change_members",
    params(("id" = String, Path)), request_body = ChangedMembers,
    responses((status = 200, body = GroupItem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn change(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<String>,
    Body(changed): Body<ChangedMembers>,
) -> Response {
    let ids = |ids: Vec<String>| ids.iter().map(|id| AccountId::new(id)).collect();
    let edit = EditGroup {
        add: ids(changed.add),
        remove: ids(changed.remove),
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
