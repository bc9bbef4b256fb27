//! Who of another provider is whose account here.

use std::fmt;

use gabion_model::{AccountId, Rng, Timestamp, random};
use gabion_vault::encoding::base64url_encode;
use serde::Serialize;

use crate::account::Account;
use crate::storage::StorageError;

/// One way for one account to sign in. Found by issuer and subject, which together name one person for
/// ever (OpenID Connect Core 1.0, section 5.7); everything else is for the eyes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalIdentity {
    pub id: IdentityId,
    pub account: AccountId,
    pub issuer: String,
    pub subject: String,
    /// What the person recognises it by, as of the last sign-in.
    pub label: String,
    pub linked: Timestamp,
    pub last_used: Option<Timestamp>,
}

/// Names a linked identity in addresses. Public.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct IdentityId(String);

/// Keeps who of another provider is whose account here.
pub trait FederationStorage: Send + Sync + fmt::Debug {
    /// Links an identity to the account it names.
    ///
    /// # Errors
    /// [`StorageError::Taken`] when its issuer and subject (or its id) are linked already, to whomever;
    /// [`StorageError::NotFound`] when there is no such account.
    fn link_identity(&self, identity: &ExternalIdentity) -> Result<(), StorageError>;

    /// Adds an account together with the identity that signs in to it: both or neither.
    ///
    /// # Errors
    /// [`StorageError::Taken`] when either cannot be added.
    fn provision(&self, account: &Account, identity: &ExternalIdentity) -> Result<(), StorageError>;

    /// Whose the identity is.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn identity(&self, issuer: &str, subject: &str) -> Result<Option<ExternalIdentity>, StorageError>;

    /// All identities of an account, the first linked first.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn identities(&self, account: &AccountId) -> Result<Vec<ExternalIdentity>, StorageError>;

    /// Notes that an identity was used, and what it is called now; passed over when it is gone.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn identity_used(&self, id: &IdentityId, label: &str, now: Timestamp) -> Result<(), StorageError>;

    /// Unlinks an identity of the account; returns whether it was there. Where `keep_one`, not the last.
    ///
    /// # Errors
    /// [`StorageError::Stale`] when it is the last and one must stay.
    fn unlink_identity(
        &self,
        account: &AccountId,
        id: &IdentityId,
        keep_one: bool,
    ) -> Result<bool, StorageError>;
}

impl IdentityId {
    #[must_use]
    pub fn random(rng: &dyn Rng) -> Self {
        Self(base64url_encode(&random::bytes::<16>(rng)))
    }

    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdentityId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}
