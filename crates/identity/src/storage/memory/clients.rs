//! Clients in memory.

use super::MemoryStorage;
use crate::oauth::client::{Client, ClientId, ClientStorage};
use crate::storage::StorageError;

impl ClientStorage for MemoryStorage {
    fn insert_client(&self, client: &Client) -> Result<(), StorageError> {
        let mut state = self.state();
        if state.clients.contains_key(&client.id) {
            return Err(StorageError::Taken);
        }
        state.clients.insert(client.id.clone(), client.clone());
        Ok(())
    }

    fn client(&self, id: &ClientId) -> Result<Option<Client>, StorageError> {
        Ok(self.state().clients.get(id).cloned())
    }

    fn clients(&self) -> Result<Vec<Client>, StorageError> {
        Ok(self.state().clients.values().cloned().collect())
    }

    fn count_clients(&self) -> Result<usize, StorageError> {
        Ok(self.state().clients.len())
    }

    fn replace_client(&self, client: &Client) -> Result<(), StorageError> {
        let mut state = self.state();
        let former = state.clients.get_mut(&client.id).ok_or(StorageError::NotFound)?;
        if former.revision.saturating_add(1) != client.revision {
            return Err(StorageError::Stale);
        }
        *former = client.clone();
        Ok(())
    }

    fn remove_client(&self, id: &ClientId) -> Result<bool, StorageError> {
        Ok(self.state().clients.remove(id).is_some())
    }
}
