//! `POST /.gabion/account/identities/{id}/unlink`: nobody signs in with it any more.
//!
//! Somebody else's is answered like one that does not exist.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_service::UnlinkError;

use crate::context::Member;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    post(unlink)
}

async fn unlink(State(console): State<Console>, member: Member, Path(id): Path<String>) -> Response {
    match console.service.unlink_identity(&member.visitor.caller(), &id).await {
        Ok(()) => page::see_other("/.gabion/account/identities?notice=identity-unlinked"),
        Err(UnlinkError::Last) => page::see_other("/.gabion/account/identities?notice=identity-last"),
        Err(UnlinkError::Act(error)) => member.refused(error),
    }
}
