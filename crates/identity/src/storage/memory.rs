//! The traits in memory: for tests, and for a demonstration that leaves nothing behind.

mod clients;
mod declared;
mod factors;
mod federation;
mod groups;
mod keys;
mod mail;
mod oauth;
mod resources;
mod signing_keys;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use gabion_model::{AccountId, GroupId, Role, SessionId, TenantId, Timestamp};

use super::{
    AccountChange, AccountFilter, AccountPage, AccountStorage, Declaration, DeclaredKind, InvitationStorage,
    SessionStorage, StorageError, StoredResource, StoredSession, Without,
};
use crate::account::{Account, Membership};
use crate::api_key::ApiKey;
use crate::email::Email;
use crate::factors::totp::Totp;
use crate::federation::external::{ExternalIdentity, IdentityId};
use crate::group::Group;
use crate::invitation::Invitation;
use crate::keyring::StoredKey;
use crate::mail::MailLink;
use crate::name::AccountName;
use crate::oauth::client::{Client, ClientId};
use crate::passkey::Passkey;

/// All traits over one lock, so that what belongs together changes together.
#[derive(Debug, Default)]
pub struct MemoryStorage(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    accounts: BTreeMap<AccountId, Account>,
    sessions: BTreeMap<SessionId, StoredSession>,
    invitations: BTreeMap<[u8; 32], Invitation>,
    clients: BTreeMap<ClientId, Client>,
    declared: BTreeMap<(DeclaredKind, String), Declaration>,
    /// By id.
    keys: BTreeMap<String, ApiKey>,
    identities: BTreeMap<IdentityId, ExternalIdentity>,
    totps: Vec<Totp>,
    passkeys: Vec<Passkey>,
    recovery_codes: BTreeSet<(AccountId, [u8; 32])>,
    signing_keys: BTreeMap<String, StoredKey>,
    oauth: oauth::OAuth,
    mail_links: BTreeMap<[u8; 32], MailLink>,
    devices: BTreeMap<AccountId, BTreeMap<[u8; 32], Timestamp>>,
    groups: BTreeMap<GroupId, Group>,
    members: BTreeSet<(GroupId, AccountId)>,
    /// Names of removed accounts that are not given again.
    kept_names: BTreeSet<AccountName>,
    /// By type and id.
    resources: BTreeMap<(String, String), StoredResource>,
}

impl State {
    fn is_linked(&self, account: &AccountId) -> bool {
        self.identities.values().any(|identity| identity.account == *account)
    }

    /// With the groups it is in.
    fn whole(&self, account: &Account) -> Account {
        let mut groups: Vec<_> = self
            .groups
            .values()
            .filter(|group| self.members.contains(&(group.id.clone(), account.id.clone())))
            .map(|group| Membership {
                group: group.id.clone(),
                name: group.name.clone(),
                roles: group.roles.clone(),
            })
            .collect();
        groups.sort_by_key(|one| one.name.folded());
        Account { groups, ..account.clone() }
    }

    /// All that fit, by name.
    fn fitting(&self, filter: &AccountFilter) -> Vec<Account> {
        let mut accounts: Vec<_> = self.accounts.values().map(|account| self.whole(account)).collect();
        accounts.retain(|account| filter.fits(account));
        accounts.sort_by(|left, right| left.name.cmp(&right.name));
        accounts
    }

    /// What a raised epoch ends.
    fn raise(&mut self, id: &AccountId) {
        if let Some(account) = self.accounts.get_mut(id) {
            account.epoch = account.epoch.saturating_add(1);
        }
        self.sessions.retain(|_, session| session.account != *id);
    }
}

impl MemoryStorage {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AccountStorage for MemoryStorage {
    fn insert(&self, account: &Account) -> Result<(), StorageError> {
        insert(&mut self.state(), account)
    }

    fn by_name(&self, name: &AccountName) -> Result<Option<Account>, StorageError> {
        let state = self.state();
        Ok(state.accounts.values().find(|account| account.name == *name).map(|one| state.whole(one)))
    }

