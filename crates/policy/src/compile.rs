//! From files to a generation that decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy_core::ast::{Entity, EntityType, EntityUID};
use cedar_policy_core::entities::Entities;
use cedar_policy_core::validator::{Validator, ValidatorSchema};
use gabion_model::Problem;
use hashbrown::HashMap;

use crate::cache::Cache;
use crate::decision::Generation;
use crate::facts::Facts;
use crate::names::{self, Named};
use crate::policies::{ActionEntry, Policies, Target};
use crate::rule::{self, Rule};
use crate::{bounds, place, schema, slice, statics};

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

/// How many bytes all files may have together.
const LARGEST: usize = 64 << 20;
/// How many policies there may be.
const MOST: usize = 100_000;

impl Policies {
    /// # Errors
    /// Everything that is wrong with the files: the place as `file:line`, the rule, and a way out.
    pub fn compile(sources: Sources, facts: &Facts) -> Result<Self, Vec<Problem>> {
        let beside = [&sources.schema, &sources.entities].into_iter().flatten().map(|(_, text)| text.len());
        let bytes: usize = sources.policies.values().map(String::len).chain(beside).sum();
        if bytes > LARGEST {
            return Err(vec![
                Problem::new("policies", format!("{bytes} bytes are too many")).hint("64 MiB at most"),
            ]);
        }
        let texts = sources.policies.iter().chain(sources.schema.iter().map(|(file, text)| (file, text)));
        let too_much: Vec<Problem> = texts.filter_map(|(file, text)| bounds::problem(file, text)).collect();
        if !too_much.is_empty() {
            return Err(too_much);
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
        let statics = match statics::of(&schema, sources.entities.as_ref(), facts) {
            Ok(statics) => statics,
            Err(more) => {
                problems.extend(more);
                HashMap::new()
            }
        };
        let literals = names::literals(&rules);
        let Named { problems: unknown, warnings } = names::compared(&literals, facts, &statics);
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
    // Operations stand in the schema. Names that are only compared with decide nothing.
    let groups: BTreeMap<_, _> = facts.groups.iter().filter(|(_, group)| !group.is_a_name_only()).collect();
    let (routes, groups) = (serde_json::to_string(&facts.routes), serde_json::to_string(&groups));
    add(&routes.unwrap_or_default());
    add(&groups.unwrap_or_default());
    let digest = gabion_vault::sha256(&all);
    let mut short = [0; 8];
    for (to, from) in short.iter_mut().zip(digest) {
        *to = from;
    }
    Generation(short)
}
