//! `GET /.gabion/account/identities`: the other providers one signs in with.

pub(crate) mod unlink;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_service::{IdentityView, ProviderView};
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
#[template(path = "identities.html")]
struct Page<'a> {
    name: &'a str,
    notice: Option<&'static str>,
    identities: Vec<Row>,
    providers: Vec<ProviderView>,
}

#[derive(Debug)]
struct Row {
    id: String,
    provider: String,
    label: String,
    linked: Moment,
    last_used: Option<Moment>,
}

async fn show(State(console): State<Console>, member: Member, Asking(asked): Asking<Asked>) -> Response {
    let identities = match console.service.identities(&member.visitor.caller()).await {
        Ok(identities) => identities,
        Err(error) => return member.refused(error),
    };
    let now = console.clock.now();
    let row = |identity: IdentityView| Row {
        id: identity.id,
        provider: identity.provider,
        label: identity.label,
        linked: Moment::new(identity.linked, now),
        last_used: identity.last_used.map(|used| Moment::new(used, now)),
    };
    let page = Page {
        name: &member.session.principal.name,
        notice: asked.notice.and_then(Notice::text),
        identities: identities.into_iter().map(row).collect(),
        providers: console.service.federation_providers(),
    };
    page::render(StatusCode::OK, &page)
}
