//! A compiled generation: what it knows, and how it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use cedar_policy_core::ast::{Entity, EntityType, EntityUID};
use cedar_policy_core::validator::ValidatorSchema;
use cedar_policy_core::validator::types::Type;
use gabion_model::Problem;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::cache::{Cache, Ground};
use crate::decision::{Answer, Decision, Effect, Fault, Generation, Obligation};
use crate::evaluate::{self, Asked, Of};
use crate::question::{Question, Resource, SubjectKind};
use crate::reads::{Environment, Reads};
use crate::rule::Rule;
use crate::slice::Slice;
use crate::value::Value;

/// The generation in use; a reload puts another in its place.
pub type Live = ArcSwap<Policies>;

/// A compiled generation. Immutable but for what it remembers.
#[derive(Debug)]
pub struct Policies {
    /// Tells this generation from others that were compiled, also of the same content.
    pub(crate) token: Arc<()>,
    pub(crate) generation: Generation,
    pub(crate) schema: ValidatorSchema,
    pub(crate) schema_text: String,
    pub(crate) rules: Vec<Rule>,
    pub(crate) kinds: HashMap<Arc<str>, EntityType>,
    pub(crate) actions: HashMap<Arc<str>, ActionEntry>,
    /// Entities that are there before anybody asks, with everything they are in.
    pub(crate) statics: HashMap<EntityUID, Arc<Entity>>,
    /// Entities that policies name.
    pub(crate) literals: Vec<EntityUID>,
    pub(crate) routes: BTreeMap<Arc<str>, Arc<str>>,
    pub(crate) cache: Cache,
    pub(crate) warnings: Vec<Problem>,
}

/// An action of the schema.
#[derive(Debug)]
pub(crate) struct ActionEntry {
    pub(crate) uid: Arc<EntityUID>,
    pub(crate) entity: Arc<Entity>,
    /// The type of its context.
    pub(crate) context: Option<Type>,
    pub(crate) resources: Vec<Target>,
    pub(crate) principals: Vec<EntityType>,
    /// The rules whose scopes name it.
    pub(crate) rules: Vec<u32>,
}

/// A type of resource an action applies to, and the slices of it, one for each kind of principal.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: Arc<str>,
    pub(crate) kind: EntityType,
    pub(crate) slices: [OnceLock<Slice>; 3],
    pub(crate) first: u32,
}

/// What the policies that can apply read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needed {
    /// Attributes of the resource.
    pub resource: BTreeSet<Arc<str>>,
    /// Where the resource is: some policy asks `resource in`.
    pub parents: bool,
    /// Attributes of the context.
    pub context: BTreeSet<Arc<str>>,
}

impl Needed {
    /// Nothing of the resource beyond its name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resource.is_empty() && !self.parents
    }

    fn of(reads: &Reads) -> Self {
        let names = |names: &BTreeSet<String>| names.iter().map(|name| Arc::from(name.as_str())).collect();
        Self {
            resource: names(&reads.resource.attributes),
            parents: reads.resource.hierarchy,
            context: names(&reads.context.attributes),
        }
    }

    fn extend(&mut self, other: Self) {
        self.resource.extend(other.resource);
        self.parents |= other.parents;
        self.context.extend(other.context);
    }
}

impl Policies {
    /// None at all: everything is denied.
    #[must_use]
    pub fn none() -> Self {
        Self {
            token: Arc::default(),
            generation: Generation([0; 8]),
            schema: ValidatorSchema::empty(),
            schema_text: String::new(),
            rules: Vec::new(),
            kinds: HashMap::new(),
            actions: HashMap::new(),
            statics: HashMap::new(),
            literals: Vec::new(),
            routes: BTreeMap::new(),
            cache: Cache::new(0),
            warnings: Vec::new(),
        }
    }