    fn by_id(&self, id: &AccountId) -> Result<Option<Account>, StorageError> {
        let state = self.state();
        Ok(state.accounts.get(id).map(|account| state.whole(account)))
    }

    fn by_verified_email(&self, email: &Email) -> Result<Option<Account>, StorageError> {
        let holds = |one: &&Account| one.email_verified.is_some() && one.email.as_ref() == Some(email);
        let state = self.state();
        Ok(state.accounts.values().find(holds).map(|account| state.whole(account)))
    }

    fn password_near(&self, id: &AccountId) -> Result<Option<String>, StorageError> {
        let state = self.state();
        let mut round = state.accounts.range(id..).chain(state.accounts.range(..id));
        Ok(round.find_map(|(_, account)| account.password.clone()))
    }

    fn accounts(&self, page: &AccountPage) -> Result<Vec<Account>, StorageError> {
        let mut accounts = self.state().fitting(&page.filter);
        if page.descending {
            accounts.reverse();
        }
        if let Some(after) = &page.after {
            accounts.retain(
                |account| if page.descending { account.name < *after } else { account.name > *after },
            );
        }
        let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
        Ok(accounts.into_iter().skip(skip).take(page.limit).collect())
    }

    fn count_accounts(&self, filter: &AccountFilter) -> Result<u64, StorageError> {
        Ok(u64::try_from(self.state().fitting(filter).len()).unwrap_or(u64::MAX))
    }

    fn is_linked(&self, account: &AccountId) -> Result<bool, StorageError> {
        Ok(self.state().is_linked(account))
    }

    fn has_administrator(&self, but: &Without) -> Result<bool, StorageError> {
        let state = self.state();
        Ok(state.accounts.values().any(|account| {
            let mut account = state.whole(account);
            match but {
                Without::Nobody => {}
                Without::Account(id) if account.id == *id => return false,
                Without::Account(_) => {}
                Without::Group(id) => account.groups.retain(|one| one.group != *id),
            }
            account.can_administer(state.is_linked(&account.id))
        }))
    }

    fn account_roles(&self) -> Result<Vec<(Role, u64)>, StorageError> {
        let mut counts = BTreeMap::new();
        for role in self.state().accounts.values().flat_map(|account| &account.roles) {
            *counts.entry(role.clone()).or_insert(0) += 1;
        }
        Ok(counts.into_iter().collect())
    }

    fn account_tenants(&self) -> Result<Vec<TenantId>, StorageError> {
        let tenants: BTreeSet<TenantId> =
            self.state().accounts.values().map(|account| account.tenant.clone()).collect();
        Ok(tenants.into_iter().collect())
    }

    fn remove_account(&self, id: &AccountId, kept: Option<Timestamp>) -> Result<(), StorageError> {
        let mut state = self.state();
        let account = state.accounts.remove(id).ok_or(StorageError::NotFound)?;
        if kept.is_some() {
            state.kept_names.insert(account.name);
        }
        state.sessions.retain(|_, session| session.account != *id);
        state.invitations.retain(|_, invitation| invitation.account != *id);
        state.members.retain(|(_, member)| member != id);
        state.keys.retain(|_, key| key.account != *id);
        state.identities.retain(|_, identity| identity.account != *id);
        state.oauth.forget(id);
        state.mail_links.retain(|_, link| link.account != *id);
        state.devices.remove(id);
        Ok(())
    }

    fn is_kept_name(&self, name: &AccountName) -> Result<bool, StorageError> {
        Ok(self.state().kept_names.contains(name))
    }

    fn release_name(&self, name: &AccountName) -> Result<bool, StorageError> {
        Ok(self.state().kept_names.remove(name))
    }

