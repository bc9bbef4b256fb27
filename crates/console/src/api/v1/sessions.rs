//! `GET /.gabion/api/v1/sessions`: everybody who is signed in.

pub(crate) mod one;

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_service::SignedInSession;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Page, Paging, json, limit, refused};
use crate::Console;
use crate::api::{Asker, Problem, Query};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list)
}

/// Somebody signed in with one browser.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionItem {
    id: String,
    /// The id of the account.
    user: String,
    name: String,
    started: String,
    last_seen: String,
    address: Option<String>,
    user_agent: Option<String>,
    /// How the person proved who they are (RFC 8176).
    methods: Vec<String>,
}

impl From<SignedInSession> for SessionItem {
    fn from(session: SignedInSession) -> Self {
        Self {
            id: session.id.to_string(),
            user: session.account.to_string(),
            name: session.name,
            started: session.started.to_string(),
            last_seen: session.last_seen.to_string(),
            address: session.address.map(|address| address.to_string()),
            user_agent: session.user_agent,
            methods: session.methods,
        }
    }
}

/// Everybody who is signed in, by session id.
#[utoipa::path(get, path = "/.gabion/api/v1/sessions", tag = "sessions", operation_id = "list_sessions", params(Paging),
    responses((status = 200, body = Page<SessionItem>), (status = 403, body = Problem)))]
pub(crate) async fn list(
    State(console): State<Console>,
    asker: Asker,
    Query(paging): Query<Paging>,
) -> Response {
    let limit = match limit(paging.limit) {
        Ok(limit) => limit,
        Err(answer) => return answer,
    };
    match console.service.find_sessions(&asker.caller, None, paging.page, limit).await {
        Ok(page) => {
            let items: Vec<SessionItem> = page.items.into_iter().map(SessionItem::from).collect();
            json(StatusCode::OK, &Page { items, total: None, next: page.next })
        }
        Err(error) => refused(error),
    }
}
