//! `GET /.gabion/api/v1/service-accounts/{id}`: a program's account. `DELETE`: removes it with its keys. `POST
//! …/disable` and `…/enable`.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use gabion_model::AccountId;
use gabion_service::{AccountKind, Person, Which};
use http::StatusCode;

use crate::Console;
use crate::api::v1::users::User;
use crate::api::v1::{done, refused, tagged};
use crate::api::{Asker, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    get(read).delete(remove)
}

pub(crate) fn disabling() -> MethodRouter<Console> {
    post(disable)
}

pub(crate) fn enabling() -> MethodRouter<Console> {
    post(enable)
}

/// The account, if it is a program's: this is no door to people.
async fn program(console: &Console, asker: &Asker, id: &str) -> Result<Person, Response> {
    match console.service.person(&asker.caller, Which::Id(AccountId::new(id))).await {
        Ok(person) if person.kind == AccountKind::Service => Ok(person),
        Ok(_) => Err(Problem::new(StatusCode::NOT_FOUND, "there is no such service account").answer()),
        Err(error) => Err(refused(error)),
    }
}

/// A program's account.
#[utoipa::path(get, path = "/.gabion/api/v1/service-accounts/{id}", tag = "service-accounts", operation_id = "read_service_account",
    params(("id" = String, Path)), responses((status = 200, body = User), (status = 404, body = Problem)))]
pub(crate) async fn read(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match program(&console, &asker, &id).await {
        Ok(person) => {
            let version = person.version.clone();
            tagged(StatusCode::OK, &User::from(person), &version)
        }
        Err(answer) => answer,
    }
}

/// Removes a program's account; its keys, tokens and streams end.
#[utoipa::path(delete, path = "/.gabion/api/v1/service-accounts/{id}", tag = "service-accounts", operation_id = "remove_service_account",
    params(("id" = String, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn remove(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    let person = match program(&console, &asker, &id).await {
        Ok(person) => person,
        Err(answer) => return answer,
    };
    match console.service.remove_person(&asker.caller, Which::Id(person.id), false).await {
        Ok(()) => done(),
        Err(error) => refused(error),
    }
}

/// Refuses a program from now on; its keys, tokens and streams end at once and for good.
#[utoipa::path(post, path = "/.gabion/api/v1/service-accounts/{id}/disable", tag = "service-accounts", operation_id = "disable_service_account",
    params(("id" = String, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn disable(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<String>,
) -> Response {
    let person = match program(&console, &asker, &id).await {
        Ok(person) => person,
        Err(answer) => return answer,
    };
    match console.service.disable_account(&asker.caller, &person.name).await {
        Ok(()) => done(),
        Err(error) => refused(error),
    }
}

/// Lets a disabled program ask again; keys it had do not come back.
#[utoipa::path(post, path = "/.gabion/api/v1/service-accounts/{id}/enable", tag = "service-accounts", operation_id = "enable_service_account",
    params(("id" = String, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn enable(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    let person = match program(&console, &asker, &id).await {
        Ok(person) => person,
        Err(answer) => return answer,
    };
    match console.service.enable_account(&asker.caller, &person.name).await {
        Ok(()) => done(),
        Err(error) => refused(error),
    }
}
