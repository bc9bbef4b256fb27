//! Signed webhooks: what is signed, how the signature is written, and whether it is right.
//!
//! | scheme | what is signed | where the signature stands |
//! |---|---|---|
//! | Standard Webhooks 1.0 | `id.timestamp.body` | `webhook-signature: v1,base64 v1a,base64` (HMAC-SHA-256, Ed25519) |
//! | GitHub | `body` | `x-hub-signature-256: sha256=hex` |
//! | Stripe | `timestamp.body` | `stripe-signature: t=…,v1=hex,v1=hex` |
//! | Slack | `v0:timestamp:body` | `x-slack-signature: v0=hex` |
//! | any other | as [`Template`] says | a header of any name |
//!
//! Bodies are bytes as they came: what was parsed and written again has another signature. No clock here: time
//! is a parameter, in seconds since 1970. What is remembered against replays is the caller's, by
//! [`Verified::once`].

mod key;
mod template;

pub use key::{Key, KeyFault};
pub use template::{Algorithm, Template, TemplateFault, TextEncoding};

use crate::digest::sha256;
use crate::encoding::{base64_decode, base64_encode, hex_decode, hex_encode};

/// How a sender signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// HMAC-SHA-256 of the body alone.
    Github,
    Slack,
    /// <https://www.standardwebhooks.com>, symmetric and asymmetric.
    Standard,
    Stripe,
    Template(Box<Template>),
}

/// What a verified message says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Named by the sender and signed by it.
    pub id: Option<String>,
    /// Seconds since 1970, signed; `None` where the scheme signs no time.
    pub timestamp: Option<i64>,
    /// The same for the same message, and for no other: a digest of the signed id, or else of all that is signed.
    pub once: [u8; 32],
}

/// Why a message is not believed. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("signed for a time to come")]
    FromTheFuture,
    #[error("a header field of the signature stands there twice")]
    HeaderRepeated,
    #[error("the id of the message is malformed")]
    IdMalformed,
    #[error("no id")]
    IdMissing,
    #[error("the signature is malformed")]
    SignatureMalformed,
    #[error("no signature")]
    SignatureMissing,
    #[error("not signed by a key of this sender")]
    SignatureWrong,
    #[error("the time is malformed")]
    TimestampMalformed,
    #[error("no time")]
    TimestampMissing,
    #[error("signed too long ago")]
    TooOld,
}

/// Why a message cannot be signed. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignFault {
    #[error("the id cannot stand in a signature of this scheme")]
    Id,
    #[error("no key that can sign")]
    NoKey,
}

/// Whether a message was signed by one of `keys`, at a time not further than `tolerance` seconds from `now`.
/// `field` gives the values of the header fields of a name (in lower case), as they came.
///
/// # Errors
/// The first rule that is broken. The signature is judged before the time, so that nobody without a key learns
/// about the clock.
pub fn verify<'h>(
    scheme: &Scheme,
    keys: &[Key],
    field: impl Fn(&str) -> Vec<&'h [u8]>,
    body: &[u8],
    now: i64,
    tolerance: u64,
) -> Result<Verified, Violation> {
    let claimed = scheme.read(&field)?;
    let content = scheme.content(claimed.id, claimed.timestamp, body);
    // INVARIANT: every key is tried with every signature; which of them was right does not show in the time.
    let right = keys.iter().fold(false, |right, key| {
        claimed.signatures.iter().fold(right, |right, (kind, signature)| {
            right | key.is_right(*kind, scheme.algorithm(), &content, signature)
        })
    });
    if !right {
        return Err(Violation::SignatureWrong);
    }
    let timestamp = claimed.timestamp.map(seconds).transpose()?;
    if let Some(signed) = timestamp {
        if now.saturating_sub(signed) > i64::try_from(tolerance).unwrap_or(i64::MAX) {
            return Err(Violation::TooOld);
        }
        if signed.saturating_sub(now) > i64::try_from(tolerance).unwrap_or(i64::MAX) {
            return Err(Violation::FromTheFuture);
        }
    }
    let signed_id = claimed.id.filter(|_| scheme.signs_id());
    let once = signed_id.map_or_else(|| sha256(&content), |id| sha256(id.as_bytes()));
    Ok(Verified { id: claimed.id.map(str::to_owned), timestamp, once })
}

