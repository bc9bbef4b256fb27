//! `GET /.gabion/scim/v2/Groups`: groups. `POST`: makes one (RFC 7644, 3.3, 3.4.2).

pub(crate) mod one;
pub(crate) mod search;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_service::scim::{GROUP, group};

use crate::Console;
use crate::scim::{Asked, Document, Refused, created, list as page};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list).post(create)
}

async fn list(State(console): State<Console>, asked: Asked) -> Response {
    let query = match asked.query() {
        Ok(query) => query,
        Err(answer) => return answer,
    };
    match console.service.scim_groups(&asked.caller, query).await {
        Ok(found) => page(found),
        Err(error) => Refused::from(error).answer(),
    }
}

async fn create(State(console): State<Console>, asked: Asked, Document(body): Document) -> Response {
    let (query, wanted) = match (asked.query(), group::whole(body)) {
        (Ok(query), Ok(wanted)) => (query, wanted),
        (Err(answer), _) => return answer,
        (_, Err(refusal)) => return Refused::from(refusal).answer(),
    };
    match console.service.scim_add_group(&asked.caller, wanted).await {
        Ok(mut made) => {
            query.selection.apply(&GROUP, &mut made.body);
            created(made)
        }
        Err(error) => Refused::from(error).answer(),
    }
}
