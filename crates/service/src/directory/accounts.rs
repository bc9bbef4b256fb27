//! One account: shown, made, changed, removed.

use gabion_identity::scim::Attributes;
use gabion_identity::{Account, AccountEdit, AccountError, AccountName, MalformedName};
use gabion_model::{AccountId, GroupId, Role, TenantId};

use super::check::Check;
use super::{DirectoryError, EditPerson, GroupName, NewPerson, Person, RoleView, Which, version};
use crate::authorize::Standing;
use crate::record::{About, observed};
use crate::service::Inner;
use crate::{AccountState, Act, ActError, Caller, Service};

/// What only SCIM changes of an account.
#[derive(Debug, Default)]
pub(super) struct Provisioned {
    pub(super) attributes: Option<Attributes>,
    /// Another password, hashed, or none.
    pub(super) password: Option<Option<String>>,
}

impl Service {
    /// One account in full. Changes nothing; that it was asked for is counted in the record.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when there is none.
    pub async fn person(&self, caller: &Caller, which: Which) -> Result<Person, DirectoryError> {
        let asked = caller.clone();
        self.read(Act::FindAccounts, caller, move |inner, _| {
            observed(inner, Act::FindAccounts, &asked);
            Ok(inner.person(&inner.which(&which)?))
        })
        .await
    }

    /// Makes an account.
    ///
    /// # Errors
    /// [`DirectoryError::Invalid`] with every problem, [`DirectoryError::Taken`] with the field.
    pub async fn provision(&self, caller: &Caller, new: NewPerson) -> Result<Person, DirectoryError> {
        let about = About::of(new.name.as_str()).with("roles", new.roles.join(" "));
        self.act(Act::ProvisionAccount, caller, about, move |inner, standing| {
            let mut check = Check::default();
            let name = check.name(&new.name);
            let email = new.email.as_deref().and_then(|email| check.email(email));
            let roles = check.roles(&new.roles);
            let tenant = new.tenant.as_deref().unwrap_or(TenantId::DEFAULT);
            check.word("tenant", tenant);
            check.personal(&new.personal);
            if let Some(external_id) = &new.external_id {
                check.external_id(external_id);
            }
            for group in &new.groups {
                if inner.groups.by_id(group)?.is_none() {
                    check.add("groups", format!("there is no group `{group}`"));
                }
            }
            check.done()?;
            let name = name.ok_or(DirectoryError::NotFound)?;
            inner.may_grant(&standing, &roles, &new.groups)?;
            let now = inner.clock.now();
            let made = gabion_identity::NewAccount {
                name: name.clone(),
                kind: new.kind,
                tenant: TenantId::new(tenant),
                roles,
                email_verified: email.as_ref().filter(|_| new.email_verified).map(|_| now),
                email,
                personal: new.personal,
                external_id: new.external_id,
                attributes: Attributes::default(),
            };
            let account = inner
                .accounts
                .create(made, now, &*inner.rng)
                .map_err(|error| inner.taken(error, Some(&name), None))?;
            if new.disabled {
                inner.accounts.disable(&account.id)?;
            }
            for group in &new.groups {
                inner.groups.change_members(group, vec![account.id.clone()], Vec::new(), now)?;
            }
            Ok(inner.person(&inner.which(&Which::Id(account.id))?))
        })
        .await
    }

    /// Changes an account: all of it or nothing of it. Sessions that would say something else of it end,
    /// and all of them when it is disabled.
    ///
    /// # Errors
    /// [`DirectoryError::Changed`] when it has another version than the one asked for.
    pub async fn edit_person(
        &self,
        caller: &Caller,
        which: Which,
        edit: EditPerson,
    ) -> Result<Person, DirectoryError> {
        let mut about = About::of(which.text());
        for (field, value) in [("name", &edit.name), ("tenant", &edit.tenant)] {
            if let Some(value) = value {
                about = about.with(field, value.as_str());
            }
        }
        if let Some(roles) = &edit.roles {
            about = about.with("roles", roles.join(" "));
        }
        if let Some(disabled) = edit.disabled {
            about = about.with("disabled", disabled.to_string());
        }
        self.act(Act::EditAccount, caller, about, move |inner, standing| {
            let account = inner.which(&which)?;
            inner
                .edit(&standing, &account, edit, Provisioned::default())
                .map(|account| inner.person(&account))
        })
        .await
    }

    /// Removes an account with its sessions, keys, grants, factors and links. With `keep_name` nobody else
    /// is given its name.
    ///
    /// # Errors
    /// [`DirectoryError::LastAdministrator`] when nobody else could administer.
    pub async fn remove_person(
        &self,
        caller: &Caller,
        which: Which,
        keep_name: bool,
    ) -> Result<(), DirectoryError> {
        let about = About::of(which.text());
        self.act(Act::RemoveAccount, caller, about, move |inner, _| {
            let account = inner.which(&which)?;
            inner.remove_account(&account.id, keep_name)?;
            Ok(())
        })
        .await
    }

