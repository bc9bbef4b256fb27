//! `POST /.gabion/oauth/device_authorization` (RFC 8628, 3.1): codes for a device without a browser.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_service::oauth::DeviceCodes;
use gabion_service::oauth::OAuthError;
use http::StatusCode;
use serde_json::json;

use super::error;
use super::form::Posted;
use crate::Console;

pub(crate) fn route() -> MethodRouter<Console> {
    post(answer).fallback(|| async { error::wrong_method("POST") })
}

async fn answer(State(console): State<Console>, posted: Posted) -> Response {
    match codes(&console, &posted).await {
        Ok(codes) => {
            let page = format!("{}/.gabion/oauth/device", console.service.origin());
            let body = json!({
                "device_code": codes.device_code.expose(),
                "user_code": codes.user_code,
                "verification_uri": page,
                "verification_uri_complete": format!("{page}?user_code={}", codes.user_code),
                "expires_in": codes.expires_in,
                "interval": codes.interval,
            });
            error::json_answer(StatusCode::OK, &body)
        }
        Err(error) => error::answer(&error),
    }
}

async fn codes(console: &Console, posted: &Posted) -> Result<DeviceCodes, OAuthError> {
    let caller = posted.visitor.caller();
    let credentials = posted.credentials()?;
    let client = console.service.authenticate_client(&caller, &credentials, &posted.parameters).await?;
    console.service.authorize_device(&caller, &client, &posted.parameters)
}
