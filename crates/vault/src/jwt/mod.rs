//! JSON Web Tokens: ES256 only (RFC 7515, 7518 §3.4, 7519), keys as JWKS (RFC 7517) named by their
//! thumbprint (RFC 7638).
//!
//! The algorithm is pinned to the key, never taken from the token: `none`, HMAC with a public key and
//! every other `alg` are refused (RFC 8725 §3.1). `typ` is compared, so that a token made for one
//! purpose is not taken for another (RFC 8725 §3.11). No `crit` is understood, so any is refused.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use gabion_model::{Secret, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::encoding::{base64url_decode, base64url_decode_32, base64url_encode};
use crate::{pem, sha256};

/// A private ES256 key. `Debug` shows its `kid` only; the copy of its bytes is wiped on drop.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    pkcs8: Secret<Vec<u8>>,
    public: Jwk,
}

/// A set of public keys, as `/.well-known/jwks.json` answers it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwks {
    pub keys: Vec<Jwk>,
}

/// One public ES256 key. Other kinds of key do not parse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    kty: Ec,
    crv: P256,
    x: String,
    y: String,
    kid: Arc<str>,
    alg: Es256,
    #[serde(rename = "use")]
    usage: Sig,
}

/// What a token must be to be believed.
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

/// Why a token is not believed. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the token's algorithm is not ES256")]
    Algorithm,
    #[error("the token is meant for somebody else")]
    Audience,
    #[error("the token's claims are not what was expected")]
    Claims,
    #[error("the token names an extension that is not understood")]
    Critical,
    #[error("the token has expired or does not say when it does")]
    Expired,
    #[error("the token was issued by somebody else")]
    Issuer,
    #[error("the token is not three parts of canonical base64url JSON")]
    Malformed,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token is of another type")]
    Type,
    #[error("the token was signed with a key that is not known")]
    UnknownKey,
}

/// Why a key cannot be made or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("a key could not be generated")]
    Generate,
    #[error("not a PKCS#8 PEM file with a P-256 key")]
    Malformed,
}

/// The claims could not be written as JSON or signing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token could not be signed")]
pub struct SignError;

impl SigningKey {
    /// A new key from the system's random source.
    ///
    /// # Errors
    /// When the source fails.
    pub fn generate() -> Result<Self, KeyError> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| KeyError::Generate)?;
        Self::from_pkcs8(Secret::new(document.as_ref().to_vec()))
    }

    /// # Errors
    /// When the text holds no P-256 key in PKCS#8.
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8(pem::read_pkcs8(text).ok_or(KeyError::Malformed)?)
    }

    #[must_use]
    pub fn to_pkcs8_pem(&self) -> Secret<String> {
        pem::write_pkcs8(self.pkcs8.expose())
    }

    /// The key's RFC 7638 thumbprint.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.public.kid
    }

    #[must_use]
    pub const fn public(&self) -> &Jwk {
        &self.public
    }

    /// The compact serialisation of `claims`, with `typ` and `kid` in the header.
    ///
    /// # Errors
    /// When the claims do not serialise.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, SignError> {
        #[derive(Serialize)]
        struct Header<'a> {
            alg: Es256,
            typ: &'a str,
            kid: &'a str,
        }
        let header = Header { alg: Es256::ES256, typ, kid: self.kid() };
        let header = serde_json::to_vec(&header).map_err(|_| SignError)?;
        let claims = serde_json::to_vec(claims).map_err(|_| SignError)?;
        let mut token = base64url_encode(&header);
        token.push('.');
        token.push_str(&base64url_encode(&claims));
        let signature = self.pair.sign(&SystemRandom::new(), token.as_bytes()).map_err(|_| SignError)?;
        token.push('.');
        token.push_str(&base64url_encode(signature.as_ref()));
        Ok(token)
    }

    fn from_pkcs8(pkcs8: Secret<Vec<u8>>) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.expose())
            .map_err(|_| KeyError::Malformed)?;
        let public = Jwk::from_point(pair.public_key().as_ref()).ok_or(KeyError::Malformed)?;
        Ok(Self { pair, pkcs8, public })
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SigningKey").field("kid", &self.public.kid).finish_non_exhaustive()
    }
}

