//! What identity keeps, as traits. Implementations are synchronous: an embedded database answers
//! in microseconds, and writes wait for the disk on threads made for it.

pub mod conformance;
mod declared;
mod factors;
mod group;
mod keys;
mod memory;
mod resources;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use gabion_model::{AccountId, GroupId, Methods, Role, SessionId, TenantId, Timestamp};

use crate::account::{Account, AccountEdit, AccountKind};
use crate::email::Email;
use crate::federation::external::FederationStorage;
use crate::invitation::Invitation;
use crate::keyring::StoredKey;
use crate::mail::{Device, MailLink};
use crate::name::AccountName;
use crate::oauth::client::ClientStorage;
use crate::oauth::storage::OAuthStorage;
use crate::personal::Personal;

pub use declared::{Declaration, DeclaredKind, DeclaredStorage};
pub use factors::{FactorStorage, Factors, PasskeyUse, Removal};
pub use group::{GroupChange, GroupPage, GroupStorage};
pub use keys::ApiKeyStorage;
pub use memory::MemoryStorage;
pub use resources::{ResourceStorage, StoredResource};

/// Everything identity keeps, in one place, so that what belongs together changes together.
pub trait Storage:
    AccountStorage
    + ApiKeyStorage
    + ClientStorage
    + DeclaredStorage
    + FactorStorage
    + FederationStorage
    + GroupStorage
    + InvitationStorage
    + KeyStorage
    + ResourceStorage
    + SessionStorage
    + OAuthStorage
    + MailStorage
{
}

impl<S> Storage for S where
    S: AccountStorage
        + ApiKeyStorage
        + ClientStorage
        + DeclaredStorage
        + FactorStorage
        + FederationStorage
        + GroupStorage
        + InvitationStorage
        + KeyStorage
        + ResourceStorage
        + SessionStorage
        + OAuthStorage
        + MailStorage
{
}

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

    /// The password's hash of the first account that has one, at or after this id in the order of ids, from the
    /// beginning again after the last.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn password_near(&self, id: &AccountId) -> Result<Option<String>, StorageError>;

    /// All accounts by name: for tests and for what looks at every account anyway.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn list(&self) -> Result<Vec<Account>, StorageError> {
        self.accounts(&AccountPage { limit: usize::MAX, ..AccountPage::default() })
    }

    /// One page of the accounts that fit, by name.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn accounts(&self, page: &AccountPage) -> Result<Vec<Account>, StorageError>;

    /// How many accounts fit.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn count_accounts(&self, filter: &AccountFilter) -> Result<u64, StorageError>;

    /// Whether an identity of another provider is linked to the account.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn is_linked(&self, account: &AccountId) -> Result<bool, StorageError>;

    /// Whether somebody [can administer](Account::can_administer) but for what is left out.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn has_administrator(&self, but: &Without) -> Result<bool, StorageError>;

    /// The roles accounts have of their own, by name, with how many have each.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn account_roles(&self) -> Result<Vec<(Role, u64)>, StorageError>;

    /// The tenants accounts belong to, each once, by name.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn account_tenants(&self) -> Result<Vec<TenantId>, StorageError>;

    /// Removes the account and everything stored about it, in one transaction. With `kept`, the name is
    /// remembered as used since then: no account is made with it or renamed to it until it is
    /// [released](Self::release_name).
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such account.
    fn remove_account(&self, id: &AccountId, kept: Option<Timestamp>) -> Result<(), StorageError>;

    /// Whether a removed account had the name and it is kept.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn is_kept_name(&self, name: &AccountName) -> Result<bool, StorageError>;

    /// Forgets that a removed account had the name. Answers whether it was kept.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn release_name(&self, name: &AccountName) -> Result<bool, StorageError>;

    /// Applies a change ([`AccountChange::apply`]) in one transaction and returns the account after it.
    /// When the change raises the epoch, the account's stored sessions but the one it keeps are removed
    /// in the same transaction; so are its open invitations when the change
    /// [ends them](AccountChange::ends_invitations), and its API keys when it [ends those](AccountChange::ends_keys).
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such account.
    fn update(&self, id: &AccountId, change: &AccountChange) -> Result<Account, StorageError>;
}

