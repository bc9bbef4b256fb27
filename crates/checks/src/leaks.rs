//! Secrets and personal numbers in answers.
//!
//! Control: `data.minimisation`
//!
//! **Standard.** ISO/IEC 7812 and Luhn (cards), ISO 13616 (IBAN), RFC 7468 (keys in PEM); ASVS 5.0 V14.2.6, V15.3.1; PCI
//! DSS 4.0.1 §3.4.1.
//!
//! **Threat.** Information disclosure: CWE-200, CWE-359, CWE-522 (a debug page, a backup, an over-full record).
//!
//! **Rules.**
//! 1. The text of an answer (text, HTML, JSON, XML, scripts) is searched for what `kinds` lists: tokens of known issuers
//!    and our own API keys by prefix, form and checksum; private keys; password hashes; card numbers by issuer range,
//!    length and Luhn; IBANs by country, length and check digits; JSON Web Tokens and national ids where asked for.
//! 2. All of an answer is searched, in whatever pieces it comes: the first `scan` bytes before any of it leaves, the
//!    rest, and live streams (`text/event-stream`) from their beginning, while they leave. What may be the beginning
//!    of something is held back until more has come, 8 KiB at most.
//! 3. With `action = "block"` an answer that holds something in its first `scan` bytes is refused. Later on the
//!    connection is broken off in front of it: what stood before has left, and the answer does not look complete.
//! 4. With `action = "mask"` every digit and letter of what was found becomes `*`, but for the last four of card numbers
//!    and IBANs. Lengths stay.
//! 5. What was found is recorded by kind and count, never by value.
//! 6. A part of a text (206) is refused: what was looked for may be cut in two.
//! 7. A route may allow kinds: `leaks_allowed = ["iban"]` where people see their own accounts.
//!
//! **Answer.** 502 with the request id.
//!
//! **Default.** Off: reading answers costs time, which nobody should pay without having asked, and an application that
//! shows people their own account numbers would be counted at every page. Switch on `observe`, look at what is found,
//! allow what belongs there, then `enforce`.
//!
//! **Caveat.** Compressed answers are not searched; under `enforce` the application is asked for uncompressed ones.
//! Under `observe` nothing is held back. Numbers written in pieces, encoded or drawn in a picture are not found. Of random
//! numbers with sixteen digits two in a hundred are a card's by chance.
//!
//! **Example.** `[checks.leaks] mode = "enforce"`, `action = "mask"`, `kinds = ["card", "token", "private-key"]`.

mod numbers;
mod scan;
mod stream;

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use gabion_model::{ByteSize, ControlId, Problem};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderName, StatusCode, request, response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use scan::{Found, MOST, scan};

use crate::check::{Check, Inspected, Leaving, Mode, Seen, Stop};
use crate::denial::Denial;
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::route::Routes;

/// `[checks.leaks]`
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
    /// What becomes of an answer that holds something: `block` or `mask`.
    pub action: Action,
    /// What is looked for.
    pub kinds: Vec<Kind>,
    /// How much of an answer is searched before any of it leaves. What follows is searched while it leaves.
    pub scan: ByteSize,
}

/// What becomes of an answer that holds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    #[default]
    Block,
    Mask,
}

/// What can be found in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Brazil: Cadastro de Pessoas Físicas.
    BrCpf,
    /// A payment card.
    Card,
    /// Germany: the tax identification number.
    DeIdnr,
    /// Spain: DNI and NIE.
    EsDni,
    /// France: the number of the social insurance.
    FrNir,
    /// An international bank account number.
    Iban,
    /// A JSON Web Token. Not by default: applications hand them out.
    Jwt,
    /// The Netherlands: the citizen service number.
    NlBsn,
    /// A password's hash.
    PasswordHash,
    /// Poland: PESEL.
    PlPesel,
    /// A private key in PEM.
    PrivateKey,
    /// A key of a known issuer: AWS, GitHub, GitLab, Slack, Stripe and others, and the gate's own API keys.
    Token,
}

impl Default for Settings {
    fn default() -> Self {
        let kinds = vec![Kind::Card, Kind::Iban, Kind::PasswordHash, Kind::PrivateKey, Kind::Token];
        Self { mode: Mode::Off, action: Action::Block, kinds, scan: ByteSize::new(256 * 1024) }
    }
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !(1024..=16 << 20).contains(&self.scan.bytes()) {
            problems.push(
                Problem::new("scan", format!("`{}` is not usable", self.scan)).hint("between 1KiB and 16MiB"),
            );
        }
        if self.kinds.is_empty() && self.mode != Mode::Off {
            problems.push(Problem::new("kinds", "nothing is looked for").hint("or say `mode = \"off\"`"));
        }
        problems
    }
}

/// Searches a text; what was found, and how it is said.
#[must_use]
pub fn verify(text: &[u8], complete: bool, kinds: &[Kind]) -> Vec<Found> {
    scan(text, complete, kinds)
}

/// Rule 4: the same text with the same length.
#[must_use]
pub fn mask(text: &[u8], found: &[Found]) -> Vec<u8> {
    let mut masked = text.to_vec();
    for one in found {
        let shown = if matches!(one.kind, Kind::Card | Kind::Iban) { 4 } else { 0 };
        let mut signs: Vec<&mut u8> = masked
            .get_mut(one.start..one.end)
            .unwrap_or_default()
            .iter_mut()
            .filter(|byte| byte.is_ascii_alphanumeric())
            .collect();
        let hidden = signs.len().saturating_sub(shown);
        for sign in signs.iter_mut().take(hidden) {
            **sign = b'*';
        }
    }
    masked
}

