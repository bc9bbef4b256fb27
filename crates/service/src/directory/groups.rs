//! Groups: shown, made, changed, removed.

use gabion_identity::{Group, GroupEdit};
use gabion_model::{AccountId, GroupId, Role, TenantId};

use super::check::Check;
use super::{DirectoryError, EditGroup, GroupView, MemberView, NewGroup, version};
use crate::authorize::Standing;
use crate::record::{About, observed};
use crate::service::Inner;
use crate::{Act, Caller, Service};

impl Service {
    /// One group. Changes nothing.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when there is none.
    pub async fn group(&self, caller: &Caller, id: GroupId) -> Result<GroupView, DirectoryError> {
        let asked = caller.clone();
        self.read(Act::FindGroups, caller, move |inner, _| {
            observed(inner, Act::FindGroups, &asked);
            Ok(view(&inner.known_group(&id)?))
        })
        .await
    }

    /// Those in a group, by account id, behind `after`.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when there is no such group.
    pub async fn group_members(
        &self,
        caller: &Caller,
        id: GroupId,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<MemberView>, DirectoryError> {
        self.read(Act::FindGroups, caller, move |inner, _| {
            inner.known_group(&id)?;
            let members = inner.groups.members(&id, after.as_ref(), limit)?;
            Ok(members.into_iter().map(|one| MemberView { id: one.id, name: one.name.to_string() }).collect())
        })
        .await
    }

    /// Makes a group.
    ///
    /// # Errors
    /// [`DirectoryError::Invalid`] with every problem.
    pub async fn add_group(&self, caller: &Caller, new: NewGroup) -> Result<GroupView, DirectoryError> {
        let about = About::of(new.name.as_str()).with("roles", new.roles.join(" "));
        self.act(Act::AddGroup, caller, about, move |inner, standing| {
            let mut check = Check::default();
            let name = check.group_name(&new.name);
            let roles = check.roles(&new.roles);
            let tenant = new.tenant.as_deref().unwrap_or(TenantId::DEFAULT);
            check.word("tenant", tenant);
            if let Some(external_id) = &new.external_id {
                check.external_id(external_id);
            }
            inner.known_accounts(&mut check, &new.members)?;
            check.done()?;
            inner.may_grant(&standing, &roles, &[])?;
            let now = inner.clock.now();
            let made = gabion_identity::NewGroup {
                name: name.ok_or(DirectoryError::NotFound)?,
                tenant: TenantId::new(tenant),
                roles,
                external_id: new.external_id,
            };
            let group = inner.groups.create(made, now, &*inner.rng)?;
            if new.members.is_empty() {
                return Ok(view(&group));
            }
            Ok(view(&inner.groups.change_members(&group.id, new.members, Vec::new(), now)?))
        })
        .await
    }

    /// Changes a group. Sessions of those whom it changes end.
    ///
    /// # Errors
    /// [`DirectoryError::LastAdministrator`] when nobody else could administer.
    pub async fn edit_group(
        &self,
        caller: &Caller,
        id: GroupId,
        edit: EditGroup,
    ) -> Result<GroupView, DirectoryError> {
        let mut about = About::of(id.as_str());
        if let Some(roles) = &edit.roles {
            about = about.with("roles", roles.join(" "));
        }
        let moved = edit.add.len() + edit.remove.len() + edit.members.as_ref().map_or(0, Vec::len);
        if moved > 0 {
            about = about.with("members", moved.to_string());
        }
        self.act(Act::EditGroup, caller, about, move |inner, standing| {
            inner.edit_group(&standing, &id, edit)?;
            Ok(view(&inner.known_group(&id)?))
        })
        .await
    }

    /// Removes a group; those in it lose what it gave, and their sessions end.
    ///
    /// # Errors
    /// [`DirectoryError::LastAdministrator`] when nobody else could administer.
    pub async fn remove_group(&self, caller: &Caller, id: GroupId) -> Result<(), DirectoryError> {
        self.act(Act::RemoveGroup, caller, About::of(id.as_str()), move |inner, standing| {
            let group = inner.known_group(&id)?;
            inner.may_grant(&standing, &group.roles, &[])?;
            inner.groups.remove(&id)?;
            Ok(())
        })
        .await
    }
}

impl Inner {
    /// Changes a group: all of it, or nothing.
    pub(super) fn edit_group(
        &self,
        standing: &Standing,
        id: &GroupId,
        edit: EditGroup,
    ) -> Result<(), DirectoryError> {
        let group = self.known_group(id)?;
        if edit.version.as_ref().is_some_and(|version| *version != view(&group).version) {
            return Err(DirectoryError::Changed);
        }
        let mut check = Check::default();
        let name = edit.name.as_deref().and_then(|name| check.group_name(name));
        let roles = edit.roles.as_deref().map(|roles| check.roles(roles));
        if let Some(Some(external_id)) = &edit.external_id {
            check.external_id(external_id);
        }
        self.known_accounts(&mut check, &edit.add)?;
        self.known_accounts(&mut check, edit.members.as_deref().unwrap_or_default())?;
        check.done()?;
        // INVARIANT: who is an administrator is no provisioning credential's to say.
        let administrates = group.roles.iter().any(|role| role.as_str() == Role::ADMINISTRATOR);
        if administrates && matches!(standing, Standing::Provisioner(_)) {
            return Err(DirectoryError::Protected);
        }
        self.may_grant(standing, roles.as_deref().unwrap_or_default(), &[])?;
        let named = GroupEdit { name, roles, external_id: edit.external_id };
        let now = self.clock.now();
        self.groups.change_whole(id, named, edit.members, edit.add, edit.remove, now)?;
        Ok(())
    }

    pub(super) fn known_group(&self, id: &GroupId) -> Result<Group, DirectoryError> {
        self.groups.by_id(id)?.ok_or(DirectoryError::NotFound)
    }

    fn known_accounts(&self, check: &mut Check, ids: &[AccountId]) -> Result<(), DirectoryError> {
        if ids.len() > MOST_MEMBERS {
            check.add("members", format!("at most {MOST_MEMBERS} at once"));
            return Ok(());
        }
        for id in ids {
            if self.accounts.by_id(id)?.is_none() {
                check.add(
                    "members",
                    format!("there is no account `{}`", id.as_str().get(..64).unwrap_or(id.as_str())),
                );
            }
        }
        Ok(())
    }
}

pub(super) fn view(group: &Group) -> GroupView {
    let mut view = GroupView {
        id: group.id.clone(),
        name: group.name.to_string(),
        tenant: group.tenant.clone(),
        roles: group.roles.iter().map(|role| role.as_str().to_owned()).collect(),
        external_id: group.external_id.clone(),
        members: group.members,
        created: group.created,
        updated: group.updated,
        version: String::new(),
    };
    view.version = version(&view);
    view
}

/// So many are put in or taken out by one request.
const MOST_MEMBERS: usize = 10_000;
