//! Who may, and what: every candidate is asked about as if an application had asked, a bounded number at a time.
//!
//! Subjects are the accounts of the gate, resources what applications registered, actions those the policies know. What
//! was found is what [`Service::decide`] would allow, with the same circumstances.

use std::sync::Arc;

use gabion_identity::AccountKind;
use gabion_identity::storage::{AccountFilter, AccountPage};
use gabion_model::{AccountId, Outcome, Timestamp};
use gabion_policy::{Context, Needed, Policies, Question, Resource, Subject, SubjectKind};

use super::{AskedDecision, AskedResource, answer, subject_kind};
use crate::resources::{NotListed, registered_object};
use crate::service::Inner;
use crate::{Act, ActError, Caller, Service};

/// A question in which one part is looked for.
#[derive(Debug, Clone)]
pub struct AskedSearch {
    pub sought: Sought,
    /// What is looked for has no id in it; its type counts.
    pub question: AskedDecision,
    /// [`Searched::next`] of the page before.
    pub after: Option<String>,
    /// So many at most.
    pub limit: usize,
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought {
    Actions,
    Resources,
    Subjects,
}

/// A part of what was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Searched {
    pub hits: Vec<Hit>,
    /// There may be more behind this one.
    pub next: Option<String>,
}

/// One that may, or that is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// An account's name, an object's id, an action.
    pub id: String,
    pub account: Option<AccountId>,
}

/// Why nothing was looked for. Alphabetical.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error(transparent)]
    Act(#[from] ActError),
    #[error("objects of this type are known to the application only, so they cannot be gone through")]
    NotListed,
    #[error("what the policies read of the resource cannot be found out right now")]
    Undecidable,
}

impl Service {
    /// Looks for who may do something, what somebody may do it to, or what somebody may do.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller may not search; what cannot be gone through or found out.
    pub async fn search(&self, caller: &Caller, asked: AskedSearch) -> Result<Searched, SearchError> {
        let by = caller.clone();
        self.blocking(move |inner| inner.authorize(Act::Search, &by).map(drop)).await?;
        let policies = self.0.policies.load_full();
        let mut asked = asked;
        let mut object = None;
        if asked.sought != Sought::Resources {
            let resource = std::mem::take(&mut asked.question.resource);
            let needed = needed(&policies, &asked, &resource.kind);
            object = match self.0.known(&needed, resource).await {
                Ok(Some(found)) => Some(found),
                Ok(None) => return Ok(Searched::default()),
                Err(error) => {
                    tracing::warn!(%error, "a search cannot be made");
                    return Err(SearchError::Undecidable);
                }
            };
        }
        let caller = caller.clone();
        self.blocking_or(move |inner| inner.go_through(&caller, &policies, asked, object)).await
    }
}

/// What has to be known of the object. Whoever can know it is asked in any case: about what is not there, nothing is
/// found, even where no policy looks into it.
fn needed(policies: &Policies, asked: &AskedSearch, kind: &str) -> Needed {
    if asked.sought == Sought::Subjects {
        return Needed { parents: true, ..policies.needs(&asked.question.action) };
    }
    let mut all = Needed { parents: true, ..Needed::default() };
    for (action, _) in actions_on(policies, kind) {
        let needed = policies.needs(&action);
        all.resource.extend(needed.resource);
    }
    all
}

/// The actions that apply to a type of resource, in order.
fn actions_on(policies: &Policies, kind: &str) -> impl Iterator<Item = (Arc<str>, Vec<Arc<str>>)> {
    policies.actions().into_iter().filter(move |(_, kinds)| kinds.iter().any(|one| **one == *kind))
}

/// What has been gone through.
struct Walk<'a> {
    policies: &'a Policies,
    context: &'a Context,
    masks: bool,
    now: Timestamp,
    limit: usize,
    examined: usize,
    last: Option<String>,
    found: Searched,
}

impl Walk<'_> {
    /// Whether the next one is for another page; then the page ends behind the last one.
    fn is_full(&mut self) -> bool {
        if self.found.hits.len() < self.limit && self.examined < MOST_EXAMINED {
            return false;
        }
        self.found.next = self.last.take();
        true
    }

    fn ask(&mut self, hit: Hit, subject: &Subject, action: &str, resource: &Resource) {
        let question = Question { principal: subject, action, resource, context: self.context };
        let decision = self.policies.decide(&question);
        let (acr, at) = (self.context.acr, self.context.authenticated_at);
        self.examined = self.examined.saturating_add(1);
        self.last = Some(hit.id.clone());
        if answer(&decision, self.masks, acr, at, self.now).allowed {
            self.found.hits.push(hit);
        }
    }
}