    /// Ends everything granted to an account until now: sessions, tokens, open links. It may sign in again.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when there is none.
    pub async fn revoke_person(&self, caller: &Caller, which: Which) -> Result<usize, DirectoryError> {
        let about = About::of(which.text());
        self.act(Act::RevokeAccount, caller, about, move |inner, _| {
            let account = inner.which(&which)?;
            let sessions = inner.sessions.list(&account.id, inner.clock.now()).len();
            inner.accounts.revoke_all(&account.id)?;
            Ok(sessions)
        })
        .await
    }

    /// Lets the kept name of a removed account be given again. Answers whether it was kept.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn release_name(&self, caller: &Caller, name: &str) -> Result<bool, DirectoryError> {
        let wanted = name.to_owned();
        self.act(Act::ReleaseName, caller, About::of(name), move |inner, _| {
            let mut check = Check::default();
            let name = check.name(&wanted);
            check.done()?;
            Ok(name.map_or(Ok(false), |name| inner.accounts.release_name(&name))?)
        })
        .await
    }

    /// Every role somebody has of their own or by a group, by name.
    ///
    /// # Errors
    /// When the caller may not ask.
    pub async fn roles(&self, caller: &Caller) -> Result<Vec<RoleView>, DirectoryError> {
        self.read(Act::ListRoles, caller, |inner, _| {
            let mut roles: std::collections::BTreeMap<String, RoleView> = inner
                .accounts
                .roles()?
                .into_iter()
                .map(|(role, accounts)| {
                    let name = role.as_str().to_owned();
                    (name.clone(), RoleView { name, accounts, groups: Vec::new() })
                })
                .collect();
            let page = gabion_identity::storage::GroupPage { limit: usize::MAX, ..Default::default() };
            for group in inner.groups.page(&page)? {
                for role in &group.roles {
                    let name = role.as_str().to_owned();
                    let view = roles.entry(name.clone()).or_insert(RoleView {
                        name,
                        accounts: 0,
                        groups: Vec::new(),
                    });
                    view.groups.push(GroupName { id: group.id.clone(), name: group.name.to_string() });
                }
            }
            Ok(roles.into_values().collect())
        })
        .await
    }
}

impl Inner {
    pub(crate) fn which(&self, which: &Which) -> Result<Account, DirectoryError> {
        let found = match which {
            Which::Id(id) => self.accounts.by_id(id)?,
            Which::Name(name) => {
                let name: AccountName = name.parse().map_err(|_: MalformedName| DirectoryError::NotFound)?;
                self.accounts.find(&name)?
            }
        };
        found.ok_or(DirectoryError::NotFound)
    }

    /// Removes an account. Applications that were signed in to are told, though what they were granted is
    /// gone with it: who they are is looked up before.
    pub(crate) fn remove_account(&self, id: &AccountId, keep_name: bool) -> Result<Account, DirectoryError> {
        let farewells = self.farewells_of(id).map_err(ActError::from)?;
        let account = self.accounts.remove(id, keep_name, self.clock.now())?;
        self.protocols.farewells.say(farewells);
        self.forget_personal(account.name.as_str())?;
        Ok(account)
    }

    pub(super) fn edit(
        &self,
        standing: &Standing,
        account: &Account,
        edit: EditPerson,
        provisioned: Provisioned,
    ) -> Result<Account, DirectoryError> {
        if edit.version.as_ref().is_some_and(|version| *version != self.person(account).version) {
            return Err(DirectoryError::Changed);
        }
        let mut check = Check::default();
        let name = edit.name.as_deref().and_then(|name| check.name(name));
        let email = edit.email.as_ref().map(|email| email.as_deref().and_then(|email| check.email(email)));
        let roles = edit.roles.as_deref().map(|roles| check.roles(roles));
        if let Some(tenant) = &edit.tenant {
            check.word("tenant", tenant);
        }
        if let Some(personal) = &edit.personal {
            check.personal(personal);
        }
        if let Some(Some(external_id)) = &edit.external_id {
            check.external_id(external_id);
        }
        let groups = edit.groups.as_deref().unwrap_or_default();
        for group in groups {
            if self.groups.by_id(group)?.is_none() {
                check.add("groups", format!("there is no group `{group}`"));
            }
        }
        check.done()?;
        let now = self.clock.now();
        // An address that stays stays as verified as it was, unless somebody says otherwise.
        let email = email.unwrap_or_else(|| account.email.clone());
        let verified = match edit.email_verified {
            Some(true) => account.email_verified.filter(|_| email == account.email).or(Some(now)),
            Some(false) => None,
            None => account.email_verified.filter(|_| email == account.email),
        };
        let identity = AccountEdit {
            name,
            email: Some((email.clone(), verified.filter(|_| email.is_some()))),
            personal: edit.personal,
            tenant: edit.tenant.as_deref().map(TenantId::new),
            roles,
            external_id: edit.external_id,
            attributes: provisioned.attributes,
            password: provisioned.password,
            disabled: edit.disabled,
        };
        self.may_edit(standing, account, &identity, groups)?;
        let changed = self
            .accounts
            .edit(&account.id, identity.clone(), now)
            .map_err(|error| self.taken(error, identity.name.as_ref(), Some(&account.id)))?;
        if let Some(wanted) = edit.groups {
            let account = std::slice::from_ref(&changed.id);
            for group in changed.groups.iter().filter(|one| !wanted.contains(&one.group)) {
                self.groups.change_members(&group.group, Vec::new(), account.to_vec(), now)?;
            }
            for group in wanted.iter().filter(|one| !changed.groups.iter().any(|own| own.group == **one)) {
                self.groups.change_members(group, account.to_vec(), Vec::new(), now)?;
            }
        }
        self.which(&Which::Id(changed.id))
    }

