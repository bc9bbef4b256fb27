//! `GET /.gabion/account/keys/{id}`: one API key of one's own. `POST …/rotate`: makes its successor and shows
//! it, once; the former works on for `overlap` seconds. `POST …/revoke`: ends it at once.
//!
//! Somebody else's is answered like one that does not exist.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use gabion_model::Period;
use gabion_service::{ActError, ApiKeyActError};
use http::StatusCode;
use serde::Deserialize;

use super::{Row, shown};
use crate::context::Member;
use crate::form::Form;
use crate::words::Moment;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show)
}

pub(crate) fn revoke() -> MethodRouter<Console> {
    post(do_revoke)
}

pub(crate) fn rotate() -> MethodRouter<Console> {
    post(do_rotate)
}

#[derive(Debug, Deserialize)]
struct Fields {
    /// In seconds.
    overlap: u64,
}

#[derive(Debug, Template)]
#[template(path = "key.html")]
struct Page<'a> {
    name: &'a str,
    key: Row,
}

async fn show(State(console): State<Console>, member: Member, Path(id): Path<String>) -> Response {
    let keys = match console.service.api_keys(&member.visitor.caller(), None).await {
        Ok(keys) => keys,
        Err(error) => return member.refused(error),
    };
    let Some(key) = keys.into_iter().find(|key| key.id == id) else { return page::see_other(GONE) };
    let page = Page { name: &member.session.principal.name, key: Row::new(key, console.clock.now()) };
    page::render(StatusCode::OK, &page)
}

async fn do_rotate(
    State(console): State<Console>,
    member: Member,
    Path(id): Path<String>,
    Form(Fields { overlap }): Form<Fields>,
) -> Response {
    let caller = member.visitor.caller();
    let overlap = Some(Period::from_secs(overlap.min(LONGEST_OVERLAP)));
    match console.service.rotate_api_key(&caller, &id, overlap).await {
        Ok(fresh) => {
            let now = console.clock.now();
            let keys = console.service.api_keys(&caller, None).await.unwrap_or_default();
            let former = keys.into_iter().find(|key| key.id == id && key.expires > now);
            shown(&member, fresh, former.map(|key| Moment::new(key.expires, now)), now)
        }
        Err(ApiKeyActError::Invalid(_) | ApiKeyActError::Act(ActError::NotFound)) => page::see_other(GONE),
        Err(ApiKeyActError::Act(error)) => member.refused(error),
    }
}

async fn do_revoke(State(console): State<Console>, member: Member, Path(id): Path<String>) -> Response {
    match console.service.revoke_api_key(&member.visitor.caller(), &id).await {
        Ok(()) => page::see_other("/.gabion/account/keys?notice=key-revoked"),
        Err(ActError::NotFound) => page::see_other(GONE),
        Err(error) => member.refused(error),
    }
}

const GONE: &str = "/.gabion/account/keys?notice=key-gone";

/// 30 days, as the configuration bounds it.
const LONGEST_OVERLAP: u64 = 30 * 86_400;
