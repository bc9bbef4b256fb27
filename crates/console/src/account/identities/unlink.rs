//! `POST /.gabion/account/identities/{id}/unlink`: nobody signs in with it any more.
//!
//! Somebody else's is answered like one that does not exist.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_service::{ActError, UnlinkError};

use crate::context::Member;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    post(unlink)
}

async fn unlink(State(console): State<Console>, member: Member, Path(id): Path<String>) -> Response {
    match console.service.unlink_identity(&member.visitor.caller(), &id).await {
        Ok(()) => page::see_other("/.gabion/account/identities?notice=identity-unlinked"),
        Err(UnlinkError::Last) => page::see_other("/.gabion/account/identities?notice=identity-last"),
        Err(UnlinkError::Act(ActError::StepUp { acr, .. })) => {
            let acr: String = form_urlencoded::byte_serialize(acr.as_str().as_bytes()).collect();
            page::see_other(&format!("/.gabion/login?fresh=1&acr={acr}&next=/.gabion/account/identities"))
        }
        Err(UnlinkError::Act(error)) => member.refused(error),
    }
}
