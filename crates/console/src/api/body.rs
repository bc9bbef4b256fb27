//! What a program sends: JSON bodies and queries, read strictly.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::Response;
use gabion_vault::json::Strict;
use http::header::CONTENT_TYPE;
use http::{StatusCode, request};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::Problem;

/// A JSON body. Unknown fields are errors: a misspelt one must not be passed over.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !matches!(
            essence.to_ascii_lowercase().as_str(),
            "application/json" | "application/merge-patch+json" | "application/scim+json"
        ) {
            let detail = "send `Content-Type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).answer());
        }
        let bytes = axum::body::Bytes::from_request(request, state).await.map_err(|rejection| {
            Problem::new(rejection.status(), "the body is too large or was cut off").answer()
        })?;
        read(&bytes).map(Self).map_err(|reason| {
            let detail = format!("the body cannot be used: {reason}");
            Problem::new(StatusCode::BAD_REQUEST, detail).answer()
        })
    }
}

/// A JSON document in which each name stands once, at every depth.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let Strict(value) = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    serde_json::from_value(value).map_err(|error| {
        let error = error.to_string();
        // What stands there instead is not repeated.
        let repeats = ["invalid type", "invalid value", "unknown variant"];
        match error.split_once(", expected ") {
            Some((_, expected)) if repeats.iter().any(|start| error.starts_with(start)) => {
                format!("expected {expected}")
            }
            _ => error,
        }
    })
}

/// The query, read strictly.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Response> {
        axum::extract::Query::try_from_uri(&parts.uri).map(|axum::extract::Query(query)| Self(query)).map_err(
            |error| {
                let detail = format!("the query cannot be used: {error}");
                Problem::new(StatusCode::BAD_REQUEST, detail).answer()
            },
        )
    }
}

/// Tells a field that is `null` from one that is not there (RFC 7396).
pub(crate) fn some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
