//! `GET /.gabion/api/v1/users/{id}/sessions`: where somebody is signed in. `DELETE`: signs them out everywhere.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::AccountId;
use gabion_service::Which;
use http::StatusCode;

use crate::Console;
use crate::api::v1::sessions::SessionItem;
use crate::api::v1::{Page, done, json, refused};
use crate::api::{Asker, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list).delete(end)
}

/// The living sessions of an account, the latest seen first.
#[utoipa::path(get, path = "/.gabion/api/v1/users/{id}/sessions", tag = "users", operation_id = "list_user_sessions",
    params(("id" = String, Path)), responses((status = 200, body = Page<SessionItem>), (status = 404, body = Problem)))]
pub(crate) async fn list(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    let of = Some(Which::Id(AccountId::new(&id)));
    match console.service.find_sessions(&asker.caller, of, None, 200).await {
        Ok(page) => {
            let items: Vec<SessionItem> = page.items.into_iter().map(SessionItem::from).collect();
            json(StatusCode::OK, &Page { items, total: None, next: page.next })
        }
        Err(error) => refused(error),
    }
}

/// Ends every session of an account; tokens, keys and open links stay.
#[utoipa::path(delete, path = "/.gabion/api/v1/users/{id}/sessions", tag = "users", operation_id = "end_user_sessions",
    params(("id" = String, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn end(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match console.service.end_sessions(&asker.caller, Which::Id(AccountId::new(&id))).await {
        Ok(_) => done(),
        Err(error) => refused(error),
    }
}
