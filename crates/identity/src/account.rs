//! Accounts: made, found, disabled, given passwords and roles.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use gabion_model::{AccountId, Principal, Rng, Role, SessionId, TenantId, Timestamp, random};
use gabion_vault::encoding::base64url_encode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::email::Email;
use crate::name::AccountName;
use crate::personal::Personal;
use crate::session::Sessions;
use crate::storage::{AccountChange, AccountStorage, StorageError};

/// One account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    pub name: AccountName,
    pub kind: AccountKind,
    pub email: Option<Email>,
    /// When the person last proved to hold the address.
    pub email_verified: Option<Timestamp>,
    pub personal: Personal,
    pub tenant: TenantId,
    pub roles: Vec<Role>,
    /// The PHC string; none until the person has set a password.
    pub password: Option<String>,
    pub password_changed: Option<Timestamp>,
    pub disabled: bool,
    /// Rises whenever all that was granted before must end: the revocation epoch.
    pub epoch: u64,
    pub created: Timestamp,
    /// When anything about it but its use last changed.
    pub updated: Timestamp,
    pub last_sign_in: Option<Timestamp>,
}

/// Who an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    #[default]
    Person,
    /// A program. Never signs in at a page and has no password; it acts by its keys, certificates and
    /// client credentials.
    Service,
}

/// What an account begins with.
#[derive(Debug, Clone)]
pub struct NewAccount {
    pub name: AccountName,
    pub kind: AccountKind,
    pub tenant: TenantId,
    pub roles: Vec<Role>,
    pub email: Option<Email>,
    pub email_verified: Option<Timestamp>,
    pub personal: Personal,
}

/// The engine over the stored accounts and the living sessions: whatever must end an account's sessions
/// does so here, not in its caller.
#[derive(Debug, Clone)]
pub struct Accounts {
    storage: Arc<dyn AccountStorage>,
    sessions: Arc<Sessions>,
    /// Held while the number of administrators is looked at and changed.
    administrators: Arc<Mutex<()>>,
}

/// Why an act on an account was not done. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// Disabling it or taking its role would leave nobody who can administer.
    #[error("this is the last administrator who can sign in")]
    LastAdministrator,
    #[error("there is no such account")]
    NotFound,
    #[error(transparent)]
    Storage(StorageError),
    #[error("an account with this name exists")]
    Taken,
}

impl Accounts {
    #[must_use]
    pub fn new(storage: Arc<dyn AccountStorage>, sessions: Arc<Sessions>) -> Self {
        Self { storage, sessions, administrators: Arc::default() }
    }

    /// Makes an account without a password: nobody can sign in to it until a one-time link was used.
    ///
    /// # Errors
    /// [`AccountError::Taken`] when the name is.
    pub fn create(&self, new: NewAccount, now: Timestamp, rng: &dyn Rng) -> Result<Account, AccountError> {
        let account = Account {
            kind: new.kind,
            tenant: new.tenant,
            roles: new.roles,
            email_verified: new.email_verified.filter(|_| new.email.is_some()),
            email: new.email,
            personal: new.personal,
            ..Account::new(AccountId::new(&base64url_encode(&random::bytes::<16>(rng))), new.name, now)
        };
        self.storage.insert(&account)?;
        Ok(account)
    }

    /// # Errors
    /// When the storage fails.
    pub fn find(&self, name: &AccountName) -> Result<Option<Account>, AccountError> {
        Ok(self.storage.by_name(name)?)
    }

    /// # Errors
    /// When the storage fails.
    pub fn by_id(&self, id: &AccountId) -> Result<Option<Account>, AccountError> {
        Ok(self.storage.by_id(id)?)
    }

