//! `GET /.gabion/api/v1/contract-drafts/{name}`: a contract that is being learned, as an OpenAPI document.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use super::refused;
use crate::api::{Asker, Problem};
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    get(read)
}

/// What was learned of an interface so far (OpenAPI 3.1): paths, names, types and rounded bounds, never a value.
#[utoipa::path(get, path = "/.gabion/api/v1/contract-drafts/{name}", tag = "contracts", operation_id = "read_contract_draft",
    params(("name" = String, Path, description = "As in `learn` of a route.")),
    responses((status = 200, description = "An OpenAPI document.", content_type = "application/json"),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn read(State(console): State<Console>, asker: Asker, Path(name): Path<String>) -> Response {
    match console.service.contract_draft(&asker.caller, &name).await {
        Ok(draft) => {
            let mut answer = Response::new(draft.document(&name).to_string().into());
            *answer.status_mut() = StatusCode::OK;
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            page::harden(answer.headers_mut());
            answer
        }
        Err(error) => refused(error),
    }
}
