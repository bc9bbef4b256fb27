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

use gabion_identity::{Session, Sessions, cookie};
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
    order::step(needs.settings.session.mode, SessionCheck::new(Arc::clone(&needs.parts?.sessions)))
}

/// The check.
#[derive(Debug)]
pub struct SessionCheck {
    sessions: Arc<Sessions>,
}

impl SessionCheck {
    #[must_use]
    pub fn new(sessions: Arc<Sessions>) -> Self {
        Self { sessions }
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
        exchange.session = verify(&self.sessions, &head.headers, exchange.secure, exchange.now);
        Ok(())
    }
}
