//! `POST /.gabion/oauth/register` (RFC 7591) and `GET`, `PUT` and `DELETE /.gabion/oauth/register/{id}`
//! (RFC 7592): applications that register themselves.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use gabion_model::Secret;
use gabion_service::oauth::{ErrorCode, OAuthError};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::error::{self, Scheme};
use super::form;
use crate::context::Visitor;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    post(register).fallback(|| async { error::wrong_method("POST") })
}

pub(crate) fn managed() -> MethodRouter<Console> {
    get(read).put(update).delete(remove).fallback(|| async { error::wrong_method("GET, PUT, DELETE") })
}

async fn register(
    State(console): State<Console>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let done = async {
        let (token, document) = (bearer(&headers)?, document(&body)?);
        console.service.register_client(&visitor.caller(), token, document).await
    };
    told(StatusCode::CREATED, done.await)
}

async fn read(State(console): State<Console>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let done = async { console.service.registration(&id, bearer(&headers)?).await };
    told(StatusCode::OK, done.await)
}

async fn update(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let done = async {
        let (token, document) = (bearer(&headers)?, document(&body)?);
        console.service.update_registration(&visitor.caller(), &id, token, document).await
    };
    told(StatusCode::OK, done.await)
}

async fn remove(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let done = async { console.service.remove_registration(&visitor.caller(), &id, bearer(&headers)?).await };
    match done.await {
        Ok(()) => page::empty(StatusCode::NO_CONTENT),
        Err(error) => error::answer_with(&error, Scheme::Bearer),
    }
}

fn told(status: StatusCode, result: Result<Map<String, Value>, OAuthError>) -> Response {
    match result {
        Ok(answer) => error::json_answer(status, &answer),
        Err(error) if error.code == ErrorCode::InvalidToken => error::answer_with(&error, Scheme::Bearer),
        Err(error) => error::answer_with(&error, Scheme::None),
    }
}

fn document(body: &Bytes) -> Result<Map<String, Value>, OAuthError> {
    serde_json::from_slice(body)
        .map_err(|_| OAuthError::new(ErrorCode::InvalidClientMetadata, "the body is not a JSON object"))
}

fn bearer(headers: &HeaderMap) -> Result<Option<Secret<String>>, OAuthError> {
    let Some(value) = form::authorization(headers)? else { return Ok(None) };
    match value.expose().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(Some(Secret::new(token.trim().to_owned())))
        }
        _ => Err(OAuthError::invalid_token()),
    }
}
