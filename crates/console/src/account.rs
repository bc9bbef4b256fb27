//! `GET /.gabion/account`: who one is, and where one is signed in.

pub(crate) mod applications;
pub(crate) mod data;
pub(crate) mod delete;
pub(crate) mod email;
pub(crate) mod identities;
pub(crate) mod keys;
pub(crate) mod password;
pub(crate) mod profile;
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
    /// What stands in the place of a picture.
    initial: String,
    full_name: Option<&'a str>,
    email: Option<&'a str>,
    email_verified: bool,
    /// Not shown where there is only one.
    tenant: Option<&'a str>,
    roles: Vec<&'a str>,
    password: bool,
    factors: usize,
    codes: usize,
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
    let caller = member.visitor.caller();
    let person = match console.service.profile(&caller).await {
        Ok(person) => person,
        Err(error) => return member.refused(error.into()),
    };
    let sessions = match console.service.sessions(&caller).await {
        Ok(sessions) => sessions,
        Err(error) => return member.refused(error),
    };
    let factors = match console.service.factors(&caller).await {
        Ok(factors) => factors,
        Err(error) => return member.refused(error),
    };
    let now = console.clock.now();
    let principal = &member.session.principal;
    let full_name = person.personal.name.as_deref();
    let initial = full_name.unwrap_or(&principal.name).chars().find(|one| one.is_alphanumeric());
    let page = Page {
        name: &principal.name,
        initial: initial.into_iter().flat_map(char::to_uppercase).collect(),
        full_name,
        email: person.email.as_deref(),
        email_verified: person.email_verified,
        tenant: Some(principal.tenant.as_str()).filter(|tenant| *tenant != TenantId::DEFAULT),
        roles: principal.roles.iter().map(|role| role.as_str()).collect(),
        password: factors.password,
        factors: factors.factors.len(),
        codes: factors.recovery_codes,
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
