//! Access tokens as they come back: verified once, asked about their revocation every time.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use gabion_identity::oauth::OAuthError;
use gabion_identity::oauth::client::SignatureAlgorithm;
use gabion_identity::oauth::token::{ACCESS_TOKEN_TYPE, AccessClaims, Confirmation};
use gabion_model::{Secret, Timestamp};
use gabion_vault::jose::{self, Algorithm, SigningKey, UnverifiedHeader};
use gabion_vault::sha256;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Failed;
use crate::service::Inner;

/// Claims of tokens whose signature was verified, by the SHA-256 of the token. Says nothing about expiry
/// and revocation: those are asked every time.
pub(crate) struct VerifiedTokens {
    shards: [Mutex<HashMap<[u8; 32], Arc<AccessClaims>>>; SHARDS],
}

impl VerifiedTokens {
    pub(crate) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }

    fn shard(&self, hash: &[u8; 32]) -> &Mutex<HashMap<[u8; 32], Arc<AccessClaims>>> {
        let [first, ..] = hash;
        let [fallback, ..] = &self.shards;
        self.shards.get(usize::from(*first) % SHARDS).unwrap_or(fallback)
    }
}

impl fmt::Debug for VerifiedTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("VerifiedTokens")
    }
}

impl Inner {
    /// The claims of an access token of ours that is good now.
    pub(crate) fn access_token(&self, token: &str, now: Timestamp) -> Option<Arc<AccessClaims>> {
        if token.len() > jose::LONGEST_TOKEN {
            return None;
        }
        let hash = sha256(token.as_bytes());
        let shard = self.verified.shard(&hash);
        let known = shard.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
        let claims = match known {
            Some(claims) => claims,
            None => {
                let claims: AccessClaims = self.verify_own(token, ACCESS_TOKEN_TYPE)?;
                let claims = Arc::new(claims);
                let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
                if shard.len() >= PER_SHARD {
                    shard.retain(|_, kept| now.as_secs() < kept.exp);
                }
                if shard.len() >= PER_SHARD {
                    shard.clear();
                }
                shard.insert(hash, Arc::clone(&claims));
                claims
            }
        };
        let good = *claims.iss == *self.issuer()
            && now.as_secs() < claims.exp
            && (claims.gid.is_some() || !self.watch.revocations.is_forgotten(&claims.sub, claims.iat))
            && !self.watch.revocations.is_revoked(
                Some(claims.gid.as_ref().map_or(claims.jti.as_str(), |grant| grant.as_str())),
                &claims.sub,
                claims.iat,
            );
        good.then_some(claims)
    }

    /// The claims of a good access token presented by whoever proved `proven` beside it.
    pub(crate) fn bearer(
        &self,
        token: &Secret<String>,
        proven: &Confirmation,
        now: Timestamp,
    ) -> Result<Arc<AccessClaims>, OAuthError> {
        let claims = self.access_token(token.expose(), now).ok_or_else(OAuthError::invalid_token)?;
        let bound = claims.cnf.clone().unwrap_or_default();
        // A proof beside a token that is bound to none: by the wrong scheme (RFC 9449, 7.1).
        if !bound.is_met_by(proven) || bound.jkt.is_some() != proven.jkt.is_some() {
            return Err(OAuthError::invalid_token());
        }
        Ok(claims)
    }

    /// The claims of a token that one of our keys signed; nothing but signature and type is checked.
    pub(super) fn verify_own<C: DeserializeOwned>(&self, token: &str, typ: &str) -> Option<C> {
        let header = UnverifiedHeader::of(token).ok()?;
        if !header.is_of_type(typ) {
            return None;
        }
        let keys = self.keys.public();
        let key = keys.by_kid(header.kid.as_deref()?)?;
        let verified = jose::verify(token, key, Algorithm::ASYMMETRIC).ok()?;
        serde_json::from_slice(&verified.payload).ok()
    }

    /// The key that signs with an algorithm, or the server's own.
    pub(super) fn key_for(&self, algorithm: Option<SignatureAlgorithm>) -> Option<Arc<SigningKey>> {
        match algorithm {
            None => Some(self.keys.signing()),
            Some(SignatureAlgorithm::EdDsa) => self.keys.signing_with(Algorithm::EdDsa),
            Some(SignatureAlgorithm::Es256) => self.keys.signing_with(Algorithm::Es256),
            Some(SignatureAlgorithm::Rs256) => self.keys.signing_with(Algorithm::Rs256),
        }
    }

    /// Signs with the algorithm a client is registered for, or the server's own.
    pub(super) fn sign_for(
        &self,
        algorithm: Option<SignatureAlgorithm>,
        typ: &str,
        claims: &impl Serialize,
    ) -> Result<Secret<String>, Failed> {
        let key = self.key_for(algorithm).ok_or_else(|| {
            tracing::error!(?algorithm, "no key signs with the algorithm a client is registered for");
            OAuthError::server_error()
        })?;
        let token = key.sign(typ, claims).map_err(|error| {
            tracing::error!(%error, "token not signed");
            OAuthError::server_error()
        })?;
        Ok(Secret::new(token))
    }
}

const SHARDS: usize = 16;
/// 16 × 1024 tokens of about a kilobyte.
const PER_SHARD: usize = 1024;
