//! API keys.

use gabion_model::Timestamp;

use super::MemoryStorage;
use crate::account::Account;
use crate::api_key::{ApiKey, ApiKeyId};
use crate::storage::{ApiKeyStorage, StorageError};

impl ApiKeyStorage for MemoryStorage {
    fn insert_key(&self, key: &ApiKey, epoch: u64, replaced: Option<&ApiKey>) -> Result<(), StorageError> {
        let mut state = self.state();
        let allowed = |account: &Account| !account.disabled && account.epoch == epoch;
        if !state.accounts.get(&key.account).is_some_and(allowed) {
            return Err(StorageError::Stale);
        }
        if state.keys.values().any(|other| other.id == key.id || other.hash == key.hash) {
            return Err(StorageError::Taken);
        }
        if let Some(replaced) = replaced {
            let former = state.keys.get_mut(replaced.id.as_str()).ok_or(StorageError::NotFound)?;
            former.expires = replaced.expires;
            former.successor.clone_from(&replaced.successor);
        }
        state.keys.insert(key.id.to_string(), key.clone());
        Ok(())
    }

    fn load_keys(&self) -> Result<Vec<(ApiKey, Account)>, StorageError> {
        let state = self.state();
        let with_account = |key: &ApiKey| {
            let account = state.accounts.get(&key.account).filter(|account| !account.disabled)?;
            Some((key.clone(), account.clone()))
        };
        Ok(state.keys.values().filter_map(with_account).collect())
    }

    fn remove_keys(&self, ids: &[ApiKeyId]) -> Result<(), StorageError> {
        let mut state = self.state();
        for id in ids {
            state.keys.remove(id.as_str());
        }
        Ok(())
    }

    fn touch_keys(&self, used: &[(ApiKeyId, Timestamp)]) -> Result<(), StorageError> {
        let mut state = self.state();
        for (id, time) in used {
            if let Some(key) = state.keys.get_mut(id.as_str()) {
                key.last_used = Some(*time);
            }
        }
        Ok(())
    }
}
