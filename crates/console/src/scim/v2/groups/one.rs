//! `GET /.gabion/scim/v2/Groups/{id}`: a group. `PUT`: all of it anew. `PATCH`: some of it. `DELETE`: removes it
//! (RFC 7644, 3.4.1, 3.5, 3.6).

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::GroupId;
use gabion_service::scim::group::{self, Wanted};
use gabion_service::scim::{GROUP, Query, Refusal, patch as patching};

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
    match console.service.scim_group(&asked.caller, GroupId::new(&id), &query.selection).await {
        Ok(found) if asked.known.iter().any(|tag| *tag == found.version || tag == "*") => {
            unchanged(&found.version)
        }
        Ok(mut found) => {
            query.selection.apply(&GROUP, &mut found.body);
            one(found)
        }
        Err(error) => Refused::from(error).answer(),
    }
}

async fn replace(
    State(console): State<Console>,
    asked: Asked,
    Path(id): Path<String>,
    Document(body): Document,
) -> Response {
    change(&console, asked, &id, group::whole(body)).await
}

async fn patch(
    State(console): State<Console>,
    asked: Asked,
    Path(id): Path<String>,
    Document(body): Document,
) -> Response {
    let wanted = patching::operations(body).and_then(|operations| group::patched(&operations));
    change(&console, asked, &id, wanted).await
}

async fn remove(State(console): State<Console>, asked: Asked, Path(id): Path<String>) -> Response {
    match console.service.scim_remove_group(&asked.caller, GroupId::new(&id), asked.versions).await {
        Ok(()) => no_content(),
        Err(error) => Refused::from(error).answer(),
    }
}

async fn change(console: &Console, asked: Asked, id: &str, wanted: Result<Wanted, Refusal>) -> Response {
    let (query, wanted): (Query, Wanted) = match (asked.query(), wanted) {
        (Ok(query), Ok(wanted)) => (query, wanted),
        (Err(answer), _) => return answer,
        (_, Err(refusal)) => return Refused::from(refusal).answer(),
    };
    match console.service.scim_change_group(&asked.caller, GroupId::new(id), wanted, asked.versions).await {
        Ok(mut changed) => {
            query.selection.apply(&GROUP, &mut changed.body);
            one(changed)
        }
        Err(error) => Refused::from(error).answer(),
    }
}
