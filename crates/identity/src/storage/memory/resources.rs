//! What applications registered, in memory.

use super::MemoryStorage;
use crate::storage::{ResourceStorage, StorageError, StoredResource};

impl ResourceStorage for MemoryStorage {
    fn resource(&self, kind: &str, id: &str) -> Result<Option<StoredResource>, StorageError> {
        Ok(self.state().resources.get(&(kind.to_owned(), id.to_owned())).cloned())
    }

    fn resources_of(
        &self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StoredResource>, StorageError> {
        let state = self.state();
        let of_kind = state.resources.values().filter(|one| one.kind == kind);
        Ok(of_kind.filter(|one| after.is_none_or(|after| *one.id > *after)).take(limit).cloned().collect())
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
