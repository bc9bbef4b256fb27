//! Making everything as the file says: each change by the act that anybody else would ask for.

use std::sync::Arc;

use gabion_identity::oauth::client::{Client, ClientId};
use gabion_identity::storage::{Declaration, DeclaredKind};
use gabion_identity::{AccountKind, GroupName};
use gabion_model::{AccountId, GroupId, RequestId, Timestamp};
use gabion_vault::password;

use super::plan::{Step, Work};
use super::{Declared, DeclaredThing, IdentityError, InitialPassword, Kept, PlannedAction, PlannedChange};
use crate::record::{About, to_the_end};
use crate::service::Inner;
use crate::{Act, ActError, Caller, ClientActError, DirectoryError, EditPerson, NewClient, Service, Which};

/// What became of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciled {
    pub done: Vec<PlannedChange>,
    /// What was not done, and why.
    pub failed: Vec<(PlannedChange, String)>,
    pub kept: Vec<Kept>,
}

fn client_mark(id: &str, created: Timestamp) -> String {
    format!("{id}@{}", created.as_micros())
}

/// Why one change was not made.
enum Failed {
    /// Another change may make it possible.
    Later(String),
    Refused(String),
}

impl Service {
    /// Makes everything as `declared` says; with `prune`, removes what an earlier file made and this one
    /// names no more. Done twice, the second time does nothing. One at a time.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] with everything that cannot be; then nothing was changed.
    pub async fn apply_identity(
        &self,
        caller: &Caller,
        declared: Declared,
        prune: bool,
    ) -> Result<Reconciled, IdentityError> {
        let (service, mut caller) = (self.clone(), caller.clone());
        let run = async move {
            let inner = &service.0;
            let _one_at_a_time = inner.reconciling.lock().await;
            caller.request_id.get_or_insert_with(|| RequestId::random(&*inner.rng));
            let plan = service
                .read(Act::ApplyIdentity, &caller, move |inner, _| inner.plan(&declared, prune))
                .await?;
            let mut reconciled = Reconciled { kept: plan.kept, ..Reconciled::default() };
            if !plan.forget.is_empty() {
                let forget = plan.forget;
                service.blocking(move |inner| inner.forget(&forget)).await?;
            }
            if plan.steps.is_empty() {
                return Ok(reconciled);
            }
            let about = About::of("identity").with("changes", plan.steps.len().to_string());
            let begun = inner.begin(Act::ApplyIdentity, &caller, about).await?;
            service.run(&caller, plan.steps, &mut reconciled).await;
            // What was removed is the file's no more. Where this is cut short, the next plan sees to it.
            if reconciled.done.iter().any(|change| change.action == PlannedAction::Remove)
                && let Err(error) = service.blocking(Inner::forget_what_is_gone).await
            {
                tracing::error!(%error, "what was removed is still written down as the identity file's");
            }
            let failure = reconciled
                .failed
                .first()
                .map(|(change, reason)| format!("{} `{}`: {reason}", change.kind.words(), change.name));
            begun.with("done", reconciled.done.len().to_string()).complete(inner, failure).await;
            Ok(reconciled)
        };
        to_the_end(run).await
    }

    async fn run(&self, caller: &Caller, steps: Vec<Step>, reconciled: &mut Reconciled) {
        let mut later = Vec::new();
        for step in steps {
            match self.make(caller, &step).await {
                Ok(()) => reconciled.done.push(step.change),
                Err(Failed::Later(_)) => later.push(step),
                Err(Failed::Refused(reason)) => reconciled.failed.push((step.change, reason)),
            }
        }
        // Who was the last administrator a moment ago may not be any more.
        for step in later {
            match self.make(caller, &step).await {
                Ok(()) => reconciled.done.push(step.change),
                Err(Failed::Later(reason) | Failed::Refused(reason)) => {
                    reconciled.failed.push((step.change, reason));
                }
            }
        }
    }

