//! What must be done so that everything is as the file says.

use std::collections::{BTreeMap, BTreeSet};

use gabion_identity::oauth::client::{Client, ClientId, Metadata, Registration};
use gabion_identity::storage::{AccountFilter, AccountPage, Declaration, DeclaredKind};
use gabion_identity::{Account, AccountKind, AccountName, Email, Group, GroupName};
use gabion_model::{AccountId, GroupId, Problem, Role};
use std::time::Duration;

use super::fields::Fields;
use super::{
    Declared, DeclaredAccount, DeclaredClient, DeclaredGroup, DeclaredThing, IdentityError, IdentityPlan,
    InitialPassword, Kept, PlannedAction, PlannedChange,
};
use crate::passwords::violations;
use crate::record::observed;
use crate::service::Inner;
use crate::{Act, ActError, Caller, EditGroup, EditPerson, NewGroup, NewPerson, Service};

/// A change and how it is made.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) change: PlannedChange,
    pub(super) work: Work,
}

#[derive(Debug, Clone)]
pub(super) enum Work {
    CreateGroup(NewGroup),
    EditGroup(GroupId, EditGroup),
    RemoveGroup(GroupId),
    CreateAccount {
        new: NewPerson,
        groups: Vec<String>,
        password: Option<InitialPassword>,
        invite: bool,
    },
    EditAccount {
        id: AccountId,
        edit: EditPerson,
        groups: Option<Vec<String>>,
        password: Option<InitialPassword>,
    },
    RemoveAccount(AccountId),
    CreateClient {
        tenant: Option<String>,
        metadata: Metadata,
        secret: Option<[u8; 32]>,
        disabled: bool,
    },
    EditClient {
        metadata: Option<Metadata>,
        secret: Option<([u8; 32], Duration)>,
        disabled: Option<bool>,
    },
    RemoveClient,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) kept: Vec<Kept>,
    /// What is written down of things that are no more the file's.
    pub(super) forget: Vec<(DeclaredKind, String)>,
}

impl Service {
    /// What [`apply_identity`](Self::apply_identity) would do. Changes nothing.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] with everything that cannot be.
    pub async fn plan_identity(
        &self,
        caller: &Caller,
        declared: Declared,
        prune: bool,
    ) -> Result<IdentityPlan, IdentityError> {
        let asked = caller.clone();
        self.read(Act::PlanIdentity, caller, move |inner, _| {
            observed(inner, Act::PlanIdentity, &asked);
            let plan = inner.plan(&declared, prune)?;
            Ok(IdentityPlan {
                changes: plan.steps.into_iter().map(|step| step.change).collect(),
                kept: plan.kept,
            })
        })
        .await
    }
}

/// What a plan is made by.
struct Planner<'a> {
    inner: &'a Inner,
    marks: BTreeMap<(DeclaredKind, String), Declaration>,
    named: BTreeSet<(DeclaredKind, String)>,
    problems: Vec<Problem>,
    plan: Plan,
    /// Of groups that are made or changed: the roles they will give, by folded name.
    group_roles: BTreeMap<String, Vec<String>>,
}

impl Inner {
    pub(super) fn plan(&self, declared: &Declared, prune: bool) -> Result<Plan, IdentityError> {
        let problems = declared.problems();
        if !problems.is_empty() {
            return Err(IdentityError::Invalid(problems));
        }
        let marks = self.storage.declarations().map_err(ActError::from)?;
        let mut planner = Planner {
            inner: self,
            marks: marks.into_iter().map(|mark| ((mark.kind, mark.name.clone()), mark)).collect(),
            named: BTreeSet::new(),
            problems: Vec::new(),
            plan: Plan::default(),
            group_roles: BTreeMap::new(),
        };
        for (index, group) in declared.groups.iter().enumerate() {
            planner.group(&format!("groups[{index}]"), group)?;
        }
        // Before accounts: a client that acts by its own credentials brings its account along.
        for (index, client) in declared.clients.iter().enumerate() {
            planner.client(&format!("clients[{index}]"), client)?;
        }
        for (index, person) in declared.people.iter().enumerate() {
            planner.account(&format!("people[{index}]"), person, AccountKind::Person)?;
        }
        for (index, program) in declared.service_accounts.iter().enumerate() {
            planner.account(&format!("service_accounts[{index}]"), program, AccountKind::Service)?;
        }
        planner.leftovers(prune)?;
        planner.administrators(declared)?;
        let Planner { problems, plan, .. } = planner;
        if problems.is_empty() { Ok(plan) } else { Err(IdentityError::Invalid(problems)) }
    }
}

