//! `GET /.gabion/federation/{provider}/callback`: back from a provider.
//!
//! On success 303 to where the sign-in was to lead, to the page that asks for a second factor, or, for
//! somebody whom no account is linked to, to the page that lets them choose.

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_service::Arrival;

use super::failed;
use crate::context::Visitor;
use crate::{Console, page, step};

pub(crate) fn route() -> MethodRouter<Console> {
    get(callback)
}

async fn callback(
    State(console): State<Console>,
    visitor: Visitor,
    Path(provider): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let pairs = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let cookies = visitor.federation_tickets();
    match console.service.federation_callback(&visitor.caller(), &provider, pairs, cookies).await {
        Ok(Arrival::SignedIn { step, next }) => step::answer(&visitor, &step, &next),
        Ok(Arrival::Unlinked { ticket }) => page::see_other(&super::choose::path(&ticket)),
        Err(error) => failed(&visitor, error),
    }
}
