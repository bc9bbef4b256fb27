//! Accounts: made, found, disabled, given passwords and roles.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gabion_model::{AccountId, GroupId, Principal, Rng, Role, SessionId, TenantId, Timestamp, random};
use gabion_vault::encoding::base64url_encode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::email::Email;
use crate::group::GroupName;
use crate::name::AccountName;
use crate::personal::Personal;
use crate::scim::Attributes;
use crate::session::Sessions;
use crate::storage::{AccountChange, AccountFilter, AccountPage, AccountStorage, StorageError, Without};

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
    /// Its own; see [`effective_roles`](Account::effective_roles).
    pub roles: Vec<Role>,
    /// The groups it is in, by name. The storage fills it in; [`Groups`](crate::Groups) changes it.
    pub groups: Vec<Membership>,
    /// What whoever provisions it (SCIM) calls it (RFC 7643, 3.1).
    pub external_id: Option<String>,
    /// What else they say of the person, and Gabion has no use for.
    pub attributes: Attributes,
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

/// A group an account is in, and what it gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    pub group: GroupId,
    pub name: GroupName,
    pub roles: Vec<Role>,
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
    pub external_id: Option<String>,
    pub attributes: Attributes,
}

/// The engine over the stored accounts and the living sessions: whatever must end an account's sessions
/// does so here, not in its caller.
#[derive(Debug, Clone)]
pub struct Accounts {
    storage: Arc<dyn AccountStorage>,
    sessions: Arc<Sessions>,
    followers: Vec<Arc<dyn Follower>>,
    /// Held while the number of administrators is looked at and changed.
    administrators: Arc<Mutex<()>>,
}

/// Whatever lives by an account and must hear at once when it changes: its API keys, tokens, bindings.
pub trait Follower: Send + Sync + fmt::Debug {
    /// The storage has made the change; `account` is what it is now.
    fn changed(&self, account: &Account, change: &AccountChange);

    /// The account was made.
    fn added(&self, account: &Account) {
        let _ = account;
    }

    /// There is no such account any more.
    fn removed(&self, account: &AccountId);
}

/// What an edit changes; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountEdit {
    pub name: Option<AccountName>,
    /// Another address, or none, and when it was proved to be the person's.
    pub email: Option<(Option<Email>, Option<Timestamp>)>,
    pub personal: Option<Personal>,
    pub tenant: Option<TenantId>,
    pub roles: Option<Vec<Role>>,
    pub external_id: Option<Option<String>>,
    pub attributes: Option<Attributes>,
    /// Another (already hashed) password, or none: all that was granted ends.
    pub password: Option<Option<String>>,
    pub disabled: Option<bool>,
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
    #[error("an account with this name or verified address exists, or did and its name was kept")]
    Taken,
}

impl Accounts {
    #[must_use]
    pub fn new(storage: Arc<dyn AccountStorage>, sessions: Arc<Sessions>) -> Self {
        Self { storage, sessions, followers: Vec::new(), administrators: Arc::default() }
    }

    /// With somebody who hears of every change, after the sessions did.
    #[must_use]
    pub fn followed_by(mut self, follower: Arc<dyn Follower>) -> Self {
        self.followers.push(follower);
        self
    }

    /// Makes an account without a password: nobody can sign in to it until a one-time link was used.
    ///
    /// # Errors
    /// [`AccountError::Taken`] when the name is.
    pub fn create(&self, new: NewAccount, now: Timestamp, rng: &dyn Rng) -> Result<Account, AccountError> {
        self.add(new.begin(now, rng))
    }

