//! Keys of senders and receivers.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use gabion_model::Secret;

use super::{Algorithm, Kind, Scheme, TextEncoding};
use crate::digest::{constant_time_eq, hmac_sha1, hmac_sha256, hmac_sha512};
use crate::encoding::{base64_decode, base64url_decode, hex_decode};

/// A secret that sender and receiver share, or one half of a pair.
pub struct Key(Inner);

enum Inner {
    Pair(Box<Ed25519KeyPair>),
    Public([u8; 32]),
    Shared(Secret<Vec<u8>>),
}

/// Why a text is no key. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    #[error("not written as this scheme writes its keys")]
    Malformed,
    #[error("shorter than 16 bytes")]
    TooShort,
}

impl Key {
    /// Reads a key as the scheme's senders show it: `whsec_…`, `whpk_…` and `whsk_…` for Standard Webhooks,
    /// the text itself for GitHub, Stripe and Slack, and as its template says for any other.
    ///
    /// # Errors
    /// [`KeyFault`]
    pub fn parse(scheme: &Scheme, text: &str) -> Result<Self, KeyFault> {
        match scheme {
            Scheme::Standard => Self::standard(text),
            Scheme::Github | Scheme::Slack | Scheme::Stripe => Self::shared(text.as_bytes().to_vec()),
            Scheme::Template(template) => {
                let bytes = match template.key_encoding() {
                    TextEncoding::Text => text.as_bytes().to_vec(),
                    TextEncoding::Hex => hex_decode(text).ok_or(KeyFault::Malformed)?,
                    TextEncoding::Base64 => base64_decode(text).map_err(|_| KeyFault::Malformed)?,
                    TextEncoding::Base64url => base64url_decode(text).map_err(|_| KeyFault::Malformed)?,
                };
                if template.algorithm() == Algorithm::Ed25519 {
                    Self::ed25519(&bytes)
                } else {
                    Self::shared(bytes)
                }
            }
        }
    }

    fn standard(text: &str) -> Result<Self, KeyFault> {
        let bytes = |text: &str| base64_decode(text).map_err(|_| KeyFault::Malformed);
        if let Some(text) = text.strip_prefix("whpk_") {
            return Self::ed25519(&bytes(text)?);
        }
        if let Some(text) = text.strip_prefix("whsk_") {
            let bytes = Secret::new(bytes(text)?);
            let (seed, public) = bytes.expose().split_at_checked(32).ok_or(KeyFault::Malformed)?;
            let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyFault::Malformed)?;
            // A seed, or a seed and the public key it must come to.
            if !public.is_empty() && pair.public_key().as_ref() != public {
                return Err(KeyFault::Malformed);
            }
            return Ok(Self(Inner::Pair(Box::new(pair))));
        }
        Self::shared(bytes(text.strip_prefix("whsec_").unwrap_or(text))?)
    }

    fn ed25519(bytes: &[u8]) -> Result<Self, KeyFault> {
        bytes.try_into().map(|public| Self(Inner::Public(public))).map_err(|_| KeyFault::Malformed)
    }

    fn shared(bytes: Vec<u8>) -> Result<Self, KeyFault> {
        let bytes = Secret::new(bytes);
        if bytes.expose().len() < SHORTEST { Err(KeyFault::TooShort) } else { Ok(Self(Inner::Shared(bytes))) }
    }

    /// Whether `signature` is this key's of `content`.
    pub(super) fn is_right(
        &self,
        kind: Kind,
        algorithm: Algorithm,
        content: &[u8],
        signature: &[u8],
    ) -> bool {
        let by = |public: &[u8]| UnparsedPublicKey::new(&ED25519, public).verify(content, signature).is_ok();
        match (&self.0, kind) {
            (Inner::Shared(key), Kind::Hmac) => {
                constant_time_eq(&mac(algorithm, key.expose(), content), signature)
            }
            (Inner::Public(public), Kind::Ed25519) => by(public),
            (Inner::Pair(pair), Kind::Ed25519) => by(pair.public_key().as_ref()),
            _ => false,
        }
    }

    /// `None` for the public half of a pair.
    pub(super) fn sign(&self, algorithm: Algorithm, content: &[u8]) -> Option<(Kind, Vec<u8>)> {
        match &self.0 {
            Inner::Shared(key) => Some((Kind::Hmac, mac(algorithm, key.expose(), content))),
            Inner::Pair(pair) => Some((Kind::Ed25519, pair.sign(content).as_ref().to_vec())),
            Inner::Public(_) => None,
        }
    }
}

fn mac(algorithm: Algorithm, key: &[u8], content: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::Sha1 => hmac_sha1(key, content).to_vec(),
        // A template with Ed25519 has no shared keys.
        Algorithm::Sha256 | Algorithm::Ed25519 => hmac_sha256(key, content).to_vec(),
        Algorithm::Sha512 => hmac_sha512(key, content).to_vec(),
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// 128 bits, if they are random.
const SHORTEST: usize = 16;