/// The header fields that sign a message, each key once: several let receivers change keys without a gap.
///
/// # Errors
/// [`SignFault`]
pub fn sign(
    scheme: &Scheme,
    keys: &[Key],
    id: &str,
    timestamp: i64,
    body: &[u8],
) -> Result<Vec<(String, String)>, SignFault> {
    if !scheme.takes_id(id) {
        return Err(SignFault::Id);
    }
    let time = timestamp.max(0).to_string();
    let content = scheme.content(Some(id), Some(&time), body);
    let signatures: Vec<_> =
        keys.iter().filter_map(|key| key.sign(scheme.algorithm(), &content)).take(MOST_SIGNATURES).collect();
    let Some((_, first)) = signatures.first() else { return Err(SignFault::NoKey) };
    let field = |name: &str, value: String| (name.to_owned(), value);
    Ok(match scheme {
        Scheme::Standard => {
            let one = |(kind, bytes): &(Kind, Vec<u8>)| {
                let version = if *kind == Kind::Ed25519 { "v1a" } else { "v1" };
                format!("{version},{}", base64_encode(bytes))
            };
            let all = signatures.iter().map(one).collect::<Vec<_>>().join(" ");
            vec![
                field("webhook-id", id.to_owned()),
                field("webhook-timestamp", time),
                field("webhook-signature", all),
            ]
        }
        Scheme::Github => vec![
            field("x-github-delivery", id.to_owned()),
            field("x-hub-signature-256", format!("sha256={}", hex_encode(first))),
        ],
        Scheme::Stripe => {
            let all: String =
                signatures.iter().map(|(_, bytes)| format!(",v1={}", hex_encode(bytes))).collect();
            vec![field("stripe-signature", format!("t={time}{all}"))]
        }
        Scheme::Slack => vec![
            field("x-slack-request-timestamp", time),
            field("x-slack-signature", format!("v0={}", hex_encode(first))),
        ],
        Scheme::Template(template) => template.fields(id, time, first),
    })
}

/// What somebody claims about a message.
struct Claimed<'h> {
    id: Option<&'h str>,
    timestamp: Option<&'h str>,
    signatures: Vec<(Kind, Vec<u8>)>,
}

/// What made a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ed25519,
    Hmac,
}

impl Scheme {
    /// The header fields whose values are read, in lower case.
    #[must_use]
    pub fn headers(&self) -> Vec<&str> {
        match self {
            Self::Github => vec!["x-hub-signature-256"],
            Self::Slack => vec!["x-slack-request-timestamp", "x-slack-signature"],
            Self::Standard => vec!["webhook-id", "webhook-timestamp", "webhook-signature"],
            Self::Stripe => vec!["stripe-signature"],
            Self::Template(template) => template.headers(),
        }
    }

    /// Whether the time is part of what is signed. Where it is not, only memory helps against a replay.
    #[must_use]
    pub fn signs_time(&self) -> bool {
        match self {
            Self::Github => false,
            Self::Slack | Self::Standard | Self::Stripe => true,
            Self::Template(template) => template.signs_time(),
        }
    }

    fn signs_id(&self) -> bool {
        match self {
            Self::Github | Self::Slack | Self::Stripe => false,
            Self::Standard => true,
            Self::Template(template) => template.signs_id(),
        }
    }

    fn takes_id(&self, id: &str) -> bool {
        match self {
            Self::Standard => is_id(id, "."),
            Self::Template(template) => template.takes_id(id),
            Self::Github | Self::Slack | Self::Stripe => is_id(id, ""),
        }
    }

    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Template(template) => template.algorithm(),
            _ => Algorithm::Sha256,
        }
    }

    fn read<'h>(&self, field: &impl Fn(&str) -> Vec<&'h [u8]>) -> Result<Claimed<'h>, Violation> {
        match self {
            Self::Github => {
                let text = required(field, "x-hub-signature-256", Violation::SignatureMissing)?;
                let hex = text.strip_prefix("sha256=").ok_or(Violation::SignatureMalformed)?;
                Ok(Claimed { id: None, timestamp: None, signatures: vec![(Kind::Hmac, mac(hex)?)] })
            }
            Self::Slack => {
                let text = required(field, "x-slack-signature", Violation::SignatureMissing)?;
                let time = required(field, "x-slack-request-timestamp", Violation::TimestampMissing)?;
                let hex = text.strip_prefix("v0=").ok_or(Violation::SignatureMalformed)?;
                seconds(time)?;
                Ok(Claimed { id: None, timestamp: Some(time), signatures: vec![(Kind::Hmac, mac(hex)?)] })
            }
            Self::Standard => {
                let text = required(field, "webhook-signature", Violation::SignatureMissing)?;
                let id = required(field, "webhook-id", Violation::IdMissing)?;
                let time = required(field, "webhook-timestamp", Violation::TimestampMissing)?;
                if !is_id(id, ".") {
                    return Err(Violation::IdMalformed);
                }
                seconds(time)?;
                Ok(Claimed { id: Some(id), timestamp: Some(time), signatures: versions(text)? })
            }
            Self::Stripe => stripe(required(field, "stripe-signature", Violation::SignatureMissing)?),
            Self::Template(template) => template.read(field),
        }
    }

    /// The signed bytes.
    fn content(&self, id: Option<&str>, timestamp: Option<&str>, body: &[u8]) -> Vec<u8> {
        let (id, time) = (id.unwrap_or_default(), timestamp.unwrap_or_default());
        match self {
            Self::Github => body.to_vec(),
            Self::Slack => [b"v0:", time.as_bytes(), b":", body].concat(),
            Self::Standard => [id.as_bytes(), b".", time.as_bytes(), b".", body].concat(),
            Self::Stripe => [time.as_bytes(), b".", body].concat(),
            Self::Template(template) => template.content(id, time, body),
        }
    }
}

