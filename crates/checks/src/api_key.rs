//! API keys: what a program shows that has no session.
//!
//! Control: `token.api-keys`
//!
//! **Standard.** RFC 6750 §2.1, §2.3, §3.1; RFC 9728 §5.1; ASVS 5.0 V14.2.1 (nothing secret in a URL).
//!
//! **Threat.** Spoofing and information disclosure: CWE-522, CWE-598 (a key in a query string), CWE-441 (an
//! application behind the gate that is handed the key and can use it elsewhere).
//!
//! **Rules.**
//! 1. On a route whose `credentials` name `api-key`, a key counts in `Authorization: Bearer gab_…` or `X-API-Key`.
//! 2. One that is malformed, unknown, revoked or expired is refused, on public routes too: whoever shows a key means
//!    to act as somebody, and to answer as if nothing had been shown would hide that it was not believed.
//! 3. More than one, one beside a session, or one beside another `Authorization` is ambiguous: refused.
//! 4. A key of ours on a route that takes none is refused and never passed on; so is one in the query, where
//!    histories and logs keep it.
//! 5. The application does not see the key, unless the route says `pass_authorization = true`.
//! 6. A route that takes no keys leaves `Authorization` and `X-API-Key` with anything else in them alone: they are the
//!    application's own.
//!
//! **Answer.** 401 with a challenge for 2; 400 for 3 and the query; 403 for 4.
//!
//! **Default.** On; routes take sessions only until they say otherwise.
//!
//! **Caveat.** A key is as good as its owner's care: give it few scopes and a near end.
//!
//! **Example.** `Authorization: Bearer gab_live_3x…`, `credentials = ["session", "api-key"]` on the route.

use std::sync::Arc;

use gabion_identity::api_key::{contains_key, is_key};
use gabion_identity::{ApiKeys, CredentialKind};
use gabion_model::{ControlId, Problem};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bearer::{Presented, authorization};
use crate::challenge::Challenges;
use crate::check::{Check, Mode, Stop};
use crate::denial::{Denial, Remedy};
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::route::Taken;

/// `[checks.api_key]`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("an API key beside a session")]
    BesideSession,
    #[error("more than one API key")]
    Several,
    #[error("an API key in the query")]
    InQuery,
    #[error("an API key on a route that takes none")]
    NotTaken,
    #[error("an API key that is malformed, unknown, revoked or expired")]
    NotValid,
}

/// The one key a request shows, if it shows any; `takes` says whether the route wants some.
pub fn verify<'a>(
    headers: &'a HeaderMap,
    query: Option<&str>,
    takes: bool,
) -> Result<Option<&'a str>, Violation> {
    if query.is_some_and(contains_key) {
        return Err(Violation::InQuery);
    }
    let own = headers.get_all(X_API_KEY).iter();
    let own = own.map(|value| value.to_str().unwrap_or_default().trim());
    let mut shown = None;
    for key in own {
        if (takes || is_key(key)) && shown.replace(key).is_some() {
            return Err(Violation::Several);
        }
    }
    let alone = headers.get_all(AUTHORIZATION).iter().nth(1).is_none();
    for value in headers.get_all(AUTHORIZATION) {
        if let Some(Presented { token, .. }) = authorization(value)
            && token.starts_with(gabion_identity::api_key::PREFIX)
            && (shown.replace(token).is_some() || !alone)
        {
            return Err(Violation::Several);
        }
    }
    match shown {
        Some(_) if !takes => Err(Violation::NotTaken),
        shown => Ok(shown),
    }
}

impl From<Violation> for Denial {
    fn from(violation: Violation) -> Self {
        let (status, public) = match violation {
            Violation::BesideSession | Violation::Several => {
                (StatusCode::BAD_REQUEST, "The request shows more than one credential. Send one.")
            }
            Violation::InQuery => (
                StatusCode::BAD_REQUEST,
                "An API key does not belong into an address, where logs keep it. Revoke it and send its successor in the Authorization header.",
            ),
            Violation::NotTaken => (StatusCode::FORBIDDEN, "This address takes no API keys."),
            Violation::NotValid => {
                (StatusCode::UNAUTHORIZED, "The API key is not valid: unknown, revoked or expired.")
            }
        };
        Self::new(ControlId::TOKEN_API_KEYS, status, public, violation.to_string())
    }
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    let parts = needs.parts?;
    let keys = Arc::clone(&parts.machines.as_ref()?.keys);
    order::step(
        needs.settings.api_key.mode,
        ApiKeyCheck {
            keys,
            takes: needs.routes.iter().map(|route| route.taken()).collect(),
            pass: needs.routes.iter().map(|route| route.declared.pass_authorization).collect(),
            challenges: Challenges::new(needs.routes, &parts.issuer),
        },
    )
}

