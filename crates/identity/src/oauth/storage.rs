//! Where grants are kept, what is on its way to one, and what people agreed to.

use std::fmt;

use gabion_model::{AccountId, SessionId, Timestamp};

use super::client::ClientId;
use super::grant::{Consent, Grant, LastAnswer};
use super::grant_id::GrantId;
use super::request::{AuthorizationRequest, Progress};
use super::token::Confirmation;
use crate::storage::StorageError;

/// An authorization request that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The SHA-256 of the id the browser is given.
    pub id: [u8; 32],
    /// The SHA-256 of the cookie of the browser that began it.
    pub browser: [u8; 32],
    pub request: AuthorizationRequest,
    pub progress: Progress,
    pub expires: Timestamp,
}

/// What became of a code that was presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redeemed {
    /// It was presented before, or its grant has ended: somebody has what is not theirs.
    Again(Box<Grant>),
    /// For the first and only time.
    Now(Box<Grant>),
    /// There is none, or it has expired.
    Unknown,
}

/// Which grants end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending<'a> {
    /// All of an account.
    Account(&'a AccountId),
    /// All of an account to one client.
    AccountClient(&'a AccountId, &'a ClientId),
    /// All to one client.
    Client(&'a ClientId),
    One(&'a GrantId),
    /// Those bound to a session.
    Session(&'a SessionId),
    /// Those whose account is disabled, or was revoked since.
    Stale,
}

/// How long things are kept after a code was exchanged or a token refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension {
    /// When a grant without a refresh token expires.
    pub access: Timestamp,
    /// When one with a refresh token does, unless its latest moment is before.
    pub refresh: Timestamp,
}

/// Keeps grants, pending requests and consents.
pub trait OAuthStorage: Send + Sync + fmt::Debug {
    /// # Errors
    /// [`StorageError::Taken`] when the id is.
    fn insert_pending(&self, pending: &Pending) -> Result<(), StorageError>;

    /// The request, if it has not expired.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn pending(&self, id: &[u8; 32], now: Timestamp) -> Result<Option<Pending>, StorageError>;

    /// Notes how far it has come; nothing happens when it is gone.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn set_progress(&self, id: &[u8; 32], progress: Progress) -> Result<(), StorageError>;

    /// Takes it away. Of any number of takers at once exactly one is told `true`.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn take_pending(&self, id: &[u8; 32]) -> Result<bool, StorageError>;

    /// Adds a grant, if its account exists, is not disabled and still has the grant's epoch.
    ///
    /// # Errors
    /// [`StorageError::Stale`] when the account does not allow it any more.
    fn insert_grant(&self, grant: &Grant) -> Result<(), StorageError>;

    /// # Errors
    /// When the storage cannot be read.
    fn grant(&self, id: &GrantId) -> Result<Option<Grant>, StorageError>;

    /// Exchanges a code, by its SHA-256. Of any number of callers at once exactly one is told `Now`, with
    /// the grant as it is then. The grant is bound to what `bind` names, key or certificate, unless it is bound to
    /// one already.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn redeem(
        &self,
        code: &[u8; 32],
        bind: &Confirmation,
        until: Extension,
        now: Timestamp,
    ) -> Result<Redeemed, StorageError>;

    /// Raises the counter of a living grant from `from` by one and keeps the answer. Of any number of
    /// callers at once with one `from` exactly one is told `true`.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn rotate(
        &self,
        id: &GrantId,
        from: u64,
        last: &LastAnswer,
        expires: Timestamp,
    ) -> Result<bool, StorageError>;

    /// Ends living grants; the consent of the account to the client goes with
    /// [`Ending::AccountClient`]. Returns which.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn end_grants(&self, which: &Ending<'_>, now: Timestamp) -> Result<Vec<GrantId>, StorageError>;

    /// The grants of an account that live, the oldest first.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn grants_of(&self, account: &AccountId, now: Timestamp) -> Result<Vec<Grant>, StorageError>;

    /// What ended at or after a moment, and when.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn ended_since(&self, since: Timestamp) -> Result<Vec<(GrantId, Timestamp)>, StorageError>;

    /// Grants that have not ended and end with a session.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn bound_grants(&self) -> Result<Vec<(SessionId, GrantId)>, StorageError>;

    /// The clients that got tokens in a session, by id, whether or not their grants live.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn clients_of_session(&self, session: &SessionId) -> Result<Vec<ClientId>, StorageError>;

    /// Remembers a consent in place of the former one.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such account.
    fn put_consent(&self, consent: &Consent) -> Result<(), StorageError>;

    /// # Errors
    /// When the storage cannot be read.
    fn consent(&self, account: &AccountId, client: &ClientId) -> Result<Option<Consent>, StorageError>;

    /// All consents of an account, by client.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn consents(&self, account: &AccountId) -> Result<Vec<Consent>, StorageError>;

    /// Removes requests that expired, and grants that ended or expired before `before`.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn purge_oauth(&self, now: Timestamp, before: Timestamp) -> Result<(), StorageError>;
}