    /// INVARIANT: a provisioning credential makes nobody an administrator, and takes no administrator's
    /// account over: name, address, password, tenant and roles stay, and who is disabled stays disabled.
    fn may_edit(
        &self,
        standing: &Standing,
        account: &Account,
        edit: &AccountEdit,
        groups: &[GroupId],
    ) -> Result<(), DirectoryError> {
        let Standing::Provisioner(_) = standing else { return Ok(()) };
        let email = edit.email.as_ref().is_some_and(|(email, verified)| {
            *email != account.email || (verified.is_some() && account.email_verified.is_none())
        });
        let takes_over = edit.name.as_ref().is_some_and(|name| *name != account.name)
            || email
            || edit.password.is_some()
            || edit.tenant.as_ref().is_some_and(|tenant| *tenant != account.tenant)
            || edit.roles.as_ref().is_some_and(|roles| *roles != account.roles)
            || edit.disabled == Some(false) && account.disabled;
        if takes_over && account.has_role(Role::ADMINISTRATOR) {
            return Err(DirectoryError::Protected);
        }
        let before = &account.roles;
        let gained: Vec<Role> =
            edit.roles.iter().flatten().filter(|role| !before.contains(role)).cloned().collect();
        self.may_grant(standing, &gained, groups)
    }

    pub(super) fn may_grant(
        &self,
        standing: &Standing,
        roles: &[Role],
        groups: &[GroupId],
    ) -> Result<(), DirectoryError> {
        let Standing::Provisioner(_) = standing else { return Ok(()) };
        let administrator = |roles: &[Role]| roles.iter().any(|role| role.as_str() == Role::ADMINISTRATOR);
        if administrator(roles) {
            return Err(DirectoryError::Protected);
        }
        for group in groups {
            if self.groups.by_id(group)?.is_some_and(|group| administrator(&group.roles)) {
                return Err(DirectoryError::Protected);
            }
        }
        Ok(())
    }

    /// Which field was taken.
    pub(super) fn taken(
        &self,
        error: AccountError,
        name: Option<&AccountName>,
        own: Option<&AccountId>,
    ) -> DirectoryError {
        if error != AccountError::Taken {
            return error.into();
        }
        let is_name = match name.map(|name| self.accounts.find(name)) {
            Some(Ok(Some(other))) => Some(&other.id) != own,
            // Nobody has it now: it was a removed account's, unless the address is what is taken.
            Some(Ok(None)) => name.is_some_and(|name| self.accounts.is_kept(name)),
            _ => false,
        };
        DirectoryError::Taken(if is_name { "name" } else { "email" })
    }

    pub(crate) fn person(&self, account: &Account) -> Person {
        let words = |roles: &[Role]| roles.iter().map(|role| role.as_str().to_owned()).collect();
        let mut person = Person {
            id: account.id.clone(),
            name: account.name.to_string(),
            kind: account.kind,
            tenant: account.tenant.clone(),
            state: AccountState::of(account),
            email: account.email.as_ref().map(ToString::to_string),
            email_verified: account.email_verified.is_some(),
            personal: account.personal.clone(),
            roles: words(&account.roles),
            effective_roles: words(&account.effective_roles()),
            groups: account
                .groups
                .iter()
                .map(|one| GroupName { id: one.group.clone(), name: one.name.to_string() })
                .collect(),
            external_id: account.external_id.clone(),
            created: account.created,
            updated: account.updated,
            last_sign_in: None,
            sessions: 0,
            version: String::new(),
        };
        person.version = version(&person);
        person.last_sign_in = account.last_sign_in;
        person.sessions = self.sessions.list(&account.id, self.clock.now()).len();
        person
    }
}

impl From<DirectoryError> for crate::AddAccountError {
    fn from(error: DirectoryError) -> Self {
        Self::Act(ActError::from(error))
    }
}
