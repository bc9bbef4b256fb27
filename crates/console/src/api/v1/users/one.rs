//! `GET /.gabion/api/v1/users/{id}`: an account. `PATCH`: changes it (RFC 7396). `DELETE`: removes it with
//! everything that hangs on it.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::{AccountId, GroupId};
use gabion_service::{EditPerson, Personal, Which};
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::User;
use crate::Console;
use crate::api::v1::{done, refused, tagged};
use crate::api::{Asker, Body, Problem, Query, some};

pub(crate) fn route() -> MethodRouter<Console> {
    get(read).patch(change).delete(remove)
}

/// What to change; what is absent stays, `null` takes away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ChangedUser {
    name: Option<String>,
    tenant: Option<String>,
    #[serde(deserialize_with = "some")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
    /// You vouch that the address is the person's.
    email_verified: Option<bool>,
    /// In place of all that was known.
    #[schema(value_type = Option<Object>)]
    personal: Option<Personal>,
    roles: Option<Vec<String>>,
    /// Exactly these groups, by id.
    groups: Option<Vec<String>>,
    #[serde(deserialize_with = "some")]
    #[schema(value_type = Option<String>)]
    external_id: Option<Option<String>>,
    /// `true` ends all its sessions, tokens and keys at once.
    disabled: Option<bool>,
}

/// How to remove.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Removal {
    /// Nobody else is given the name afterwards.
    #[serde(default)]
    keep_name: bool,
}

/// An account.
#[utoipa::path(get, path = "/.gabion/api/v1/users/{id}", tag = "users", params(("id" = String, Path)),
    responses((status = 200, body = User), (status = 404, body = Problem)))]
pub(crate) async fn read(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match console.service.person(&asker.caller, Which::Id(AccountId::new(&id))).await {
        Ok(person) => {
            let version = person.version.clone();
            tagged(StatusCode::OK, &User::from(person), &version)
        }
        Err(error) => refused(error),
    }
}

/// Changes an account: all of it or nothing.
#[utoipa::path(patch, path = "/.gabion/api/v1/users/{id}", tag = "users",
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = ChangedUser,
    responses((status = 200, body = User), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn change(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<String>,
    Body(changed): Body<ChangedUser>,
) -> Response {
    let edit = EditPerson {
        name: changed.name,
        tenant: changed.tenant,
        email: changed.email,
        email_verified: changed.email_verified,
        personal: changed.personal,
        roles: changed.roles,
        groups: changed.groups.map(|ids| ids.iter().map(|id| GroupId::new(id)).collect()),
        external_id: changed.external_id,
        disabled: changed.disabled,
        version: asker.version,
    };
    match console.service.edit_person(&asker.caller, Which::Id(AccountId::new(&id)), edit).await {
        Ok(person) => {
            let version = person.version.clone();
            tagged(StatusCode::OK, &User::from(person), &version)
        }
        Err(error) => refused(error),
    }
}

/// Removes an account with its sessions, keys, grants and factors; all of them end at once.
#[utoipa::path(delete, path = "/.gabion/api/v1/users/{id}", tag = "users", params(("id" = String, Path), Removal),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn remove(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<String>,
    Query(removal): Query<Removal>,
) -> Response {
    let which = Which::Id(AccountId::new(&id));
    match console.service.remove_person(&asker.caller, which, removal.keep_name).await {
        Ok(()) => done(),
        Err(error) => refused(error),
    }
}