    /// Makes an account as another program had it, with the password that was hashed there, if any. All of
    /// it is stored or nothing.
    ///
    /// # Errors
    /// [`AccountError::Taken`] when the name or the verified address is.
    pub fn import(
        &self,
        new: NewAccount,
        password: Option<String>,
        disabled: bool,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<Account, AccountError> {
        self.add(Account { password, disabled, ..new.begin(now, rng) })
    }

    fn add(&self, account: Account) -> Result<Account, AccountError> {
        self.storage.insert(&account)?;
        for follower in &self.followers {
            follower.added(&account);
        }
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

    /// The hash of the next account in the order of ids that has a password.
    ///
    /// # Errors
    /// When the storage fails.
    pub(crate) fn password_near(&self, id: &AccountId) -> Result<Option<String>, AccountError> {
        Ok(self.storage.password_near(id)?)
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
        Ok(self.storage.has_administrator(&Without::Nobody)?)
    }

    /// One page of those that fit, by name.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn page(&self, page: &AccountPage) -> Result<Vec<Account>, AccountError> {
        Ok(self.storage.accounts(page)?)
    }

    /// How many fit.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn count(&self, filter: &AccountFilter) -> Result<u64, AccountError> {
        Ok(self.storage.count_accounts(filter)?)
    }

    /// The roles somebody has, by name, with how many accounts have each of their own.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn roles(&self) -> Result<Vec<(Role, u64)>, AccountError> {
        Ok(self.storage.account_roles()?)
    }

    /// The tenants somebody belongs to, by name.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn tenants(&self) -> Result<Vec<TenantId>, AccountError> {
        Ok(self.storage.account_tenants()?)
    }

    /// Changes several things at once or none. What is already so is no change; what a session says of
    /// the account ends its sessions.
    ///
    /// # Errors
    /// [`AccountError::LastAdministrator`] when nobody else could administer, [`AccountError::Taken`]
    /// for a name or a verified address that is another's.
    pub fn edit(&self, id: &AccountId, edit: AccountEdit, now: Timestamp) -> Result<Account, AccountError> {
        let account = self.storage.by_id(id)?.ok_or(AccountError::NotFound)?;
        let edit = edit.without_what_is_so(&account);
        if edit == AccountEdit::default() {
            return Ok(account);
        }
        self.change_guarded(id, &AccountChange::Edit { edit: Box::new(edit), now })
    }

    /// Removes an account and all that hangs on it, and ends its sessions. With `keep_name`, nobody else
    /// is given its name: whoever knows people by their name could take one for the other.
    ///
    /// # Errors
    /// [`AccountError::LastAdministrator`] when nobody else could administer.
    pub fn remove(&self, id: &AccountId, keep_name: bool, now: Timestamp) -> Result<Account, AccountError> {
        let _held = self.hold();
        let account = self.storage.by_id(id)?.ok_or(AccountError::NotFound)?;
        if self.is_last_administrator(&account)? {
            return Err(AccountError::LastAdministrator);
        }
        self.storage.remove_account(id, keep_name.then_some(now))?;
        self.sessions.end_account(id);
        for follower in &self.followers {
            follower.removed(id);
        }
        Ok(account)
    }

    /// Whether nobody could administer without this account, which can.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn is_last_administrator(&self, account: &Account) -> Result<bool, AccountError> {
        let without = Without::Account(account.id.clone());
        let linked = self.storage.is_linked(&account.id)?;
        Ok(account.can_administer(linked) && !self.storage.has_administrator(&without)?)
    }

    /// Whether the name was a removed account's and is kept; not when that cannot be found out.
    #[must_use]
    pub fn is_kept(&self, name: &AccountName) -> bool {
        self.storage.is_kept_name(name).unwrap_or(false)
    }

    /// Gives a kept name free. Answers whether it was kept.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn release_name(&self, name: &AccountName) -> Result<bool, AccountError> {
        Ok(self.storage.release_name(name)?)
    }

    /// Ends everything granted to the account until now: sessions, tokens, open links.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn revoke_all(&self, id: &AccountId) -> Result<Account, AccountError> {
        self.change(id, &AccountChange::RevokeAll)
    }

    /// Follows a change of a group whose storage has raised the account's epoch: what it has by its groups
    /// is another now.
    pub(crate) fn regrouped(&self, id: &AccountId) -> Result<(), StorageError> {
        self.sessions.end_account(id);
        if let Some(account) = self.storage.by_id(id)? {
            let change = AccountChange::Roles(account.roles.clone());
            for follower in &self.followers {
                follower.changed(&account, &change);
            }
        }
        Ok(())
    }

    /// Nobody else looks at or changes the number of administrators meanwhile.
    pub(crate) fn hold(&self) -> MutexGuard<'_, ()> {
        self.administrators.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn change(&self, id: &AccountId, change: &AccountChange) -> Result<Account, AccountError> {
        let account = self.storage.update(id, change)?;
        self.sessions.end_revoked(&account, change);
        for follower in &self.followers {
            follower.changed(&account, change);
        }
        Ok(account)
    }

    /// A change that must leave somebody who can administer, if there was somebody before.
    fn change_guarded(&self, id: &AccountId, change: &AccountChange) -> Result<Account, AccountError> {
        let _held = self.hold();
        if let Some(mut account) = self.storage.by_id(id)? {
            let linked = self.storage.is_linked(id)?;
            let could = account.can_administer(linked);
            change.apply(&mut account);
            if could
                && !account.can_administer(linked)
                && !self.storage.has_administrator(&Without::Account(id.clone()))?
            {
                return Err(AccountError::LastAdministrator);
            }
        }
        self.change(id, change)
    }
}

