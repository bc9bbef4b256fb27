//! `GET /.gabion/account`: who one is, and where one is signed in.

pub(crate) mod email;
pub(crate) mod identities;
pub(crate) mod password;
pub(crate) mod security;
pub(crate) mod sessions;

use std::net::IpAddr;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::{TenantId, Timestamp};
use gabion_service::{SessionView, user_agent};
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
#[template(path = "account.html")]
struct Page<'a> {
    name: &'a str,
    /// Not shown where there is only one.
    tenant: Option<&'a str>,
    roles: Vec<&'a str>,
    notice: Option<&'static str>,
    sessions: Vec<Row>,
}

/// One session, in words.
#[derive(Debug)]
struct Row {
    id: String,
    device: String,
    address: String,
    started: Moment,
    last_seen: Moment,
    current: bool,
}

async fn show(State(console): State<Console>, member: Member, Asking(asked): Asking<Asked>) -> Response {
    let sessions = match console.service.sessions(&member.visitor.caller()).await {
        Ok(sessions) => sessions,
        Err(error) => return member.refused(error),
    };
    let now = console.clock.now();
    let principal = &member.session.principal;
    let page = Page {
        name: &principal.name,
        tenant: Some(principal.tenant.as_str()).filter(|tenant| *tenant != TenantId::DEFAULT),
        roles: principal.roles.iter().map(|role| role.as_str()).collect(),
        notice: asked.notice.and_then(Notice::text),
        sessions: sessions.into_iter().map(|session| Row::new(session, now)).collect(),
    };
    page::render(StatusCode::OK, &page)
}

impl Row {
    fn new(session: SessionView, now: Timestamp) -> Self {
        Self {
            device: user_agent::describe(session.user_agent.as_deref()),
            address: session.address.as_ref().map_or_else(|| "unknown address".to_owned(), IpAddr::to_string),
            started: Moment::new(session.started, now),
            last_seen: Moment::new(session.last_seen, now),
            current: session.current,
            id: session.id.to_string(),
        }
    }
}