    /// The one account that proved to hold the address.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn by_verified_email(&self, email: &Email) -> Result<Option<Account>, AccountError> {
        Ok(self.storage.by_verified_email(email)?)
    }

    /// All accounts by name.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn list(&self) -> Result<Vec<Account>, AccountError> {
        Ok(self.storage.list()?)
    }

    /// Whether anybody can sign in and administer.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn has_administrator(&self) -> Result<bool, AccountError> {
        Ok(self.storage.list()?.iter().any(Account::can_administer))
    }

    /// Ends all sessions and open links of the account and lets nobody sign in to it.
    ///
    /// # Errors
    /// [`AccountError::LastAdministrator`] when nobody else could administer.
    pub fn disable(&self, id: &AccountId) -> Result<Account, AccountError> {
        self.change_guarded(id, &AccountChange::Disable)
    }

    /// # Errors
    /// When there is no such account.
    pub fn enable(&self, id: &AccountId) -> Result<Account, AccountError> {
        self.change(id, &AccountChange::Enable)
    }

    /// Sets the (already hashed) password and ends every session but `keep`, and every open link.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn set_password(
        &self,
        id: &AccountId,
        phc: String,
        keep: Option<SessionId>,
        now: Timestamp,
    ) -> Result<Account, AccountError> {
        self.change(id, &AccountChange::Password { phc, now, keep })
    }

    /// Takes the password away and ends every session and open link: the first half of a reset, the
    /// other being a one-time link.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn remove_password(&self, id: &AccountId) -> Result<Account, AccountError> {
        self.change(id, &AccountChange::RemovePassword)
    }

    /// Replaces a hash by a costlier one of the same password. Nothing happens when the password was
    /// changed meanwhile.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn rehash(&self, id: &AccountId, from: String, to: String) -> Result<Account, AccountError> {
        self.change(id, &AccountChange::Rehash { from, to })
    }

    /// Gives the account other roles and ends its sessions, which carry the former ones.
    ///
    /// # Errors
    /// [`AccountError::LastAdministrator`] when nobody else could administer.
    pub fn set_roles(&self, id: &AccountId, roles: Vec<Role>) -> Result<Account, AccountError> {
        self.change_guarded(id, &AccountChange::Roles(roles))
    }

    /// Another e-mail address, or none; `verified` when the person proved to hold it.
    ///
    /// # Errors
    /// [`AccountError::Taken`] when it is verified and another account's verified address.
    pub fn set_email(
        &self,
        id: &AccountId,
        email: Option<Email>,
        verified: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Account, AccountError> {
        self.change(id, &AccountChange::Email { email, verified, now })
    }

    /// # Errors
    /// When there is no such account.
    pub fn set_personal(
        &self,
        id: &AccountId,
        personal: Personal,
        now: Timestamp,
    ) -> Result<Account, AccountError> {
        self.change(id, &AccountChange::Personal { personal: Box::new(personal), now })
    }

    /// Notes that somebody signed in.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn signed_in(&self, id: &AccountId, now: Timestamp) -> Result<Account, AccountError> {
        self.change(id, &AccountChange::SignedIn { now })
    }

    fn change(&self, id: &AccountId, change: &AccountChange) -> Result<Account, AccountError> {
        let account = self.storage.update(id, change)?;
        self.sessions.end_revoked(&account, change);
        Ok(account)
    }

    /// A change that must leave somebody who can administer, if there was somebody before.
    fn change_guarded(&self, id: &AccountId, change: &AccountChange) -> Result<Account, AccountError> {
        let _held = self.administrators.lock().unwrap_or_else(PoisonError::into_inner);
        let mut accounts = self.storage.list()?;
        if accounts.iter().any(Account::can_administer) {
            if let Some(account) = accounts.iter_mut().find(|account| account.id == *id) {
                change.apply(account);
            }
            if !accounts.iter().any(Account::can_administer) {
                return Err(AccountError::LastAdministrator);
            }
        }
        self.change(id, change)
    }
}

impl NewAccount {
    /// A person of the default tenant without roles.
    #[must_use]
    pub fn person(name: AccountName) -> Self {
        Self {
            name,
            kind: AccountKind::Person,
            tenant: TenantId::new(TenantId::DEFAULT),
            roles: Vec::new(),
            email: None,
            email_verified: None,
            personal: Personal::default(),
        }
    }
}

impl Account {
    /// An enabled person of the default tenant, of whom nothing is known yet.
    #[must_use]
    pub fn new(id: AccountId, name: AccountName, created: Timestamp) -> Self {
        Self {
            id,
            name,
            kind: AccountKind::Person,
            email: None,
            email_verified: None,
            personal: Personal::default(),
            tenant: TenantId::new(TenantId::DEFAULT),
            roles: Vec::new(),
            password: None,
            password_changed: None,
            disabled: false,
            epoch: 0,
            created,
            updated: created,
            last_sign_in: None,
        }
    }

