//! Second factors in memory.

use gabion_model::{AccountId, Timestamp};

use super::{MemoryStorage, State};
use crate::factors::FactorId;
use crate::factors::totp::Totp;
use crate::passkey::Passkey;
use crate::storage::{FactorStorage, Factors, PasskeyUse, Removal, StorageError};

impl FactorStorage for MemoryStorage {
    fn factors(&self, account: &AccountId) -> Result<Factors, StorageError> {
        Ok(self.state().factors_of(account))
    }

    fn add_totp(&self, totp: &Totp) -> Result<(), StorageError> {
        let mut state = self.state();
        state.known(&totp.account)?;
        if state.has_factor(&totp.id) {
            return Err(StorageError::Taken);
        }
        state.totps.push(totp.clone());
        Ok(())
    }

    fn use_totp(&self, id: &FactorId, step: u64, now: Timestamp) -> Result<bool, StorageError> {
        let mut state = self.state();
        let Some(totp) = state.totps.iter_mut().find(|one| one.id == *id && one.last_step < step) else {
            return Ok(false);
        };
        (totp.last_step, totp.last_used) = (step, Some(now));
        Ok(true)
    }

    fn add_passkey(&self, passkey: &Passkey) -> Result<(), StorageError> {
        let mut state = self.state();
        state.known(&passkey.account)?;
        let same = |one: &Passkey| one.credential == passkey.credential;
        if state.has_factor(&passkey.id) || state.passkeys.iter().any(same) {
            return Err(StorageError::Taken);
        }
        state.passkeys.push(passkey.clone());
        Ok(())
    }

    fn passkey(&self, credential: &[u8]) -> Result<Option<Passkey>, StorageError> {
        Ok(self.state().passkeys.iter().find(|one| one.credential == credential).cloned())
    }

    fn use_passkey(&self, id: &FactorId, used: &PasskeyUse) -> Result<bool, StorageError> {
        let mut state = self.state();
        let as_judged = |one: &&mut Passkey| one.id == *id && one.sign_count == used.before;
        let Some(passkey) = state.passkeys.iter_mut().find(as_judged) else { return Ok(false) };
        passkey.sign_count = used.sign_count;
        passkey.backed_up = used.backed_up;
        passkey.last_used = Some(used.now);
        Ok(true)
    }

    fn rename_factor(&self, account: &AccountId, id: &FactorId, name: &str) -> Result<bool, StorageError> {
        let mut guard = self.state();
        let state = &mut *guard;
        let totps = state.totps.iter_mut().map(|one| (&one.account, &one.id, &mut one.name));
        let passkeys = state.passkeys.iter_mut().map(|one| (&one.account, &one.id, &mut one.name));
        let found = totps.chain(passkeys).find(|(owner, own, _)| *owner == account && *own == id);
        Ok(found.map(|(_, _, place)| name.clone_into(place)).is_some())
    }

    fn remove_factor(
        &self,
        account: &AccountId,
        id: &FactorId,
        keep_last: bool,
    ) -> Result<Removal, StorageError> {
        let mut state = self.state();
        let own = state.factors_of(account);
        let has = own.totps.iter().any(|one| one.id == *id) || own.passkeys.iter().any(|one| one.id == *id);
        if !has {
            return Ok(Removal::NotThere);
        }
        if keep_last && own.count() == 1 {
            return Ok(Removal::Last);
        }
        state.totps.retain(|one| one.id != *id);
        state.passkeys.retain(|one| one.id != *id);
        if own.count() == 1 {
            state.recovery_codes.retain(|(owner, _)| owner != account);
        }
        Ok(Removal::Removed)
    }

    fn clear_factors(&self, account: &AccountId) -> Result<usize, StorageError> {
        let mut state = self.state();
        let count = state.factors_of(account).count();
        state.totps.retain(|one| one.account != *account);
        state.passkeys.retain(|one| one.account != *account);
        state.recovery_codes.retain(|(owner, _)| owner != account);
        Ok(count)
    }

    fn set_recovery_codes(&self, account: &AccountId, hashes: &[[u8; 32]]) -> Result<(), StorageError> {
        let mut state = self.state();
        state.known(account)?;
        state.recovery_codes.retain(|(owner, _)| owner != account);
        state.recovery_codes.extend(hashes.iter().map(|hash| (account.clone(), *hash)));
        Ok(())
    }

    fn use_recovery_code(&self, account: &AccountId, hash: &[u8; 32]) -> Result<bool, StorageError> {
        Ok(self.state().recovery_codes.remove(&(account.clone(), *hash)))
    }
}

impl State {
    fn known(&self, account: &AccountId) -> Result<(), StorageError> {
        if self.accounts.contains_key(account) { Ok(()) } else { Err(StorageError::NotFound) }
    }

    fn has_factor(&self, id: &FactorId) -> bool {
        self.totps.iter().any(|one| one.id == *id) || self.passkeys.iter().any(|one| one.id == *id)
    }

    fn factors_of(&self, account: &AccountId) -> Factors {
        Factors {
            totps: self.totps.iter().filter(|one| one.account == *account).cloned().collect(),
            passkeys: self.passkeys.iter().filter(|one| one.account == *account).cloned().collect(),
            recovery_codes: self.recovery_codes.iter().filter(|(owner, _)| owner == account).count(),
        }
    }
}
