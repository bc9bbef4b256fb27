//! `POST /.gabion/oauth/token` (RFC 6749, 3.2).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use gabion_model::Secret;
use gabion_service::oauth::TokenRequest;
use http::header::{CONTENT_TYPE, PRAGMA};
use http::{HeaderValue, StatusCode};

use super::error;
use super::form::{self, Posted};
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    post(answer).fallback(|| async { error::wrong_method("POST") })
}

async fn answer(State(console): State<Console>, posted: Posted) -> Response {
    match issue(&console, &posted).await {
        Ok(body) => {
            let mut answer = (StatusCode::OK, body.expose().clone()).into_response();
            let headers = answer.headers_mut();
            page::harden(headers);
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
            answer
        }
        Err(error) => error::answer(&error),
    }
}

async fn issue(
    console: &Console,
    posted: &Posted,
) -> Result<Secret<String>, gabion_service::oauth::OAuthError> {
    let caller = posted.visitor.caller();
    let credentials = posted.credentials()?;
    let client = console.service.authenticate_client(&caller, &credentials, &posted.parameters).await?;
    let proofs = form::proofs(&posted.headers)?;
    let certificate = credentials.certificate.as_ref();
    let confirmation = console.service.confirmation(&client, &proofs, certificate)?;
    let request = TokenRequest { client, parameters: posted.parameters.clone(), confirmation };
    console.service.token(&caller, request).await
}
