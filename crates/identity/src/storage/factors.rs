//! Second factors, as they are kept.

use std::fmt;

use gabion_model::{AccountId, Timestamp};

use super::StorageError;
use crate::factors::FactorId;
use crate::factors::totp::Totp;
use crate::passkey::Passkey;

/// Keeps second factors. What is used once is used up here, in one step with the look at it.
pub trait FactorStorage: Send + Sync + fmt::Debug {
    /// All second factors of an account, each kind in the order they were added.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn factors(&self, account: &AccountId) -> Result<Factors, StorageError>;

    /// # Errors
    /// [`StorageError::NotFound`] when there is no such account, [`StorageError::Taken`] when the id is.
    fn add_totp(&self, totp: &Totp) -> Result<(), StorageError>;

    /// Notes that the code of `step` was used. Returns whether it was the first use: `false` when a code
    /// of this or a later step was used before, or the factor is gone.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn use_totp(&self, id: &FactorId, step: u64, now: Timestamp) -> Result<bool, StorageError>;

    /// # Errors
    /// [`StorageError::NotFound`] when there is no such account, [`StorageError::Taken`] when the id or
    /// the credential is, whoever's.
    fn add_passkey(&self, passkey: &Passkey) -> Result<(), StorageError>;

    /// The passkey with this credential id.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn passkey(&self, credential: &[u8]) -> Result<Option<Passkey>, StorageError>;

    /// Notes that a passkey was used. Returns `false`, and notes nothing, when its counter is not as it
    /// was when the answer was judged any more, or the passkey is gone.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn use_passkey(&self, id: &FactorId, used: &PasskeyUse) -> Result<bool, StorageError>;

    /// Returns whether the account has such a factor.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn rename_factor(&self, account: &AccountId, id: &FactorId, name: &str) -> Result<bool, StorageError>;

    /// Removes a factor, and the recovery codes with the last one: they stand in for something. With
    /// `keep_last` the last one stays.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn remove_factor(
        &self,
        account: &AccountId,
        id: &FactorId,
        keep_last: bool,
    ) -> Result<Removal, StorageError>;

    /// Removes all factors and recovery codes of an account. Returns how many factors there were.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn clear_factors(&self, account: &AccountId) -> Result<usize, StorageError>;

    /// Puts these codes in place of all earlier ones.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such account.
    fn set_recovery_codes(&self, account: &AccountId, hashes: &[[u8; 32]]) -> Result<(), StorageError>;

    /// Uses a code up. Of any number of users at once exactly one gets `true`.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn use_recovery_code(&self, account: &AccountId, hash: &[u8; 32]) -> Result<bool, StorageError>;
}

/// The second factors of one account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Factors {
    pub totps: Vec<Totp>,
    pub passkeys: Vec<Passkey>,
    /// How many recovery codes are left.
    pub recovery_codes: usize,
}

/// What a use of a passkey changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasskeyUse {
    /// The counter the answer was judged against.
    pub before: u32,
    pub sign_count: u32,
    pub backed_up: bool,
    pub now: Timestamp,
}

/// How a removal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is the last one and stays.
    Last,
    NotThere,
    Removed,
}

impl Factors {
    /// How many there are, recovery codes apart.
    #[must_use]
    pub fn count(&self) -> usize {
        self.totps.len().saturating_add(self.passkeys.len())
    }
}
