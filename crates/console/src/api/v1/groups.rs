//! `GET /.gabion/api/v1/groups`: groups, by name. `POST`: makes one.

pub(crate) mod members;
pub(crate) mod one;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::AccountId;
use gabion_service::{GroupSearch, GroupView, NewGroup, Start};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Page, json, limit, refused, tagged};
use crate::Console;
use crate::api::{Asker, Body, Problem, Query};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list).post(create)
}

/// A group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupItem {
    id: String,
    name: String,
    tenant: String,
    /// What everybody in it has beside their own.
    roles: Vec<String>,
    external_id: Option<String>,
    /// How many are in it.
    members: u64,
    created: String,
    updated: String,
    version: String,
}

impl From<GroupView> for GroupItem {
    fn from(group: GroupView) -> Self {
        Self {
            id: group.id.to_string(),
            name: group.name,
            tenant: group.tenant.to_string(),
            roles: group.roles,
            external_id: group.external_id,
            members: group.members,
            created: group.created.to_string(),
            updated: group.updated.to_string(),
            version: group.version,
        }
    }
}

/// Which groups.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhichGroups {
    name: Option<String>,
    external_id: Option<String>,
    /// `next` of an earlier page of the same list.
    page: Option<String>,
    /// How many, at most 200; 50 when not given.
    limit: Option<usize>,
}

/// The group to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupToMake {
    name: String,
    tenant: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    external_id: Option<String>,
    /// Ids of accounts.
    #[serde(default)]
    members: Vec<String>,
}

/// Groups, by name.
#[utoipa::path(get, path = "/.gabion/api/v1/groups", tag = "groups", operation_id = "list_groups", params(WhichGroups),
    responses((status = 200, body = Page<GroupItem>), (status = 403, body = Problem)))]
pub(crate) async fn list(
    State(console): State<Console>,
    asker: Asker,
    Query(which): Query<WhichGroups>,
) -> Response {
    let limit = match limit(which.limit) {
        Ok(limit) => limit,
        Err(answer) => return answer,
    };
    let search = GroupSearch { name: which.name, external_id: which.external_id, descending: false };
    let start = which.page.map_or(Start::First, Start::Token);
    match console.service.find_groups(&asker.caller, search, start, limit).await {
        Ok(found) => {
            let items: Vec<GroupItem> = found.items.into_iter().map(GroupItem::from).collect();
            json(StatusCode::OK, &Page { items, total: Some(found.total), next: found.next })
        }
        Err(error) => refused(error),
    }
}

/// Makes a group.
#[utoipa::path(post, path = "/.gabion/api/v1/groups", tag = "groups", operation_id = "create_group", request_body = GroupToMake,
    responses((status = 201, body = GroupItem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(console): State<Console>,
    asker: Asker,
    Body(new): Body<GroupToMake>,
) -> Response {
    let new = NewGroup {
        name: new.name,
        tenant: new.tenant,
        roles: new.roles,
        external_id: new.external_id,
        members: new.members.iter().map(|id| AccountId::new(id)).collect(),
    };
    match console.service.add_group(&asker.caller, new).await {
        Ok(group) => {
            let version = group.version.clone();
            tagged(StatusCode::CREATED, &GroupItem::from(group), &version)
        }
        Err(error) => refused(error),
    }
}
