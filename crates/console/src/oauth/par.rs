//! `POST /.gabion/oauth/par` (RFC 9126): a request for the authorization endpoint, pushed beforehand.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_service::oauth::OAuthError;
use gabion_service::oauth::Pushed;
use http::StatusCode;
use serde_json::json;

use super::error;
use super::form::{self, Posted};
use crate::Console;

pub(crate) fn route() -> MethodRouter<Console> {
    post(answer).fallback(|| async { error::wrong_method("POST") })
}

async fn answer(State(console): State<Console>, posted: Posted) -> Response {
    match push(&console, &posted).await {
        Ok(pushed) => {
            let body = json!({ "request_uri": pushed.request_uri.expose(), "expires_in": pushed.expires_in });
            error::json_answer(StatusCode::CREATED, &body)
        }
        Err(error) => error::answer(&error),
    }
}

async fn push(console: &Console, posted: &Posted) -> Result<Pushed, OAuthError> {
    let caller = posted.visitor.caller();
    let credentials = posted.credentials()?;
    let client = console.service.authenticate_client(&caller, &credentials, &posted.parameters).await?;
    let proofs = form::proofs(&posted.headers)?;
    let proven = console.service.proven(&proofs, "POST", "/.gabion/oauth/par", None)?;
    let key = proven.as_ref().and_then(|proven| proven.jkt.as_deref());
    console.service.push_request(&client, &posted.parameters, key)
}