    #[must_use]
    pub fn principal(&self) -> Principal {
        Principal {
            account: self.id.clone(),
            name: self.name.to_shared(),
            tenant: self.tenant.clone(),
            roles: self.roles.clone().into(),
        }
    }

    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own.as_str() == role)
    }

    /// Enabled, enrolled and an administrator.
    fn can_administer(&self) -> bool {
        !self.disabled && self.password.is_some() && self.has_role(Role::ADMINISTRATOR)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Account")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("tenant", &self.tenant)
            .field("roles", &self.roles)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .field("disabled", &self.disabled)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

impl From<StorageError> for AccountError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NotFound => Self::NotFound,
            StorageError::Taken => Self::Taken,
            error => Self::Storage(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SessionSettings;
    use crate::storage::MemoryStorage;
    use gabion_model::random::SeededRng;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn accounts() -> Accounts {
        let storage = Arc::new(MemoryStorage::new());
        let sessions = Sessions::open(storage.clone(), &SessionSettings::default(), NOW).unwrap();
        Accounts::new(storage, sessions)
    }

    fn new(name: &str, roles: &[&str]) -> NewAccount {
        NewAccount {
            roles: roles.iter().map(|role| Role::new(role)).collect(),
            ..NewAccount::person(name.parse().unwrap())
        }
    }

    fn administrator(accounts: &Accounts, name: &str, seed: u64) -> AccountId {
        let rng = SeededRng::new(seed);
        let made = accounts.create(new(name, &[Role::ADMINISTRATOR]), NOW, &rng).unwrap();
        accounts.set_password(&made.id, "phc".to_owned(), None, NOW).unwrap();
        made.id
    }

    #[test]
    fn one_name_is_one_account() {
        let (accounts, rng) = (accounts(), SeededRng::new(1));
        let ada = accounts.create(new("Ada", &[]), NOW, &rng).unwrap();
        assert_eq!(accounts.create(new(" ＡDA", &[]), NOW, &rng), Err(AccountError::Taken));
        assert_eq!(accounts.find(&"aDa".parse().unwrap()), Ok(Some(ada.clone())));
        assert_eq!(accounts.by_id(&ada.id), Ok(Some(ada)));
        assert_eq!(accounts.enable(&AccountId::new("nobody")), Err(AccountError::NotFound));
    }

    #[test]
    fn the_last_administrator_cannot_be_lost() {
        let accounts = accounts();
        assert_eq!(accounts.has_administrator(), Ok(false));
        let rng = SeededRng::new(9);
        let invited = accounts.create(new("invited", &[Role::ADMINISTRATOR]), NOW, &rng).unwrap();
        assert_eq!(accounts.has_administrator(), Ok(false), "an invitation is no administrator yet");
        let (ada, eve) = (administrator(&accounts, "ada", 1), administrator(&accounts, "eve", 2));
        accounts.disable(&invited.id).unwrap();
        accounts.disable(&ada).unwrap();
        assert_eq!(accounts.disable(&eve), Err(AccountError::LastAdministrator));
        assert_eq!(accounts.set_roles(&eve, vec![]), Err(AccountError::LastAdministrator));
        accounts.set_roles(&eve, vec![Role::new("auditor"), Role::new(Role::ADMINISTRATOR)]).unwrap();
        accounts.enable(&ada).unwrap();
        accounts.set_roles(&eve, vec![]).unwrap();
        assert_eq!(accounts.has_administrator(), Ok(true));
    }

    #[test]
    fn of_two_disablings_at_once_one_administrator_is_left() {
        for _ in 0..50 {
            let accounts = accounts();
            let both = [administrator(&accounts, "ada", 1), administrator(&accounts, "eve", 2)];
            let barrier = std::sync::Barrier::new(2);
            std::thread::scope(|scope| {
                for id in &both {
                    scope.spawn(|| {
                        barrier.wait();
                        let _ = accounts.disable(id);
                    });
                }
            });
            assert_eq!(accounts.has_administrator(), Ok(true));
        }
    }

    #[test]
    fn debug_shows_no_hash() {
        let account = Account { password: Some("$argon2id$secret".to_owned()), ..sample() };
        assert!(!format!("{account:?}").contains("argon2id"));
    }

    fn sample() -> Account {
        accounts().create(new("ada", &[]), NOW, &SeededRng::new(1)).unwrap()
    }
}
