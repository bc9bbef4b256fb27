//! Forms as pages send them.

use std::convert::Infallible;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::response::Response;
use http::{StatusCode, request};
use serde::de::DeserializeOwned;

use crate::page::{self, Message};

/// The fields of a posted form. What is no such form gets a page that says so, without naming the
/// field or repeating its content.
pub(crate) struct Form<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let known = request.extensions().get::<gabion_checks::Caller>().cloned();
        axum::Form::<T>::from_request(request, state).await.map(|axum::Form(fields)| Self(fields)).map_err(
            |rejection| {
                let status = match rejection.status() {
                    StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
                    other => other,
                };
                let message = Message {
                    title: "This form cannot be read",
                    text: "Something in it is missing or too long. Go back, reload the page and try again.",
                    action: None,
                    request_id: known.map(|known| known.request_id.to_string()),
                };
                page::render(status, &message)
            },
        )
    }
}

/// The query of a page. What cannot be read is as if it were not there.
pub(crate) struct Asking<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequestParts<S> for Asking<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Query::try_from_uri(&parts.uri).map(|Query(asked)| asked).unwrap_or_default()))
    }
}

/// Trouble with a form, for its `role="alert"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) title: &'static str,
    pub(crate) advice: String,
}

impl Trouble {
    pub(crate) fn new(title: &'static str, advice: impl Into<String>) -> Self {
        Self { title, advice: advice.into() }
    }

    pub(crate) fn busy() -> Self {
        Self::new("Too many people are signing in right now.", "Please try again in a few seconds.")
    }

    pub(crate) fn throttled(wait: &str) -> Self {
        Self::new("Too many failed tries.", format!("Please wait {wait}, then try again."))
    }

    pub(crate) fn unavailable() -> Self {
        Self::new("This is not possible right now.", "Nothing was changed. Please try again in a minute.")
    }
}
