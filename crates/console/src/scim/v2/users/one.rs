//! `GET /.gabion/scim/v2/Users/{id}`: a user. `PUT`: all of it anew. `PATCH`: some of it. `DELETE`: removes it with
//! everything that hangs on it (RFC 7644, 3.4.1, 3.5, 3.6).

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::AccountId;
use gabion_service::scim::{Query, Refusal, USER};
use gabion_service::{ScimError, ScimResource, UserChange};

use crate::Console;
use crate::scim::{Asked, Document, Refused, no_content, one, unchanged};

pub(crate) fn route() -> MethodRouter<Console> {
    get(read).put(replace).patch(patch).delete(remove)
}

async fn read(State(console): State<Console>, asked: Asked, Path(id): Path<String>) -> Response {
    let query = match asked.query() {
        Ok(query) => query,
        Err(answer) => return answer,
    };
    match console.service.scim_user(&asked.caller, AccountId::new(&id)).await {
        Ok(user) if asked.known.iter().any(|tag| *tag == user.version || tag == "*") => {
            unchanged(&user.version)
        }
        found => shown(&query, found),
    }
}

async fn replace(
    State(console): State<Console>,
    asked: Asked,
    Path(id): Path<String>,
    Document(body): Document,
) -> Response {
    change(&console, asked, &id, UserChange::whole(body)).await
}

async fn patch(
    State(console): State<Console>,
    asked: Asked,
    Path(id): Path<String>,
    Document(body): Document,
) -> Response {
    change(&console, asked, &id, UserChange::patch(body)).await
}

async fn remove(State(console): State<Console>, asked: Asked, Path(id): Path<String>) -> Response {
    match console.service.scim_remove_user(&asked.caller, AccountId::new(&id), asked.versions).await {
        Ok(()) => no_content(),
        Err(error) => Refused::from(error).answer(),
    }
}

async fn change(console: &Console, asked: Asked, id: &str, change: Result<UserChange, Refusal>) -> Response {
    let (query, change) = match (asked.query(), change) {
        (Ok(query), Ok(change)) => (query, change),
        (Err(answer), _) => return answer,
        (_, Err(refusal)) => return Refused::from(refusal).answer(),
    };
    let (id, trusted) = (AccountId::new(id), console.scim.trust_emails);
    shown(&query, console.service.scim_change_user(&asked.caller, id, change, asked.versions, trusted).await)
}

/// What was asked for of it.
fn shown(query: &Query, found: Result<ScimResource, ScimError>) -> Response {
    match found {
        Ok(mut user) => {
            query.selection.apply(&USER, &mut user.body);
            one(user)
        }
        Err(error) => Refused::from(error).answer(),
    }
}
