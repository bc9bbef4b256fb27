//! Who is blocked, slowed down or asked to prove themselves again, because an attack was noticed or somebody said so.
//!
//! Control: `incident.procedure`
//!
//! **Standard.** NIST SP 800-61r3 (RS.MI-01, containment); ASVS 5.0 V6.3.1; RFC 6585 §4 (429).
//!
//! **Threat.** An attacker who goes on while people are still reading the alert: CWE-307, CWE-799.
//!
//! **Rules.**
//! 1. A blocked client address is refused everything, the gate's own pages among it. An IPv6 client is its /64.
//! 2. An address that is slowed down gets one request in two seconds. The others wait for their turn, at most 10 seconds and
//!    at most 256 in the whole gate, so that waiting is no way to use up a gate; what is more is refused.
//! 3. A disabled account and a disabled API key are refused everything.
//! 4. Whoever is signed in to an account that must prove itself again does so before the application is asked. Keys cannot,
//!    and are refused meanwhile.
//! 5. A route that was made strict asks everybody to sign in.
//! 6. What streams to a blocked address, a disabled account or a disabled key, or to an account that must prove itself
//!    again, ends at once. What streams from a route that was made strict goes on.
//! 7. A measure ends by itself when its time is over.
//!
//! **Answer.** 403 for 1 and 3; 429 with `Retry-After` for who cannot wait by 2; for 4 and 5 a navigation goes to the login page and everything
//! else gets 401. None of these refusals is shown to the detection rules: a block does not feed itself.
//!
//! **Default.** On; nothing is blocked until `[respond]` is turned on or somebody blocks by hand.
//!
//! **Caveat.** Behind a proxy that is not in `trusted_proxies` all clients share one address, and one block is everybody's.
//!
//! **Example.** `gabion respond block 192.0.2.7 --for 1h --reason "password guessing"`.

use std::sync::Arc;

use gabion_identity::CredentialKind;
use gabion_model::{ControlId, Problem};
use gabion_respond::{Shield, Standing, Verdict};
use http::{StatusCode, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{self, AccessCheck};
use crate::check::{Check, Mode, Stop, Wants};
use crate::denial::Denial;
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;

/// `[checks.block]`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
}

impl Settings {
    #[must_use]
    pub const fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

pub(crate) fn address_step(needs: &Needs<'_, '_>) -> Option<Step> {
    let shield = needs.parts?.shield.clone()?;
    // What is only observed cuts no stream either.
    let cuts = needs.settings.block.mode == Mode::Enforce;
    order::step(needs.settings.block.mode, AddressBlock { shield, cuts })
}

pub(crate) fn principal_step(needs: &Needs<'_, '_>) -> Option<Step> {
    let parts = needs.parts?;
    let check = PrincipalBlock {
        shield: parts.shield.clone()?,
        access: AccessCheck::new(needs.routes, &parts.issuer),
        paths: needs.routes.iter().map(|route| route.declared.path.as_str().into()).collect(),
    };
    order::step(needs.settings.block.mode, check)
}

/// Rules 1 and 2: before anything is spent on a request.
#[derive(Debug)]
pub struct AddressBlock {
    shield: Arc<Shield>,
    /// It is meant: streams are cut, and requests wait.
    cuts: bool,
}

impl Check for AddressBlock {
    fn name(&self) -> &'static str {
        "block"
    }

    fn control(&self) -> ControlId {
        ControlId::INCIDENT_PROCEDURE
    }

    fn request(&self, _: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        // Whoever has waited has had its turn, but may be blocked by now.
        let verdict = match exchange.turn.take() {
            Some(_) if self.shield.is_blocked(exchange.client, exchange.now) => Verdict::Blocked,
            Some(_) => Verdict::Free,
            None => self.shield.judge(exchange.client, exchange.now),
        };
        match verdict {
            Verdict::Free => {}
            Verdict::Blocked => return Err(refused("the address is blocked").closing().into()),
            Verdict::Later(turn) if self.cuts => {
                let wait = turn.wait();
                exchange.turn = Some(turn);
                return Err(Wants::Pause(wait).into());
            }
            // Who is only observed does not wait.
            Verdict::Later(_) => return Err(slowed_down(1).into()),
            Verdict::TooSoon(seconds) => return Err(slowed_down(seconds).into()),
        }
        if self.cuts {
            exchange.shield = Some(Arc::clone(&self.shield));
        }
        Ok(())
    }
}

/// Rules 3 to 5: once it is known who asks, and for which route.
#[derive(Debug)]
pub struct PrincipalBlock {
    shield: Arc<Shield>,
    access: AccessCheck,
    /// As the routes declare them.
    paths: Vec<Box<str>>,
}

impl Check for PrincipalBlock {
    fn name(&self) -> &'static str {
        "block"
    }

    fn control(&self) -> ControlId {
        ControlId::INCIDENT_PROCEDURE
    }

    fn request(&self, _: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        if let Some(credential) = &exchange.credential
            && credential.kind == CredentialKind::ApiKey
            && self.shield.is_key_disabled(credential.id.as_ref(), exchange.now)
        {
            return Err(refused("the key is disabled").into());
        }
        let standing =
            exchange.principal().map(|principal| self.shield.account(&principal.account, exchange.now));
        // The pages on which somebody proves who they are stay open.
        let is_own = exchange.path().starts_with(OWN);
        let again = match standing {
            Some(Standing::Disabled) => return Err(refused("the account is disabled").into()),
            Some(Standing::StepUp { since }) if !is_own => {
                let proved = exchange.session.as_ref().map(|session| session.authenticated);
                proved.is_none_or(|proved| proved < since).then_some(access::Violation::TooLongAgo)
            }
            Some(_) => None,
            None if is_own => None,
            None => {
                let path = exchange.route.and_then(|route| self.paths.get(route));
                let is_strict = path.is_some_and(|path| self.shield.is_strict(path, exchange.now));
                is_strict.then_some(access::Violation::NotSignedIn)
            }
        };
        match again {
            Some(violation) => {
                let mut denial = self.access.refuse_for(violation, exchange.route, None, None);
                denial.control = ControlId::INCIDENT_PROCEDURE;
                Err(denial.into())
            }
            None => Ok(()),
        }
    }
}

fn slowed_down(seconds: u32) -> Denial {
    Denial::new(
        ControlId::INCIDENT_PROCEDURE,
        StatusCode::TOO_MANY_REQUESTS,
        "Too many requests. Slow down and try again later.",
        "the address is slowed down",
    )
    .retry_after(seconds)
}

fn refused(detail: &'static str) -> Denial {
    Denial::new(
        ControlId::INCIDENT_PROCEDURE,
        StatusCode::FORBIDDEN,
        "This is refused for a while. If you think that is a mistake, tell the operators the request id.",
        detail,
    )
}

const OWN: &str = "/.gabion/";
