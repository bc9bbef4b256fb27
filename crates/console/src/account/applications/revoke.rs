//! `POST /.gabion/account/applications/revoke`: takes back everything one allowed the application
//! `client`; its tokens end at once.
//!
//! The id stands in the form and not in the address: some are addresses themselves (client-id metadata
//! documents). What one never allowed is answered like an application that does not exist.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_service::ActError;
use serde::Deserialize;

use crate::context::Member;
use crate::form::Form;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    post(revoke)
}

#[derive(Debug, Deserialize)]
struct Fields {
    client: String,
}

async fn revoke(
    State(console): State<Console>,
    member: Member,
    Form(Fields { client }): Form<Fields>,
) -> Response {
    match console.service.revoke_grant(&member.visitor.caller(), None, &client).await {
        Ok(()) => page::see_other("/.gabion/account/applications?notice=application-revoked"),
        Err(ActError::NotFound) => page::see_other("/.gabion/account/applications?notice=application-gone"),
        Err(error) => member.refused(error),
    }
}
