//! Who visits a page, as the checks before it judged.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::Response;
use gabion_identity::Session;
use gabion_model::Actor;
use gabion_service::{ActError, Caller};
use http::header::USER_AGENT;
use http::{StatusCode, request};

use crate::page::{self, Message};

/// Anybody, signed in or not.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) known: gabion_checks::Caller,
    user_agent: Option<String>,
}

/// Somebody who is signed in. Others are sent to the login, and back afterwards.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) visitor: Visitor,
    pub(crate) session: Arc<Session>,
}

impl Visitor {
    /// The visitor as `service` wants it.
    pub(crate) fn caller(&self) -> Caller {
        let actor = match &self.known.session {
            Some(session) => Actor::Account {
                id: session.principal.account.clone(),
                name: session.principal.name.to_string(),
                session: Some(session.id.clone()),
            },
            None => Actor::Anonymous,
        };
        Caller {
            actor,
            address: Some(self.known.client),
            user_agent: self.user_agent.clone(),
            request_id: Some(self.known.request_id),
        }
    }

    /// The host as the visitor sees it, for the eyes.
    pub(crate) fn host(&self) -> Option<&str> {
        Some(self.known.host.as_str()).filter(|host| !host.is_empty())
    }

    /// The page for what cannot be done now; the cause stands in the log under the request id.
    pub(crate) fn unavailable(&self) -> Response {
        let message = Message {
            title: "Not available right now",
            text: "This cannot be done at the moment, and nothing was changed. Please try again in a minute.",
            action: None,
            request_id: Some(self.known.request_id.to_string()),
        };
        page::retry_after(page::render(StatusCode::SERVICE_UNAVAILABLE, &message), 30)
    }
}

impl Member {
    /// The answer to an act that was not done.
    pub(crate) fn refused(&self, error: ActError) -> Response {
        match error {
            ActError::Busy | ActError::Unavailable => self.visitor.unavailable(),
            // The account was disabled or the session ended while the request was on its way.
            ActError::Forbidden => page::see_other("/.gabion/login"),
            ActError::NotFound => page::not_found(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Response> {
        let Some(known) = parts.extensions.get::<gabion_checks::Caller>() else {
            // The gate puts it there; without it nobody judged this request.
            tracing::error!("request without caller");
            return Err(page::empty(StatusCode::INTERNAL_SERVER_ERROR));
        };
        let user_agent = parts.headers.get(USER_AGENT);
        let user_agent = user_agent.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        Ok(Self { known: known.clone(), user_agent })
    }
}

impl<S: Sync> FromRequestParts<S> for Member {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut request::Parts, state: &S) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        match visitor.known.session.clone().filter(|session| !session.is_ended()) {
            Some(session) => Ok(Self { visitor, session }),
            None if parts.method == http::Method::GET => {
                let path = parts.uri.path();
                Err(page::see_other(&format!("/.gabion/login?next={path}")))
            }
            None => Err(page::see_other("/.gabion/login")),
        }
    }
}