    fn update(&self, id: &AccountId, change: &AccountChange) -> Result<Account, StorageError> {
        let mut state = self.state();
        let before = state.accounts.get(id).cloned().ok_or(StorageError::NotFound)?;
        let mut account = before.clone();
        let raised = change.apply(&mut account);
        let others = |other: &Account| {
            other.id != *id && (other.name == account.name || shares_verified_address(other, &account))
        };
        let kept = account.name != before.name && state.kept_names.contains(&account.name);
        if kept || state.accounts.values().any(others) {
            return Err(StorageError::Taken);
        }
        state.accounts.insert(id.clone(), account.clone());
        let account = state.whole(&account);
        if raised {
            state.sessions.retain(|own, session| session.account != *id || Some(own) == change.keeps());
        }
        if change.ends_keys() {
            state.keys.retain(|_, key| key.account != *id);
        }
        if change.ends_invitations() {
            state.invitations.retain(|_, invitation| invitation.account != *id);
        }
        Ok(account)
    }
}

impl SessionStorage for MemoryStorage {
    fn insert(&self, session: &StoredSession, epoch: u64) -> Result<(), StorageError> {
        let mut state = self.state();
        let allowed = |account: &Account| !account.disabled && account.epoch == epoch;
        if !state.accounts.get(&session.account).is_some_and(allowed) {
            return Err(StorageError::Stale);
        }
        let same = |other: &StoredSession| other.id == session.id || other.ticket_hash == session.ticket_hash;
        if state.sessions.values().any(same) {
            return Err(StorageError::Taken);
        }
        state.sessions.insert(session.id.clone(), session.clone());
        if let Some(account) = state.accounts.get_mut(&session.account) {
            account.last_sign_in = account.last_sign_in.max(Some(session.started));
        }
        Ok(())
    }

    fn load(&self) -> Result<Vec<(StoredSession, Account)>, StorageError> {
        let state = self.state();
        let with_account = |session: &StoredSession| {
            let account = state.accounts.get(&session.account).filter(|account| !account.disabled)?;
            Some((session.clone(), state.whole(account)))
        };
        Ok(state.sessions.values().filter_map(with_account).collect())
    }

    fn remove(&self, ids: &[SessionId]) -> Result<(), StorageError> {
        let mut state = self.state();
        for id in ids {
            state.sessions.remove(id);
        }
        Ok(())
    }

    fn touch(&self, seen: &[(SessionId, Timestamp)]) -> Result<(), StorageError> {
        let mut state = self.state();
        for (id, time) in seen {
            if let Some(session) = state.sessions.get_mut(id) {
                session.last_seen = *time;
            }
        }
        Ok(())
    }
}

impl InvitationStorage for MemoryStorage {
    fn put(&self, invitation: &Invitation) -> Result<(), StorageError> {
        let mut state = self.state();
        if !state.accounts.contains_key(&invitation.account) {
            return Err(StorageError::NotFound);
        }
        state.invitations.retain(|_, other| other.account != invitation.account);
        state.invitations.insert(invitation.token_hash, invitation.clone());
        Ok(())
    }

    fn find(&self, token_hash: &[u8; 32], now: Timestamp) -> Result<Option<Invitation>, StorageError> {
        let state = self.state();
        Ok(state.invitations.get(token_hash).filter(|one| !one.is_expired(now)).cloned())
    }

    fn take(&self, token_hash: &[u8; 32], now: Timestamp) -> Result<Option<Invitation>, StorageError> {
        let taken = self.state().invitations.remove(token_hash);
        Ok(taken.filter(|one| !one.is_expired(now)))
    }
}

fn insert(state: &mut State, account: &Account) -> Result<(), StorageError> {
    let same = |other: &Account| {
        other.name == account.name || other.id == account.id || shares_verified_address(other, account)
    };
    if state.accounts.values().any(same) || state.kept_names.contains(&account.name) {
        return Err(StorageError::Taken);
    }
    state.accounts.insert(account.id.clone(), Account { groups: Vec::new(), ..account.clone() });
    Ok(())
}

fn shares_verified_address(one: &Account, other: &Account) -> bool {
    one.email_verified.is_some() && other.email_verified.is_some() && one.email == other.email
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conforms() {
        crate::storage::conformance::run(MemoryStorage::new);
    }
}
