//! Groups.

use std::collections::BTreeSet;

use gabion_model::{AccountId, GroupId};

use super::{MemoryStorage, State};
use crate::group::{Group, GroupName, Member};
use crate::storage::{GroupChange, GroupPage, GroupStorage, StorageError};

impl State {
    fn counted(&self, group: &Group) -> Group {
        let members = self.members.iter().filter(|(id, _)| *id == group.id).count();
        Group { members: u64::try_from(members).unwrap_or(u64::MAX), ..group.clone() }
    }

    fn members_of(&self, id: &GroupId) -> BTreeSet<AccountId> {
        self.members.iter().filter(|(group, _)| group == id).map(|(_, member)| member.clone()).collect()
    }

    fn is_taken(&self, group: &Group) -> bool {
        self.groups.values().any(|other| other.id != group.id && other.name.folded() == group.name.folded())
    }
}

impl GroupStorage for MemoryStorage {
    fn insert_group(&self, group: &Group) -> Result<(), StorageError> {
        let mut state = self.state();
        if state.groups.contains_key(&group.id) || state.is_taken(group) {
            return Err(StorageError::Taken);
        }
        state.groups.insert(group.id.clone(), group.clone());
        Ok(())
    }

    fn group(&self, id: &GroupId) -> Result<Option<Group>, StorageError> {
        let state = self.state();
        Ok(state.groups.get(id).map(|group| state.counted(group)))
    }

    fn group_by_name(&self, name: &GroupName) -> Result<Option<Group>, StorageError> {
        let state = self.state();
        let found = state.groups.values().find(|group| group.name.folded() == name.folded());
        Ok(found.map(|group| state.counted(group)))
    }

    fn groups(&self, page: &GroupPage) -> Result<Vec<Group>, StorageError> {
        let state = self.state();
        let mut groups: Vec<_> = state.groups.values().map(|group| state.counted(group)).collect();
        groups.retain(|group| page.external_id.is_none() || group.external_id == page.external_id);
        groups.sort_by_key(|group| group.name.folded());
        if page.descending {
            groups.reverse();
        }
        if let Some(after) = page.after.as_ref().map(GroupName::folded) {
            let behind = |name: String| if page.descending { name < after } else { name > after };
            groups.retain(|group| behind(group.name.folded()));
        }
        let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
        Ok(groups.into_iter().skip(skip).take(page.limit).collect())
    }

    fn count_groups(&self) -> Result<u64, StorageError> {
        Ok(u64::try_from(self.state().groups.len()).unwrap_or(u64::MAX))
    }

    fn update_group(
        &self,
        id: &GroupId,
        change: &GroupChange,
    ) -> Result<(Group, Vec<AccountId>), StorageError> {
        let mut state = self.state();
        let mut group = state.groups.get(id).cloned().ok_or(StorageError::NotFound)?;
        let members = state.members_of(id);
        let mut after = members.clone();
        let all = match change {
            GroupChange::Edit { edit, now } => edit.apply(&mut group, *now),
            GroupChange::Members { add, remove, now } => {
                after.extend(add.iter().cloned());
                after.retain(|member| !remove.contains(member));
                group.updated = *now;
                false
            }
            GroupChange::ReplaceMembers { members, now } => {
                after = members.iter().cloned().collect();
                group.updated = *now;
                false
            }
            GroupChange::Whole { edit, members, add, remove, now } => {
                if let Some(members) = members {
                    after = members.iter().cloned().collect();
                }
                after.extend(add.iter().cloned());
                after.retain(|member| !remove.contains(member));
                edit.apply(&mut group, *now)
            }
        };
        if state.is_taken(&group) {
            return Err(StorageError::Taken);
        }
        if !after.iter().all(|member| state.accounts.contains_key(member)) {
            return Err(StorageError::NotFound);
        }
        let changed: Vec<_> = if all {
            members.union(&after).cloned().collect()
        } else {
            members.symmetric_difference(&after).cloned().collect()
        };
        state.members.retain(|(other, _)| other != id);
        state.members.extend(after.into_iter().map(|member| (id.clone(), member)));
        state.groups.insert(id.clone(), group.clone());
        for account in &changed {
            state.raise(account);
        }
        Ok((state.counted(&group), changed))
    }

    fn remove_group(&self, id: &GroupId) -> Result<Vec<AccountId>, StorageError> {
        let mut state = self.state();
        state.groups.remove(id).ok_or(StorageError::NotFound)?;
        let members: Vec<_> = state.members_of(id).into_iter().collect();
        state.members.retain(|(group, _)| group != id);
        for member in &members {
            state.raise(member);
        }
        Ok(members)
    }

    fn members(
        &self,
        id: &GroupId,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<Member>, StorageError> {
        let state = self.state();
        let members =
            state.members_of(id).into_iter().filter(|member| after.is_none_or(|after| member > after));
        let named = members.filter_map(|id| {
            let account = state.accounts.get(&id)?;
            Some(Member { id, name: account.name.clone() })
        });
        Ok(named.take(limit).collect())
    }
}