/// Keeps sessions. The living table is [`crate::Sessions`]; this is what outlives a restart.
pub trait SessionStorage: Send + Sync + fmt::Debug {
    /// Adds a session if its account exists, is not disabled, and still has `epoch`: a session cannot
    /// begin on the strength of a password check that a revocation overtook. Its start is the account's last
    /// sign-in from now on.
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
    fn signing_keys(&self) -> Result<Vec<StoredKey>, StorageError>;

    /// # Errors
    /// [`StorageError::Taken`] when there is a key of this name.
    fn add_signing_key(&self, key: &StoredKey) -> Result<(), StorageError>;

    /// Notes that a key signs no more and when it goes.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such key.
    fn retire_signing_key(
        &self,
        kid: &str,
        retired: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StorageError>;

    /// Removes a key, if it is there.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn remove_signing_key(&self, kid: &str) -> Result<(), StorageError>;
}

/// Keeps links by mail and known devices.
pub trait MailStorage: Send + Sync + fmt::Debug {
    /// Adds a link. One that confirms takes the place of every earlier one of the account that does;
    /// expired ones of the account are removed.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such account.
    fn put_mail_link(&self, link: &MailLink) -> Result<(), StorageError>;

    /// The link, without using it up, if it has not expired at `now`.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn find_mail_link(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<MailLink>, StorageError>;

    /// Removes the link and returns it if it has not expired at `now`. Of any number of takers at once
    /// exactly one gets it.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn take_mail_link(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<MailLink>, StorageError>;

    /// Removes the account's links that confirm.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn end_confirmations(&self, account: &AccountId) -> Result<(), StorageError>;

    /// The account's links that have not expired at `now`, the newest first.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn mail_links_of(&self, account: &AccountId, now: Timestamp) -> Result<Vec<MailLink>, StorageError>;

    /// The devices the account is known from and when each was seen, the latest first.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn devices_of(&self, account: &AccountId) -> Result<Vec<([u8; 32], Timestamp)>, StorageError>;

    /// Notes when a device was seen, to the hour ([`DEVICE_PRECISION`]), keeps the latest `keep` of the account, and says what it was before.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such account.
    fn remember_device(
        &self,
        account: &AccountId,
        device: &[u8; 32],
        now: Timestamp,
        keep: usize,
    ) -> Result<Device, StorageError>;
}

/// How exactly it is kept when a device was seen: a sign-in from one that is known costs no writing.
pub const DEVICE_PRECISION: Duration = Duration::from_secs(3600);

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

/// Which accounts. What is `None` fits all; all that is given must fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountFilter {
    pub name: Option<AccountName>,
    /// The name begins with this.
    pub name_prefix: Option<String>,
    /// Name or address have this in them; lower case.
    pub contains: Option<String>,
    pub email: Option<Email>,
    pub external_id: Option<String>,
    /// The address, or what their directory says of the person, has this text in it; ASCII without case.
    pub mentions: Option<String>,
    pub kind: Option<AccountKind>,
    pub tenant: Option<TenantId>,
    /// Of their own or by a group.
    pub role: Option<Role>,
    pub group: Option<GroupId>,
    pub disabled: Option<bool>,
    /// With or without a password.
    pub enrolled: Option<bool>,
}

/// A page of a list by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountPage {
    pub filter: AccountFilter,
    /// The last one seen: the page begins behind it.
    pub after: Option<AccountName>,
    /// So many are passed over.
    pub skip: u64,
    /// From `z` to `a`.
    pub descending: bool,
    pub limit: usize,
}

/// What is left out when administrators are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Without {
    Nobody,
    Account(AccountId),
    /// Whoever is one only by this group.
    Group(GroupId),
}

impl AccountFilter {
    /// What the filter means: the one definition for every storage.
    #[must_use]
    pub fn fits(&self, account: &Account) -> bool {
        let email = account.email.as_ref().map_or("", Email::as_str);
        self.name.as_ref().is_none_or(|name| account.name == *name)
            && self
                .name_prefix
                .as_ref()
                .is_none_or(|prefix| account.name.as_str().starts_with(prefix.as_str()))
            && self.contains.as_ref().is_none_or(|part| {
                account.name.as_str().contains(part.as_str()) || email.contains(part.as_str())
            })
            && self.email.as_ref().is_none_or(|own| account.email.as_ref() == Some(own))
            && self.external_id.as_ref().is_none_or(|own| account.external_id.as_ref() == Some(own))
            && self.mentions.as_ref().is_none_or(|text| {
                email.contains(&text.to_ascii_lowercase()) || account.attributes.mention(text)
            })
            && self.kind.is_none_or(|kind| account.kind == kind)
            && self.tenant.as_ref().is_none_or(|tenant| account.tenant == *tenant)
            && self.role.as_ref().is_none_or(|role| account.has_role(role.as_str()))
            && self.group.as_ref().is_none_or(|group| account.groups.iter().any(|one| one.group == *group))
            && self.disabled.is_none_or(|disabled| account.disabled == disabled)
            && self.enrolled.is_none_or(|enrolled| account.password.is_some() == enrolled)
    }
}

