//! One question against one generation: the entities and the context it needs, the conditions that remain, and what
//! their results come to.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use cedar_policy_core::ast::{
    self, Context as CedarContext, Entity, EntityUID, EntityUIDEntry, Expr, Literal, PartialValue, Request,
    ValueKind,
};
use cedar_policy_core::entities::{Entities, NoEntitiesSchema, TCComputation};
use cedar_policy_core::evaluator::Evaluator;
use cedar_policy_core::extensions::Extensions;
use smallvec::SmallVec;

use crate::decision::{Answer, Decision, Effect, Fault, Obligation, PolicyId};
use crate::policies::{ActionEntry, Policies};
use crate::prepared::Prepared;
use crate::question::{Question, Resource};
use crate::reads::Reads;
use crate::shape;
use crate::slice::Slice;
use crate::value::Value;

/// Everything the evaluator looks at.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) principal: Arc<Prepared>,
    pub(crate) resource: Arc<EntityUID>,
    /// Everything the resource is in.
    pub(crate) within: Vec<EntityUID>,
    action: Arc<EntityUID>,
    context: CedarContext,
    entities: Entities,
    /// What does not fit the schema or is missing, by part and name.
    pub(crate) unfit: SmallVec<[(Of, String); 0]>,
}

/// Whose attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    Context,
    Principal,
    Resource,
}

impl Of {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Principal => "principal",
            Self::Resource => "resource",
        }
    }
}

/// What a condition comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Holds,
    Fails,
    Fault(Arc<str>),
}

impl Asked {
    /// `reads` says what has to be there. `None` when the generation has no such type.
    pub(crate) fn new(
        policies: &Policies,
        action: &ActionEntry,
        reads: &Reads,
        question: &Question<'_>,
    ) -> Option<Self> {
        let principal = question.principal.0.prepared(policies)?;
        let mut unfit: SmallVec<[(Of, String); 0]> =
            principal.unfit.iter().map(|name| (Of::Principal, (*name).to_owned())).collect();
        let kind = policies.kind(&question.resource.entity.kind)?;
        let uid = shape::uid(kind, &question.resource.entity.id);
        let known = policies.statics.get(&uid);
        let is_principal = uid == *principal.uid;
        let within = if is_principal {
            principal.within.clone()
        } else if reads.resource.hierarchy {
            within(policies, question.resource, known)
        } else {
            Vec::new()
        };
        let mut reached: Vec<EntityUID> = Vec::new();
        let resource = (!is_principal)
            .then(|| resource(policies, kind, &uid, &within, known, reads, question.resource, &mut unfit));
        let context = context(action, reads, question, &mut unfit);
        let mut several: SmallVec<[Arc<Entity>; 4]> = SmallVec::new();
        several.extend(resource.map(Arc::new));
        several.push(Arc::clone(&principal.entity));
        several.push(Arc::clone(&action.entity));
        if reads.beyond {
            for entity in &several {
                reached.extend(mentioned(entity));
            }
            reached.extend(context.values().flat_map(ast::Value::all_literal_uids));
            reached.extend(policies.literals.iter().cloned());
            policies.reach(reached, &mut several);
        }
        let entities = Entities::new().add_entities(
            several,
            None::<&NoEntitiesSchema>,
            TCComputation::AssumeAlreadyComputed,
            Extensions::all_available(),
        );
        Some(Self {
            principal,
            resource: Arc::new(uid),
            within,
            action: Arc::clone(&action.uid),
            context: CedarContext::Value(Arc::new(
                context.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            )),
            entities: entities.ok()?,
            unfit,
        })
    }

    pub(crate) fn evaluator(&self) -> Evaluator<'_> {
        let known = |uid: &Arc<EntityUID>| EntityUIDEntry::Known { euid: Arc::clone(uid), loc: None };
        let request = Request::new_unchecked(
            known(&self.principal.uid),
            known(&self.action),
            known(&self.resource),
            Some(self.context.clone()),
        );
        Evaluator::new(request, &self.entities, Extensions::all_available())
    }

    /// The attribute among `reads` that is not there as it should be.
    pub(crate) fn unfit_of(&self, reads: &Reads) -> Option<Arc<str>> {
        let is_read = |(of, name): &&(Of, String)| {
            let part = match of {
                Of::Context => &reads.context,
                Of::Principal => &reads.principal,
                Of::Resource => &reads.resource,
            };
            part.attributes.contains(name)
        };
        let (of, name) = self.unfit.iter().find(is_read)?;
        Some(format!("`{}.{name}` is missing, or not what the schema says", of.as_str()).into())
    }
}

