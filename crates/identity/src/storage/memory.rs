//! The traits in memory: for tests, and for a demonstration that leaves nothing behind.

mod clients;
mod keys;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gabion_model::{AccountId, SessionId, Timestamp};

use super::{AccountChange, AccountStorage, InvitationStorage, SessionStorage, StorageError, StoredSession};
use crate::account::Account;
use crate::email::Email;
use crate::invitation::Invitation;
use crate::keyring::StoredKey;
use crate::name::AccountName;
use crate::oauth::client::{Client, ClientId};

/// All traits over one lock, so that what belongs together changes together.
#[derive(Debug, Default)]
pub struct MemoryStorage(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    accounts: BTreeMap<AccountId, Account>,
    sessions: BTreeMap<SessionId, StoredSession>,
    invitations: BTreeMap<[u8; 32], Invitation>,
    clients: BTreeMap<ClientId, Client>,
    keys: BTreeMap<String, StoredKey>,
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
        let mut state = self.state();
        let same = |other: &Account| {
            other.name == account.name || other.id == account.id || shares_verified_address(other, account)
        };
        if state.accounts.values().any(same) {
            return Err(StorageError::Taken);
        }
        state.accounts.insert(account.id.clone(), account.clone());
        Ok(())
    }

    fn by_name(&self, name: &AccountName) -> Result<Option<Account>, StorageError> {
        Ok(self.state().accounts.values().find(|account| account.name == *name).cloned())
    }

    fn by_id(&self, id: &AccountId) -> Result<Option<Account>, StorageError> {
        Ok(self.state().accounts.get(id).cloned())
    }

    fn by_verified_email(&self, email: &Email) -> Result<Option<Account>, StorageError> {
        let holds = |one: &&Account| one.email_verified.is_some() && one.email.as_ref() == Some(email);
        Ok(self.state().accounts.values().find(holds).cloned())
    }

    fn list(&self) -> Result<Vec<Account>, StorageError> {
        let mut accounts: Vec<_> = self.state().accounts.values().cloned().collect();
        accounts.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(accounts)
    }

    fn update(&self, id: &AccountId, change: &AccountChange) -> Result<Account, StorageError> {
        let mut state = self.state();
        let mut account = state.accounts.get(id).cloned().ok_or(StorageError::NotFound)?;
        let raised = change.apply(&mut account);
        let others = |other: &Account| other.id != *id && shares_verified_address(other, &account);
        if state.accounts.values().any(others) {
            return Err(StorageError::Taken);
        }
        state.accounts.insert(id.clone(), account.clone());
        if raised {
            state.sessions.retain(|own, session| session.account != *id || Some(own) == change.keeps());
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
        Ok(())
    }

    fn load(&self) -> Result<Vec<(StoredSession, Account)>, StorageError> {
        let state = self.state();
        let with_account = |session: &StoredSession| {
            let account = state.accounts.get(&session.account).filter(|account| !account.disabled)?;
            Some((session.clone(), account.clone()))
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
