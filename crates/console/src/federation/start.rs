//! `GET /.gabion/federation/{provider}/start?next=…`: to a provider, to sign in there.
//!
//! `link=1` adds the identity to the account one is signed in to; nothing is linked before that is
//! confirmed on a page of ours. `fresh=1`, `acr` and `login_hint` are what they are on the sign-in page. A
//! link and no form: browsers apply our content policy's `form-action` to where a form's answer leads.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_identity::cookie;
use gabion_model::Secret;
use gabion_service::StartFederation;
use serde::Deserialize;

use super::{failed, wanted};
use crate::context::Visitor;
use crate::form::Asking;
use crate::{Console, next, page};

pub(crate) fn route() -> MethodRouter<Console> {
    get(start)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    next: String,
    link: String,
    fresh: String,
    acr: String,
    login_hint: String,
}

async fn start(
    State(console): State<Console>,
    visitor: Visitor,
    Path(provider): Path<String>,
    Asking(asked): Asking<Asked>,
) -> Response {
    let start = StartFederation {
        next: next::local(&asked.next).to_owned(),
        link: asked.link == "1",
        fresh: asked.fresh == "1",
        wanted: wanted(&asked.acr),
        login_hint: Some(asked.login_hint)
            .filter(|hint| !hint.is_empty() && !hint.chars().any(char::is_control)),
    };
    let cookies = visitor.federation_tickets();
    let cookie = cookies.first().map(String::as_str);
    match console.service.federation_start(&visitor.caller(), &provider, start, cookie).await {
        Ok(departure) => {
            let secure = visitor.known.secure;
            let cookie = Secret::new(cookie::set_federation(departure.browser.expose(), secure));
            page::with_cookie(page::see_other(&departure.url), cookie.expose())
        }
        Err(error) => failed(&visitor, error),
    }
}
