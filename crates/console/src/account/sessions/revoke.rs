//! `POST /.gabion/account/sessions/{id}/revoke`: ends one session of one's own.
//!
//! Somebody else's session is answered like one that does not exist.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_model::SessionId;
use gabion_service::ActError;

use crate::context::Member;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    post(revoke)
}

async fn revoke(State(console): State<Console>, member: Member, Path(id): Path<String>) -> Response {
    match console.service.revoke_session(&member.visitor.caller(), &SessionId::new(&id)).await {
        Ok(()) => page::see_other("/.gabion/account?notice=session-revoked"),
        Err(ActError::NotFound) => page::see_other("/.gabion/account?notice=session-gone"),
        Err(error) => member.refused(error),
    }
}
