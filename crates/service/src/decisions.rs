//! Applications that ask what somebody may: the same policies as at the gate, asked by whoever enforces the answer.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gabion_identity::storage::{AccountFilter, AccountPage, GroupPage, ResourceStorage};
use gabion_identity::{Account, AccountKind};
use gabion_model::{AccountId, Acr, Event, Methods, Outcome, Timestamp};
use gabion_policy::{
    Context, Decision, Effect, EntityRef, Live, Needed, Obligation, Question, Resource, Resources as _,
    Subject, SubjectKind, Unknown, Value, record,
};
use serde::{Deserialize, Serialize};

mod search;

pub use search::{AskedSearch, Hit, SearchError, Searched, Sought};

use crate::record::failure;
use crate::resources::Resolvers;
use crate::service::Inner;
use crate::{Act, ActError, Caller, DirectoryError, Service};

/// One question of an application.
#[derive(Debug, Clone, Default)]
pub struct AskedDecision {
    /// `user`, `service-account` or `anonymous`, however it is written.
    pub subject_kind: String,
    /// The account's id or name.
    pub subject: String,
    pub action: String,
    pub resource: AskedResource,
    pub context: AskedContext,
    /// Whoever asks takes out of an answer what it is told to. Without it, an allowance that asks for it is none.
    pub masks: bool,
}

/// What is acted upon, with what the application knows of it already.
#[derive(Debug, Clone, Default)]
pub struct AskedResource {
    pub kind: String,
    pub id: String,
    pub attributes: BTreeMap<String, Value>,
    pub parents: Vec<EntityRef>,
}

/// The circumstances, as the application knows them: of its own request, not of the one to the gate.
#[derive(Debug, Clone, Default)]
pub struct AskedContext {
    pub ip: Option<IpAddr>,
    pub acr: Option<Acr>,
    pub methods: Methods,
    pub authenticated_at: Option<Timestamp>,
    pub credential: Option<String>,
    pub scopes: Vec<String>,
    pub method: Option<String>,
    pub host: Option<String>,
    pub path: Option<String>,
    pub attributes: BTreeMap<String, Value>,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    pub allowed: bool,
    /// Why not; nothing for a yes.
    pub reason: Option<DecisionReason>,
    pub policies: Vec<String>,
    pub generation: String,
    /// These members must be taken out of what is shown: JSON pointers, `*` for every item of an array.
    pub mask: Vec<String>,
    /// What would lift a no, or what was asked beside a yes and is met.
    pub step_up: Option<(Acr, Option<Duration>)>,
    /// Policies on trial would have decided so.
    pub dry_run: Option<bool>,
}

/// Why the answer is no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionReason {
    /// A policy forbids it.
    Forbidden,
    /// Whoever asks did not say that it can mask.
    MaskNeeded,
    /// There is no such object.
    NoSuchObject,
    /// No policy permits it.
    NotPermitted,
    /// A fresher or stronger sign-in would do.
    StepUp,
    /// What the policies read of the object cannot be found out right now.
    Undecidable,
    /// There is no such account, or it may not sign in.
    UnknownSubject,
}

impl DecisionReason {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::MaskNeeded => "mask_needed",
            Self::NoSuchObject => "no_such_object",
            Self::NotPermitted => "not_permitted",
            Self::StepUp => "step_up",
            Self::Undecidable => "undecidable",
            Self::UnknownSubject => "unknown_subject",
        }
    }
}

/// What policies can name of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KnownNames {
    /// Roles that accounts or groups have.
    pub roles: BTreeSet<String>,
    pub groups: BTreeSet<String>,
    pub tenants: BTreeSet<String>,
    /// The ids of service accounts.
    pub service_accounts: BTreeSet<String>,
}

/// When the rest of several questions need not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Until {
    #[default]
    All,
    FirstAllowed,
    FirstDenied,
}

impl Service {
    /// The policies in use, for the request path; a reload puts others in their place.
    #[must_use]
    pub fn policies(&self) -> Arc<Live> {
        Arc::clone(&self.0.policies)
    }

