//! `GET /.gabion/api/v1/roles`: every role somebody has or a group gives.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Page, json, refused};
use crate::Console;
use crate::api::{Asker, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list)
}

/// A role.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RoleItem {
    name: String,
    /// How many accounts have it of their own.
    users: u64,
    /// The ids of the groups that give it.
    groups: Vec<String>,
}

/// The roles in use, by name.
#[utoipa::path(get, path = "/.gabion/api/v1/roles", tag = "roles", operation_id = "list_roles",
    responses((status = 200, body = Page<RoleItem>), (status = 403, body = Problem)))]
pub(crate) async fn list(State(console): State<Console>, asker: Asker) -> Response {
    match console.service.roles(&asker.caller).await {
        Ok(roles) => {
            let items: Vec<RoleItem> = roles
                .into_iter()
                .map(|role| RoleItem {
                    name: role.name,
                    users: role.accounts,
                    groups: role.groups.into_iter().map(|group| group.id.to_string()).collect(),
                })
                .collect();
            json(StatusCode::OK, &Page { items, total: None, next: None })
        }
        Err(error) => refused(error),
    }
}
