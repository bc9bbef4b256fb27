//! Who is signed in.
//!
//! Control: `session.revocation`
//!
//! **Standard.** RFC 6265bis (cookie prefixes); ASVS 5.0 V7.2.1, V7.3.1–2, V7.4.1.
//!
//! **Threat.** Spoofing: CWE-613 (sessions that live on), CWE-384 (fixation), CWE-565 (cookies believed).
//!
//! **Rules.**
//! 1. The session is looked up on the server for every request: signed out, revoked, idle or too old is
//!    gone with the next one.
//! 2. Over TLS only the cookie `__Host-gabion` counts, which no neighbour and no plain answer can set;
//!    on plain HTTP, for development, `gabion-dev`.
//! 3. Of several cookies with the name every one is tried (at most eight): a stale or planted one neither
//!    locks anybody out nor hides the right one.
//! 4. A ticket that leads nowhere is a stranger's request, not an error.
//! 5. On a route whose `credentials` do not name `session` cookies are not looked at.
//!
//! **Answer.** Never refuses; `access` does.
//!
//! **Default.** On. Off means that nobody is ever signed in.
//!
//! **Caveat.** Behind a TLS-ending proxy that is not trusted the gate sees plain HTTP and reads the
//! development cookie.
//!
//! **Example.** `Cookie: __Host-gabion=…; theme=dark`

use std::sync::Arc;

use gabion_identity::{CredentialKind, Session, Sessions, cookie};
use gabion_model::{ControlId, Problem, Timestamp};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Mode, Stop};
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;

/// `[checks.session]`
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

/// The session one of the request's tickets leads to.
#[must_use]
pub fn verify(
    sessions: &Sessions,
    headers: &HeaderMap,
    secure: bool,
    now: Timestamp,
) -> Option<Arc<Session>> {
    let fields = headers.get_all(COOKIE).iter().filter_map(text);
    cookie::tickets(fields, secure).find_map(|ticket| sessions.resolve(ticket, now))
}

fn text(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok()
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    let mut check = SessionCheck::new(Arc::clone(&needs.parts?.sessions));
    check.takes_none =
        needs.routes.iter().map(|route| !route.taken().contains(CredentialKind::Session)).collect();
    order::step(needs.settings.session.mode, check)
}

/// The check.
#[derive(Debug)]
pub struct SessionCheck {
    sessions: Arc<Sessions>,
    /// Per route: only programs may come.
    takes_none: Vec<bool>,
}

impl SessionCheck {
    #[must_use]
    pub fn new(sessions: Arc<Sessions>) -> Self {
        Self { sessions, takes_none: Vec::new() }
    }
}

impl Check for SessionCheck {
    fn name(&self) -> &'static str {
        "session"
    }

    fn control(&self) -> ControlId {
        ControlId::SESSION_REVOCATION
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        if exchange.route.and_then(|route| self.takes_none.get(route)).is_some_and(|none| *none) {
            return Ok(());
        }
        exchange.session = verify(&self.sessions, &head.headers, exchange.secure, exchange.now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_identity::storage::{AccountStorage, SessionStorage};
    use gabion_identity::{Account, BeginSession, MemoryStorage, SessionSettings};
    use gabion_model::random::SeededRng;
    use gabion_model::{AccountId, Methods};
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn signed_in() -> (Arc<Sessions>, String) {
        let storage = Arc::new(MemoryStorage::default());
        let account = Account::new(AccountId::new("a"), "alice".parse().unwrap(), NOW);
        AccountStorage::insert(&*storage, &account).unwrap();
        let kept: Arc<dyn SessionStorage> = storage;
        let sessions = Sessions::open(kept, &SessionSettings::default(), NOW).unwrap();
        let begin = BeginSession { methods: Methods::PASSWORD, address: None, user_agent: None, now: NOW };
        let (ticket, _) = sessions.begin(&account, begin, &SeededRng::new(5)).unwrap();
        (sessions, ticket.expose().clone())
    }

    proptest! {
        #[test]
        fn the_ticket_is_found_among_others_and_nothing_else_is_one(
            before in proptest::collection::vec("[a-z]{1,5}=[a-zA-Z0-9_-]{0,50}", 0..4),
            stale in "[a-zA-Z0-9_-]{43}",
            present: bool, split: bool, secure: bool,
        ) {
            let (sessions, ticket) = signed_in();
            let name = cookie::name(secure);
            let mut pairs = before;
            pairs.push(format!("{name}={stale}"));
            if present {
                pairs.push(format!("{name}={ticket}"));
            }
            let mut headers = HeaderMap::new();
            let fields = if split { pairs } else { vec![pairs.join("; ")] };
            for field in fields {
                headers.append(COOKIE, HeaderValue::from_str(&field).unwrap());
            }
            prop_assert_eq!(verify(&sessions, &headers, secure, NOW).is_some(), present);
            // On the other kind of connection the cookie has another name.
            prop_assert!(verify(&sessions, &headers, !secure, NOW).is_none());
        }
    }
}
