//! `GET /.gabion/account/keys`: the API keys of one's own.

pub(crate) mod new;
pub(crate) mod one;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::Timestamp;
use gabion_service::{ApiKeyView, FreshApiKey};
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
#[template(path = "keys.html")]
struct Page<'a> {
    name: &'a str,
    notice: Option<&'static str>,
    keys: Vec<Row>,
}

/// One key, in words.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) hint: String,
    pub(super) scopes: Vec<String>,
    pub(super) created: Moment,
    pub(super) expires: Moment,
    pub(super) last_used: Option<Moment>,
    pub(super) replaced: bool,
}

/// A new key, once.
#[derive(Template)]
#[template(path = "key_shown.html")]
struct Shown<'a> {
    name: &'a str,
    secret: &'a str,
    key: Row,
    /// Until when the key it replaces works.
    former: Option<Moment>,
}

async fn show(State(console): State<Console>, member: Member, Asking(asked): Asking<Asked>) -> Response {
    let keys = match console.service.api_keys(&member.visitor.caller(), None).await {
        Ok(keys) => keys,
        Err(error) => return member.refused(error),
    };
    let now = console.clock.now();
    let page = Page {
        name: &member.session.principal.name,
        notice: asked.notice.and_then(Notice::text),
        keys: keys.into_iter().map(|key| Row::new(key, now)).collect(),
    };
    page::render(StatusCode::OK, &page)
}

/// The page that shows a key: the only one that ever does.
pub(super) fn shown(member: &Member, fresh: FreshApiKey, former: Option<Moment>, now: Timestamp) -> Response {
    let page = Shown {
        name: &member.session.principal.name,
        secret: fresh.secret.expose(),
        key: Row::new(fresh.view, now),
        former,
    };
    page::render(StatusCode::OK, &page)
}

impl Row {
    pub(super) fn new(key: ApiKeyView, now: Timestamp) -> Self {
        Self {
            id: key.id,
            label: key.label,
            hint: key.hint,
            scopes: key.scopes,
            created: Moment::new(key.created, now),
            expires: Moment::new(key.expires, now),
            last_used: key.last_used.map(|used| Moment::new(used, now)),
            replaced: key.successor.is_some(),
        }
    }
}
