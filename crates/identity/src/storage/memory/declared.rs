//! What the identity file made, in memory.

use super::MemoryStorage;
use crate::storage::{Declaration, DeclaredKind, DeclaredStorage, StorageError};

impl DeclaredStorage for MemoryStorage {
    fn declarations(&self) -> Result<Vec<Declaration>, StorageError> {
        Ok(self.state().declared.values().cloned().collect())
    }

    fn declare(&self, declaration: &Declaration) -> Result<(), StorageError> {
        let key = (declaration.kind, declaration.name.clone());
        self.state().declared.insert(key, declaration.clone());
        Ok(())
    }

    fn undeclare(&self, kind: DeclaredKind, name: &str) -> Result<(), StorageError> {
        self.state().declared.remove(&(kind, name.to_owned()));
        Ok(())
    }
}
