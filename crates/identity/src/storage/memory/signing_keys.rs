//! Signing keys.

use gabion_model::Timestamp;

use super::MemoryStorage;
use crate::keyring::StoredKey;
use crate::storage::{KeyStorage, StorageError};

impl KeyStorage for MemoryStorage {
    fn signing_keys(&self) -> Result<Vec<StoredKey>, StorageError> {
        let mut keys: Vec<_> = self.state().signing_keys.values().cloned().collect();
        keys.sort_by_key(|key| key.times.created);
        Ok(keys)
    }

    fn add_signing_key(&self, key: &StoredKey) -> Result<(), StorageError> {
        let mut state = self.state();
        if state.signing_keys.contains_key(&key.kid) {
            return Err(StorageError::Taken);
        }
        state.signing_keys.insert(key.kid.clone(), key.clone());
        Ok(())
    }

    fn retire_signing_key(
        &self,
        kid: &str,
        retired: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StorageError> {
        let mut state = self.state();
        let times = &mut state.signing_keys.get_mut(kid).ok_or(StorageError::NotFound)?.times;
        (times.retired, times.expires) = (Some(retired), Some(expires));
        Ok(())
    }

    fn remove_signing_key(&self, kid: &str) -> Result<(), StorageError> {
        self.state().signing_keys.remove(kid);
        Ok(())
    }
}
