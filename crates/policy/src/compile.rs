//! From files to a generation that decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use cedar_policy_core::ast::{Entity, EntityType, EntityUID, ExprKind, Literal};
use cedar_policy_core::entities::{Entities, NoEntitiesSchema, TCComputation};
use cedar_policy_core::extensions::Extensions;
use cedar_policy_core::validator::types::Type;
use cedar_policy_core::validator::{Validator, ValidatorSchema};
use gabion_model::Problem;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::cache::Cache;
use crate::decision::{Decision, Effect, Fault, Generation, Obligation};
use crate::evaluate::{self, Asked, Of};
use crate::facts::Facts;
use crate::place;
use crate::question::{Question, Resource, SubjectKind};
use crate::reads::{Environment, Reads};
use crate::rule::{self, Rule};
use crate::schema;
use crate::slice::{self, Slice};
use crate::value::Value;

/// The generation in use; a reload puts another in its place.
pub type Live = ArcSwap<Policies>;

/// Files, read by somebody else: name to text.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `*.cedar`
    pub policies: BTreeMap<String, String>,
    /// `schema.cedarschema`: the team's own entity types and actions.
    pub schema: Option<(String, String)>,
    /// `entities.json`: entities that are there before anybody asks, in Cedar's JSON format.
    pub entities: Option<(String, String)>,
    /// How many decisions are remembered; 0: none.
    pub cache: u32,
}

/// A compiled generation. Immutable but for what it remembers.
#[derive(Debug)]
pub struct Policies {
    /// Tells this generation from others that were compiled, also of the same content.
    pub(crate) token: Arc<()>,
    generation: Generation,
    pub(crate) schema: ValidatorSchema,
    schema_text: String,
    pub(crate) rules: Vec<Rule>,
    kinds: HashMap<Arc<str>, EntityType>,
    pub(crate) actions: HashMap<Arc<str>, ActionEntry>,
    /// Entities that are there before anybody asks, with everything they are in.
    pub(crate) statics: HashMap<EntityUID, Arc<Entity>>,
    /// Entities that policies name.
    pub(crate) literals: Vec<EntityUID>,
    routes: BTreeMap<Arc<str>, Arc<str>>,
    cache: Cache,
    warnings: Vec<Problem>,
}

/// An action of the schema.
#[derive(Debug)]
pub(crate) struct ActionEntry {
    pub(crate) uid: Arc<EntityUID>,
    pub(crate) entity: Arc<Entity>,
    /// The type of its context.
    pub(crate) context: Option<Type>,
    pub(crate) resources: Vec<Target>,
    principals: Vec<EntityType>,
    /// The rules whose scopes name it.
    pub(crate) rules: Vec<u32>,
}

/// A type of resource an action applies to, and the slices of it, one for each kind of principal.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: Arc<str>,
    kind: EntityType,
    slices: [OnceLock<Slice>; 3],
    first: u32,
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

/// How many bytes all files may have together.
const LARGEST: usize = 64 << 20;
/// How many policies there may be.
const MOST: usize = 100_000;

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

    /// # Errors
    /// Everything that is wrong with the files: the place as `file:line`, the rule, and a way out.
    pub fn compile(sources: Sources, facts: &Facts) -> Result<Self, Vec<Problem>> {
        let bytes: usize = sources.policies.values().map(String::len).sum();
        if bytes > LARGEST {
            return Err(vec![
                Problem::new("policies", format!("{bytes} bytes are too many")).hint("64 MiB at most"),
            ]);
        }
        let (schema, schema_text) = schema::build(sources.schema.as_ref(), facts)?;
        let validator = Validator::new(schema.clone());
        let (mut rules, mut problems) = (Vec::new(), Vec::new());
        for (file, text) in &sources.policies {
            match rule::read(file, text, &validator) {
                Ok(read) => rules.extend(read),
                Err(more) => problems.extend(more),
            }
        }
        if rules.len() > MOST {
            problems.push(Problem::new("policies", format!("there are more than {MOST} policies")));
        }
        problems.extend(same_ids(&rules));
        let statics = match statics(&schema, sources.entities.as_ref(), facts) {
            Ok(statics) => statics,
            Err(more) => {
                problems.extend(more);
                HashMap::new()
            }
        };
        let literals = literals(&rules);
        let (unknown, warnings) = unknown_names(&literals, facts, &statics);
        problems.extend(unknown);
        let actions = actions(&schema, &rules)?;
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut named: Vec<EntityUID> = literals.into_iter().map(|(uid, _)| uid).collect();
        named.sort();
        named.dedup();
        named.retain(|uid| statics.contains_key(uid));
        Ok(Self {
            token: Arc::default(),
            generation: generation(&sources, &schema_text, facts),
            kinds: schema
                .entity_types()
                .map(|kind| (kind.name().to_string().into(), kind.name().clone()))
                .collect(),
            schema,
            schema_text,
            rules,
            actions,
            statics,
            literals: named,
            routes: facts.routes.iter().map(|route| (route.id.clone(), route.path.clone())).collect(),
            cache: Cache::new(sources.cache),
            warnings,
        })
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
        Decision {
            effect: Effect::Deny,
            policies: Arc::default(),
            obligations: Arc::default(),
            faults: Arc::from([Fault { policy: None, reason: reason.into() }]),
            generation: self.generation,
        }
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
            slice
        };
        Some(target.slices.get(position)?.get_or_init(build))
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

