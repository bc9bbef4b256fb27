//! `POST /.gabion/account/sessions/revoke-others`: ends every session of one's own but this one.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};

use crate::context::Member;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    post(revoke_others)
}

async fn revoke_others(State(console): State<Console>, member: Member) -> Response {
    match console.service.revoke_other_sessions(&member.visitor.caller()).await {
        Ok(_) => page::see_other("/.gabion/account?notice=others-revoked"),
        Err(error) => member.refused(error),
    }
}