/// Whether a condition holds.
pub(crate) fn holds(evaluator: &Evaluator<'_>, condition: &Expr) -> Outcome {
    match evaluator.interpret(condition, &std::collections::HashMap::new()) {
        Ok(value) => match value.value_kind() {
            ValueKind::Lit(Literal::Bool(true)) => Outcome::Holds,
            ValueKind::Lit(Literal::Bool(false)) => Outcome::Fails,
            _ => Outcome::Fault("the condition is neither true nor false".into()),
        },
        // What Cedar says may hold values; which attribute it was is found by `explain`.
        Err(error) => Outcome::Fault(kind_of(&error).into()),
    }
}

const fn kind_of(error: &cedar_policy_core::evaluator::EvaluationError) -> &'static str {
    use cedar_policy_core::evaluator::EvaluationError as Error;
    match error {
        Error::EntityDoesNotExist(_) => "an entity is looked into that is not known",
        Error::EntityAttrDoesNotExist(_) => "an attribute is read that the entity does not have",
        Error::RecordAttrDoesNotExist(_) => "a member is read that the record does not have",
        Error::IntegerOverflow(_) => "a number is too large",
        Error::TypeError(_) => "a value is not of the type that is expected",
        Error::FailedExtensionFunctionExecution(_) => "an address, a number or a time cannot be read",
        Error::RecursionLimit(_) => "the condition is nested too deep",
        _ => "the condition cannot be evaluated",
    }
}

fn within(policies: &Policies, resource: &Resource, known: Option<&Arc<Entity>>) -> Vec<EntityUID> {
    let parent =
        |parent: &crate::value::EntityRef| Some(shape::uid(policies.kind(&parent.kind)?, &parent.id));
    let mut parents: Vec<EntityUID> = resource.parents.iter().filter_map(parent).collect();
    parents.extend(known.iter().flat_map(|entity| entity.ancestors().cloned()));
    policies.closure(&parents)
}

/// What the entity's attributes name.
pub(crate) fn mentioned(entity: &Entity) -> Vec<EntityUID> {
    let values = entity.attrs().chain(entity.tags()).filter_map(|(_, value)| match value {
        PartialValue::Value(value) => Some(value),
        PartialValue::Residual(_) => None,
    });
    values.flat_map(ast::Value::all_literal_uids).collect()
}

#[expect(clippy::too_many_arguments, reason = "the parts of one entity, each from elsewhere")]
fn resource(
    policies: &Policies,
    kind: &ast::EntityType,
    uid: &EntityUID,
    within: &[EntityUID],
    known: Option<&Arc<Entity>>,
    reads: &Reads,
    given: &Resource,
    unfit: &mut SmallVec<[(Of, String); 0]>,
) -> Entity {
    let mut attributes = Vec::new();
    let mut tags = Vec::new();
    if let Some(declared) = policies.schema.get_entity_type(kind) {
        for name in &reads.resource.attributes {
            let Some(wanted) = declared.attr(name) else { continue };
            let here =
                given.attributes.get(name.as_str()).cloned().or_else(|| policies.route_path(given, name));
            let fitting = match &here {
                Some(value) => shape::fit(value, &wanted.attr_type).map(PartialValue::from),
                None => known.and_then(|entity| entity.get(name)).cloned(),
            };
            match fitting {
                Some(value) => attributes.push((name.as_str().into(), value)),
                None if here.is_some() || wanted.is_required() => unfit.push((Of::Resource, name.clone())),
                None => {}
            }
        }
        if reads.resource.tags
            && let Some(wanted) = declared.tag_type()
        {
            for (name, value) in &given.tags {
                if let Some(value) = shape::fit(value, wanted) {
                    tags.push(((&**name).into(), PartialValue::from(value)));
                }
            }
            let more = known.iter().flat_map(|entity| entity.tags());
            let more = more.filter(|(name, _)| !given.tags.contains_key(name.as_str()));
            tags.extend(more.map(|(name, value)| (name.clone(), value.clone())));
        }
    }
    let ancestors: HashSet<EntityUID> = within.iter().cloned().collect();
    Entity::new_with_attr_partial_value(uid.clone(), attributes, HashSet::new(), ancestors, tags)
}