impl AccountEdit {
    fn without_what_is_so(self, account: &Account) -> Self {
        let email = self.email.filter(|(email, verified)| {
            *email != account.email || verified.is_some() != account.email_verified.is_some()
        });
        Self {
            name: self.name.filter(|name| *name != account.name),
            email,
            personal: self.personal.filter(|personal| *personal != account.personal),
            tenant: self.tenant.filter(|tenant| *tenant != account.tenant),
            roles: self.roles.filter(|roles| *roles != account.roles),
            external_id: self.external_id.filter(|id| *id != account.external_id),
            attributes: self.attributes.filter(|attributes| *attributes != account.attributes),
            password: self.password.filter(|password| *password != account.password),
            disabled: self.disabled.filter(|disabled| *disabled != account.disabled),
        }
    }
}

impl NewAccount {
    fn begin(self, now: Timestamp, rng: &dyn Rng) -> Account {
        let id = AccountId::new(&base64url_encode(&random::bytes::<16>(rng)));
        Account {
            kind: self.kind,
            tenant: self.tenant,
            roles: self.roles,
            email_verified: self.email_verified.filter(|_| self.email.is_some()),
            email: self.email,
            personal: self.personal,
            external_id: self.external_id,
            attributes: self.attributes,
            ..Account::new(id, self.name, now)
        }
    }

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
            external_id: None,
            attributes: Attributes::default(),
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
            groups: Vec::new(),
            external_id: None,
            attributes: Attributes::default(),
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
            roles: self.effective_roles().into(),
            groups: self.groups.iter().map(|one| one.name.to_shared()).collect(),
            program: self.kind == AccountKind::Service,
        }
    }

    /// Its own roles and those its groups give, each once: own first, as they were given.
    #[must_use]
    pub fn effective_roles(&self) -> Vec<Role> {
        let mut roles = self.roles.clone();
        for role in self.groups.iter().flat_map(|group| &group.roles) {
            if !roles.contains(role) {
                roles.push(role.clone());
            }
        }
        roles
    }

    /// Of its own or by a group.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        let given = self.groups.iter().flat_map(|group| &group.roles);
        self.roles.iter().chain(given).any(|one| one.as_str() == role)
    }

    /// Enabled, an administrator, and there is a way in: a password, or `linked`, an identity of another
    /// provider.
    #[must_use]
    pub fn can_administer(&self, linked: bool) -> bool {
        !self.disabled && (self.password.is_some() || linked) && self.has_role(Role::ADMINISTRATOR)
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