fn same_ids(rules: &[Rule]) -> Vec<Problem> {
    let mut seen: BTreeMap<&str, &Rule> = BTreeMap::new();
    let mut problems = Vec::new();
    for rule in rules {
        if let Some(first) = seen.insert(&rule.id.0, rule) {
            let reason = format!("the id `{}` is taken by the policy at {}", rule.id, first.place());
            problems.push(Problem::new(rule.place(), reason).hint("an `@id` names one policy in all files"));
        }
    }
    problems
}

fn actions(schema: &ValidatorSchema, rules: &[Rule]) -> Result<HashMap<Arc<str>, ActionEntry>, Vec<Problem>> {
    let known = cedar_policy::Schema::from(schema.clone())
        .action_entities()
        .map_err(|error| vec![place::problem("schema", "", &error)])?;
    let known: &Entities = known.as_ref();
    let mut actions = HashMap::new();
    let mut first: u32 = 0;
    let mut sorted: Vec<&Entity> = known.iter().collect();
    sorted.sort_by(|one, other| one.uid().cmp(other.uid()));
    for entity in sorted {
        let Some(declared) = schema.get_action_id(entity.uid()) else { continue };
        let mut kinds: Vec<&EntityType> = declared.resources().collect();
        kinds.sort();
        let mut resources = Vec::new();
        for kind in kinds {
            let name = kind.to_string().into();
            resources.push(Target { name, kind: kind.clone(), slices: Default::default(), first });
            first = first.saturating_add(3);
        }
        if resources.is_empty() {
            continue;
        }
        let groups: BTreeSet<EntityUID> = entity.ancestors().cloned().collect();
        let names = |(number, rule): (usize, &Rule)| {
            let named = slice::names_action(rule.policy.action_constraint(), entity.uid(), &groups);
            named.then(|| u32::try_from(number).ok()).flatten()
        };
        let entry = ActionEntry {
            uid: Arc::new(entity.uid().clone()),
            entity: Arc::new(entity.clone()),
            context: declared.context().cloned(),
            resources,
            principals: declared.principals().cloned().collect(),
            rules: rules.iter().enumerate().filter_map(names).collect(),
        };
        actions.insert(action_name(entity.uid()), entry);
    }
    Ok(actions)
}

/// `getOrder` for `Action::"getOrder"`, `Shop::getOrder` for `Shop::Action::"getOrder"`.
fn action_name(uid: &EntityUID) -> Arc<str> {
    let id: &str = uid.eid().as_ref();
    let kind = uid.entity_type().to_string();
    match kind.strip_suffix("::Action") {
        Some(namespace) => format!("{namespace}::{id}").into(),
        None => id.into(),
    }
}

