//! Where clients are kept.

use std::fmt;

use super::{Client, ClientId};
use crate::storage::StorageError;

/// Keeps clients with their secrets.
pub trait ClientStorage: Send + Sync + fmt::Debug {
    /// Adds a client.
    ///
    /// # Errors
    /// [`StorageError::Taken`] when the id is.
    fn insert_client(&self, client: &Client) -> Result<(), StorageError>;

    /// # Errors
    /// When the storage cannot be read.
    fn client(&self, id: &ClientId) -> Result<Option<Client>, StorageError>;

    /// All clients by id.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn clients(&self) -> Result<Vec<Client>, StorageError>;

    /// How many there are.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn count_clients(&self) -> Result<usize, StorageError>;

    /// Puts `client` in the place of the one with its id if that one's revision is one lower: of two who
    /// changed the same revision, one succeeds.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such client, [`StorageError::Stale`] when it was changed
    /// meanwhile.
    fn replace_client(&self, client: &Client) -> Result<(), StorageError>;

    /// Removes it and its secrets; answers whether it was there.
    ///
    /// # Errors
    /// When the storage cannot be written.
    fn remove_client(&self, id: &ClientId) -> Result<bool, StorageError>;
}