impl Planner<'_> {
    /// What was written down of the thing of this name.
    fn mark(&mut self, kind: DeclaredKind, name: &str) -> Option<Declaration> {
        self.named.insert((kind, name.to_owned()));
        self.marks.get(&(kind, name.to_owned())).cloned()
    }

    fn step(&mut self, action: PlannedAction, kind: DeclaredThing, name: &str, fields: Fields, work: Work) {
        let change = PlannedChange { action, kind, name: name.to_owned(), fields: fields.0 };
        self.plan.steps.push(Step { change, work });
    }

    fn problem(&mut self, path: String, reason: impl Into<String>, hint: &str) {
        self.problems.push(Problem::new(path, reason).hint(hint));
    }

    fn group(&mut self, path: &str, wanted: &DeclaredGroup) -> Result<(), IdentityError> {
        let Ok(name) = wanted.name.parse::<GroupName>() else { return Ok(()) };
        let mark = self.mark(DeclaredKind::Group, &name.folded());
        let groups = &self.inner.groups;
        let marked = match &mark {
            Some(mark) => groups.by_id(&GroupId::new(&mark.id)).map_err(act)?,
            None => None,
        };
        let found = match marked {
            Some(group) => Some(group),
            None => groups.find(&name).map_err(act)?,
        };
        let mut fields = Fields::default();
        let Some(group) = found else {
            let roles = wanted.roles.clone().unwrap_or_default();
            self.group_roles.insert(name.folded(), roles.clone());
            fields.words::<String>("roles", &[], &roles);
            let new = NewGroup {
                name: name.as_str().to_owned(),
                tenant: wanted.tenant.clone(),
                roles,
                external_id: wanted.external_id.clone(),
                members: Vec::new(),
            };
            let kind = DeclaredThing::Group;
            self.step(PlannedAction::Create, kind, name.as_str(), fields, Work::CreateGroup(new));
            return Ok(());
        };
        if wanted.tenant.as_ref().is_some_and(|tenant| *tenant != group.tenant.as_str()) {
            let words = format!("the group is of the tenant `{}`, and that cannot be changed", group.tenant);
            self.problem(format!("{path}.tenant"), words, "remove the group first, or leave it as it is");
        }
        let mut edit = EditGroup::default();
        if fields.text("name", Some(group.name.as_str()), Some(name.as_str())) {
            edit.name = Some(name.as_str().to_owned());
        }
        let own: Vec<&str> = group.roles.iter().map(Role::as_str).collect();
        if let Some(roles) = &wanted.roles
            && fields.words("roles", &own, roles)
        {
            edit.roles = Some(roles.clone());
        }
        let after = wanted.roles.clone();
        self.group_roles
            .insert(name.folded(), after.unwrap_or_else(|| own.iter().map(ToString::to_string).collect()));
        if let Some(external_id) = &wanted.external_id
            && fields.text("external_id", group.external_id.as_deref(), Some(external_id))
        {
            edit.external_id = Some(Some(external_id.clone()));
        }
        if !fields.0.is_empty() {
            let work = Work::EditGroup(group.id.clone(), edit);
            self.step(PlannedAction::Change, DeclaredThing::Group, name.as_str(), fields, work);
        }
        Ok(())
    }

    fn account(
        &mut self,
        path: &str,
        wanted: &DeclaredAccount,
        kind: AccountKind,
    ) -> Result<(), IdentityError> {
        let Ok(name) = wanted.name.parse::<AccountName>() else { return Ok(()) };
        let mark = self.mark(DeclaredKind::Account, name.as_str());
        let accounts = &self.inner.accounts;
        let marked = match &mark {
            Some(mark) => accounts.by_id(&AccountId::new(&mark.id)).map_err(ActError::from)?,
            None => None,
        };
        let found = match marked {
            Some(account) => Some(account),
            None => accounts.find(&name).map_err(ActError::from)?,
        };
        for group in wanted.groups.iter().flatten() {
            let Ok(group) = group.parse::<GroupName>() else { continue };
            let known = self.group_roles.contains_key(&group.folded())
                || self.inner.groups.find(&group).map_err(act)?.is_some();
            if !known {
                let words = format!("there is no group `{group}`");
                self.problem(format!("{path}.groups"), words, "declare it in `[[groups]]`");
            }
        }
        if let Some(InitialPassword::Text(text)) = &wanted.password {
            for broken in violations(&self.inner.rules().passwords, text, &name) {
                self.problem(format!("{path}.password"), broken, "choose another password");
            }
        }
        let thing = DeclaredThing::of(kind);
        let Some(account) = found else {
            return self.new_account(path, wanted, &name, kind);
        };
        if account.kind != kind {
            let words = format!("`{name}` is a {} already", DeclaredThing::of(account.kind).words());
            self.problem(format!("{path}.name"), words, "choose another name, or remove the other one first");
            return Ok(());
        }
        let mut fields = Fields::default();
        let (edit, groups) = edits(&account, &name, wanted, &mut fields);
        let given = mark.is_some_and(|mark| mark.id == account.id.as_str() && mark.password_given);
        let password = wanted.password.clone().filter(|_| account.password.is_none() && !given);
        if password.is_some() {
            fields.hidden("password", "the initial one");
        }
        if !fields.0.is_empty() {
            let work = Work::EditAccount { id: account.id, edit, groups, password };
            self.step(PlannedAction::Change, thing, name.as_str(), fields, work);
        }
        Ok(())
    }

    fn new_account(
        &mut self,
        path: &str,
        wanted: &DeclaredAccount,
        name: &AccountName,
        kind: AccountKind,
    ) -> Result<(), IdentityError> {
        if self.inner.accounts.is_kept(name) {
            let words = format!("`{name}` was a removed account's, and the name is kept");
            let hint = "choose another name, or `gabion user release-name NAME`";
            self.problem(format!("{path}.name"), words, hint);
        }
        if wanted.invite && !self.inner.mail.is_configured() {
            let words = "no letter can leave: no mail transport is configured";
            self.problem(format!("{path}.invite"), words, "see the table `[mail]`, or remove `invite`");
        }
        let email = wanted.email.clone().filter(|email| !email.is_empty());
        let mut fields = Fields::default();
        fields.text("email", None, email.as_deref());
        let (roles, groups) =
            (wanted.roles.clone().unwrap_or_default(), wanted.groups.clone().unwrap_or_default());
        fields.words::<String>("roles", &[], &roles);
        fields.words::<String>("groups", &[], &groups);
        if wanted.password.is_some() {
            fields.hidden("password", "the initial one");
        }
        if wanted.invite {
            fields.hidden("invitation", "by mail");
        }
        let new = NewPerson {
            name: name.as_str().to_owned(),
            kind,
            tenant: wanted.tenant.clone(),
            email_verified: wanted.email_verified,
            email,
            personal: wanted.personal.clone().unwrap_or_default(),
            roles,
            groups: Vec::new(),
            external_id: wanted.external_id.clone(),
            disabled: wanted.disabled.unwrap_or(false),
        };
        let (password, invite) = (wanted.password.clone(), wanted.invite);
        let work = Work::CreateAccount { new, groups, password, invite };
        self.step(PlannedAction::Create, DeclaredThing::of(kind), name.as_str(), fields, work);
        Ok(())
    }

    fn client(&mut self, path: &str, wanted: &DeclaredClient) -> Result<(), IdentityError> {
        let Ok(id) = wanted.id.parse::<ClientId>() else { return Ok(()) };
        self.mark(DeclaredKind::Client, id.as_str());
        let found = self.inner.clients.find(&id).map_err(|_| ActError::Unavailable)?;
        let has_secret = wanted.metadata.authentication.has_secret();
        let hash = wanted.secret.as_ref().map(super::DeclaredSecret::hash);
        let none =
            "say `secret_env`, `secret_file` or `secret_sha256`: a secret made here would be shown to nobody";
        let mut fields = Fields::default();
        let Some(client) = found else {
            if has_secret && hash.is_none() {
                self.problem(
                    path.to_owned(),
                    format!("`{id}` authenticates by a secret, and has none"),
                    none,
                );
            }
            fields.text("name", None, Some(&wanted.metadata.name));
            fields.text("authentication", None, Some(wanted.metadata.authentication.as_str()));
            let work = Work::CreateClient {
                tenant: wanted.tenant.clone(),
                metadata: wanted.metadata.clone(),
                secret: hash,
                disabled: wanted.disabled.unwrap_or(false),
            };
            self.step(PlannedAction::Create, DeclaredThing::Client, id.as_str(), fields, work);
            return Ok(());
        };
        if client.registration != Registration::Operator {
            let words = format!("`{id}` registered itself, and changes itself");
            self.problem(
                format!("{path}.id"),
                words,
                "choose another id, or `gabion client remove` it first",
            );
            return Ok(());
        }
        if wanted.tenant.as_ref().is_some_and(|tenant| *tenant != client.tenant.as_str()) {
            let words =
                format!("the client is of the tenant `{}`, and that cannot be changed", client.tenant);
            self.problem(format!("{path}.tenant"), words, "remove the client first, or leave it as it is");
        }
        self.edited_client(path, wanted, &client, &mut fields, hash, none);
        Ok(())
    }

    fn edited_client(
        &mut self,
        path: &str,
        wanted: &DeclaredClient,
        client: &Client,
        fields: &mut Fields,
        hash: Option<[u8; 32]>,
        none: &str,
    ) {
        let now = self.inner.clock.now();
        fields.members("metadata", &client.metadata, &wanted.metadata);
        let metadata = (!fields.0.is_empty()).then(|| wanted.metadata.clone());
        let disabled = wanted.disabled.filter(|disabled| *disabled != client.disabled);
        if let Some(disabled) = disabled {
            let word = |disabled: bool| if disabled { "yes" } else { "no" };
            fields.text("disabled", Some(word(client.disabled)), Some(word(disabled)));
        }
        let keeps =
            |hash: &[u8; 32]| client.secrets.iter().any(|own| own.has_hash(hash) && own.expires.is_none());
        let secret = hash.filter(|hash| !keeps(hash));
        if secret.is_some() {
            let hours = wanted.secret_overlap.as_secs() / 3600;
            fields.hidden("secret", &format!("another one; the former work {hours} h longer"));
        }
        let lacks = client.secrets.iter().all(|own| own.is_expired(now));
        if wanted.metadata.authentication.has_secret() && hash.is_none() && lacks {
            let words = format!("`{}` authenticates by a secret, and has none", client.id);
            self.problem(path.to_owned(), words, none);
        }
        if !fields.0.is_empty() {
            let secret = secret.map(|hash| (hash, wanted.secret_overlap));
            let work = Work::EditClient { metadata, secret, disabled };
            let fields = Fields(std::mem::take(&mut fields.0));
            self.step(PlannedAction::Change, DeclaredThing::Client, client.id.as_str(), fields, work);
        }
    }

    /// What was the file's once and is named no more.
    fn leftovers(&mut self, prune: bool) -> Result<(), IdentityError> {
        let left: Vec<Declaration> = self
            .marks
            .values()
            .filter(|mark| !self.named.contains(&(mark.kind, mark.name.clone())))
            .cloned()
            .collect();
        // Clients first, and groups last, when nobody is in them any more.
        for kind in [DeclaredKind::Client, DeclaredKind::Account, DeclaredKind::Group] {
            for mark in left.iter().filter(|mark| mark.kind == kind) {
                let there = self.leftover(mark)?.filter(|_| mark.made);
                let Some((thing, name, work)) = there else {
                    self.plan.forget.push((mark.kind, mark.name.clone()));
                    continue;
                };
                if prune {
                    self.step(PlannedAction::Remove, thing, &name, Fields::default(), work);
                } else {
                    let reason = "the file made it and names it no more; `--prune` removes it".to_owned();
                    self.plan.kept.push(Kept { kind: thing, name, reason });
                }
            }
        }
        Ok(())
    }

    fn leftover(&self, mark: &Declaration) -> Result<Option<(DeclaredThing, String, Work)>, IdentityError> {
        Ok(match mark.kind {
            DeclaredKind::Account => {
                let found = self.inner.accounts.by_id(&AccountId::new(&mark.id)).map_err(ActError::from)?;
                found.map(|account| {
                    let name = account.name.to_string();
                    (DeclaredThing::of(account.kind), name, Work::RemoveAccount(account.id))
                })
            }
            DeclaredKind::Client => {
                let found = self.inner.client_of_mark(&mark.id)?;
                found.map(|client| (DeclaredThing::Client, client.id.to_string(), Work::RemoveClient))
            }
            DeclaredKind::Group => {
                let found: Option<Group> = self.inner.groups.by_id(&GroupId::new(&mark.id)).map_err(act)?;
                found.map(|group| (DeclaredThing::Group, group.name.to_string(), Work::RemoveGroup(group.id)))
            }
        })
    }

    /// INVARIANT: where somebody can administer before, somebody can afterwards. What would be pruned for
    /// being left over stays; what the file says outright is a problem.
    fn administrators(&mut self, declared: &Declared) -> Result<(), IdentityError> {
        if !self.inner.accounts.has_administrator().map_err(ActError::from)? || self.somebody_is_left()? {
            return Ok(());
        }
        let reason = "nobody would be left who can administer";
        let (stay, go): (Vec<Step>, Vec<Step>) = std::mem::take(&mut self.plan.steps)
            .into_iter()
            .partition(|step| !matches!(step.work, Work::RemoveAccount(_) | Work::RemoveGroup(_)));
        self.plan.steps = stay;
        if !go.is_empty() && self.somebody_is_left()? {
            self.plan.kept.extend(go.into_iter().map(|step| Kept {
                kind: step.change.kind,
                name: step.change.name,
                reason: reason.to_owned(),
            }));
            return Ok(());
        }
        self.plan.steps.extend(go);
        let path = match (declared.people.is_empty(), declared.groups.is_empty()) {
            (false, _) => "people",
            (true, false) => "groups",
            (true, true) => "",
        };
        self.problem(
            path.to_owned(),
            reason,
            "keep the role `administrator` with somebody who has a password",
        );
        Ok(())
    }

    fn somebody_is_left(&self) -> Result<bool, IdentityError> {
        let removed_groups: BTreeSet<&GroupId> = self
            .plan
            .steps
            .iter()
            .filter_map(|step| if let Work::RemoveGroup(id) = &step.work { Some(id) } else { None })
            .collect();
        let administrator = |roles: &[String]| roles.iter().any(|role| role == Role::ADMINISTRATOR);
        let by_group = |name: &str| {
            let name: Option<GroupName> = name.parse().ok();
            name.and_then(|name| self.group_roles.get(&name.folded())).map(|roles| administrator(roles))
        };
        let mut decided = BTreeSet::new();
        for step in &self.plan.steps {
            match &step.work {
                Work::CreateAccount { new, groups, password: Some(_), .. }
                    if !new.disabled
                        && (administrator(&new.roles)
                            || groups.iter().any(|name| by_group(name) == Some(true))) =>
                {
                    return Ok(true);
                }
                Work::EditAccount { id, edit, groups, password } => {
                    decided.insert(id.clone());
                    let account = self.inner.accounts.by_id(id).map_err(ActError::from)?;
                    let Some(account) = account else { continue };
                    let linked = self.inner.storage.is_linked(id).map_err(ActError::from)?;
                    let usable = !edit.disabled.unwrap_or(account.disabled)
                        && (account.password.is_some() || password.is_some() || linked);
                    let own = match &edit.roles {
                        Some(roles) => administrator(roles),
                        None => account.roles.iter().any(|role| role.as_str() == Role::ADMINISTRATOR),
                    };
                    let given = match groups {
                        Some(names) => {
                            let mut given = false;
                            for name in names {
                                given |= match by_group(name) {
                                    Some(gives) => gives,
                                    None => self.group_gives(name)?,
                                };
                            }
                            given
                        }
                        None => self.by_membership(&account, &removed_groups),
                    };
                    if usable && (own || given) {
                        return Ok(true);
                    }
                }
                Work::RemoveAccount(id) => {
                    decided.insert(id.clone());
                }
                _ => {}
            }
        }
        let filter = AccountFilter { role: Some(Role::new(Role::ADMINISTRATOR)), ..AccountFilter::default() };
        let page = AccountPage { filter, limit: MOST_ADMINISTRATORS, ..AccountPage::default() };
        let now = self.inner.accounts.page(&page).map_err(ActError::from)?;
        for account in now.iter().filter(|account| !decided.contains(&account.id)) {
            let own = account.roles.iter().any(|role| role.as_str() == Role::ADMINISTRATOR);
            let linked = self.inner.storage.is_linked(&account.id).map_err(ActError::from)?;
            if account.can_administer(linked) && (own || self.by_membership(account, &removed_groups)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn by_membership(&self, account: &Account, removed: &BTreeSet<&GroupId>) -> bool {
        account.groups.iter().filter(|one| !removed.contains(&one.group)).any(|one| {
            match self.group_roles.get(&one.name.folded()) {
                Some(roles) => roles.iter().any(|role| role == Role::ADMINISTRATOR),
                None => one.roles.iter().any(|role| role.as_str() == Role::ADMINISTRATOR),
            }
        })
    }

    fn group_gives(&self, name: &str) -> Result<bool, IdentityError> {
        let Ok(name) = name.parse::<GroupName>() else { return Ok(false) };
        let group = self.inner.groups.find(&name).map_err(act)?;
        Ok(group.is_some_and(|group| group.roles.iter().any(|role| role.as_str() == Role::ADMINISTRATOR)))
    }
}

/// What the file says of an account and is not so.
fn edits(
    account: &Account,
    name: &AccountName,
    wanted: &DeclaredAccount,
    fields: &mut Fields,
) -> (EditPerson, Option<Vec<String>>) {
    let mut edit = EditPerson::default();
    if fields.text("name", Some(account.name.as_str()), Some(name.as_str())) {
        edit.name = Some(name.as_str().to_owned());
    }
    let own = account.email.as_ref().map(Email::as_str);
    if let Some(email) = &wanted.email {
        let parsed: Option<Email> = email.parse().ok();
        if fields.text("email", own, parsed.as_ref().map(Email::as_str)) {
            edit.email = Some(parsed.map(|email| email.as_str().to_owned()));
        }
    }
    if wanted.email_verified && (account.email_verified.is_none() || edit.email.is_some()) {
        if account.email_verified.is_none() {
            fields.text("email_verified", Some("no"), Some("yes"));
        }
        edit.email_verified = Some(true);
    }
    if let Some(personal) = wanted.personal.as_ref().filter(|personal| **personal != account.personal) {
        fields.members("personal", &account.personal, personal);
        edit.personal = Some(personal.clone());
    }
    if let Some(tenant) = &wanted.tenant
        && fields.text("tenant", Some(account.tenant.as_str()), Some(tenant))
    {
        edit.tenant = Some(tenant.clone());
    }
    let roles: Vec<&str> = account.roles.iter().map(Role::as_str).collect();
    if let Some(wanted) = &wanted.roles
        && fields.words("roles", &roles, wanted)
    {
        edit.roles = Some(wanted.clone());
    }
    let mut groups = None;
    if let Some(wanted) = &wanted.groups {
        let fold =
            |name: &String| name.parse::<GroupName>().map_or_else(|_| name.clone(), |name| name.folded());
        let is: BTreeSet<String> = account.groups.iter().map(|one| one.name.folded()).collect();
        if is != wanted.iter().map(fold).collect() {
            let names: Vec<&str> = account.groups.iter().map(|one| one.name.as_str()).collect();
            fields.words("groups", &names, wanted);
            groups = Some(wanted.clone());
        }
    }
    if let Some(external_id) = &wanted.external_id
        && fields.text("external_id", account.external_id.as_deref(), Some(external_id))
    {
        edit.external_id = Some(Some(external_id.clone()));
    }
    let word = |disabled: bool| if disabled { "yes" } else { "no" };
    if let Some(disabled) = wanted.disabled
        && fields.text("disabled", Some(word(account.disabled)), Some(word(disabled)))
    {
        edit.disabled = Some(disabled);
    }
    (edit, groups)
}

fn act(error: gabion_identity::GroupError) -> ActError {
    crate::DirectoryError::from(error).into()
}

/// Where more administer, one of these is left.
const MOST_ADMINISTRATORS: usize = 10_000;
