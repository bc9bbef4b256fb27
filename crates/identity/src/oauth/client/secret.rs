//! Client secrets: 256 random bits, shown once, kept as their SHA-256.

use gabion_model::{Rng, Secret, Timestamp, random};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::{constant_time_eq, sha256};

/// A secret as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSecret {
    /// Names it in lists; says nothing about it.
    pub id: String,
    /// Of the text, so that a secret given by its owner can be kept the same way.
    pub hash: [u8; 32],
    pub created: Timestamp,
    /// None: until it is taken away.
    pub expires: Option<Timestamp>,
}

impl ClientSecret {
    /// A new secret, and the text to be shown once.
    #[must_use]
    pub fn generate(now: Timestamp, expires: Option<Timestamp>, rng: &dyn Rng) -> (Secret<String>, Self) {
        let bytes = Secret::new(random::bytes::<32>(rng));
        let text = Secret::new(base64url_encode(bytes.expose()));
        let secret = Self::of(&text, now, expires, rng);
        (text, secret)
    }

    /// A secret that exists already, for instance one declared in a file. Its owner answers for its
    /// randomness: nothing shorter than [`SHORTEST_GIVEN_SECRET`] is taken.
    #[must_use]
    pub fn of(text: &Secret<String>, now: Timestamp, expires: Option<Timestamp>, rng: &dyn Rng) -> Self {
        Self::of_hash(sha256(text.expose().as_bytes()), now, expires, rng)
    }

    /// The same of a secret of which only the SHA-256 is known.
    #[must_use]
    pub fn of_hash(hash: [u8; 32], now: Timestamp, expires: Option<Timestamp>, rng: &dyn Rng) -> Self {
        Self { id: base64url_encode(&random::bytes::<6>(rng)), hash, created: now, expires }
    }

    /// Whether it is the secret with this SHA-256.
    #[must_use]
    pub fn has_hash(&self, hash: &[u8; 32]) -> bool {
        constant_time_eq(&self.hash, hash)
    }

    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| now >= end)
    }

    /// Whether `text` is this secret, in the same time wherever they differ.
    #[must_use]
    pub fn is(&self, text: &Secret<String>) -> bool {
        constant_time_eq(&self.hash, &sha256(text.expose().as_bytes()))
    }
}

/// Of a secret that its owner chose.
pub const SHORTEST_GIVEN_SECRET: usize = 32;
