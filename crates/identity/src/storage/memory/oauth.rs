//! Grants, pending requests and consents in memory.

use std::collections::{BTreeMap, BTreeSet};

use gabion_model::{AccountId, SessionId, Timestamp};

use super::MemoryStorage;
use crate::oauth::client::ClientId;
use crate::oauth::grant::{Consent, Grant, LastAnswer};
use crate::oauth::grant_id::GrantId;
use crate::oauth::request::Progress;
use crate::oauth::storage::{Ending, Extension, OAuthStorage, Pending, Redeemed};
use crate::oauth::token::Confirmation;
use crate::storage::StorageError;

#[derive(Debug, Default)]
pub(super) struct OAuth {
    pending: BTreeMap<[u8; 32], Pending>,
    grants: BTreeMap<GrantId, Grant>,
    consents: BTreeMap<(AccountId, ClientId), Consent>,
}

impl OAuth {
    /// What a deleted account leaves behind goes with it.
    pub(super) fn forget(&mut self, account: &AccountId) {
        self.grants.retain(|_, grant| grant.account != *account);
        self.consents.retain(|(own, _), _| own != account);
    }
}

impl OAuthStorage for MemoryStorage {
    fn insert_pending(&self, pending: &Pending) -> Result<(), StorageError> {
        let mut state = self.state();
        if state.oauth.pending.contains_key(&pending.id) {
            return Err(StorageError::Taken);
        }
        state.oauth.pending.insert(pending.id, pending.clone());
        Ok(())
    }

    fn pending(&self, id: &[u8; 32], now: Timestamp) -> Result<Option<Pending>, StorageError> {
        Ok(self.state().oauth.pending.get(id).filter(|pending| now < pending.expires).cloned())
    }

    fn set_progress(&self, id: &[u8; 32], progress: Progress) -> Result<(), StorageError> {
        if let Some(pending) = self.state().oauth.pending.get_mut(id) {
            pending.progress = progress;
        }
        Ok(())
    }

    fn take_pending(&self, id: &[u8; 32]) -> Result<bool, StorageError> {
        Ok(self.state().oauth.pending.remove(id).is_some())
    }

    fn insert_grant(&self, grant: &Grant) -> Result<(), StorageError> {
        let mut state = self.state();
        let allowed = state
            .accounts
            .get(&grant.account)
            .is_some_and(|account| !account.disabled && account.epoch == grant.epoch);
        if !allowed {
            return Err(StorageError::Stale);
        }
        state.oauth.grants.insert(grant.id.clone(), grant.clone());
        Ok(())
    }

    fn grant(&self, id: &GrantId) -> Result<Option<Grant>, StorageError> {
        Ok(self.state().oauth.grants.get(id).cloned())
    }

    fn redeem(
        &self,
        code: &[u8; 32],
        bind: &Confirmation,
        until: Extension,
        now: Timestamp,
    ) -> Result<Redeemed, StorageError> {
        let mut state = self.state();
        let found = state.oauth.grants.values_mut().find(|grant| grant.code_hash.as_ref() == Some(code));
        let Some(grant) = found else { return Ok(Redeemed::Unknown) };
        if grant.redeemed.is_some() || grant.ended.is_some() {
            return Ok(Redeemed::Again(Box::new(grant.clone())));
        }
        if now >= grant.expires {
            return Ok(Redeemed::Unknown);
        }
        grant.redeemed = Some(now);
        if grant.terms.dpop_jkt.is_none() {
            grant.terms.dpop_jkt.clone_from(&bind.jkt);
        }
        if grant.terms.x5t_s256.is_none() {
            grant.terms.x5t_s256.clone_from(&bind.x5t_s256);
        }
        grant.last_used = now;
        grant.expires = if grant.refresh.is_some() { until.refresh.min(grant.latest) } else { until.access };
        Ok(Redeemed::Now(Box::new(grant.clone())))
    }

    fn rotate(
        &self,
        id: &GrantId,
        from: u64,
        last: &LastAnswer,
        expires: Timestamp,
    ) -> Result<bool, StorageError> {
        let mut state = self.state();
        let Some(grant) = state.oauth.grants.get_mut(id).filter(|grant| grant.ended.is_none()) else {
            return Ok(false);
        };
        let latest = grant.latest;
        let Some(refresh) = grant.refresh.as_mut().filter(|refresh| refresh.counter == from) else {
            return Ok(false);
        };
        refresh.counter = from.saturating_add(1);
        refresh.last = Some(last.clone());
        grant.last_used = last.time;
        grant.expires = expires.min(latest);
        Ok(true)
    }

