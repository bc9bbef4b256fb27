//! `/.gabion/scim/v2/Me` and `/.gabion/scim/v2/Bulk`: not here, as `ServiceProviderConfig` says (RFC 7644, 3.7,
//! 3.11). A program is nobody that `/Me` could show, and requests one by one are bounded one by one.

use axum::response::Response;
use axum::routing::{MethodRouter, any};
use http::StatusCode;

use crate::Console;
use crate::scim::{Asked, Refused};

pub(crate) fn route() -> MethodRouter<Console> {
    any(refuse)
}

async fn refuse(_: Asked) -> Response {
    Refused::new(StatusCode::NOT_IMPLEMENTED, "this is not offered; see /ServiceProviderConfig").answer()
}