fn context(
    action: &ActionEntry,
    reads: &Reads,
    question: &Question<'_>,
    unfit: &mut SmallVec<[(Of, String); 0]>,
) -> BTreeMap<String, ast::Value> {
    let mut made = BTreeMap::new();
    let Some(ast_type) = &action.context else { return made };
    let cedar_policy_core::validator::types::Type::Record { attrs, .. } = ast_type else { return made };
    for name in &reads.context.attributes {
        let Some(wanted) = attrs.get_attr(name) else { continue };
        let given: Option<Value> = question.context.attribute(name);
        match given.as_ref().map(|value| shape::fit(value, &wanted.attr_type)) {
            Some(Some(value)) => {
                made.insert(name.clone(), value);
            }
            Some(None) => unfit.push((Of::Context, name.clone())),
            None if wanted.is_required() => unfit.push((Of::Context, name.clone())),
            None => {}
        }
    }
    made
}

/// Which policies hold, and what that comes to.
pub(crate) fn decide(
    policies: &Policies,
    action: &ActionEntry,
    slice: &Slice,
    question: &Question<'_>,
) -> Decision {
    let Some(asked) = Asked::new(policies, action, &slice.reads, question) else {
        return policies.refuse("the question does not fit the schema");
    };
    let found =
        slice.candidates((&asked.principal.uid, &asked.principal.within), (&asked.resource, &asked.within));
    let evaluator = asked.evaluator();
    let mut tally = Tally::default();
    for number in found {
        let Some(rule) = policies.rule(number) else { continue };
        let unfit = if asked.unfit.is_empty() {
            None
        } else {
            slice.each.get(&number).and_then(|reads| asked.unfit_of(reads))
        };
        let outcome = match (unfit, &rule.condition) {
            (Some(reason), _) => Outcome::Fault(reason),
            (None, None) => Outcome::Holds,
            (None, Some(condition)) => holds(&evaluator, condition),
        };
        if let Outcome::Fault(reason) = &outcome {
            tally.faults.push(Fault { policy: Some(rule.id.clone()), reason: Arc::clone(reason) });
        }
        // A `forbid` nobody can evaluate may be one that applies.
        let applies = match (rule.effect, &outcome) {
            (_, Outcome::Holds) | (Effect::Deny, Outcome::Fault(_)) => true,
            (_, Outcome::Fails) | (Effect::Allow, Outcome::Fault(_)) => false,
        };
        if applies {
            match (rule.effect, rule.dry_run) {
                (Effect::Allow, false) => tally.permits.push(number),
                (Effect::Deny, false) => tally.forbids.push(number),
                (Effect::Allow, true) => tally.permits_on_trial.push(number),
                (Effect::Deny, true) => tally.forbids_on_trial.push(number),
            }
        }
    }
    tally.decision(policies)
}

/// What applies.
#[derive(Debug, Default)]
struct Tally {
    permits: SmallVec<[u32; 8]>,
    forbids: SmallVec<[u32; 8]>,
    permits_on_trial: SmallVec<[u32; 2]>,
    forbids_on_trial: SmallVec<[u32; 2]>,
    faults: SmallVec<[Fault; 0]>,
}

impl Tally {
    fn decision(self, policies: &Policies) -> Decision {
        let effect = effect(!self.permits.is_empty(), !self.forbids.is_empty());
        let determining =
            if effect == Effect::Allow || self.forbids.is_empty() { &self.permits } else { &self.forbids };
        let mut obligations = policies.obligations(effect, determining);
        let tried = effect_with(&self);
        if tried != effect {
            let on_trial =
                if tried == Effect::Deny { &self.forbids_on_trial } else { &self.permits_on_trial };
            let policies =
                on_trial.iter().filter_map(|number| Some(policies.rule(*number)?.id.clone())).collect();
            obligations.push(Obligation::DryRun { effect: tried, policies });
        }
        let ids: Vec<PolicyId> =
            determining.iter().filter_map(|number| Some(policies.rule(*number)?.id.clone())).collect();
        Decision::from(Answer {
            effect,
            policies: ids,
            obligations,
            faults: self.faults.into_vec(),
            generation: policies.generation(),
        })
    }
}

fn effect(permitted: bool, forbidden: bool) -> Effect {
    if permitted && !forbidden { Effect::Allow } else { Effect::Deny }
}

/// What would come if those on trial counted.
fn effect_with(tally: &Tally) -> Effect {
    effect(
        !tally.permits.is_empty() || !tally.permits_on_trial.is_empty(),
        !tally.forbids.is_empty() || !tally.forbids_on_trial.is_empty(),
    )
}