impl Jwks {
    #[must_use]
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> Self {
        Self { keys: keys.into_iter().map(|key| key.public.clone()).collect() }
    }
}

impl Jwk {
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// From an uncompressed point (SEC 1 §2.3.3): 4, x, y.
    fn from_point(point: &[u8]) -> Option<Self> {
        let (x, y) = point.strip_prefix(&[4])?.split_at_checked(32)?;
        if y.len() != 32 {
            return None;
        }
        let (x, y) = (base64url_encode(x), base64url_encode(y));
        // RFC 7638 §3.2: the required members, in lexicographic order, without white space.
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let kid = base64url_encode(&sha256(canonical.as_bytes())).into();
        Some(Self { kty: Ec::EC, crv: P256::P256, x, y, kid, alg: Es256::ES256, usage: Sig::Sig })
    }

    fn point(&self) -> Option<[u8; 65]> {
        let (x, y) = (base64url_decode_32(&self.x).ok()?, base64url_decode_32(&self.y).ok()?);
        let mut point = [4; 65];
        let (_, coordinates) = point.split_first_mut()?;
        for (out, byte) in coordinates.iter_mut().zip(x.iter().chain(&y)) {
            *out = *byte;
        }
        Some(point)
    }
}

/// Verifies a token and returns its claims.
///
/// # Errors
/// The first reason not to believe it.
pub fn verify<C: DeserializeOwned>(
    token: &str,
    keys: &Jwks,
    expected: &Expected<'_>,
) -> Result<C, TokenError> {
    let payload = verify_signature(token, keys, Some(expected.typ))?;
    let registered: Registered = serde_json::from_slice(&payload).map_err(|_| TokenError::Malformed)?;
    registered.check(expected)?;
    serde_json::from_slice(&payload).map_err(|_| TokenError::Claims)
}

/// The payload of a token whose signature is right.
fn verify_signature(token: &str, keys: &Jwks, typ: Option<&str>) -> Result<Vec<u8>, TokenError> {
    if token.len() > LONGEST_TOKEN {
        return Err(TokenError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| TokenError::Malformed)?;
    if header.alg != "ES256" {
        return Err(TokenError::Algorithm);
    }
    if header.crit.is_some() {
        return Err(TokenError::Critical);
    }
    if let Some(typ) = typ
        && !header.typ.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(typ))
    {
        return Err(TokenError::Type);
    }
    let (payload, signature) = (decode(payload)?, decode(signature)?);
    let kid = header.kid.ok_or(TokenError::UnknownKey)?;
    let key = keys.keys.iter().find(|key| *key.kid == *kid).ok_or(TokenError::UnknownKey)?;
    let point = key.point().ok_or(TokenError::UnknownKey)?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| TokenError::Signature)?;
    Ok(payload)
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    base64url_decode(part).map_err(|_| TokenError::Malformed)
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
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
    fn check(&self, expected: &Expected<'_>) -> Result<(), TokenError> {
        if self.iss.as_deref() != Some(expected.issuer) {
            return Err(TokenError::Issuer);
        }
        let for_us = match &self.aud {
            Some(Audience::One(one)) => one == expected.audience,
            Some(Audience::Many(many)) => many.iter().any(|one| one == expected.audience),
            None => false,
        };
        if !for_us {
            return Err(TokenError::Audience);
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "a NumericDate may have a fraction; seconds fit in 53 bits"
        )]
        let now = expected.now.as_secs() as f64;
        let leeway = expected.leeway.as_secs_f64();
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

/// One-word types: a JWK with any other word does not parse.
macro_rules! word {
    ($name:ident, $variant:ident, $text:literal) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        enum $name {
            #[serde(rename = $text)]
            $variant,
        }
    };
}

word!(Ec, EC, "EC");
word!(P256, P256, "P-256");
word!(Es256, ES256, "ES256");
word!(Sig, Sig, "sig");

/// Far above any token we mint; bounds the work a stranger can ask for.
const LONGEST_TOKEN: usize = 16 * 1024;
