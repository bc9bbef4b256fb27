//! `POST /.gabion/api/v1/users/{id}/reset`: takes the password away, ends the sessions, and answers with the
//! one-time link by which the person chooses another.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_model::AccountId;
use gabion_service::Which;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Console;
use crate::api::v1::{json, refused};
use crate::api::{Asker, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    post(reset)
}

/// A link that works once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Link {
    pub(super) url: String,
    pub(super) expires: String,
}

/// Takes the password away and answers with a one-time link.
#[utoipa::path(post, path = "/.gabion/api/v1/users/{id}/reset", tag = "users", params(("id" = String, Path)),
    responses((status = 200, body = Link), (status = 404, body = Problem)))]
pub(crate) async fn reset(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    let person = match console.service.person(&asker.caller, Which::Id(AccountId::new(&id))).await {
        Ok(person) => person,
        Err(error) => return refused(error),
    };
    match console.service.reset_account(&asker.caller, &person.name).await {
        Ok(link) => {
            let url = format!("{}{}", console.service.origin(), link.path().expose());
            json(StatusCode::OK, &Link { url, expires: link.expires.to_string() })
        }
        Err(error) => refused(error),
    }
}