impl Inner {
    fn go_through(
        &self,
        caller: &Caller,
        policies: &Policies,
        asked: AskedSearch,
        object: Option<Resource>,
    ) -> Result<Searched, SearchError> {
        let AskedSearch { sought, question, after, limit } = asked;
        let now = self.clock.now();
        let context = question.context.into_context(now);
        let mut walk = Walk {
            policies,
            context: &context,
            masks: question.masks,
            now,
            limit,
            examined: 0,
            last: None,
            found: Searched::default(),
        };
        let after = after.as_deref();
        let about = match (sought, object) {
            (Sought::Subjects, Some(object)) => {
                self.subjects(&mut walk, &question.subject_kind, &question.action, &object, after)?;
                object.entity.to_string()
            }
            (Sought::Actions, Some(object)) => {
                if let Some(subject) = self.subject(&question.subject_kind, &question.subject)? {
                    for (action, _) in actions_on(policies, &object.entity.kind) {
                        if after.is_some_and(|after| *action <= *after) {
                            continue;
                        }
                        if walk.is_full() {
                            break;
                        }
                        let hit = Hit { id: action.to_string(), account: None };
                        walk.ask(hit, &subject, &action, &object);
                    }
                }
                object.entity.to_string()
            }
            (_, None) if sought != Sought::Resources => return Err(SearchError::Undecidable),
            (_, _) => {
                if let Some(subject) = self.subject(&question.subject_kind, &question.subject)? {
                    self.objects(&mut walk, &subject, &question.action, &question.resource, after)?;
                }
                question.resource.kind
            }
        };
        let mut event = self.event(Act::Search, caller, Outcome::Success);
        event.resource = about;
        for (name, value) in [
            ("search.action", question.action),
            ("search.examined", walk.examined.to_string()),
            ("search.found", walk.found.hits.len().to_string()),
        ] {
            event.metadata.insert(name.to_owned(), value);
        }
        self.ledger.observe(event);
        Ok(walk.found)
    }

    fn subjects(
        &self,
        walk: &mut Walk<'_>,
        kind: &str,
        action: &str,
        object: &Resource,
        after: Option<&str>,
    ) -> Result<(), ActError> {
        let (wanted, kind) = match subject_kind(kind) {
            Some(SubjectKind::User) => (AccountKind::Person, SubjectKind::User),
            Some(SubjectKind::ServiceAccount) => (AccountKind::Service, SubjectKind::ServiceAccount),
            Some(SubjectKind::Anonymous) => {
                if after.is_none() {
                    let hit = Hit { id: "anonymous".to_owned(), account: None };
                    walk.ask(hit, &Subject::anonymous(), action, object);
                }
                return Ok(());
            }
            None => return Ok(()),
        };
        // What is no name stands behind none.
        let mut after = after.and_then(|name| name.parse().ok());
        loop {
            let filter =
                AccountFilter { kind: Some(wanted), disabled: Some(false), ..AccountFilter::default() };
            let page = AccountPage { filter, after, limit: AT_ONCE, ..AccountPage::default() };
            let accounts = self.storage.accounts(&page)?;
            let is_last = accounts.len() < AT_ONCE;
            after = accounts.last().map(|account| account.name.clone());
            for account in accounts {
                if walk.is_full() {
                    return Ok(());
                }
                let hit = Hit { id: account.name.to_string(), account: Some(account.id.clone()) };
                walk.ask(hit, &Subject::of(&account.principal(), kind), action, object);
            }
            if is_last {
                return Ok(());
            }
        }
    }

    fn objects(
        &self,
        walk: &mut Walk<'_>,
        subject: &Subject,
        action: &str,
        asked: &AskedResource,
        after: Option<&str>,
    ) -> Result<(), SearchError> {
        let resolvers = self.resolvers.load_full();
        let storage = resolvers.registered(&asked.kind).map_err(|NotListed| SearchError::NotListed)?;
        let Some(storage) = storage else { return Ok(()) };
        let mut after = after.map(str::to_owned);
        loop {
            let page = storage.resources_of(&asked.kind, after.as_deref(), AT_ONCE);
            let page = page.map_err(ActError::from)?;
            let is_last = page.len() < AT_ONCE;
            after = page.last().map(|stored| stored.id.clone());
            for stored in page {
                if walk.is_full() {
                    return Ok(());
                }
                let found = registered_object(&stored).map_err(|_| SearchError::Undecidable)?;
                let mut object = Resource::clone(&found);
                for (name, value) in &asked.attributes {
                    object.attributes.insert(name.as_str().into(), value.clone());
                }
                walk.ask(Hit { id: stored.id, account: None }, subject, action, &object);
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

/// Candidates asked about for one page.
const MOST_EXAMINED: usize = 2_000;
/// Candidates read at once.
const AT_ONCE: usize = 200;