/// What the team's file and the gate know of entities, each with everything it is in.
fn statics(
    schema: &ValidatorSchema,
    file: Option<&(String, String)>,
    facts: &Facts,
) -> Result<HashMap<EntityUID, Arc<Entity>>, Vec<Problem>> {
    let mut known: BTreeMap<EntityUID, Entity> = BTreeMap::new();
    let mut problems = Vec::new();
    if let Some((name, text)) = file {
        let api = cedar_policy::Schema::from(schema.clone());
        let entities = cedar_policy::Entities::from_json_str(text, Some(&api))
            .map_err(|error| vec![chain(name, &error)])?;
        let entities: &Entities = entities.as_ref();
        for entity in entities.iter().filter(|entity| !entity.uid().is_action()) {
            let kind = entity.uid().entity_type().to_string();
            if ["User", "ServiceAccount", "Anonymous", "Route"].contains(&kind.as_str()) {
                let reason = format!("`{}` is told by the gate and cannot be in a file", entity.uid());
                problems.push(Problem::new(name.clone(), reason).hint("leave it out"));
            }
            known.insert(entity.uid().clone(), entity.clone());
        }
    }
    let of = |kind: &str, id: &str| {
        EntityUID::with_eid_and_type(kind, id).map_err(|error| vec![place::problem("groups", "", &error)])
    };
    for (name, group) in &facts.groups {
        let uid = of("Group", name)?;
        let entity = known.entry(uid.clone()).or_insert_with(|| Entity::with_uid(uid));
        for role in &group.roles {
            entity.add_parent(of("Role", role)?);
        }
        for parent in &group.parents {
            entity.add_parent(of("Group", parent)?);
        }
    }
    let entities = Entities::from_entities(
        known.into_values(),
        None::<&NoEntitiesSchema>,
        TCComputation::ComputeNow,
        Extensions::all_available(),
    );
    let entities = entities.map_err(|error| vec![chain("entities", &error)])?;
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(entities.iter().map(|entity| (entity.uid().clone(), Arc::new(entity.clone()))).collect())
}

/// An error with what it is because of.
fn chain(file: &str, error: &dyn std::error::Error) -> Problem {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if !reason.contains(&text) {
            reason = format!("{reason}: {text}");
        }
        cause = next.source();
    }
    Problem::new(file, reason.trim_end_matches('.').to_owned())
}

/// The entities policies name, and where.
fn literals(rules: &[Rule]) -> Vec<(EntityUID, String)> {
    let mut named = Vec::new();
    for rule in rules {
        let condition = rule.policy.condition();
        for part in condition.subexpressions() {
            if let ExprKind::Lit(Literal::EntityUID(uid)) = part.expr_kind() {
                named.push((EntityUID::clone(uid), rule.place()));
            }
        }
    }
    named
}

/// Routes that are not declared are wrong; roles, groups and tenants nobody is known to have are worth a look.
fn unknown_names(
    literals: &[(EntityUID, String)],
    facts: &Facts,
    statics: &HashMap<EntityUID, Arc<Entity>>,
) -> (Vec<Problem>, Vec<Problem>) {
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    for (uid, place) in literals {
        let id: &str = uid.eid().as_ref();
        let kind = uid.entity_type().to_string();
        let known: Vec<&str> = match kind.as_str() {
            "Route" => facts.routes.iter().map(|route| &*route.id).collect(),
            "Role" => facts.roles.iter().map(|name| &**name).collect(),
            "Group" => facts.groups.keys().map(|name| &**name).collect(),
            "Tenant" => facts.tenants.iter().map(|name| &**name).collect(),
            _ => continue,
        };
        if known.is_empty() || known.contains(&id) || statics.contains_key(uid) {
            continue;
        }
        let near = known.iter().min_by_key(|name| strsim::damerau_levenshtein(name, id));
        let near = near.filter(|name| strsim::damerau_levenshtein(name, id) <= 3);
        let (list, reason) = match kind.as_str() {
            "Route" => (&mut problems, format!("there is no route `{id}`")),
            _ => (&mut warnings, format!("nobody is known to have `{uid}`")),
        };
        let hint = match near {
            Some(near) => format!("did you mean `{kind}::\"{near}\"`?"),
            None => format!("known are {}", known.join(", ")),
        };
        list.push(Problem::new(place.clone(), reason).hint(hint));
    }
    (problems, warnings)
}

fn generation(sources: &Sources, schema: &str, facts: &Facts) -> Generation {
    let mut all = Vec::new();
    let mut add = |text: &str| {
        all.extend_from_slice(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        all.extend_from_slice(text.as_bytes());
    };
    for (name, text) in &sources.policies {
        add(name);
        add(text);
    }
    add(schema);
    add(sources.entities.as_ref().map_or("", |(_, text)| text));
    add(&serde_json::to_string(facts).unwrap_or_default());
    let digest = gabion_vault::sha256(&all);
    let mut short = [0; 8];
    for (to, from) in short.iter_mut().zip(digest) {
        *to = from;
    }
    Generation(short)
}
