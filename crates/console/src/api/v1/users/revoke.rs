//! `POST /.gabion/api/v1/users/{id}/revoke`: ends everything granted to the account until now; it may sign in
//! again.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_model::AccountId;
use gabion_service::Which;

use crate::Console;
use crate::api::v1::{done, refused};
use crate::api::{Asker, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    post(revoke)
}

/// Ends sessions, tokens and open links of the account.
#[utoipa::path(post, path = "/.gabion/api/v1/users/{id}/revoke", tag = "users", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn revoke(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match console.service.revoke_person(&asker.caller, Which::Id(AccountId::new(&id))).await {
        Ok(_) => done(),
        Err(error) => refused(error),
    }
}
