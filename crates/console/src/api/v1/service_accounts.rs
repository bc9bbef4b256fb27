//! `GET /.gabion/api/v1/service-accounts`: the accounts of programs, by name. `POST`: makes one.

pub(crate) mod one;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_service::{AccountKind, PersonSearch, Start, Which};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::users::User;
use super::{Page, Paging, json, limit, refused, tagged};
use crate::Console;
use crate::api::{Asker, Body, Problem, Query};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list).post(create)
}

/// The program's account to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewServiceAccount {
    name: String,
    #[serde(default)]
    roles: Vec<String>,
}

/// The accounts of programs, by name.
#[utoipa::path(get, path = "/.gabion/api/v1/service-accounts", tag = "service-accounts", operation_id = "list_service_accounts",
    params(Paging), responses((status = 200, body = Page<User>), (status = 403, body = Problem)))]
pub(crate) async fn list(
    State(console): State<Console>,
    asker: Asker,
    Query(paging): Query<Paging>,
) -> Response {
    let limit = match limit(paging.limit) {
        Ok(limit) => limit,
        Err(answer) => return answer,
    };
    let search = PersonSearch { kind: Some(AccountKind::Service), ..PersonSearch::default() };
    let start = paging.page.map_or(Start::First, Start::Token);
    match console.service.find_people(&asker.caller, search, start, limit).await {
        Ok(found) => {
            let items: Vec<User> = found.items.into_iter().map(User::from).collect();
            json(StatusCode::OK, &Page { items, total: Some(found.total), next: found.next })
        }
        Err(error) => refused(error),
    }
}

/// Makes an account for a program. It acts by its keys, certificates and client credentials.
#[utoipa::path(post, path = "/.gabion/api/v1/service-accounts", tag = "service-accounts", operation_id = "create_service_account",
    request_body = NewServiceAccount,
    responses((status = 201, body = User), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(console): State<Console>,
    asker: Asker,
    Body(new): Body<NewServiceAccount>,
) -> Response {
    if let Err(error) = console.service.add_service_account(&asker.caller, &new.name, new.roles).await {
        return refused(error);
    }
    match console.service.person(&asker.caller, Which::Name(new.name)).await {
        Ok(person) => {
            let version = person.version.clone();
            tagged(StatusCode::CREATED, &User::from(person), &version)
        }
        Err(error) => refused(error),
    }
}
