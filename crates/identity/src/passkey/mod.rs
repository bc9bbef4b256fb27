//! Passkeys and security keys (WebAuthn Level 2, with what Level 3 says about backup flags).
//!
//! A verifier of our own: what a relying party must check is a page of rules, and the crates that do it
//! bring a second set of cryptographic primitives. Attestation is not asked for (`none`) and, if it comes
//! all the same, not looked at: who made an authenticator decides nothing here.
//!
//! What is checked, in the order of the standard (7.1, 7.2): the ceremony, the challenge (made for this
//! browser's flow, good once), the origin (exactly ours), the relying party's hash, that somebody was
//! present and, where asked for, verified, the key's algorithm, the signature, the counter.

mod authentication;
mod authenticator_data;
mod cbor;
mod challenges;
mod client_data;
mod cose;
mod registration;
#[cfg(test)]
mod tests;

use gabion_model::{AccountId, Timestamp};
use gabion_vault::sha256;
use url::{Host, Url};

pub use authentication::{Assertion, Authenticated, Demand};
pub use challenges::{Challenges, Holder, Purpose, SoloChallenge};
pub use cose::ALGORITHMS;
pub use registration::{Registered, Registration};

use crate::factors::FactorId;

/// A registered passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    pub id: FactorId,
    pub account: AccountId,
    /// What the person calls it.
    pub name: String,
    /// The credential id. One account's only.
    pub credential: Vec<u8>,
    /// The COSE key as the authenticator gave it.
    pub public_key: Vec<u8>,
    pub sign_count: u32,
    /// It can live on several devices of its owner.
    pub backup_eligible: bool,
    pub backed_up: bool,
    /// How browsers reach it: a hint for the next time.
    pub transports: Vec<String>,
    /// Which model it is, if it says so.
    pub aaguid: [u8; 16],
    pub created: Timestamp,
    pub last_used: Option<Timestamp>,
}

/// This gate, as passkeys know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    id: String,
    origin: String,
}

/// Why a ceremony failed: for the ledger. The person is told that it did not work. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    /// The counter did not go up: there may be a copy of the authenticator (6.1.1).
    #[error("the counter of the passkey went back, there may be a copy of it")]
    CounterWentBack,
    #[error("the answer of the passkey is malformed")]
    Malformed,
    #[error("nobody was present at the passkey")]
    NoUserPresent,
    #[error("the passkey did not verify its user")]
    NoUserVerified,
    #[error("the passkey has an algorithm that was not asked for")]
    UnsupportedKey,
    #[error("the answer is for another ceremony")]
    WrongCeremony,
    #[error("the answer is for another challenge, or an old one")]
    WrongChallenge,
    #[error("the answer was made on another site")]
    WrongOrigin,
    #[error("the passkey belongs to another site")]
    WrongRelyingParty,
    #[error("the signature of the passkey is wrong")]
    WrongSignature,
    #[error("the passkey is another account's")]
    WrongUser,
}

impl RelyingParty {
    /// The one passkeys are made for at `origin`; none where there can be none: an address instead of a
    /// name, or a name reached without TLS that is not `localhost`.
    #[must_use]
    pub fn of(origin: &str) -> Option<Self> {
        let url = Url::parse(origin).ok()?;
        let Some(Host::Domain(host)) = url.host() else { return None };
        let local = host == "localhost" || host.ends_with(".localhost");
        let secure = url.scheme() == "https" || (url.scheme() == "http" && local);
        secure.then(|| Self { id: host.to_owned(), origin: url.origin().ascii_serialization() })
    }

    /// The domain.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    fn id_hash(&self) -> [u8; 32] {
        sha256(self.id.as_bytes())
    }
}