    async fn make(&self, caller: &Caller, step: &Step) -> Result<(), Failed> {
        let name = step.change.name.as_str();
        match step.work.clone() {
            Work::CreateGroup(new) => {
                let group = self.add_group(caller, new).await?;
                self.mark(DeclaredKind::Group, name, group.id.as_str(), true, false).await?;
            }
            Work::EditGroup(id, edit) => {
                self.edit_group(caller, id, edit).await?;
            }
            Work::RemoveGroup(id) => {
                self.remove_group(caller, id).await?;
            }
            Work::CreateAccount { mut new, groups, password, invite } => {
                if let Some(id) = self.came_along(caller, name, new.kind).await? {
                    let edit = EditPerson {
                        roles: Some(new.roles),
                        groups: Some(self.group_ids(&groups).await?),
                        disabled: Some(new.disabled),
                        ..EditPerson::default()
                    };
                    self.edit_person(caller, Which::Id(id), edit).await?;
                    return Ok(());
                }
                new.groups = self.group_ids(&groups).await?;
                let person = self.provision(caller, new).await?;
                self.mark(DeclaredKind::Account, name, person.id.as_str(), true, false).await?;
                if let Some(password) = password {
                    self.set_initial_password(caller, &person.id, name, password).await?;
                    self.mark(DeclaredKind::Account, name, person.id.as_str(), true, true).await?;
                } else if invite {
                    self.invite_by_mail(caller, Which::Id(person.id)).await?;
                }
            }
            Work::EditAccount { id, mut edit, groups, password } => {
                if let Some(groups) = groups {
                    let groups = self.group_ids(&groups).await?;
                    if edit.roles.is_some() {
                        // Into the new groups before any role goes, and out of the old ones after: who is the
                        // last administrator by one of them stays one by the other.
                        let person = self.person(caller, Which::Id(id.clone())).await?;
                        let old = person.groups.into_iter().map(|group| group.id);
                        let both = old.chain(groups.clone()).collect();
                        let both = EditPerson { groups: Some(both), ..EditPerson::default() };
                        self.edit_person(caller, Which::Id(id.clone()), both).await?;
                    }
                    edit.groups = Some(groups);
                }
                self.edit_person(caller, Which::Id(id.clone()), edit).await?;
                if let Some(password) = password {
                    self.set_initial_password(caller, &id, name, password).await?;
                    self.mark(DeclaredKind::Account, name, id.as_str(), false, true).await?;
                }
            }
            Work::RemoveAccount(id) => {
                self.remove_person(caller, Which::Id(id), false).await?;
            }
            Work::CreateClient { tenant, metadata, secret, disabled } => {
                let new = NewClient { id: Some(name.to_owned()), tenant, metadata, secret: None };
                let made = self.add_client(caller, new).await?.client;
                let id = client_mark(name, made.created);
                self.mark(DeclaredKind::Client, name, &id, true, false).await?;
                if let Some(hash) = secret {
                    self.set_client_secret(caller, name, hash, std::time::Duration::ZERO).await?;
                }
                if disabled {
                    self.disable_client(caller, name).await?;
                }
            }
            Work::EditClient { metadata, secret, disabled } => {
                if let Some(metadata) = metadata {
                    self.change_client(caller, name, metadata).await?;
                }
                if let Some((hash, overlap)) = secret {
                    self.set_client_secret(caller, name, hash, overlap).await?;
                }
                match disabled {
                    Some(true) => drop(self.disable_client(caller, name).await?),
                    Some(false) => drop(self.enable_client(caller, name).await?),
                    None => {}
                }
            }
            Work::RemoveClient => {
                self.remove_client(caller, name).await?;
            }
        }
        Ok(())
    }

