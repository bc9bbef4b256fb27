//! Entities that are there before anybody asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy_core::ast::{Entity, EntityUID};
use cedar_policy_core::entities::{Entities, NoEntitiesSchema, TCComputation};
use cedar_policy_core::extensions::Extensions;
use cedar_policy_core::validator::ValidatorSchema;
use gabion_model::Problem;
use hashbrown::HashMap;

use crate::facts::Facts;
use crate::place;

/// What the team's file and the gate know of entities, each with everything it is in.
pub(crate) fn of(
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
    let named = |kind: &str, id: &str| {
        EntityUID::with_eid_and_type(kind, id).map_err(|error| vec![place::problem("groups", "", &error)])
    };
    for (name, group) in facts.groups.iter().filter(|(_, group)| !group.is_a_name_only()) {
        let uid = named("Group", name)?;
        let entity = known.entry(uid.clone()).or_insert_with(|| Entity::with_uid(uid));
        for role in &group.roles {
            entity.add_parent(named("Role", role)?);
        }
        for parent in &group.parents {
            entity.add_parent(named("Group", parent)?);
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
