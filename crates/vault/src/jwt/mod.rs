//! JSON Web Tokens (RFC 7519): who issued them, for whom, and until when, over the signatures of
//! [`crate::jose`].
//!
//! `typ` is compared, so that a token made for one purpose is not taken for another (RFC 8725 §3.11).

#[cfg(test)]
mod tests;

use std::time::Duration;

use gabion_model::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::jose::jws::Parts;
use crate::jose::{UnverifiedHeader, header};

pub use crate::jose::{
    Algorithm, Jwk, Jwks, KeyError, LONGEST_TOKEN, MalformedKey, SignError, SigningKey, TokenError,
};

/// What a token of our own must be to be believed.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The header's `typ`, compared without regard to case.
    pub typ: &'a str,
    pub issuer: &'a str,
    pub audience: &'a str,
    pub now: Timestamp,
    /// How far the two clocks may be apart.
    pub leeway: Duration,
}

/// What a token must be that somebody else signed: an ID token, a client's assertion.
#[derive(Debug, Clone, Copy)]
pub struct Foreign<'a> {
    /// The algorithms that are believed; the key must be for the token's.
    pub allowed: &'a [Algorithm],
    /// The header's `typ` is one of these, where it has one: these tokens are older than the rule to have it.
    pub types: &'a [&'a str],
    pub issuer: &'a str,
    /// The token is for one of these.
    pub audiences: &'a [&'a str],
    pub now: Timestamp,
    /// How far the two clocks may be apart.
    pub leeway: Duration,
}

/// Verifies a token of our own and returns its claims. `kid` chooses the key, the key says the algorithm.
///
/// # Errors
/// The first reason not to believe it.
pub fn verify<C: DeserializeOwned>(
    token: &str,
    keys: &Jwks,
    expected: &Expected<'_>,
) -> Result<C, TokenError> {
    let payload = verify_signature(token, keys, Some(expected.typ))?;
    let Expected { issuer, audience, now, leeway, .. } = *expected;
    let registered: Registered = serde_json::from_slice(&payload).map_err(|_| TokenError::Malformed)?;
    registered.check(issuer, &[audience], now, leeway)?;
    serde_json::from_slice(&payload).map_err(|_| TokenError::Claims)
}

/// Verifies a token of our own like [`verify`], but leaves it to the caller to ask whom it is for: one token
/// can be for several.
///
/// # Errors
/// The first reason not to believe it.
pub fn verify_for_anybody<C: DeserializeOwned>(
    token: &str,
    keys: &Jwks,
    typ: &str,
    issuer: &str,
    now: Timestamp,
    leeway: Duration,
) -> Result<C, TokenError> {
    let payload = verify_signature(token, keys, Some(typ))?;
    let registered: Registered = serde_json::from_slice(&payload).map_err(|_| TokenError::Malformed)?;
    registered.check_issue(issuer, now, leeway)?;
    serde_json::from_slice(&payload).map_err(|_| TokenError::Claims)
}

/// Verifies a token that somebody else signed with one of `keys`, and returns its claims. Without `kid`, the
/// one key that is for the token's algorithm is taken; where there are several, none is.
///
/// # Errors
/// The first reason not to believe it. [`TokenError::UnknownKey`] is the one after which it may help to
/// fetch the keys again.
pub fn verify_foreign<C: DeserializeOwned>(
    token: &str,
    keys: &Jwks,
    expected: &Foreign<'_>,
) -> Result<C, TokenError> {
    let Foreign { allowed, types, issuer, audiences, now, leeway } = *expected;
    let header = UnverifiedHeader::of(token)?;
    if !allowed.contains(&header.alg) {
        return Err(TokenError::Algorithm);
    }
    if header.typ.is_some() && !types.iter().any(|typ| header.is_of_type(typ)) {
        return Err(TokenError::Type);
    }
    let named = |key: &&Jwk| header.kid.is_none() || key.kid() == header.kid.as_deref();
    if header.kid.is_some() && !keys.keys.iter().any(|key| named(&key)) {
        return Err(TokenError::UnknownKey);
    }
    let mut candidates = keys.keys.iter().filter(named).filter(|key| key.is_for(header.alg));
    let key = match (candidates.next(), candidates.next()) {
        (Some(key), None) => key,
        (Some(_), Some(_)) => return Err(TokenError::UnknownKey),
        (None, _) if header.kid.is_some() => return Err(TokenError::Algorithm),
        (None, _) => return Err(TokenError::UnknownKey),
    };
    let payload = Parts::of(token)?.verify(key, header.alg, allowed)?;
    let registered: Registered = serde_json::from_slice(&payload).map_err(|_| TokenError::Malformed)?;
    registered.check(issuer, audiences, now, leeway)?;
    serde_json::from_slice(&payload).map_err(|_| TokenError::Claims)
}

/// The payload of a token of our own whose signature is right.
fn verify_signature(token: &str, keys: &Jwks, typ: Option<&str>) -> Result<Vec<u8>, TokenError> {
    let parts = Parts::of(token)?;
    let mut members = header::read(parts.header)?;
    let alg = header::algorithm(&members)?;
    let (own, kid) = (header::text(&mut members, "typ")?, header::text(&mut members, "kid")?);
    if let Some(typ) = typ
        && !own.is_some_and(|own| own.eq_ignore_ascii_case(typ))
    {
        return Err(TokenError::Type);
    }
    let key = kid.and_then(|kid| keys.by_kid(&kid)).ok_or(TokenError::UnknownKey)?;
    parts.verify(key, alg, Algorithm::ASYMMETRIC)
}

/// The registered claims (RFC 7519 §4.1) that decide whether the rest is read.
#[derive(Deserialize)]
struct Registered {
    iss: Option<String>,
    aud: Option<Audience>,
    exp: Option<f64>,
    nbf: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Registered {
    fn check(
        &self,
        issuer: &str,
        audiences: &[&str],
        now: Timestamp,
        leeway: Duration,
    ) -> Result<(), TokenError> {
        if self.iss.as_deref() != Some(issuer) {
            return Err(TokenError::Issuer);
        }
        let for_us = match &self.aud {
            Some(Audience::One(one)) => audiences.contains(&one.as_str()),
            Some(Audience::Many(many)) => many.iter().any(|one| audiences.contains(&one.as_str())),
            None => false,
        };
        if !for_us {
            return Err(TokenError::Audience);
        }
        self.check_issue(issuer, now, leeway)
    }

    /// By whom, and from when until when.
    fn check_issue(&self, issuer: &str, now: Timestamp, leeway: Duration) -> Result<(), TokenError> {
        if self.iss.as_deref() != Some(issuer) {
            return Err(TokenError::Issuer);
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "a NumericDate may have a fraction; seconds fit in 53 bits"
        )]
        let now = now.as_secs() as f64;
        let leeway = leeway.as_secs_f64();
        // Written so that anything that is not a finite number is refused.
        if !self.exp.is_some_and(|exp| exp.is_finite() && now - leeway < exp) {
            return Err(TokenError::Expired);
        }
        if !self.nbf.is_none_or(|nbf| nbf <= now + leeway) {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }
}
