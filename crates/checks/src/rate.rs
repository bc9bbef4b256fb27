//! How many requests an address, and a person, may make.
//!
//! Control: `abuse.rate-limits`
//!
//! **Standard.** RFC 6585 §4 (429), draft-ietf-httpapi-ratelimit-headers (`RateLimit`, `RateLimit-Policy`), RFC 9110
//! §10.2.3 (`Retry-After`); ASVS 5.0 V2.4.1.
//!
//! **Threat.** Denial of service and brute force: CWE-770, CWE-307, CWE-799.
//!
//! **Rules.**
//! 1. A profile lets `burst` requests through at once and refills `requests` per `per`, evenly (GCRA: one
//!    number per client, no windows to cheat at).
//! 2. The first count is per client address, before anything costs work; an IPv6 client is its /64, because
//!    that is what one customer is given.
//! 3. The second is per signed-in account, on however many addresses.
//! 4. A refused request does not count.
//! 5. Memory is fixed. When the table is full, a newcomer takes the place of the least busy client of its
//!    bucket and inherits its debt (Space-Saving), so nobody gets rid of a debt by crowding the table from
//!    many addresses.
//!
//! **Answer.** 429 with `Retry-After`; every answer carries `RateLimit` and `RateLimit-Policy`.
//!
//! **Default.** Profile `site`: 50 requests a second, 500 at once, so that a page with its assets never meets
//! it. `api`: 100 requests per 15 minutes. `login`: 60 a minute, on the gate's own forms; failed
//! passwords are counted elsewhere, far more strictly. `machines`: 10 000 a second, on the endpoints of the gate
//! that applications ask for all their users. `events`: 100 a second, 1000 at once, on the endpoint where applications say
//! what happened in them: each is a record on disk.
//!
//! **Caveat.** Behind a proxy that is not in `trusted_proxies`, all clients share one address. Counters are
//! per gate process and start anew with it.
//!
//! **Example.** `[[routes]] path = "/api/*"`, `rate = "api"`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use gabion_model::{ControlId, Period, Problem};
use http::{HeaderName, HeaderValue, StatusCode, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::check::{Check, Mode, Stop};
use crate::denial::Denial;
use crate::exchange::Exchange;
use crate::lasting;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::route::Routes;

pub(crate) use table::{Charge, Quota, Table};

mod table;

/// `[checks.rate]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
    /// The profile of routes that name none.
    pub profile: String,
    /// Further profiles, or others under the names `site`, `api`, `events`, `login` and `machines`.
    pub profiles: BTreeMap<String, Profile>,
    /// Tell clients how they stand (`RateLimit`, `RateLimit-Policy`).
    pub headers: bool,
}

/// `[checks.rate.profiles.NAME]`: a quota for one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// How many requests.
    pub requests: u32,
    /// In how long.
    pub per: Period,
    /// How many of them at once. Default: all.
    #[serde(default)]
    pub burst: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { mode: Mode::Enforce, profile: "site".to_owned(), profiles: BTreeMap::new(), headers: true }
    }
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (name, profile) in &self.profiles {
            let wrong = |reason: &str| Problem::new(format!("profiles.{name}"), reason.to_owned());
            if profile.requests == 0 || profile.burst == Some(0) {
                problems.push(wrong("a quota of nothing refuses everybody").hint("at least 1"));
            } else if Quota::of(*profile).is_none() {
                problems.push(
                    wrong("is finer than can be counted")
                        .hint("at most 100000 requests a second, at least one in 24h"),
                );
            }
        }
        if !self.has_profile(&self.profile) {
            problems.push(
                Problem::new("profile", format!("there is no rate profile `{}`", self.profile))
                    .hint(format!("known are {}", self.profile_names().join(", "))),
            );
        }
        problems
    }

    pub(crate) fn has_profile(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    pub(crate) fn profile_names(&self) -> Vec<&str> {
        let own = self.profiles.keys().map(String::as_str);
        let built_in =
            BUILT_IN.iter().map(|(name, _)| *name).filter(|name| !self.profiles.contains_key(*name));
        own.chain(built_in).collect()
    }

    fn find(&self, name: &str) -> Option<Profile> {
        let built_in = || BUILT_IN.iter().find(|(own, _)| *own == name).map(|(_, profile)| *profile);
        self.profiles.get(name).copied().or_else(built_in)
    }
}

const BUILT_IN: [(&str, Profile); 5] = [
    ("api", Profile { requests: 100, per: Period::from_secs(900), burst: None }),
    // Each is a record on disk.
    ("events", Profile { requests: 100, per: Period::from_secs(1), burst: Some(1000) }),
    ("login", Profile { requests: 60, per: Period::from_secs(60), burst: None }),
    // Servers that ask for all their users from one address.
    ("machines", Profile { requests: 10_000, per: Period::from_secs(1), burst: None }),
    ("site", Profile { requests: 50, per: Period::from_secs(1), burst: Some(500) }),
];

/// How a client stands, for the answer.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    policy: HeaderValue,
    remaining: u64,
    reset: u64,
}

/// Whom a limiter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Address,
    Principal,
}

