//! `POST /.gabion/api/v1/users/{id}/invite`: a new one-time link for somebody who has no password yet.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_model::AccountId;
use gabion_service::Which;
use http::StatusCode;

use super::reset::Link;
use crate::Console;
use crate::api::v1::{json, refused};
use crate::api::{Asker, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    post(invite)
}

/// Answers with a one-time link; an older one stops working. Takes nothing away.
#[utoipa::path(post, path = "/.gabion/api/v1/users/{id}/invite", tag = "users", params(("id" = String, Path)),
    responses((status = 200, body = Link), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn invite(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match console.service.invite(&asker.caller, Which::Id(AccountId::new(&id))).await {
        Ok(link) => {
            let url = format!("{}{}", console.service.origin(), link.path().expose());
            json(StatusCode::OK, &Link { url, expires: link.expires.to_string() })
        }
        Err(error) => refused(error),
    }
}
