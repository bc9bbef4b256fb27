//! `POST /.gabion/oauth/revoke` (RFC 7009): 200, whether or not there was anything to end.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_service::oauth::OAuthError;
use http::StatusCode;

use super::error;
use super::form::Posted;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    post(answer).fallback(|| async { error::wrong_method("POST") })
}

async fn answer(State(console): State<Console>, posted: Posted) -> Response {
    match end(&console, &posted).await {
        Ok(()) => page::empty(StatusCode::OK),
        Err(error) => error::answer(&error),
    }
}

async fn end(console: &Console, posted: &Posted) -> Result<(), OAuthError> {
    let credentials = posted.credentials()?;
    let caller = posted.visitor.caller();
    let client = console.service.authenticate_client(&caller, &credentials, &posted.parameters).await?;
    console.service.revoke_token(&caller, &client, &posted.parameters).await
}