/// One change to one account. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountChange {
    /// May sign in no more; raises the epoch.
    Disable,
    /// Several things at once; raises the epoch when what a session says of the account changes.
    Edit { edit: Box<AccountEdit>, now: Timestamp },
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
    /// Nothing but a raised epoch: all that was granted until now ends.
    RevokeAll,
    /// Other roles; raises the epoch, so that no session keeps the former ones.
    Roles(Vec<Role>),
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
            Self::Edit { edit, now } => edit.apply(account, *now),
            Self::RevokeAll => true,
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
        };
        account.epoch = account.epoch.saturating_add(u64::from(raise));
        raise
    }

    /// Whether the change can raise the epoch: whoever holds living sessions ends them after it.
    #[must_use]
    pub const fn raises_epoch(&self) -> bool {
        match self {
            Self::Edit { edit, .. } => edit.raises_epoch(),
            Self::Disable
            | Self::Password { .. }
            | Self::RemovePassword
            | Self::RevokeAll
            | Self::Roles(_) => true,
            _ => false,
        }
    }

    /// Links sent before the change must not work after it.
    #[must_use]
    pub const fn ends_invitations(&self) -> bool {
        match self {
            Self::Edit { edit, .. } => edit.ends_credentials(),
            Self::Disable | Self::Password { .. } | Self::RemovePassword | Self::RevokeAll => true,
            _ => false,
        }
    }

    /// API keys made before the change must not work after it. A new password that its owner chose while
    /// signed in ends none: it is no sign that a key was stolen, and programs would stop working.
    #[must_use]
    pub const fn ends_keys(&self) -> bool {
        match self {
            Self::Edit { edit, .. } => edit.ends_credentials(),
            Self::Disable | Self::Password { keep: None, .. } | Self::RemovePassword => true,
            _ => false,
        }
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

impl AccountEdit {
    /// Whether sessions say something of the account that changes: name, tenant, roles, that it may; or
    /// began with a password that is none any more.
    const fn raises_epoch(&self) -> bool {
        self.name.is_some() || self.tenant.is_some() || self.roles.is_some() || self.ends_credentials()
    }

    /// Whether links and keys made before it must not work after it.
    const fn ends_credentials(&self) -> bool {
        self.password.is_some() || matches!(self.disabled, Some(true))
    }

    fn apply(&self, account: &mut Account, now: Timestamp) -> bool {
        let before = (account.name.clone(), account.tenant.clone(), account.roles.clone());
        let was_enabled = !account.disabled;
        if let Some(name) = &self.name {
            account.name = name.clone();
        }
        if let Some((email, verified)) = &self.email {
            account.email.clone_from(email);
            account.email_verified = verified.filter(|_| email.is_some());
        }
        if let Some(personal) = &self.personal {
            account.personal = personal.clone();
        }
        if let Some(tenant) = &self.tenant {
            account.tenant = tenant.clone();
        }
        if let Some(roles) = &self.roles {
            account.roles.clone_from(roles);
        }
        if let Some(external_id) = &self.external_id {
            account.external_id.clone_from(external_id);
        }
        if let Some(attributes) = &self.attributes {
            account.attributes = attributes.clone();
        }
        if let Some(password) = &self.password {
            account.password.clone_from(password);
            account.password_changed = password.as_ref().map(|_| now);
        }
        if let Some(disabled) = self.disabled {
            account.disabled = disabled;
        }
        account.updated = now;
        self.password.is_some()
            || (was_enabled && account.disabled)
            || before != (account.name.clone(), account.tenant.clone(), account.roles.clone())
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
    #[error("there is no such account or group")]
    NotFound,
    /// The account was disabled or its sessions were revoked meanwhile.
    #[error("the account does not allow it any more")]
    Stale,
    #[error("the name or the address is taken")]
    Taken,
}
