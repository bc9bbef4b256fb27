//! `GET /.gabion/account/security`: by what one signs in, beside a password.

pub(crate) mod factors;
pub(crate) mod recovery_codes;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::Timestamp;
use gabion_service::{FactorKind, FactorView, FactorsView};
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
#[template(path = "security.html")]
struct Page<'a> {
    name: &'a str,
    notice: Option<&'static str>,
    factors: Vec<Row>,
    codes: usize,
    required: bool,
    passkeys: bool,
}

/// One factor, in words.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) added: Moment,
    pub(super) used: Option<Moment>,
}

async fn show(State(console): State<Console>, member: Member, Asking(asked): Asking<Asked>) -> Response {
    let view = match console.service.factors(&member.visitor.caller()).await {
        Ok(view) => view,
        Err(error) => return member.refused(error),
    };
    let now = console.clock.now();
    let FactorsView { factors, recovery_codes, required, .. } = view;
    let page = Page {
        name: &member.session.principal.name,
        notice: asked.notice.and_then(Notice::text),
        factors: factors.into_iter().map(|factor| Row::new(factor, now)).collect(),
        codes: recovery_codes,
        required,
        passkeys: console.service.passkeys_are_possible(),
    };
    page::render(StatusCode::OK, &page)
}

impl Row {
    pub(super) fn new(factor: FactorView, now: Timestamp) -> Self {
        let kind = match (factor.kind, factor.synced) {
            (FactorKind::Passkey, true) => "passkey, on all your devices",
            (FactorKind::Passkey, false) => "passkey or security key",
            (FactorKind::Totp | FactorKind::RecoveryCode, _) => "authenticator app",
        };
        Self {
            id: factor.id,
            name: factor.name,
            kind,
            added: Moment::new(factor.created, now),
            used: factor.last_used.map(|time| Moment::new(time, now)),
        }
    }
}