    fn end_grants(&self, which: &Ending<'_>, now: Timestamp) -> Result<Vec<GrantId>, StorageError> {
        let mut guard = self.state();
        let state = &mut *guard;
        if let Ending::AccountClient(account, client) = which {
            state.oauth.consents.remove(&((*account).clone(), (*client).clone()));
        }
        let mut ended = Vec::new();
        for grant in state.oauth.grants.values_mut() {
            let meant = match which {
                Ending::Account(account) => grant.account == **account,
                Ending::AccountClient(account, client) => {
                    grant.account == **account && grant.client == **client
                }
                Ending::Client(client) => grant.client == **client,
                Ending::One(id) => grant.id == **id,
                Ending::Session(session) => !grant.offline && grant.session.as_ref() == Some(session),
                Ending::Stale => !state
                    .accounts
                    .get(&grant.account)
                    .is_some_and(|account| !account.disabled && account.epoch == grant.epoch),
            };
            if meant && grant.ended.is_none() {
                grant.ended = Some(now);
                ended.push(grant.id.clone());
            }
        }
        Ok(ended)
    }

    fn grants_of(&self, account: &AccountId, now: Timestamp) -> Result<Vec<Grant>, StorageError> {
        let state = self.state();
        let own =
            |grant: &&Grant| grant.account == *account && grant.redeemed.is_some() && grant.is_alive(now);
        let mut grants: Vec<_> = state.oauth.grants.values().filter(own).cloned().collect();
        grants.sort_by(|left, right| (left.created, &left.id).cmp(&(right.created, &right.id)));
        Ok(grants)
    }

    fn ended_since(&self, since: Timestamp) -> Result<Vec<(GrantId, Timestamp)>, StorageError> {
        let state = self.state();
        let recent = |grant: &Grant| Some((grant.id.clone(), grant.ended.filter(|ended| *ended >= since)?));
        Ok(state.oauth.grants.values().filter_map(recent).collect())
    }

    fn bound_grants(&self) -> Result<Vec<(SessionId, GrantId)>, StorageError> {
        let state = self.state();
        let bound = |grant: &Grant| {
            (grant.ended.is_none() && !grant.offline).then_some(())?;
            Some((grant.session.clone()?, grant.id.clone()))
        };
        Ok(state.oauth.grants.values().filter_map(bound).collect())
    }

    fn clients_of_session(&self, session: &SessionId) -> Result<Vec<ClientId>, StorageError> {
        let state = self.state();
        let of = |grant: &&Grant| grant.redeemed.is_some() && grant.session.as_ref() == Some(session);
        let clients: BTreeSet<_> =
            state.oauth.grants.values().filter(of).map(|grant| grant.client.clone()).collect();
        Ok(clients.into_iter().collect())
    }

    fn put_consent(&self, consent: &Consent) -> Result<(), StorageError> {
        let mut state = self.state();
        if !state.accounts.contains_key(&consent.account) {
            return Err(StorageError::NotFound);
        }
        let key = (consent.account.clone(), consent.client.clone());
        state.oauth.consents.insert(key, consent.clone());
        Ok(())
    }

    fn consent(&self, account: &AccountId, client: &ClientId) -> Result<Option<Consent>, StorageError> {
        Ok(self.state().oauth.consents.get(&(account.clone(), client.clone())).cloned())
    }

    fn consents(&self, account: &AccountId) -> Result<Vec<Consent>, StorageError> {
        let state = self.state();
        Ok(state.oauth.consents.values().filter(|consent| consent.account == *account).cloned().collect())
    }

    fn purge_oauth(&self, now: Timestamp, before: Timestamp) -> Result<(), StorageError> {
        let mut state = self.state();
        state.oauth.pending.retain(|_, pending| now < pending.expires);
        state.oauth.grants.retain(|_, grant| grant.ended.unwrap_or(grant.expires) >= before);
        Ok(())
    }
}
