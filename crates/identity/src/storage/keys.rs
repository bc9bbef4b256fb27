//! Keeping API keys.

use std::fmt;

use gabion_model::Timestamp;

use super::StorageError;
use crate::account::Account;
use crate::api_key::{ApiKey, ApiKeyId};

/// Keeps API keys. The living table is [`crate::ApiKeys`]; this is what outlives a restart.
pub trait ApiKeyStorage: Send + Sync + fmt::Debug {
    /// Adds a key if its account exists, is not disabled, and still has `epoch`; in the same transaction
    /// writes down what became of the key it takes the place of.
    ///
    /// # Errors
    /// [`StorageError::Stale`] when the account does not allow it any more, [`StorageError::Taken`] when
    /// the id or the hash is taken, [`StorageError::NotFound`] when there is no `replaced`.
    fn insert_key(&self, key: &ApiKey, epoch: u64, replaced: Option<&ApiKey>) -> Result<(), StorageError>;

    /// All keys with their accounts; those of disabled accounts are not among them.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn load_keys(&self) -> Result<Vec<(ApiKey, Account)>, StorageError>;

    /// Removes those of the given keys that are there.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn remove_keys(&self, ids: &[ApiKeyId]) -> Result<(), StorageError>;

    /// Notes when keys were last used; those that are gone are passed over.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn touch_keys(&self, used: &[(ApiKeyId, Timestamp)]) -> Result<(), StorageError>;
}