    /// The service account that a client of the same file brought along a moment ago.
    async fn came_along(
        &self,
        caller: &Caller,
        name: &str,
        kind: AccountKind,
    ) -> Result<Option<AccountId>, Failed> {
        if kind != AccountKind::Service {
            return Ok(None);
        }
        match self.person(caller, Which::Name(name.to_owned())).await {
            Ok(person) if person.kind == AccountKind::Service => Ok(Some(person.id)),
            Ok(_) | Err(DirectoryError::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn group_ids(&self, names: &[String]) -> Result<Vec<GroupId>, Failed> {
        let names = names.to_vec();
        let found = self.blocking_or(move |inner| {
            let mut ids = Vec::with_capacity(names.len());
            for name in &names {
                let parsed: Option<GroupName> = name.parse().ok();
                let group = parsed.map(|name| inner.groups.find(&name)).transpose()?.flatten();
                ids.push(group.ok_or(DirectoryError::NotFound)?.id);
            }
            Ok::<_, DirectoryError>(ids)
        });
        Ok(found.await?)
    }

    /// The first password of an account that has none.
    async fn set_initial_password(
        &self,
        caller: &Caller,
        id: &AccountId,
        name: &str,
        initial: InitialPassword,
    ) -> Result<(), ActError> {
        let id = id.clone();
        self.act(Act::SetInitialPassword, caller, About::of(name), move |inner, _| {
            let account = inner.accounts.by_id(&id)?.ok_or(ActError::NotFound)?;
            if account.password.is_some() || account.kind == AccountKind::Service {
                return Ok(());
            }
            let hash = match initial {
                InitialPassword::Hash(hash) => hash.expose().clone(),
                InitialPassword::Text(text) => password::hash(&text, inner.rules().cost, &*inner.rng)
                    .map_err(|_| ActError::Unavailable)?,
            };
            inner.accounts.set_password(&id, hash, None, inner.clock.now())?;
            Ok(())
        })
        .await
    }

    async fn mark(
        &self,
        kind: DeclaredKind,
        name: &str,
        id: &str,
        made: bool,
        password_given: bool,
    ) -> Result<(), ActError> {
        let name = match kind {
            DeclaredKind::Group => {
                name.parse::<GroupName>().map_or_else(|_| name.to_owned(), |one| one.folded())
            }
            DeclaredKind::Account | DeclaredKind::Client => name.to_owned(),
        };
        let mut mark = Declaration { kind, name, id: id.to_owned(), made, password_given };
        self.blocking(move |inner| {
            // Who made it is not forgotten when its password is set later.
            if !mark.made {
                let known = inner.storage.declarations()?;
                mark.made = known.iter().any(|one| one.kind == mark.kind && one.id == mark.id && one.made);
            }
            Ok(inner.storage.declare(&mark)?)
        })
        .await
    }
}

impl Inner {
    fn forget_what_is_gone(&self) -> Result<(), ActError> {
        for mark in self.storage.declarations()? {
            let there = match mark.kind {
                DeclaredKind::Account => self.accounts.by_id(&AccountId::new(&mark.id))?.is_some(),
                DeclaredKind::Client => self.client_of_mark(&mark.id)?.is_some(),
                DeclaredKind::Group => {
                    let group = self.groups.by_id(&GroupId::new(&mark.id));
                    group.map_err(DirectoryError::from)?.is_some()
                }
            };
            if !there {
                self.storage.undeclare(mark.kind, &mark.name)?;
            }
        }
        Ok(())
    }

    /// The client of a mark: of this id, and made at that time, so that another one of the same id is not it.
    pub(super) fn client_of_mark(&self, mark: &str) -> Result<Option<Arc<Client>>, ActError> {
        let Some(id) = mark.rsplit_once('@').and_then(|(id, _)| id.parse::<ClientId>().ok()) else {
            return Ok(None);
        };
        let client = self.clients.find(&id).map_err(|_| ActError::Unavailable)?;
        Ok(client.filter(|client| client_mark(client.id.as_str(), client.created) == mark))
    }

    fn forget(&self, marks: &[(DeclaredKind, String)]) -> Result<(), ActError> {
        for (kind, name) in marks {
            self.storage.undeclare(*kind, name)?;
        }
        Ok(())
    }
}

impl Reconciled {
    /// How many were made, changed and removed.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |action| self.done.iter().filter(|change| change.action == action).count();
        (count(PlannedAction::Create), count(PlannedAction::Change), count(PlannedAction::Remove))
    }

    /// The people who were made and can sign in only after a one-time link.
    pub fn without_password(&self) -> impl Iterator<Item = &str> {
        let people = self.done.iter().filter(|change| {
            change.action == PlannedAction::Create
                && change.kind == DeclaredThing::Person
                && !change
                    .fields
                    .iter()
                    .any(|field| matches!(field.field.as_str(), "password" | "invitation"))
        });
        people.map(|change| change.name.as_str())
    }
}

impl From<ActError> for Failed {
    fn from(error: ActError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<DirectoryError> for Failed {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::LastAdministrator => Self::Later(error.to_string()),
            error => Self::Refused(error.to_string()),
        }
    }
}

impl From<ClientActError> for Failed {
    fn from(error: ClientActError) -> Self {
        Self::Refused(error.to_string())
    }
}