pub(crate) fn address_step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(
        needs.settings.rate.mode,
        Rate::by_address(&needs.settings.rate, needs.routes, &needs.memory.addresses),
    )
}

pub(crate) fn principal_step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(
        needs.settings.rate.mode,
        Rate::by_principal(&needs.settings.rate, needs.routes, &needs.memory.principals),
    )
}

/// The check, in two instances: per address and per principal.
#[derive(Debug)]
pub struct Rate {
    subject: Subject,
    headers: bool,
    table: Arc<Table>,
    /// Per route.
    quotas: Vec<Named>,
    fallback: Named,
}

#[derive(Debug, Clone)]
struct Named {
    /// Keeps the profiles' counts apart.
    id: u64,
    quota: Quota,
    policy: HeaderValue,
}

impl Rate {
    pub(crate) fn by_address(settings: &Settings, routes: &Routes, table: &Arc<Table>) -> Self {
        Self::new(Subject::Address, settings, routes, table)
    }

    pub(crate) fn by_principal(settings: &Settings, routes: &Routes, table: &Arc<Table>) -> Self {
        Self::new(Subject::Principal, settings, routes, table)
    }

    fn new(subject: Subject, settings: &Settings, routes: &Routes, table: &Arc<Table>) -> Self {
        let named = |name: Option<&str>| {
            let name = name.unwrap_or(&settings.profile);
            let quota = settings.find(name).and_then(Quota::of).unwrap_or(Quota::STRICT);
            let policy = lasting::value(&format!("\"{name}\";q={};w={}", quota.burst(), quota.window()));
            // FNV-1a: any function of the name that stays the same over a reload.
            let id = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
            Named { id, quota, policy: policy.unwrap_or(HeaderValue::from_static("")) }
        };
        Self {
            subject,
            headers: settings.headers,
            table: Arc::clone(table),
            quotas: routes.iter().map(|route| named(route.declared.rate.as_deref())).collect(),
            fallback: named(None),
        }
    }
}

impl Check for Rate {
    fn name(&self) -> &'static str {
        "rate"
    }

    fn control(&self) -> ControlId {
        ControlId::ABUSE_RATE_LIMITS
    }

    fn request(&self, _: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let named = exchange.route.and_then(|route| self.quotas.get(route)).unwrap_or(&self.fallback);
        let key = match (self.subject, exchange.principal()) {
            (Subject::Address, _) => self.table.hash(named.id, &address_key(exchange.client)),
            (Subject::Principal, Some(principal)) => {
                self.table.hash(named.id, principal.account.as_str().as_bytes())
            }
            (Subject::Principal, None) => return Ok(()),
        };
        match self.table.charge(key, exchange.now, &named.quota) {
            Charge::Passed { remaining, reset } => {
                if exchange.standing.as_ref().is_none_or(|standing| remaining <= standing.remaining) {
                    exchange.standing = Some(Standing { policy: named.policy.clone(), remaining, reset });
                }
                Ok(())
            }
            Charge::Refused { retry_after } => {
                exchange.standing =
                    Some(Standing { policy: named.policy.clone(), remaining: 0, reset: retry_after });
                let detail = match self.subject {
                    Subject::Address => "too many requests from the address",
                    Subject::Principal => "too many requests of the account",
                };
                let seconds = u32::try_from(retry_after).unwrap_or(u32::MAX);
                Err(Denial::new(
                    ControlId::ABUSE_RATE_LIMITS,
                    StatusCode::TOO_MANY_REQUESTS,
                    "Too many requests. Slow down and try again later.",
                    detail,
                )
                .retry_after(seconds)
                .into())
            }
        }
    }

    fn response(&self, exchange: &mut Exchange, answer: &mut Answer<'_>) {
        // The tighter of the two standings was kept; the first instance writes it.
        if !self.headers || self.subject == Subject::Principal {
            return;
        }
        let Some(standing) = &exchange.standing else { return };
        let mut text = Text::new();
        let named = standing.policy.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        text.push(named);
        text.push(b";r=");
        text.number(standing.remaining);
        text.push(b";t=");
        text.number(standing.reset);
        if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
            answer.head.headers.insert(RATELIMIT, value);
            answer.head.headers.insert(RATELIMIT_POLICY, standing.policy.clone());
        }
    }
}

/// What counts as one client: an IPv4 address, an IPv6 /64.
#[must_use]
pub fn address_key(address: IpAddr) -> [u8; 8] {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            // No global IPv6 prefix begins with zeros.
            [0, 0, 0, 0, a, b, c, d]
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, e, f, g, h, ..] = address.octets();
            [a, b, c, d, e, f, g, h]
        }
    }
}

/// A short text on the stack.
struct Text {
    bytes: [u8; 128],
    length: usize,
}

impl Text {
    const fn new() -> Self {
        Self { bytes: [0; 128], length: 0 }
    }

    fn push(&mut self, text: &[u8]) {
        let end = self.length + text.len();
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(text);
            self.length = end;
        }
    }

    fn number(&mut self, mut number: u64) {
        let mut digits = [0_u8; 20];
        let mut start = digits.len();
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
            start -= 1;
            if number == 0 {
                break;
            }
        }
        self.push(digits.get(start..).unwrap_or_default());
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

#[cfg(test)]
mod tests;
