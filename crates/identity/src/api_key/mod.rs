//! API keys: what a program shows instead of a session.
//!
//! A key is shown once, when it is made; kept is its SHA-256. It belongs to an account (a person's or a
//! service account), is good for the scopes it was made with, and ends on its date.

mod format;
mod table;
#[cfg(test)]
mod tests;

use gabion_model::{AccountId, Period, Timestamp};

pub use format::{ApiKeyId, PREFIX, contains_key, is_environment, is_key};
pub use table::{ApiKeys, NewApiKey};

use crate::credential::Scopes;

/// A key as it is stored: its hash, never the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: ApiKeyId,
    /// SHA-256 of the whole key.
    pub hash: [u8; 32],
    pub account: AccountId,
    /// What its owner calls it.
    pub label: String,
    /// Its beginning, by which its owner recognises it.
    pub hint: String,
    pub scopes: Scopes,
    pub created: Timestamp,
    pub expires: Timestamp,
    /// To within a minute.
    pub last_used: Option<Timestamp>,
    /// The key that takes its place.
    pub successor: Option<ApiKeyId>,
}

impl ApiKey {
    /// How long it was made for: what its successor gets too.
    #[must_use]
    pub fn life(&self) -> Period {
        let micros = self.expires.as_micros().saturating_sub(self.created.as_micros());
        Period::from_secs(u64::try_from(micros / 1_000_000).unwrap_or(0))
    }
}

/// Why a key was not made, replaced or ended. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    #[error("a key lives from one minute to {0}")]
    Life(Period),
    #[error("a label is 1 to 64 printable characters")]
    Label,
    #[error("there is no such key, or no such account")]
    NotFound,
    /// A key was replaced already.
    #[error("the key was replaced already")]
    Replaced,
    /// A key without scopes would be good for nothing, or, worse, for everything.
    #[error("a key needs one scope at least")]
    Scopes,
    #[error(transparent)]
    Storage(crate::storage::StorageError),
    #[error("the account has {0} keys, which is as many as it may have")]
    TooMany(u32),
}
