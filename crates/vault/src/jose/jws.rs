//! The compact serialisation of a signed token (RFC 7515 §7.1), verified.

use super::{Algorithm, Jwk, LONGEST_TOKEN, TokenError, UnverifiedHeader};
use crate::encoding::base64url_decode;

/// A token whose signature is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub header: UnverifiedHeader,
    pub payload: Vec<u8>,
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
