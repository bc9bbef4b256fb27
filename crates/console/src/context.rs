//! Who visits a page, as the checks before it judged.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::Response;
use gabion_identity::{Session, cookie};
use gabion_model::{Acr, Actor, Secret};
use gabion_service::{ActError, Caller};
use http::header::{COOKIE, USER_AGENT};
use http::{StatusCode, request};

use crate::next;
use crate::page::{self, Message};

/// Anybody, signed in or not.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) known: gabion_checks::Caller,
    user_agent: Option<String>,
    /// The `Cookie` headers, for the login cookie; the session's was judged already.
    cookies: Vec<Secret<String>>,
    /// Where a page is looked at: the path and query of a `GET`, the page a form was posted from.
    here: Option<String>,
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
        let session = self.known.session.as_ref();
        let principal = session.map(|session| &session.principal);
        let principal = principal.or_else(|| Some(&self.known.credential.as_ref()?.principal));
        let actor = principal.map_or(Actor::Anonymous, |principal| Actor::Account {
            id: principal.account.clone(),
            name: principal.name.to_string(),
            session: session.map(|session| session.id.clone()),
        });
        Caller {
            actor,
            tenant: principal.and_then(|principal| principal.tenant.told()),
            credential: self.known.credential.clone(),
            address: Some(self.known.client),
            user_agent: self.user_agent.clone(),
            request_id: Some(self.known.request_id),
        }
    }

    /// The tickets of half-done sign-ins the browser holds: every candidate, so that a second cookie of the
    /// same name, set by whoever, locks nobody out.
    pub(crate) fn login_tickets(&self) -> Vec<Secret<String>> {
        let headers = self.cookies.iter().map(|header| header.expose().as_str());
        let tickets = cookie::login_tickets(headers, self.known.secure);
        tickets.map(|ticket| Secret::new(ticket.to_owned())).collect()
    }

    /// What the browser's federation cookies hold, every candidate.
    pub(crate) fn federation_tickets(&self) -> Vec<String> {
        let headers = self.cookies.iter().map(|header| header.expose().as_str());
        cookie::federation_tickets(headers, self.known.secure).map(str::to_owned).collect()
    }

    /// To the login page, which asks again, and back to the page looked at.
    pub(crate) fn step_up(&self, acr: Acr) -> Response {
        let next = next::local(self.here.as_deref().unwrap_or("/.gabion/account"));
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let acr: String = form_urlencoded::byte_serialize(acr.as_str().as_bytes()).collect();
        page::see_other(&format!("/.gabion/login?fresh=1&acr={acr}&next={next}"))
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
            ActError::StepUp { acr, .. } => self.visitor.step_up(acr),
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
        let cookies = parts.headers.get_all(COOKIE).iter();
        let cookies = cookies.filter_map(|value| value.to_str().ok());
        let cookies = cookies.map(|value| Secret::new(value.to_owned())).collect();
        let here = match parts.method {
            http::Method::GET => parts.uri.path_and_query().map(ToString::to_string),
            _ => page_of(parts.uri.path()),
        };
        Ok(Self { known: known.clone(), user_agent, cookies, here })
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

/// The account page that has the form which posts to `path`.
fn page_of(path: &str) -> Option<String> {
    let mut parts = path.strip_prefix("/.gabion/account/")?.split('/');
    Some(match (parts.next()?, parts.next(), parts.next()) {
        ("keys", Some("new"), _) => "/.gabion/account/keys/new".to_owned(),
        ("keys", Some(id), _) => format!("/.gabion/account/keys/{id}"),
        ("sessions", ..) => "/.gabion/account".to_owned(),
        (topic, ..) => format!("/.gabion/account/{topic}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_must_sign_in_again_comes_back_to_the_page_of_the_form() {
        for (posted, page) in [
            ("/.gabion/account/email", Some("/.gabion/account/email")),
            ("/.gabion/account/data/export", Some("/.gabion/account/data")),
            ("/.gabion/account/security/factors/x/remove", Some("/.gabion/account/security")),
            ("/.gabion/account/identities/x/unlink", Some("/.gabion/account/identities")),
            ("/.gabion/account/sessions/x/revoke", Some("/.gabion/account")),
            ("/.gabion/account/keys/new", Some("/.gabion/account/keys/new")),
            ("/.gabion/account/keys/x/rotate", Some("/.gabion/account/keys/x")),
            ("/.gabion/federation/choose", None),
            ("/.gabion/login", None),
        ] {
            assert_eq!(page_of(posted).as_deref(), page, "{posted}");
        }
    }
}
