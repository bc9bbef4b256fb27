//! Groups: shown, made, changed. Members are users.

use std::collections::BTreeSet;

use gabion_identity::scim::group::{self, Change, Wanted};
use gabion_identity::scim::project::Selection;
use gabion_identity::scim::{GROUP, Kind, Refusal};
use gabion_identity::{AccountKind, Group, Member};
use gabion_model::{AccountId, GroupId, TenantId};

use super::{ScimError, ScimResource, resource};
use crate::directory::check::Check;
use crate::directory::groups::view;
use crate::directory::{DirectoryError, EditGroup};
use crate::record::{About, observed};
use crate::service::Inner;
use crate::{Act, Caller, Service};

impl Service {
    /// One group, with its members if they are asked for.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when there is none.
    pub async fn scim_group(
        &self,
        caller: &Caller,
        id: GroupId,
        selection: &Selection,
    ) -> Result<ScimResource, ScimError> {
        let (asked, members) = (caller.clone(), selection.wants(&GROUP, "members"));
        self.read(Act::FindGroups, caller, move |inner, standing| {
            inner.provisioner(&asked, standing)?;
            observed(inner, Act::FindGroups, &asked);
            inner.scim_group_resource(&inner.known_group(&id)?, members)
        })
        .await
    }

    /// Makes a group.
    ///
    /// # Errors
    /// [`DirectoryError::Taken`] for a name that is another's.
    pub async fn scim_add_group(&self, caller: &Caller, wanted: Wanted) -> Result<ScimResource, ScimError> {
        let about = About::of(wanted.name.as_deref().unwrap_or_default()).with("via", "scim");
        let asked = caller.clone();
        self.act(Act::AddGroup, caller, about, move |inner, standing| {
            inner.provisioner(&asked, standing)?;
            let moves = inner.moves(None, wanted.members)?;
            let members: Vec<_> = moves.members.unwrap_or_default().into_iter().collect();
            let mut check = Check::default();
            let name = check.group_name(wanted.name.as_deref().unwrap_or_default());
            let external_id = wanted.external_id.flatten();
            if let Some(external_id) = &external_id {
                check.external_id(external_id);
            }
            inner.known_people(&mut check, members.iter())?;
            check.done()?;
            let now = inner.clock.now();
            let new = gabion_identity::NewGroup {
                name: name.ok_or(DirectoryError::NotFound)?,
                tenant: TenantId::new(TenantId::DEFAULT),
                roles: Vec::new(),
                external_id,
            };
            let mut made = inner.groups.create(new, now, &*inner.rng).map_err(DirectoryError::from)?;
            if !members.is_empty() {
                made = match inner.groups.change_members(&made.id, members, Vec::new(), now) {
                    Ok(group) => group,
                    Err(error) => {
                        // A member went meanwhile: there is no group without them either.
                        inner.groups.remove(&made.id).map_err(DirectoryError::from)?;
                        return Err(DirectoryError::from(error).into());
                    }
                };
            }
            inner.scim_group_resource(&made, true)
        })
        .await
    }

    /// Changes a group: all of it in one transaction, or nothing.
    ///
    /// # Errors
    /// [`DirectoryError::Changed`] when it has none of the versions that were named.
    pub async fn scim_change_group(
        &self,
        caller: &Caller,
        id: GroupId,
        wanted: Wanted,
        versions: Option<Vec<String>>,
    ) -> Result<ScimResource, ScimError> {
        let asked = caller.clone();
        let about = About::of(id.as_str()).with("via", "scim");
        self.act(Act::EditGroup, caller, about, move |inner, standing| {
            let standing = inner.provisioner(&asked, standing)?;
            let group = inner.known_group(&id)?;
            if versions.is_some_and(|versions| !versions.contains(&view(&group).version)) {
                return Err(DirectoryError::Changed.into());
            }
            let moves = inner.moves(Some(&group), wanted.members)?;
            let mut check = Check::default();
            inner.known_people(&mut check, moves.add.iter().chain(moves.members.iter().flatten()))?;
            check.done()?;
            let edit = EditGroup {
                name: wanted.name,
                external_id: wanted.external_id,
                members: moves.members.map(|members| members.into_iter().collect()),
                add: moves.add.into_iter().collect(),
                remove: moves.remove.into_iter().collect(),
                ..EditGroup::default()
            };
            inner.edit_group(&standing, &id, edit)?;
            inner.scim_group_resource(&inner.known_group(&id)?, true)
        })
        .await
    }