/// The check.
#[derive(Debug)]
pub struct ApiKeyCheck {
    keys: Arc<ApiKeys>,
    /// Per route.
    takes: Vec<Taken>,
    pass: Vec<bool>,
    challenges: Challenges,
}

impl Check for ApiKeyCheck {
    fn name(&self) -> &'static str {
        "api_key"
    }

    fn control(&self) -> ControlId {
        ControlId::TOKEN_API_KEYS
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let query = head.uri.query();
        // Nearly every request has none of the three.
        if query.is_none()
            && !head.headers.contains_key(AUTHORIZATION)
            && !head.headers.contains_key(X_API_KEY)
        {
            return Ok(());
        }
        let takes = exchange.route.and_then(|route| self.takes.get(route));
        let takes = takes.is_some_and(|takes| takes.contains(CredentialKind::ApiKey));
        let shown = verify(&head.headers, query, takes).map_err(Denial::from)?;
        let Some(shown) = shown else { return Ok(()) };
        let Some(credential) = self.keys.resolve(shown, exchange.now) else {
            let challenge = self.challenges.invalid(exchange.route);
            return Err(Denial::from(Violation::NotValid)
                .remedy(Remedy::Challenge(Box::new(challenge)))
                .into());
        };
        if exchange.session.is_some() {
            return Err(Denial::from(Violation::BesideSession).into());
        }
        exchange.credential = Some(credential);
        if !exchange.route.and_then(|route| self.pass.get(route)).is_some_and(|pass| *pass) {
            head.headers.remove(X_API_KEY);
            let ours = |value: &HeaderValue| {
                authorization(value)
                    .is_some_and(|shown| shown.token.starts_with(gabion_identity::api_key::PREFIX))
            };
            if head.headers.get(AUTHORIZATION).is_some_and(ours) {
                head.headers.remove(AUTHORIZATION);
            }
        }
        Ok(())
    }
}

/// Where programs also put keys.
pub const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "gab_live_0000000000000000000000000000000000000000000000000";

    fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn one_key_in_one_place() {
        let key = KEY.to_owned();
        let bearer = format!("Bearer {key}");
        type Row<'a> = (&'a [(HeaderName, &'a str)], bool, Result<bool, Violation>);
        let rows: [Row<'_>; 9] = [
            (&[], true, Ok(false)),
            (&[(AUTHORIZATION, &bearer)], true, Ok(true)),
            (&[(X_API_KEY, &key)], true, Ok(true)),
            (&[(X_API_KEY, &key), (X_API_KEY, &key)], true, Err(Violation::Several)),
            (&[(AUTHORIZATION, &bearer), (X_API_KEY, &key)], true, Err(Violation::Several)),
            (&[(AUTHORIZATION, &bearer), (AUTHORIZATION, "Bearer x")], true, Err(Violation::Several)),
            (&[(AUTHORIZATION, &bearer)], false, Err(Violation::NotTaken)),
            (&[(AUTHORIZATION, "Basic eDp5"), (X_API_KEY, "the application's")], false, Ok(false)),
            (&[(X_API_KEY, "the application's")], true, Ok(true)),
        ];
        for (fields, takes, expected) in rows {
            let headers = headers(fields);
            let found = verify(&headers, None, takes).map(|shown| shown.is_some());
            assert_eq!(found, expected, "{fields:?}");
        }
    }

    proptest! {
        #[test]
        fn any_field_is_judged(value in "[ -~]{0,60}", takes: bool) {
            let headers = headers(&[(AUTHORIZATION, &value), (X_API_KEY, &value)]);
            let _ = verify(&headers, Some(&value), takes);
        }
    }
}
