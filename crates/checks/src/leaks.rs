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
//! 2. At most `scan` bytes of an answer are searched, in whatever pieces they come; what follows passes unseen. A live
//!    stream (`text/event-stream`) is not held back, and not searched.
//! 3. With `action = "block"` the answer is refused. With `mask` every digit and letter of what was found becomes `*`,
//!    but for the last four of card numbers and IBANs; an answer longer than `scan` is blocked instead.
//! 4. What was found is recorded by kind and count, never by value.
//! 5. A route may allow kinds: `leaks_allowed = ["iban"]` where people see their own accounts.
//!
//! **Answer.** 502 with the request id.
//!
//! **Default.** Off: reading answers costs time, which nobody should pay without having asked, and an application that
//! shows people their own account numbers would be counted at every page. Switch on `observe`, look at what is found,
//! allow what belongs there, then `enforce`.
//!
//! **Caveat.** Compressed answers are not searched; under `enforce` the application is asked for uncompressed ones.
//! Under `observe` only answers of a known length up to `scan` are, so that nothing is held back. Numbers written
//! in pieces, encoded or drawn in a picture are not found. One in some thousand long numbers is a card's by chance.
//!
//! **Example.** `[checks.leaks] mode = "enforce"`, `action = "mask"`, `kinds = ["card", "token", "private-key"]`.

mod numbers;
mod scan;

use std::fmt::Write as _;

use bytes::Bytes;
use gabion_model::{ByteSize, ControlId, Problem};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderName, StatusCode, request, response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use scan::{Found, MOST, scan};

use crate::check::{Check, Inspected, Mode, Seen, Stop};
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
    /// How much of an answer is searched.
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

/// Rule 3: the same text with the same length.
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

/// The check.
#[derive(Debug)]
pub struct Leaks {
    /// Per route: what is looked for.
    kinds: Vec<Vec<Kind>>,
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

    fn kinds(&self, exchange: &Exchange) -> &[Kind] {
        exchange.route.and_then(|route| self.kinds.get(route)).map_or(&[], Vec::as_slice)
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
        if self.enforced && !self.kinds(exchange).is_empty() {
            exchange.want_plain_answer();
        }
        Ok(())
    }

    fn look(&self, exchange: &mut Exchange, head: &response::Parts) -> Option<usize> {
        if self.kinds(exchange).is_empty() || !is_text(&head.headers) {
            return None;
        }
        let length = head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let short =
            length.and_then(|text| text.parse::<usize>().ok()).is_some_and(|length| length <= self.scan);
        (self.enforced || short).then_some(self.scan)
    }

    fn inspect(&self, exchange: &mut Exchange, head: &mut response::Parts, seen: &Seen<'_>) -> Inspected {
        let text = seen.bytes.get(..self.scan).unwrap_or(seen.bytes);
        let complete = seen.complete && text.len() == seen.bytes.len();
        let found = verify(text, complete, self.kinds(exchange));
        if found.is_empty() {
            return Inspected::Pass;
        }
        if self.action == Action::Mask && self.enforced && complete && found.len() < MOST {
            for name in DIGESTS {
                head.headers.remove(name);
            }
            return Inspected::Replace(Bytes::from(mask(text, &found)));
        }
        Inspected::Deny(Denial::new(
            ControlId::DATA_MINIMISATION,
            StatusCode::BAD_GATEWAY,
            "The answer held something that must not leave, and was stopped. The request id tells its operators what.",
            said(&found),
        ))
    }
}

/// Uncompressed text that comes to an end.
fn is_text(headers: &HeaderMap) -> bool {
    if headers.contains_key(CONTENT_ENCODING) {
        return false;
    }
    let Some(kind) = headers.get(CONTENT_TYPE) else { return true };
    let kind = kind.as_bytes().to_ascii_lowercase();
    let holds = |word: &[u8]| memchr::memmem::find(&kind, word).is_some();
    !kind.starts_with(b"text/event-stream")
        && (kind.starts_with(b"text/") || holds(b"json") || holds(b"xml") || holds(b"javascript"))
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