    /// The names there are at the moment, for the gate, which compares those in policies with them at load.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub async fn known_names(&self) -> Result<KnownNames, DirectoryError> {
        self.blocking_or(|inner| {
            let mut names = KnownNames::default();
            names.roles.extend(inner.accounts.roles()?.into_iter().map(|(role, _)| role.as_str().to_owned()));
            names.tenants.extend(inner.accounts.tenants()?.into_iter().map(|one| one.to_string()));
            for group in inner.groups.page(&GroupPage { limit: usize::MAX, ..GroupPage::default() })? {
                names.roles.extend(group.roles.iter().map(|role| role.as_str().to_owned()));
                names.tenants.insert(group.tenant.to_string());
                names.groups.insert(group.name.to_string());
            }
            let programs = AccountPage {
                filter: AccountFilter { kind: Some(AccountKind::Service), ..AccountFilter::default() },
                limit: usize::MAX,
                ..AccountPage::default()
            };
            let programs = inner.accounts.page(&programs)?;
            names.service_accounts.extend(programs.into_iter().map(|account| account.id.to_string()));
            Ok(names)
        })
        .await
    }

    /// What applications registered, for resolvers.
    #[must_use]
    pub fn resource_storage(&self) -> Arc<dyn ResourceStorage> {
        Arc::clone(&self.0.storage) as Arc<dyn ResourceStorage>
    }

    /// Who knows what of the application's objects, from now on.
    pub fn set_resolvers(&self, resolvers: Arc<Resolvers>) {
        self.0.resolvers.store(resolvers);
    }

    /// Decides several questions in their order, of which the last one asked ends the answer.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller may not ask.
    pub async fn decide(
        &self,
        caller: &Caller,
        asked: Vec<AskedDecision>,
        until: Until,
    ) -> Result<Vec<Decided>, ActError> {
        let by = caller.clone();
        let (subjects, asked) = self
            .blocking(move |inner| {
                inner.authorize(Act::Decide, &by)?;
                let mut known = BTreeMap::new();
                for one in &asked {
                    let key = (one.subject_kind.clone(), one.subject.clone());
                    if let Entry::Vacant(place) = known.entry(key) {
                        place.insert(inner.subject(&one.subject_kind, &one.subject)?);
                    }
                }
                Ok((known, asked))
            })
            .await?;
        let mut decided = Vec::with_capacity(asked.len());
        for one in asked {
            let key = (one.subject_kind.clone(), one.subject.clone());
            let subject = subjects.get(&key).and_then(Option::as_ref);
            let answer = self.decide_one(caller, subject, one).await;
            let ends = match until {
                Until::All => false,
                Until::FirstAllowed => answer.allowed,
                Until::FirstDenied => !answer.allowed,
            };
            decided.push(answer);
            if ends {
                break;
            }
        }
        Ok(decided)
    }

    async fn decide_one(&self, caller: &Caller, subject: Option<&Subject>, asked: AskedDecision) -> Decided {
        let inner = &self.0;
        let policies = inner.policies.load_full();
        let no = |reason| Decided {
            allowed: false,
            reason: Some(reason),
            policies: Vec::new(),
            generation: policies.generation().to_string(),
            mask: Vec::new(),
            step_up: None,
            dry_run: None,
        };
        let Some(subject) = subject else { return no(DecisionReason::UnknownSubject) };
        let needed = policies.needs(&asked.action);
        let (resource, context) = (asked.resource, asked.context);
        let resource = match inner.known(&needed, resource).await {
            Ok(Some(resource)) => resource,
            Ok(None) => return no(DecisionReason::NoSuchObject),
            Err(error) => {
                tracing::warn!(%error, action = asked.action, "a decision cannot be made");
                return no(DecisionReason::Undecidable);
            }
        };
        let now = inner.clock.now();
        let (acr, authenticated_at) = (context.acr, context.authenticated_at);
        let context = context.into_context(now);
        let question =
            Question { principal: subject, action: &asked.action, resource: &resource, context: &context };
        let decision = policies.decide(&question);
        inner.decision_made(caller, &question, &decision);
        answer(&decision, asked.masks, acr, authenticated_at, now)
    }
}

impl AskedContext {
    fn into_context(self, now: Timestamp) -> Context {
        let text = |text: Option<String>| text.map(Into::into);
        Context {
            ip: self.ip,
            now: Some(now),
            acr: self.acr,
            factors: self.methods,
            authenticated_at: self.authenticated_at,
            credential: text(self.credential),
            scopes: self.scopes.into_iter().map(Into::into).collect(),
            secure: true,
            device: None,
            method: text(self.method),
            host: text(self.host),
            path: text(self.path),
            attributes: self.attributes.into_iter().map(|(name, value)| (name.into(), value)).collect(),
        }
    }
}

/// A kind of subject, however it is written.
fn subject_kind(kind: &str) -> Option<SubjectKind> {
    let kind: String =
        kind.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match kind.as_str() {
        "user" | "person" => Some(SubjectKind::User),
        "serviceaccount" | "service" => Some(SubjectKind::ServiceAccount),
        "anonymous" => Some(SubjectKind::Anonymous),
        _ => None,
    }
}

