//! The extractor of axum's handlers.

use std::convert::Infallible;
use std::sync::Arc;

use axum_core::body::Body;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::IntoResponse;
use bytes::Bytes;
use gabion_checks::Caller;
use http::request::Parts;
use http::{Response, StatusCode};

use crate::principal::Principal;
use crate::service::Ready;

/// The refusal of a handler that wants somebody and got nobody: behind
/// [`allow_strangers`](crate::Credentials::allow_strangers) 401 with the layer's challenge, without any layer 500.
#[derive(Debug)]
pub struct NotSignedIn(Response<Bytes>);

impl IntoResponse for NotSignedIn {
    fn into_response(self) -> axum_core::response::Response {
        self.0.map(Body::from)
    }
}

pub(crate) fn found(parts: &Parts) -> Option<Principal> {
    let own = parts.extensions.get::<Principal>().cloned();
    own.or_else(|| parts.extensions.get::<Caller>().and_then(Principal::of_caller))
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = NotSignedIn;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotSignedIn> {
        if let Some(principal) = found(parts) {
            return Ok(principal);
        }
        let Some(ready) = parts.extensions.get::<Arc<Ready>>() else {
            tracing::error!(path = parts.uri.path(), "a handler asks who is calling, but no layer finds out");
            let mut answer = Response::new(Bytes::new());
            *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return Err(NotSignedIn(answer));
        };
        Err(NotSignedIn(ready.answer(parts, ready.alone.stranger())))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(found(parts))
    }
}
