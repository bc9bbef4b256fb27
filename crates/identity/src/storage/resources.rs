//! What applications registered about their objects, for decisions.

use std::fmt;

use gabion_model::{AccountId, Timestamp};

use super::StorageError;

/// Keeps what applications say of their objects.
pub trait ResourceStorage: Send + Sync + fmt::Debug {
    /// # Errors
    /// When the storage cannot be read.
    fn resource(&self, kind: &str, id: &str) -> Result<Option<StoredResource>, StorageError>;

    /// Those of one type in the order of their ids, behind `after`.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn resources_of(
        &self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StoredResource>, StorageError>;

    /// Writes it down, in place of what was written about the same object.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn put_resource(&self, resource: &StoredResource) -> Result<(), StorageError>;

    /// Forgets it. Answers whether there was anything.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn remove_resource(&self, kind: &str, id: &str) -> Result<bool, StorageError>;
}

/// What an application said of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResource {
    /// The type policies know it by.
    pub kind: String,
    pub id: String,
    /// A JSON object.
    pub attributes: String,
    /// A JSON array of `{"type","id"}`.
    pub parents: String,
    /// Whose word it is.
    pub by: AccountId,
    pub at: Timestamp,
}