    /// Removes a group, of one of these versions when any are named.
    ///
    /// # Errors
    /// [`DirectoryError::Protected`] when it makes people administrators.
    pub async fn scim_remove_group(
        &self,
        caller: &Caller,
        id: GroupId,
        versions: Option<Vec<String>>,
    ) -> Result<(), ScimError> {
        let asked = caller.clone();
        let about = About::of(id.as_str()).with("via", "scim");
        self.act(Act::RemoveGroup, caller, about, move |inner, standing| {
            let standing = inner.provisioner(&asked, standing)?;
            let group = inner.known_group(&id)?;
            if versions.is_some_and(|versions| !versions.contains(&view(&group).version)) {
                return Err(DirectoryError::Changed.into());
            }
            inner.may_grant(&standing, &group.roles, &[])?;
            inner.groups.remove(&id).map_err(DirectoryError::from)?;
            Ok(())
        })
        .await
    }
}

/// Who comes and goes; nobody is both in `add` and `remove`.
#[derive(Default)]
struct Moves {
    members: Option<BTreeSet<AccountId>>,
    add: BTreeSet<AccountId>,
    remove: BTreeSet<AccountId>,
}

impl Inner {
    /// What changes one after the other come to.
    fn moves(&self, group: Option<&Group>, changes: Vec<Change>) -> Result<Moves, ScimError> {
        let mut moves = Moves::default();
        for change in changes {
            match change {
                Change::Exactly(ids) => {
                    moves = Moves { members: Some(ids.into_iter().collect()), ..Moves::default() };
                }
                Change::Add(ids) => ids.into_iter().for_each(|id| moves.put(id)),
                Change::Remove(ids) => ids.into_iter().for_each(|id| moves.take(id)),
                Change::RemoveFitting(filter) => {
                    let base = self.scim_base();
                    let mut now: Vec<Member> = Vec::new();
                    if let Some(group) = group.filter(|_| moves.members.is_none()) {
                        now = self.all_members(&group.id)?;
                    }
                    for id in moves.members.iter().flatten().chain(&moves.add) {
                        if let Some(account) = self.accounts.by_id(id).map_err(DirectoryError::from)? {
                            now.push(Member { id: account.id, name: account.name });
                        }
                    }
                    for member in now.into_iter().filter(|member| group::member_fits(&filter, member, &base))
                    {
                        moves.take(member.id);
                    }
                }
            }
        }
        Ok(moves)
    }

    /// Members are people: a program needs no group, and a group is in none.
    fn known_people<'a>(
        &self,
        check: &mut Check,
        ids: impl Iterator<Item = &'a AccountId>,
    ) -> Result<(), DirectoryError> {
        for id in ids {
            let account = self.accounts.by_id(id)?;
            if account.is_none_or(|account| account.kind != AccountKind::Person) {
                let shown: String = id.as_str().chars().filter(|one| !one.is_control()).take(64).collect();
                check.add("members", format!("there is no user `{shown}`"));
                if check.0.len() >= 8 {
                    break;
                }
            }
        }
        Ok(())
    }

    pub(super) fn all_members(&self, id: &GroupId) -> Result<Vec<Member>, ScimError> {
        let mut all: Vec<Member> = Vec::new();
        loop {
            let after = all.last().map(|last| last.id.clone());
            let page = self.groups.members(id, after.as_ref(), AT_ONCE).map_err(DirectoryError::from)?;
            let last = page.len() < AT_ONCE;
            all.extend(page);
            if last {
                return Ok(all);
            }
            if all.len() >= MOST_SHOWN {
                return Err(too_many());
            }
        }
    }

    pub(super) fn scim_group_resource(
        &self,
        group: &Group,
        members: bool,
    ) -> Result<ScimResource, ScimError> {
        let members = if members { Some(self.all_members(&group.id)?) } else { None };
        let body = group::document(group, members.as_deref(), &self.scim_base());
        Ok(resource(body, view(group).version))
    }
}

impl Moves {
    fn put(&mut self, id: AccountId) {
        match &mut self.members {
            Some(members) => {
                members.insert(id);
            }
            None => {
                self.remove.remove(&id);
                self.add.insert(id);
            }
        }
    }

    fn take(&mut self, id: AccountId) {
        match &mut self.members {
            Some(members) => {
                members.remove(&id);
            }
            None => {
                self.add.remove(&id);
                self.remove.insert(id);
            }
        }
    }
}

pub(super) fn too_many() -> ScimError {
    let detail = format!("there are more than {MOST_SHOWN} members; ask with `excludedAttributes=members`");
    Refusal { kind: Kind::TooMany, detail }.into()
}

const AT_ONCE: usize = 1000;
/// Members in one answer.
pub(super) const MOST_SHOWN: usize = 50_000;
