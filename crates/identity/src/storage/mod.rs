//! What identity keeps, as traits. Implementations are synchronous: an embedded database answers
//! in microseconds, and writes wait for the disk on threads made for it.

pub mod conformance;
mod memory;

use std::fmt;
use std::net::IpAddr;

use gabion_model::{AccountId, Methods, Role, SessionId, Timestamp};

use crate::account::Account;
use crate::email::Email;
use crate::invitation::Invitation;
use crate::keyring::StoredKey;
use crate::name::AccountName;
use crate::oauth::client::ClientStorage;
use crate::personal::Personal;

pub use memory::MemoryStorage;

/// Everything identity keeps, in one place, so that what belongs together changes together.
pub trait Storage: AccountStorage + SessionStorage + InvitationStorage + ClientStorage + KeyStorage {}

impl<S: AccountStorage + SessionStorage + InvitationStorage + ClientStorage + KeyStorage> Storage for S {}

/// Keeps accounts.
pub trait AccountStorage: Send + Sync + fmt::Debug {
    /// Adds an account. Of two with one name or one id, one is added.
    ///
    /// # Errors
    /// [`StorageError::Taken`] when the name, the id or the verified address is taken.
    fn insert(&self, account: &Account) -> Result<(), StorageError>;

    /// # Errors
    /// When the storage cannot be read.
    fn by_name(&self, name: &AccountName) -> Result<Option<Account>, StorageError>;

    /// # Errors
    /// When the storage cannot be read.
    fn by_id(&self, id: &AccountId) -> Result<Option<Account>, StorageError>;

    /// The account whose verified address this is. A verified address is one account's only.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn by_verified_email(&self, email: &Email) -> Result<Option<Account>, StorageError>;

    /// All accounts by name.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn list(&self) -> Result<Vec<Account>, StorageError>;

    /// Applies a change ([`AccountChange::apply`]) in one transaction and returns the account after it.
    /// When the change raises the epoch, the account's stored sessions but the one it keeps are removed
    /// in the same transaction; so are its open invitations when the change
    /// [ends them](AccountChange::ends_invitations).
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such account.
    fn update(&self, id: &AccountId, change: &AccountChange) -> Result<Account, StorageError>;
}

/// Keeps sessions. The living table is [`crate::Sessions`]; this is what outlives a restart.
pub trait SessionStorage: Send + Sync + fmt::Debug {
    /// Adds a session if its account exists, is not disabled, and still has `epoch`: a session cannot
    /// begin on the strength of a password check that a revocation overtook.
    ///
    /// # Errors
    /// [`StorageError::Stale`] when the account does not allow it any more, [`StorageError::Taken`] when
    /// the id or the ticket is taken.
    fn insert(&self, session: &StoredSession, epoch: u64) -> Result<(), StorageError>;

    /// All sessions with their accounts; those of disabled accounts are not among them.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn load(&self) -> Result<Vec<(StoredSession, Account)>, StorageError>;

    /// Removes those of the given sessions that are there.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn remove(&self, ids: &[SessionId]) -> Result<(), StorageError>;

    /// Notes when sessions were last seen; those that are gone are passed over.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn touch(&self, seen: &[(SessionId, Timestamp)]) -> Result<(), StorageError>;
}

/// Keeps one-time links.
pub trait InvitationStorage: Send + Sync + fmt::Debug {
    /// Adds an invitation in place of every earlier one of the same account.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such account.
    fn put(&self, invitation: &Invitation) -> Result<(), StorageError>;

    /// The invitation, without using it up, if it has not expired at `now`.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn find(&self, token_hash: &[u8; 32], now: Timestamp) -> Result<Option<Invitation>, StorageError>;

    /// Removes the invitation and returns it if it has not expired at `now`. Of any number of takers at
    /// once exactly one gets it.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn take(&self, token_hash: &[u8; 32], now: Timestamp) -> Result<Option<Invitation>, StorageError>;
}

/// Keeps the signing keys, sealed. The living ring is [`crate::Keyring`].
pub trait KeyStorage: Send + Sync + fmt::Debug {
    /// All of them, by when they were made.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn keys(&self) -> Result<Vec<StoredKey>, StorageError>;

