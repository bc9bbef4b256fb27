//! `POST /.gabion/federation/{provider}/backchannel-logout` with `logout_token`: the provider says that
//! somebody signed out there (OpenID Connect Back-Channel Logout 1.0, section 2.5).
//!
//! The token is all that counts; cookies are not looked at. 200, or 400 with an OAuth error (section 2.8).

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use gabion_service::{Caller, LogoutRefused};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use crate::context::Visitor;
use crate::form::Form;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    post(logout)
}

#[derive(Debug, Deserialize)]
struct Fields {
    logout_token: String,
}

async fn logout(
    State(console): State<Console>,
    visitor: Visitor,
    Path(provider): Path<String>,
    Form(Fields { logout_token }): Form<Fields>,
) -> Response {
    // Whoever's browser this may be, the provider asks.
    let caller = Caller { actor: gabion_model::Actor::Anonymous, tenant: None, ..visitor.caller() };
    match console.service.federation_logout(&caller, &provider, &logout_token).await {
        Ok(()) => page::empty(StatusCode::OK),
        Err(LogoutRefused::Unknown) => page::empty(StatusCode::NOT_FOUND),
        Err(LogoutRefused::Invalid) => refused("invalid_request", StatusCode::BAD_REQUEST),
        Err(LogoutRefused::Act(_)) => refused("temporarily_unavailable", StatusCode::SERVICE_UNAVAILABLE),
    }
}

fn refused(error: &str, status: StatusCode) -> Response {
    let mut answer = (status, format!("{{\"error\":\"{error}\"}}")).into_response();
    page::harden(answer.headers_mut());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
