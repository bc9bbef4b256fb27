//! The compact serialisation of a signed token (RFC 7515 §7.1), verified.

use aws_lc_rs::digest;
use serde_json::{Map, Value};

use super::{Algorithm, Jwk, LONGEST_TOKEN, TokenError, UnverifiedHeader};
use crate::encoding::{base64url_decode, base64url_encode};
use crate::json;

/// A token whose signature is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub header: UnverifiedHeader,
    pub payload: Vec<u8>,
}

impl Verified {
    /// The payload as a JSON object.
    ///
    /// # Errors
    /// [`TokenError::Malformed`] when it is none, or a member is repeated.
    pub fn members(&self) -> Result<Map<String, Value>, TokenError> {
        json::object(&self.payload).ok_or(TokenError::Malformed)
    }
}

/// The left half of the hash that belongs to a token's algorithm, in base64url: what `at_hash` and `c_hash`
/// hold (OpenID Connect Core 1.0, section 3.1.3.6). Ed25519's hash is SHA-512 (RFC 8032 §5.1).
#[must_use]
pub fn left_half_hash(algorithm: Algorithm, data: &[u8]) -> String {
    let hash = match algorithm {
        Algorithm::Es256 | Algorithm::Hs256 | Algorithm::Ps256 | Algorithm::Rs256 => &digest::SHA256,
        Algorithm::Es384 | Algorithm::Hs384 | Algorithm::Ps384 | Algorithm::Rs384 => &digest::SHA384,
        Algorithm::EdDsa | Algorithm::Es512 | Algorithm::Hs512 | Algorithm::Ps512 | Algorithm::Rs512 => {
            &digest::SHA512
        }
    };
    let whole = digest::digest(hash, data);
    let (left, _) = whole.as_ref().split_at(whole.as_ref().len() / 2);
    base64url_encode(left)
}

/// Verifies a token of any payload by one key. What is signed is checked and nothing in it: `typ`, issuer,
/// audience and times are the caller's, or [`crate::jwt`]'s.
///
/// # Errors
/// [`TokenError::Algorithm`] unless the token's algorithm is among `allowed` and the key is for it.
pub fn verify(token: &str, key: &Jwk, allowed: &[Algorithm]) -> Result<Verified, TokenError> {
    let parts = Parts::of(token)?;
    let header = UnverifiedHeader::of(token)?;
    let payload = parts.verify(key, header.alg, allowed)?;
    Ok(Verified { header, payload })
}

/// A token in its three parts.
pub(crate) struct Parts<'a> {
    pub(crate) header: &'a str,
    signed: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        Ok(Self { header, signed, payload, signature })
    }

    /// The payload, if the signature is right.
    pub(crate) fn verify(
        &self,
        key: &Jwk,
        alg: Algorithm,
        allowed: &[Algorithm],
    ) -> Result<Vec<u8>, TokenError> {
        if !allowed.contains(&alg) {
            return Err(TokenError::Algorithm);
        }
        let decode = |part| base64url_decode(part).map_err(|_| TokenError::Malformed);
        let (payload, signature) = (decode(self.payload)?, decode(self.signature)?);
        key.verify(alg, self.signed.as_bytes(), &signature)?;
        Ok(payload)
    }
}