fn said(found: &[Found]) -> String {
    let mut kinds: Vec<Kind> = found.iter().map(|one| one.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut text = String::from("the answer holds");
    for (index, kind) in kinds.iter().enumerate() {
        let count = found.iter().filter(|one| one.kind == *kind).count();
        let _ = write!(text, "{} {kind:?} ({count})", if index == 0 { "" } else { "," });
    }
    text
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(needs.settings.leaks.mode, Leaks::new(&needs.settings.leaks, needs.routes))
}

fn refusal(found: &[Found]) -> Denial {
    Denial::new(
        ControlId::DATA_MINIMISATION,
        StatusCode::BAD_GATEWAY,
        "The answer held something that must not leave, and was stopped. The request id tells its operators what.",
        said(found),
    )
}

/// The check.
#[derive(Debug)]
pub struct Leaks {
    /// Per route: what is looked for.
    kinds: Vec<Arc<[Kind]>>,
    action: Action,
    scan: usize,
    enforced: bool,
}

impl Leaks {
    pub(crate) fn new(settings: &Settings, routes: &Routes) -> Self {
        let kinds = |route: &crate::route::Compiled| {
            let allowed = |kind: &&Kind| route.declared.leaks_allowed.contains(kind);
            settings.kinds.iter().filter(|kind| !allowed(kind)).copied().collect()
        };
        Self {
            kinds: routes.iter().map(kinds).collect(),
            action: settings.action,
            scan: usize::try_from(settings.scan.bytes()).unwrap_or(usize::MAX),
            enforced: settings.mode == Mode::Enforce,
        }
    }

    /// What is looked for in an answer; `None` where nothing is.
    fn kinds(&self, exchange: &Exchange) -> Option<&Arc<[Kind]>> {
        self.kinds.get(exchange.route?).filter(|kinds| !kinds.is_empty())
    }

    /// Whether all of it can be had without holding anything back.
    fn is_short(&self, headers: &HeaderMap) -> bool {
        let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        length.and_then(|text| text.parse::<usize>().ok()).is_some_and(|length| length <= self.scan)
    }
}

impl Check for Leaks {
    fn name(&self) -> &'static str {
        "leaks"
    }

    fn control(&self) -> ControlId {
        ControlId::DATA_MINIMISATION
    }

    fn request(&self, _: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        if self.enforced && self.kinds(exchange).is_some() {
            exchange.want_plain_answer();
        }
        Ok(())
    }

    fn look(&self, exchange: &mut Exchange, head: &response::Parts) -> Option<usize> {
        self.kinds(exchange)?;
        let held = is_text(&head.headers) && !is_live(&head.headers);
        (held && (self.enforced || self.is_short(&head.headers))).then_some(self.scan)
    }

    fn inspect(&self, exchange: &mut Exchange, head: &mut response::Parts, seen: &Seen<'_>) -> Inspected {
        let Some(kinds) = self.kinds(exchange) else { return Inspected::Pass };
        if head.status == StatusCode::PARTIAL_CONTENT && head.headers.contains_key(CONTENT_RANGE) {
            return Inspected::Deny(Denial::new(
                ControlId::DATA_MINIMISATION,
                StatusCode::BAD_GATEWAY,
                "Parts of this answer cannot be had alone.",
                "a part of a text, which cannot be searched",
            ));
        }
        let masks = self.action == Action::Mask && self.enforced;
        // What follows is masked with it, while it leaves.
        if masks && !seen.complete {
            return Inspected::Pass;
        }
        let found = verify(seen.bytes, seen.complete, kinds);
        if found.is_empty() {
            return Inspected::Pass;
        }
        if masks && found.len() < MOST {
            for name in DIGESTS {
                head.headers.remove(name);
            }
            return Inspected::Replace(Bytes::from(mask(seen.bytes, &found)));
        }
        Inspected::Deny(refusal(&found))
    }

    fn follow(&self, exchange: &Exchange, head: &mut response::Parts) -> Option<Box<dyn Leaving>> {
        let kinds = self.kinds(exchange)?;
        if !is_text(&head.headers) {
            return None;
        }
        let action = if self.enforced { self.action } else { Action::Block };
        if action == Action::Mask {
            for name in DIGESTS {
                head.headers.remove(name);
            }
        }
        Some(Box::new(stream::Stream::new(kinds, action)))
    }
}

/// Text that can be read.
fn is_text(headers: &HeaderMap) -> bool {
    if !is_plain(headers) {
        return false;
    }
    let Some(kind) = headers.get(CONTENT_TYPE) else { return true };
    let kind = kind.as_bytes().to_ascii_lowercase();
    let holds = |word: &[u8]| memchr::memmem::find(&kind, word).is_some();
    kind.starts_with(b"text/") || holds(b"json") || holds(b"xml") || holds(b"javascript")
}

/// Nobody waits for the end of it.
fn is_live(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], http::HeaderValue::as_bytes);
    kind.get(..LIVE.len()).is_some_and(|start| start.eq_ignore_ascii_case(LIVE))
}

const LIVE: &[u8] = b"text/event-stream";

/// Whether a body is there as it is, without a content coding.
pub(crate) fn is_plain(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Fields that describe the bytes as they were.
pub(crate) const DIGESTS: [HeaderName; 5] = [
    ETAG,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
];

#[cfg(test)]
mod tests;
