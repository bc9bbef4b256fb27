//! What is kept of groups.

use std::fmt;

use gabion_model::{AccountId, GroupId, Timestamp};

use super::StorageError;
use crate::group::{Group, GroupEdit, GroupName, Member};

/// Keeps groups and who is in them.
pub trait GroupStorage: Send + Sync + fmt::Debug {
    /// Adds a group. Of two with one name or one id, one is added; names that differ in case are one.
    ///
    /// # Errors
    /// [`StorageError::Taken`] when the name or the id is taken.
    fn insert_group(&self, group: &Group) -> Result<(), StorageError>;

    /// # Errors
    /// When the storage cannot be read.
    fn group(&self, id: &GroupId) -> Result<Option<Group>, StorageError>;

    /// # Errors
    /// When the storage cannot be read.
    fn group_by_name(&self, name: &GroupName) -> Result<Option<Group>, StorageError>;

    /// One page of the groups, by name as [folded](GroupName::folded).
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn groups(&self, page: &GroupPage) -> Result<Vec<Group>, StorageError>;

    /// How many groups there are.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn count_groups(&self) -> Result<u64, StorageError>;

    /// Applies a change in one transaction, and returns the group after it and the accounts of which
    /// sessions would now say something else: their epoch was raised and their stored sessions removed.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such group, or no such account to put into it.
    fn update_group(
        &self,
        id: &GroupId,
        change: &GroupChange,
    ) -> Result<(Group, Vec<AccountId>), StorageError>;

    /// Removes a group and returns who was in it, their epoch raised and their stored sessions removed.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such group.
    fn remove_group(&self, id: &GroupId) -> Result<Vec<AccountId>, StorageError>;

    /// One page of those in a group, by account id.
    ///
    /// # Errors
    /// When the storage cannot be read.
    fn members(
        &self,
        id: &GroupId,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<Member>, StorageError>;
}

/// A page of a list by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupPage {
    pub external_id: Option<String>,
    /// The last one seen: the page begins behind it.
    pub after: Option<GroupName>,
    /// So many are passed over.
    pub skip: u64,
    pub descending: bool,
    pub limit: usize,
}

/// One change to one group. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupChange {
    Edit {
        edit: GroupEdit,
        now: Timestamp,
    },
    /// Puts some in and takes others out; who is in or out already stays so.
    Members {
        add: Vec<AccountId>,
        remove: Vec<AccountId>,
        now: Timestamp,
    },
    /// Exactly these are in it.
    ReplaceMembers {
        members: Vec<AccountId>,
        now: Timestamp,
    },
    /// An edit and who is in it, together. Those to put in and to take out count after `members`.
    Whole {
        edit: GroupEdit,
        members: Option<Vec<AccountId>>,
        add: Vec<AccountId>,
        remove: Vec<AccountId>,
        now: Timestamp,
    },
}

impl GroupEdit {
    /// What the edit makes of a group: the one definition for every storage. Returns whether sessions of
    /// its members say something else now.
    pub fn apply(&self, group: &mut Group, now: Timestamp) -> bool {
        let before = (group.name.clone(), group.roles.clone());
        if let Some(name) = &self.name {
            group.name = name.clone();
        }
        if let Some(roles) = &self.roles {
            group.roles.clone_from(roles);
        }
        if let Some(external_id) = &self.external_id {
            group.external_id.clone_from(external_id);
        }
        group.updated = now;
        before != (group.name.clone(), group.roles.clone())
    }
}
