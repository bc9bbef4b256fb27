//! Grants: what one person allowed one application, once. A grant begins with a code (or without one,
//! in the flows that have none), carries every token made from it, and ends for all of them at once.

use std::time::Duration;

use gabion_model::{AccountId, Methods, Rng, Secret, SessionId, Timestamp, random};
use gabion_vault::encoding::base64url_encode;
use serde::{Deserialize, Serialize};

use super::claims::ClaimsRequest;
use super::client::ClientId;
use super::grant_id::GrantId;
use super::scope::Scopes;
use super::token::Confirmation;

/// One grant, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub id: GrantId,
    pub client: ClientId,
    pub account: AccountId,
    /// The account's epoch when it was granted: when that has risen since, the grant is over.
    pub epoch: u64,
    /// The session in which it was granted.
    pub session: Option<SessionId>,
    /// Outlives the session (`offline_access`).
    pub offline: bool,
    pub terms: Terms,
    /// The SHA-256 of the code, where it began with one.
    pub code_hash: Option<[u8; 32]>,
    /// When the code was exchanged; for grants without a code, when they began.
    pub redeemed: Option<Timestamp>,
    pub created: Timestamp,
    pub last_used: Timestamp,
    /// When what can be done with it next (exchange the code, refresh) can be done no more.
    pub expires: Timestamp,
    /// Refreshing does not reach beyond.
    pub latest: Timestamp,
    pub ended: Option<Timestamp>,
    pub refresh: Option<Refresh>,
}

/// What was agreed. Kept as one document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Terms {
    pub scope: Scopes,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    #[serde(default, skip_serializing_if = "ClaimsRequest::is_empty")]
    pub claims: ClaimsRequest,
    /// As the authorization request gave it; the token request must repeat it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// Whether the token request must repeat it: OAuth 2.0 clients that sent it do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    #[serde(default)]
    pub authenticated: Timestamp,
    #[serde(default)]
    pub methods: Methods,
    /// The thumbprint of the key that tokens are bound to (RFC 9449).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
    /// The thumbprint of the certificate that tokens are bound to (RFC 8705, 4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
}

/// The state of a grant's refresh token: one row, one counter, no table of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// The key under which tokens of the grant are authenticated, sealed.
    pub key: Vec<u8>,
    /// The counter of the token that is good now.
    pub counter: u64,
    pub last: Option<LastAnswer>,
}

/// What the last refresh was answered, for whoever never got the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAnswer {
    pub time: Timestamp,
    /// The SHA-256 of who asked for what.
    pub asked: [u8; 32],
    /// The answer, sealed.
    pub answer: Vec<u8>,
}

/// What a new grant begins with.
#[derive(Debug, Clone)]
pub struct NewGrant {
    pub client: ClientId,
    pub account: AccountId,
    pub epoch: u64,
    pub session: Option<SessionId>,
    pub terms: Terms,
    pub now: Timestamp,
}

/// What somebody allowed an application, so that it need not be asked again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    pub account: AccountId,
    pub client: ClientId,
    pub scope: Scopes,
    /// The claims asked for by name that were allowed.
    pub claims: Vec<String>,
    pub granted: Timestamp,
}

/// Why a grant ended, for its event. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndReason {
    #[error("the code was presented a second time")]
    CodeReused,
    #[error("the code was presented with what does not belong to it")]
    CodeMisused,
    #[error("a refresh token was presented by another client")]
    ForeignClient,
    #[error("a refresh token was presented with another key")]
    ForeignKey,
    #[error("a used refresh token was presented again, too late or with another request")]
    RefreshReused,
    #[error("the application returned it")]
    Returned,
    #[error("it was revoked")]
    Revoked,
}

impl Terms {
    /// What its tokens are bound to.
    #[must_use]
    pub fn bound_to(&self) -> Confirmation {
        Confirmation { jkt: self.dpop_jkt.clone(), x5t_s256: self.x5t_s256.clone() }
    }
}

impl Grant {
    /// A grant that waits for its code to be exchanged. Returns the code.
    #[must_use]
    pub fn with_code(
        new: NewGrant,
        life: Duration,
        absolute: Duration,
        rng: &dyn Rng,
    ) -> (Secret<String>, Self) {
        let code = Secret::new(base64url_encode(&random::bytes::<32>(rng)));
        let mut grant = Self::without_code(new, life, absolute, rng);
        grant.code_hash = Some(gabion_vault::sha256(code.expose().as_bytes()));
        grant.redeemed = None;
        (code, grant)
    }

    /// A grant whose tokens can be made at once: of the flows without a code.
    #[must_use]
    pub fn without_code(new: NewGrant, life: Duration, absolute: Duration, rng: &dyn Rng) -> Self {
        Self {
            id: GrantId::random(rng),
            offline: new.terms.scope.has(super::scope::OFFLINE_ACCESS),
            client: new.client,
            account: new.account,
            epoch: new.epoch,
            session: new.session,
            terms: new.terms,
            code_hash: None,
            redeemed: Some(new.now),
            created: new.now,
            last_used: new.now,
            expires: new.now.saturating_add(life),
            latest: new.now.saturating_add(absolute),
            ended: None,
            refresh: None,
        }
    }

    /// Neither ended nor expired.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.expires
    }
}
