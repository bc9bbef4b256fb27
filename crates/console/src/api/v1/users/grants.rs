//! `GET /.gabion/api/v1/users/{id}/grants`: which applications somebody let in. `DELETE …/grants/{client}`:
//! ends what one of them was given.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get};
use gabion_model::AccountId;
use gabion_service::Which;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Console;
use crate::api::v1::{Page, done, json, refused};
use crate::api::{Asker, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list)
}

pub(crate) fn one() -> MethodRouter<Console> {
    delete(revoke)
}

/// What an application was given.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Grant {
    client: String,
    name: String,
    granted: String,
    last_used: Option<String>,
    /// How many sign-ins of it live now.
    active: usize,
}

async fn name(console: &Console, asker: &Asker, id: &str) -> Result<String, Response> {
    let person = console.service.person(&asker.caller, Which::Id(AccountId::new(id))).await;
    person.map(|person| person.name).map_err(refused)
}

/// The applications somebody let in.
#[utoipa::path(get, path = "/.gabion/api/v1/users/{id}/grants", tag = "users", operation_id = "list_grants",
    params(("id" = String, Path)), responses((status = 200, body = Page<Grant>), (status = 404, body = Problem)))]
pub(crate) async fn list(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    let name = match name(&console, &asker, &id).await {
        Ok(name) => name,
        Err(answer) => return answer,
    };
    match console.service.grants(&asker.caller, Some(&name)).await {
        Ok(grants) => {
            let items: Vec<Grant> = grants
                .into_iter()
                .map(|grant| Grant {
                    client: grant.client,
                    name: grant.name,
                    granted: grant.granted.to_string(),
                    last_used: grant.last_used.map(|time| time.to_string()),
                    active: grant.active,
                })
                .collect();
            json(StatusCode::OK, &Page { items, total: None, next: None })
        }
        Err(error) => refused(error),
    }
}

/// Ends what an application was given.
#[utoipa::path(delete, path = "/.gabion/api/v1/users/{id}/grants/{client}", tag = "users", operation_id = "revoke_grant",
    params(("id" = String, Path), ("client" = String, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn revoke(
    State(console): State<Console>,
    asker: Asker,
    Path((id, client)): Path<(String, String)>,
) -> Response {
    let name = match name(&console, &asker, &id).await {
        Ok(name) => name,
        Err(answer) => return answer,
    };
    match console.service.revoke_grant(&asker.caller, Some(&name), &client).await {
        Ok(()) => done(),
        Err(error) => refused(error),
    }
}
