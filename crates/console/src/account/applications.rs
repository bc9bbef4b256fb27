//! `GET /.gabion/account/applications`: the applications one allowed something, and what.

pub(crate) mod revoke;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::Timestamp;
use gabion_service::oauth::{GrantView, ScopeView};
use http::StatusCode;
use serde::Deserialize;

use crate::context::Member;
use crate::form::Asking;
use crate::notice::Notice;
use crate::words::Moment;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show)
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    notice: Option<Notice>,
}

#[derive(Debug, Template)]
#[template(path = "applications.html")]
struct Page<'a> {
    name: &'a str,
    notice: Option<&'static str>,
    applications: Vec<Row>,
}

/// One application, in words.
#[derive(Debug)]
struct Row {
    client: String,
    name: String,
    scopes: Vec<ScopeView>,
    granted: Moment,
    last_used: Option<Moment>,
}

async fn show(State(console): State<Console>, member: Member, Asking(asked): Asking<Asked>) -> Response {
    let grants = match console.service.grants(&member.visitor.caller(), None).await {
        Ok(grants) => grants,
        Err(error) => return member.refused(error),
    };
    let now = console.clock.now();
    let page = Page {
        name: &member.session.principal.name,
        notice: asked.notice.and_then(Notice::text),
        applications: grants.into_iter().map(|grant| Row::new(grant, now)).collect(),
    };
    page::render(StatusCode::OK, &page)
}

impl Row {
    fn new(grant: GrantView, now: Timestamp) -> Self {
        Self {
            client: grant.client,
            name: grant.name,
            scopes: grant.scopes,
            granted: Moment::new(grant.granted, now),
            last_used: grant.last_used.map(|used| Moment::new(used, now)),
        }
    }
}
