//! What applications registered, in memory.

use super::MemoryStorage;
use crate::storage::{ResourceStorage, StorageError, StoredResource};

impl ResourceStorage for MemoryStorage {
    fn resource(&self, kind: &str, id: &str) -> Result<Option<StoredResource>, StorageError> {
        Ok(self.state().resources.get(&(kind.to_owned(), id.to_owned())).cloned())
    }

    fn put_resource(&self, resource: &StoredResource) -> Result<(), StorageError> {
        let key = (resource.kind.clone(), resource.id.clone());
        self.state().resources.insert(key, resource.clone());
        Ok(())
    }

    fn remove_resource(&self, kind: &str, id: &str) -> Result<bool, StorageError> {
        Ok(self.state().resources.remove(&(kind.to_owned(), id.to_owned())).is_some())
    }
}