    /// May it? Whatever does not fit the schema may not.
    #[must_use]
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        let Some(action) = self.actions.get(question.action) else {
            return self.refuse("there is no such action");
        };
        let Some(slice) = self.slice(action, question.principal.kind(), &question.resource.entity.kind)
        else {
            return self.refuse("the action does not apply to such a principal or resource");
        };
        let key = self.cache.key(slice, question);
        if let Some(found) = key.and_then(|key| self.cache.find(key, slice, question)) {
            return found;
        }
        let decision = evaluate::decide(self, action, slice, question);
        if let Some(key) = key {
            self.cache.keep(key, slice, question, &decision);
        }
        decision
    }

    /// What must be known about a resource before [`decide`](Self::decide) is asked about `action`, whoever asks.
    #[must_use]
    pub fn needs(&self, action: &str) -> Needed {
        let mut needed = Needed::default();
        let Some(action) = self.actions.get(action) else { return needed };
        for target in &action.resources {
            for kind in SubjectKind::ALL {
                if let Some(slice) = self.slice(action, *kind, &target.name) {
                    needed.extend(Needed::of(&slice.reads));
                }
            }
        }
        needed
    }

    /// What the policies whose scopes match this question read and the question does not say: what is worth asking
    /// somebody for. Nothing when no policy can depend on it.
    #[must_use]
    pub fn wants(&self, question: &Question<'_>) -> Needed {
        let mut needed = Needed::default();
        let Some(action) = self.actions.get(question.action) else { return needed };
        let kind = &question.resource.entity.kind;
        let Some(slice) = self.slice(action, question.principal.kind(), kind) else { return needed };
        let Some(asked) = Asked::new(self, action, &slice.reads, question) else { return needed };
        let principal = (&*asked.principal.uid, asked.principal.within.as_slice());
        for number in slice.candidates_anywhere(principal, &asked.resource) {
            if let Some(reads) = slice.each.get(&number) {
                needed.extend(Needed::of(reads));
            }
        }
        let declared = self.kind(kind).and_then(|kind| self.schema.get_entity_type(kind));
        needed.resource.retain(|name| {
            declared.is_some_and(|declared| declared.attr(name).is_some())
                && !question.resource.attributes.contains_key(name)
                && self.route_path(question.resource, name).is_none()
        });
        needed.parents &= question.resource.parents.is_empty();
        needed
    }

    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// What is not wrong but worth a look: names nobody is known to have.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// How many policies there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// No policy: everything is denied.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The whole schema, the team's part first, in Cedar's schema language.
    #[must_use]
    pub fn schema_text(&self) -> &str {
        &self.schema_text
    }

    /// The actions and the types of resource each applies to, in order.
    #[must_use]
    pub fn actions(&self) -> BTreeMap<Arc<str>, Vec<Arc<str>>> {
        let types = |entry: &ActionEntry| entry.resources.iter().map(|target| target.name.clone()).collect();
        self.actions.iter().map(|(name, entry)| (name.clone(), types(entry))).collect()
    }

    /// Whether resources of the type are known to the schema.
    #[must_use]
    pub fn knows_type(&self, name: &str) -> bool {
        self.kinds.contains_key(name)
    }

    pub(crate) fn kind(&self, name: &str) -> Option<&EntityType> {
        self.kinds.get(name)
    }

    pub(crate) fn rule(&self, number: u32) -> Option<&Rule> {
        self.rules.get(usize::try_from(number).ok()?)
    }

    /// A refusal no policy made.
    pub(crate) fn refuse(&self, reason: &str) -> Decision {
        Decision::from(Answer {
            effect: Effect::Deny,
            policies: Vec::new(),
            obligations: Vec::new(),
            faults: vec![Fault { policy: None, reason: reason.into() }],
            generation: self.generation,
        })
    }

    /// The slice of a question; `None` when the action does not apply.
    pub(crate) fn slice<'a>(
        &'a self,
        action: &'a ActionEntry,
        kind: SubjectKind,
        resource: &str,
    ) -> Option<&'a Slice> {
        let target = action.resources.iter().find(|target| *target.name == *resource)?;
        let position = match kind {
            SubjectKind::User => 0,
            SubjectKind::ServiceAccount => 1,
            SubjectKind::Anonymous => 2,
        };
        let place = target.slices.get(position)?;
        if let Some(slice) = place.get() {
            return Some(slice);
        }
        let principal = self.kind(kind.as_str())?;
        if !action.principals.contains(principal) {
            return None;
        }
        let build = || {
            let environment = Environment {
                schema: &self.schema,
                principal,
                resource: &target.kind,
                context: action.context.as_ref(),
            };
            let number = target.first.saturating_add(u32::try_from(position).unwrap_or_default());
            let mut slice = Slice::build(number, &self.rules, &action.rules, &environment);
            // What is known of an entity beforehand is looked up by its name.
            slice.reads.resource.identity |= target.kind.to_string() == "Route"
                || slice.reads.beyond
                || self.statics.keys().any(|uid| *uid.entity_type() == target.kind);
            if *principal == target.kind {
                slice.reads.resource.identity = true;
                slice.reads.principal.identity = true;
                let both = slice.reads.principal.clone();
                slice.reads.resource.merge(&both);
                let both = slice.reads.resource.clone();
                slice.reads.principal.merge(&both);
            }
            slice.ground = Ground::of(&slice.reads);
            slice
        };
        Some(place.get_or_init(build))
    }

    /// Everything these are in, with themselves.
    pub(crate) fn closure(&self, of: &[EntityUID]) -> Vec<EntityUID> {
        let mut all: Vec<EntityUID> = of.to_vec();
        for uid in of {
            if let Some(entity) = self.statics.get(uid) {
                all.extend(entity.ancestors().cloned());
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The known entities among `from`, and those they name.
    pub(crate) fn reach(&self, from: Vec<EntityUID>, into: &mut SmallVec<[Arc<Entity>; 4]>) {
        let mut left = from;
        while let Some(uid) = left.pop() {
            let Some(entity) = self.statics.get(&uid) else { continue };
            if into.iter().any(|one| *one.uid() == uid) {
                continue;
            }
            left.extend(evaluate::mentioned(entity));
            into.push(Arc::clone(entity));
        }
    }

    /// The path of a declared route, which is known beforehand.
    pub(crate) fn route_path(&self, resource: &Resource, attribute: &str) -> Option<Value> {
        if &*resource.entity.kind != "Route" || attribute != "path" {
            return None;
        }
        self.routes.get(&resource.entity.id).cloned().map(Value::Text)
    }

    /// What the policies that decide oblige to, together. A denial that only stands in the way of whoever signed
    /// in too weakly says so.
    pub(crate) fn obligations(&self, effect: Effect, determining: &[u32]) -> Vec<Obligation> {
        let rules: Vec<&Rule> = determining.iter().filter_map(|number| self.rule(*number)).collect();
        let steps_up =
            |rule: &&Rule| rule.obligations.iter().any(|one| matches!(one, Obligation::StepUp { .. }));
        if effect == Effect::Deny && !rules.iter().all(steps_up) {
            return Vec::new();
        }
        Obligation::together(rules.iter().flat_map(|rule| &rule.obligations))
    }

    /// Whose attribute is missing or does not fit, for messages.
    pub(crate) fn unfit_words(asked: &Asked) -> Vec<String> {
        let word = |of: Of| match of {
            Of::Context => "context",
            Of::Principal => "principal",
            Of::Resource => "resource",
        };
        asked.unfit.iter().map(|(of, name)| format!("{}.{name}", word(*of))).collect()
    }
}
