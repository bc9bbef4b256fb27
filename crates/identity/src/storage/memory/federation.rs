//! Identities of other providers in memory.

use gabion_model::{AccountId, Timestamp};

use super::{MemoryStorage, State};
use crate::account::Account;
use crate::federation::external::{ExternalIdentity, FederationStorage, IdentityId};
use crate::storage::StorageError;

impl FederationStorage for MemoryStorage {
    fn link_identity(&self, identity: &ExternalIdentity) -> Result<(), StorageError> {
        let mut state = self.state();
        if !state.accounts.contains_key(&identity.account) {
            return Err(StorageError::NotFound);
        }
        link(&mut state, identity)
    }

    fn provision(&self, account: &Account, identity: &ExternalIdentity) -> Result<(), StorageError> {
        let mut state = self.state();
        if is_taken(&state, identity) || identity.account != account.id {
            return Err(StorageError::Taken);
        }
        super::insert(&mut state, account)?;
        link(&mut state, identity)
    }

    fn identity(&self, issuer: &str, subject: &str) -> Result<Option<ExternalIdentity>, StorageError> {
        let is = |one: &&ExternalIdentity| one.issuer == issuer && one.subject == subject;
        Ok(self.state().identities.values().find(is).cloned())
    }

    fn identities(&self, account: &AccountId) -> Result<Vec<ExternalIdentity>, StorageError> {
        let state = self.state();
        let mut own: Vec<_> =
            state.identities.values().filter(|one| one.account == *account).cloned().collect();
        own.sort_by(|one, other| (one.linked, &one.id).cmp(&(other.linked, &other.id)));
        Ok(own)
    }

    fn identity_used(&self, id: &IdentityId, label: &str, now: Timestamp) -> Result<(), StorageError> {
        if let Some(identity) = self.state().identities.get_mut(id) {
            label.clone_into(&mut identity.label);
            identity.last_used = Some(now);
        }
        Ok(())
    }

    fn unlink_identity(
        &self,
        account: &AccountId,
        id: &IdentityId,
        keep_one: bool,
    ) -> Result<bool, StorageError> {
        let mut state = self.state();
        if state.identities.get(id).is_none_or(|one| one.account != *account) {
            return Ok(false);
        }
        if keep_one && state.identities.values().filter(|one| one.account == *account).count() < 2 {
            return Err(StorageError::Stale);
        }
        Ok(state.identities.remove(id).is_some())
    }
}

fn link(state: &mut State, identity: &ExternalIdentity) -> Result<(), StorageError> {
    if is_taken(state, identity) {
        return Err(StorageError::Taken);
    }
    state.identities.insert(identity.id.clone(), identity.clone());
    Ok(())
}

fn is_taken(state: &State, identity: &ExternalIdentity) -> bool {
    state.identities.values().any(|one| {
        one.id == identity.id || (one.issuer == identity.issuer && one.subject == identity.subject)
    })
}
