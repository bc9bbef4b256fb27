//! `GET /.gabion/api/v1/users`: accounts, by name, filtered. `POST`: makes one.

pub(crate) mod api_keys;
pub(crate) mod factors;
pub(crate) mod grants;
pub(crate) mod invite;
pub(crate) mod one;
pub(crate) mod reset;
pub(crate) mod revoke;
pub(crate) mod sessions;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::GroupId;
use gabion_service::{AccountKind, NewPerson, Person, PersonSearch, Personal, Start, StateFilter};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Page, json, limit, refused, tagged};
use crate::Console;
use crate::api::{Asker, Body, Problem, Query};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list).post(create)
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct User {
    id: String,
    /// What the person signs in with.
    name: String,
    /// `person` or `service`.
    kind: &'static str,
    tenant: String,
    /// `active`, `disabled` or `invited`: it has no password yet.
    state: &'static str,
    email: Option<String>,
    email_verified: bool,
    /// Claims of OpenID Connect Core 1.0, section 5.1.
    #[schema(value_type = Object)]
    personal: Personal,
    /// Of its own.
    roles: Vec<String>,
    /// Of its own and by its groups.
    effective_roles: Vec<String>,
    groups: Vec<GroupOf>,
    external_id: Option<String>,
    created: String,
    updated: String,
    last_sign_in: Option<String>,
    /// How many sessions it has now.
    sessions: usize,
    /// The entity tag, without quotes.
    version: String,
}

/// A group of an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupOf {
    id: String,
    name: String,
}

impl From<Person> for User {
    fn from(person: Person) -> Self {
        Self {
            id: person.id.to_string(),
            name: person.name,
            kind: match person.kind {
                AccountKind::Person => "person",
                AccountKind::Service => "service",
            },
            tenant: person.tenant.to_string(),
            state: match person.state {
                gabion_service::AccountState::Active => "active",
                gabion_service::AccountState::Disabled => "disabled",
                gabion_service::AccountState::Invited => "invited",
            },
            email: person.email,
            email_verified: person.email_verified,
            personal: person.personal,
            roles: person.roles,
            effective_roles: person.effective_roles,
            groups: person
                .groups
                .into_iter()
                .map(|group| GroupOf { id: group.id.to_string(), name: group.name })
                .collect(),
            external_id: person.external_id,
            created: person.created.to_string(),
            updated: person.updated.to_string(),
            last_sign_in: person.last_sign_in.map(|time| time.to_string()),
            sessions: person.sessions,
            version: person.version,
        }
    }
}

/// Which accounts; all that is given must fit.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    name: Option<String>,
    /// Name or address have this in them.
    contains: Option<String>,
    email: Option<String>,
    external_id: Option<String>,
    /// `person` or `service`.
    #[param(value_type = Option<String>)]
    kind: Option<AccountKind>,
    tenant: Option<String>,
    /// Of their own or by a group.
    role: Option<String>,
    /// The id of a group.
    group: Option<String>,
    /// `active`, `disabled` or `invited`.
    #[param(value_type = Option<String>)]
    state: Option<StateFilter>,
    /// `next` of an earlier page of the same list.
    page: Option<String>,
    /// How many, at most 200; 50 when not given.
    limit: Option<usize>,
}

/// The account to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    name: String,
    /// `person` when not given.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    kind: AccountKind,
    tenant: Option<String>,
    email: Option<String>,
    /// You vouch that the address is the person's.
    #[serde(default)]
    email_verified: bool,
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    personal: Personal,
    #[serde(default)]
    roles: Vec<String>,
    /// Ids of groups.
    #[serde(default)]
    groups: Vec<String>,
    external_id: Option<String>,
    #[serde(default)]
    disabled: bool,
}

/// Accounts, by name.
#[utoipa::path(
    get,
    path = "/.gabion/api/v1/users",
    tag = "users",
    params(Which),
    responses((status = 200, body = Page<User>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem))
)]
pub(crate) async fn list(
    State(console): State<Console>,
    asker: Asker,
    Query(which): Query<Which>,
) -> Response {
    let limit = match limit(which.limit) {
        Ok(limit) => limit,
        Err(answer) => return answer,
    };
    let search = PersonSearch {
        name: which.name,
        contains: which.contains,
        email: which.email,
        external_id: which.external_id,
        kind: which.kind,
        tenant: which.tenant,
        role: which.role,
        group: which.group.as_deref().map(GroupId::new),
        state: which.state,
        descending: false,
    };
    let start = which.page.map_or(Start::First, Start::Token);
    match console.service.find_people(&asker.caller, search, start, limit).await {
        Ok(found) => {
            let items: Vec<User> = found.items.into_iter().map(User::from).collect();
            json(StatusCode::OK, &Page { items, total: Some(found.total), next: found.next })
        }
        Err(error) => refused(error),
    }
}

/// Makes an account. Nobody can sign in to it until a one-time link (`…/reset`) was used.
#[utoipa::path(
    post,
    path = "/.gabion/api/v1/users",
    tag = "users",
    request_body = NewUser,
    responses((status = 201, body = User), (status = 409, body = Problem), (status = 422, body = Problem))
)]
pub(crate) async fn create(
    State(console): State<Console>,
    asker: Asker,
    Body(new): Body<NewUser>,
) -> Response {
    let new = NewPerson {
        name: new.name,
        kind: new.kind,
        tenant: new.tenant,
        email: new.email,
        email_verified: new.email_verified,
        personal: new.personal,
        roles: new.roles,
        groups: new.groups.iter().map(|id| GroupId::new(id)).collect(),
        external_id: new.external_id,
        disabled: new.disabled,
    };
    match console.service.provision(&asker.caller, new).await {
        Ok(person) => {
            let version = person.version.clone();
            tagged(StatusCode::CREATED, &User::from(person), &version)
        }
        Err(error) => refused(error),
    }
}