/// `v1,base64` and `v1a,base64` with spaces between; other versions are passed over.
fn versions(text: &str) -> Result<Vec<(Kind, Vec<u8>)>, Violation> {
    let mut found = Vec::new();
    for (index, one) in text.split(' ').filter(|one| !one.is_empty()).enumerate() {
        let (version, value) = one.split_once(',').ok_or(Violation::SignatureMalformed)?;
        let kind = match version {
            "v1" => Kind::Hmac,
            "v1a" => Kind::Ed25519,
            _ => continue,
        };
        let bytes = base64_decode(value).map_err(|_| Violation::SignatureMalformed)?;
        if index >= MOST_SIGNATURES {
            return Err(Violation::SignatureMalformed);
        }
        found.push((kind, bytes));
    }
    if found.is_empty() { Err(Violation::SignatureMissing) } else { Ok(found) }
}

/// `t=seconds` once, `v1=hex` once or more; other versions are passed over, `v0` among them.
fn stripe(text: &str) -> Result<Claimed<'_>, Violation> {
    let (mut time, mut signatures) = (None, Vec::new());
    for (index, one) in text.split(',').map(str::trim).enumerate() {
        if index > MOST_SIGNATURES {
            return Err(Violation::SignatureMalformed);
        }
        match one.split_once('=').ok_or(Violation::SignatureMalformed)? {
            ("t", _) if time.is_some() => return Err(Violation::TimestampMalformed),
            ("t", value) => time = Some(value),
            ("v1", value) => signatures.push((Kind::Hmac, mac(value)?)),
            _ => {}
        }
    }
    let time = time.ok_or(Violation::TimestampMissing)?;
    seconds(time)?;
    if signatures.is_empty() {
        return Err(Violation::SignatureMissing);
    }
    Ok(Claimed { id: None, timestamp: Some(time), signatures })
}

/// The one value of a field that must be there.
fn required<'h>(
    field: &impl Fn(&str) -> Vec<&'h [u8]>,
    name: &str,
    missing: Violation,
) -> Result<&'h str, Violation> {
    let values = field(name);
    match values.as_slice() {
        [] => Err(missing),
        [one] if one.len() <= LONGEST_FIELD => {
            let text = std::str::from_utf8(one).map_err(|_| Violation::SignatureMalformed)?;
            if text.is_empty() { Err(missing) } else { Ok(text) }
        }
        [_] => Err(Violation::SignatureMalformed),
        _ => Err(Violation::HeaderRepeated),
    }
}

fn mac(hex: &str) -> Result<Vec<u8>, Violation> {
    hex_decode(hex).ok_or(Violation::SignatureMalformed)
}

/// Digits only: what is signed has one spelling, without a sign and white space.
fn seconds(text: &str) -> Result<i64, Violation> {
    let digits = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(Violation::TimestampMalformed)
}

/// Visible characters, none of those that end the id where it is signed: an id that could hold them would let
/// the end of it move into what follows.
fn is_id(text: &str, without: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && !text.contains(|character| without.contains(character))
}

const MOST_SIGNATURES: usize = 16;
const LONGEST_FIELD: usize = 4096;
const LONGEST_ID: usize = 256;

#[cfg(test)]
mod tests;