impl Inner {
    /// What policies go by of an account; nothing for one that is not there or may not sign in.
    fn subject(&self, kind: &str, id: &str) -> Result<Option<Subject>, ActError> {
        let (wanted, kind) = match subject_kind(kind) {
            Some(SubjectKind::User) => (AccountKind::Person, SubjectKind::User),
            Some(SubjectKind::ServiceAccount) => (AccountKind::Service, SubjectKind::ServiceAccount),
            Some(SubjectKind::Anonymous) => return Ok(Some(Subject::anonymous())),
            None => return Ok(None),
        };
        let account = match self.accounts.by_id(&AccountId::new(id))? {
            Some(account) => Some(account),
            None => match id.parse() {
                Ok(name) => self.storage.by_name(&name)?,
                Err(_) => None,
            },
        };
        let fits = |account: &Account| account.kind == wanted && !account.disabled;
        Ok(account.filter(fits).map(|account| Subject::of(&account.principal(), kind)))
    }

    /// The object with what the policies read of it. What the application says with its question counts before
    /// what it said earlier.
    async fn known(&self, needed: &Needed, asked: AskedResource) -> Result<Option<Resource>, Unknown> {
        let mut resource = Resource::new(&asked.kind, &asked.id);
        resource.parents = asked.parents;
        resource.attributes =
            asked.attributes.into_iter().map(|(name, value)| (name.into(), value)).collect();
        let all_said = needed.resource.iter().all(|name| resource.attributes.contains_key(name))
            && (!needed.parents || !resource.parents.is_empty());
        let resolvers = self.resolvers.load_full();
        if all_said || !resolvers.serves(&asked.kind) {
            return Ok(Some(resource));
        }
        let found = match resolvers.at_hand(&asked.kind, &asked.id, self.clock.now()) {
            Some(found) => found,
            None => resolvers.find(resource.entity.clone()).await?,
        };
        let Some(found) = found else { return Ok(None) };
        for (name, value) in &found.attributes {
            resource.attributes.entry(Arc::clone(name)).or_insert_with(|| value.clone());
        }
        if resource.parents.is_empty() {
            resource.parents.clone_from(&found.parents);
        }
        Ok(Some(resource))
    }

    fn decision_made(&self, caller: &Caller, question: &Question<'_>, decision: &Decision) {
        let outcome = if decision.is_allowed() { Outcome::Success } else { Outcome::Failure };
        let mut event: Event = self.event(Act::Decide, caller, outcome);
        event.resource = question.resource.entity.to_string();
        event.reason = failure(&if decision.is_allowed() { Ok(()) } else { Err("not permitted") });
        record::write(question, decision, &mut event.metadata);
        self.ledger.observe(event);
    }
}

/// The answer to whoever enforces it: an allowance with a condition that is not met is none.
fn answer(
    decision: &Decision,
    masks: bool,
    acr: Option<Acr>,
    authenticated_at: Option<Timestamp>,
    now: Timestamp,
) -> Decided {
    let mut mask: Vec<String> = Vec::new();
    let mut step_up: Option<(Acr, Option<Duration>)> = None;
    let mut unmet = false;
    let mut dry_run = None;
    for obligation in decision.obligations.iter() {
        match obligation {
            Obligation::StepUp { acr: wanted, max_age } => {
                unmet |= !obligation.is_met(acr, authenticated_at, now);
                let (strongest, soonest) = step_up.unwrap_or((*wanted, *max_age));
                let soonest = match (soonest, *max_age) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
                step_up = Some((strongest.max(*wanted), soonest));
            }
            Obligation::Mask { fields } => mask.extend(fields.iter().map(|field| field.to_string())),
            Obligation::DryRun { effect, .. } => dry_run = Some(*effect == Effect::Allow),
        }
    }
    let reason = match decision.effect {
        Effect::Allow if unmet => Some(DecisionReason::StepUp),
        Effect::Allow if !mask.is_empty() && !masks => Some(DecisionReason::MaskNeeded),
        Effect::Allow => None,
        Effect::Deny if step_up.is_some() && unmet => Some(DecisionReason::StepUp),
        Effect::Deny if decision.policies.is_empty() => Some(DecisionReason::NotPermitted),
        Effect::Deny => Some(DecisionReason::Forbidden),
    };
    Decided {
        allowed: reason.is_none(),
        reason,
        policies: decision.policies.iter().map(ToString::to_string).collect(),
        generation: decision.generation.to_string(),
        mask,
        step_up,
        dry_run,
    }
}