    /// # Errors
    /// [`StorageError::Taken`] when there is a key of this name.
    fn add_key(&self, key: &StoredKey) -> Result<(), StorageError>;

    /// Notes that a key signs no more and when it goes.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such key.
    fn retire_key(&self, kid: &str, retired: Timestamp, expires: Timestamp) -> Result<(), StorageError>;

    /// Removes a key, if it is there.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn remove_key(&self, kid: &str) -> Result<(), StorageError>;
}

/// A session as it is stored: the hash of its ticket, never the ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    pub id: SessionId,
    pub ticket_hash: [u8; 32],
    pub account: AccountId,
    pub started: Timestamp,
    /// When the person last proved who they are.
    pub authenticated: Timestamp,
    pub methods: Methods,
    pub last_seen: Timestamp,
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
}

/// One change to one account. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountChange {
    /// May sign in no more; raises the epoch.
    Disable,
    /// May sign in again.
    Enable,
    /// Another address, or none.
    Email { email: Option<Email>, verified: Option<Timestamp>, now: Timestamp },
    /// A new password; raises the epoch. `keep` is the session in which it was set, if any.
    Password { phc: String, now: Timestamp, keep: Option<SessionId> },
    /// What is known about the person.
    Personal { personal: Box<Personal>, now: Timestamp },
    /// The same password hashed anew; nothing happens unless the stored hash is still `from`.
    Rehash { from: String, to: String },
    /// Removes the password, so that only a one-time link helps; raises the epoch.
    RemovePassword,
    /// Other roles; raises the epoch, so that no session keeps the former ones.
    Roles(Vec<Role>),
    /// Somebody signed in.
    SignedIn { now: Timestamp },
}

impl AccountChange {
    /// What the change makes of an account: the one definition for every storage. Returns whether the
    /// epoch rose.
    pub fn apply(&self, account: &mut Account) -> bool {
        let raise = match self {
            Self::Disable => {
                let raise = !account.disabled;
                account.disabled = true;
                raise
            }
            Self::Enable => {
                account.disabled = false;
                false
            }
            Self::Email { email, verified, now } => {
                account.email.clone_from(email);
                account.email_verified = verified.filter(|_| email.is_some());
                account.updated = *now;
                false
            }
            Self::Personal { personal, now } => {
                account.personal = (**personal).clone();
                account.updated = *now;
                false
            }
            Self::Password { phc, now, .. } => {
                account.updated = *now;
                account.password = Some(phc.clone());
                account.password_changed = Some(*now);
                true
            }
            Self::Rehash { from, to } => {
                if account.password.as_ref() == Some(from) {
                    account.password = Some(to.clone());
                }
                false
            }
            Self::RemovePassword => {
                account.password = None;
                true
            }
            Self::Roles(roles) => {
                let raise = account.roles != *roles;
                account.roles.clone_from(roles);
                raise
            }
            Self::SignedIn { now } => {
                account.last_sign_in = account.last_sign_in.max(Some(*now));
                false
            }
        };
        account.epoch = account.epoch.saturating_add(u64::from(raise));
        raise
    }

    /// Whether the change can raise the epoch: whoever holds living sessions ends them after it.
    #[must_use]
    pub const fn raises_epoch(&self) -> bool {
        matches!(self, Self::Disable | Self::Password { .. } | Self::RemovePassword | Self::Roles(_))
    }

    /// Links sent before the change must not work after it.
    #[must_use]
    pub const fn ends_invitations(&self) -> bool {
        matches!(self, Self::Disable | Self::Password { .. } | Self::RemovePassword)
    }

    /// The session that survives a raised epoch.
    #[must_use]
    pub const fn keeps(&self) -> Option<&SessionId> {
        match self {
            Self::Password { keep, .. } => keep.as_ref(),
            _ => None,
        }
    }
}

/// Why the storage did not do it. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The disk or the quota is full. Nothing was changed.
    #[error("the storage is full")]
    Full,
    #[error("the storage failed: {0}")]
    Io(String),
    #[error("there is no such account")]
    NotFound,
    /// The account was disabled or its sessions were revoked meanwhile.
    #[error("the account does not allow it any more")]
    Stale,
    #[error("the name is taken")]
    Taken,
}
