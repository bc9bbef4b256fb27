//! `POST /.gabion/scim/v2/Groups/.search`: groups by a question in the body (RFC 7644, 3.4.3).

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_service::scim::Query;

use crate::Console;
use crate::scim::{Asked, Document, Refused, list};

pub(crate) fn route() -> MethodRouter<Console> {
    post(search)
}

async fn search(State(console): State<Console>, asked: Asked, Document(body): Document) -> Response {
    let query = match Query::from_body(body) {
        Ok(query) => query,
        Err(refusal) => return Refused::from(refusal).answer(),
    };
    match console.service.scim_groups(&asked.caller, query).await {
        Ok(found) => list(found),
        Err(error) => Refused::from(error).answer(),
    }
}
