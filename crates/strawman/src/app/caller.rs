//! Who is calling.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use gabion_vault::encoding;
use gabion_vault::jwt::{self, Expected, Jwks};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use rusqlite::{OptionalExtension, Row};
use serde::Deserialize;

use super::login::COOKIE;
use super::refusal::Refusal;
use super::{App, Inner, lock};
use crate::serve::Identity;

/// A user of the application.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) tenant: String,
    pub(super) role: String,
    pub(super) display_name: String,
    pub(super) email: String,
    pub(super) credit: i64,
}

impl User {
    pub(super) const COLUMNS: &str = "id, name, tenant, role, display_name, email, credit";

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            tenant: row.get(2)?,
            role: row.get(3)?,
            display_name: row.get(4)?,
            email: row.get(5)?,
            credit: row.get(6)?,
        })
    }

    pub(super) fn is_admin(&self) -> bool {
        self.role == "admin"
    }
}

/// The caller, who must have signed in. Others are sent to the login, or told 401 when they are programs.
pub(super) struct SignedIn(pub(super) User);

/// The caller, if known.
pub(super) struct Visitor(pub(super) Option<User>);

impl FromRequestParts<App> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        if let Some(user) = app.identify(&parts.headers) {
            return Ok(Self(user));
        }
        let page = parts.method == Method::GET && !parts.uri.path().starts_with("/api/");
        if page && matches!(app.trust, Trust::OwnLogin) {
            return Err(Redirect::to("/login").into_response());
        }
        Err(Refusal::new(StatusCode::UNAUTHORIZED, "Please sign in.").into_response())
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self(app.identify(&parts.headers)))
    }
}

/// Whom the application believes about its callers.
pub(super) enum Trust {
    OwnLogin,
    Gate { keys: Jwks, issuer: String, audience: String },
}

impl Trust {
    pub(super) fn new(identity: &Identity) -> Result<Self, String> {
        match identity {
            Identity::OwnLogin => Ok(Self::OwnLogin),
            Identity::Gate { jwks, issuer, audience } => Ok(Self::Gate {
                keys: serde_json::from_str(jwks).map_err(|error| format!("the gate's key set: {error}"))?,
                issuer: issuer.clone(),
                audience: audience.clone(),
            }),
        }
    }
}

impl Inner {
    /// The user who sent a request with these headers.
    pub(super) fn identify(&self, headers: &HeaderMap) -> Option<User> {
        let assertion = headers.get(HEADER).and_then(|value| value.to_str().ok());
        let Named { name, sub } = match (&self.trust, self.repaired) {
            // HOLE forged-identity: whoever sends the header is whoever it says.
            (Trust::OwnLogin, false) => {
                assertion.and_then(claimed).or_else(|| self.name_by_cookie(headers).map(Named::new))
            }
            (Trust::OwnLogin, true) => self.name_by_cookie(headers).map(Named::new),
            (Trust::Gate { .. }, false) => assertion.and_then(claimed),
            (Trust::Gate { keys, issuer, audience }, true) => {
                let expected = Expected {
                    typ: TYPE,
                    issuer,
                    audience,
                    now: self.now(),
                    leeway: Duration::from_secs(30),
                };
                jwt::verify(assertion?, keys, &expected).ok()
            }
        }?;
        if let (Trust::Gate { .. }, Some(sub)) = (&self.trust, sub) {
            // What the gate calls this person: see `resource.rs`.
            let query = "UPDATE users SET subject = ?2 WHERE name = ?1 AND subject IS NULL";
            let _ = self.database().execute(query, [&name, &sub]);
        }
        self.user_by_name(&name)
    }

    pub(super) fn user_by_name(&self, name: &str) -> Option<User> {
        let query = format!("SELECT {} FROM users WHERE name = ?1", User::COLUMNS);
        self.database().query_row(&query, [name], User::read).optional().ok().flatten()
    }

    fn name_by_cookie(&self, headers: &HeaderMap) -> Option<String> {
        let sessions = lock(&self.sessions);
        cookies(headers, COOKIE).find_map(|ticket| sessions.name(ticket))
    }
}

/// Every value of the cookie `name`.
pub(super) fn cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(http::header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(move |(key, value)| (key == name).then_some(value))
}

/// What an assertion says that nobody verified.
fn claimed(assertion: &str) -> Option<Named> {
    let payload = encoding::base64url_decode(assertion.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

#[derive(Deserialize)]
struct Named {
    name: String,
    /// The gate's id of the person.
    #[serde(default)]
    sub: Option<String>,
}

impl Named {
    const fn new(name: String) -> Self {
        Self { name, sub: None }
    }
}

const HEADER: &str = "gabion-identity";

/// The `typ` of a gate's assertion.
const TYPE: &str = "gabion-identity+jwt";
