//! `GET /.gabion/scim/v2/Users`: users. `POST`: makes one (RFC 7644, 3.3, 3.4.2).

pub(crate) mod one;
pub(crate) mod search;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_service::scim::USER;

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
    match console.service.scim_users(&asked.caller, query).await {
        Ok(found) => page(found),
        Err(error) => Refused::from(error).answer(),
    }
}

async fn create(State(console): State<Console>, asked: Asked, Document(body): Document) -> Response {
    let query = match asked.query() {
        Ok(query) => query,
        Err(answer) => return answer,
    };
    match console.service.scim_add_user(&asked.caller, body, console.scim.trust_emails).await {
        Ok(mut user) => {
            query.selection.apply(&USER, &mut user.body);
            created(user)
        }
        Err(error) => Refused::from(error).answer(),
    }
}
