//! `POST /.gabion/oauth/introspect` (RFC 7662).

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_service::oauth::OAuthError;
use http::StatusCode;
use serde_json::{Map, Value};

use super::error;
use super::form::Posted;
use crate::Console;

pub(crate) fn route() -> MethodRouter<Console> {
    post(answer).fallback(|| async { error::wrong_method("POST") })
}

async fn answer(State(console): State<Console>, posted: Posted) -> Response {
    match look(&console, &posted).await {
        Ok(known) => error::json_answer(StatusCode::OK, &known),
        Err(error) => error::answer(&error),
    }
}

async fn look(console: &Console, posted: &Posted) -> Result<Map<String, Value>, OAuthError> {
    let credentials = posted.credentials()?;
    let caller = posted.visitor.caller();
    let client = console.service.authenticate_client(&caller, &credentials, &posted.parameters).await?;
    console.service.introspect(&client, &posted.parameters).await
}
