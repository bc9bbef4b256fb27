//! Names in policies, compared with those there are: a name with a slip in it is a policy that never applies.

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy_core::ast::{Entity, EntityUID, ExprKind, Literal};
use gabion_model::Problem;
use hashbrown::HashMap;

use crate::facts::Facts;
use crate::rule::Rule;

/// What came of the comparison.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Routes that are not declared.
    pub(crate) problems: Vec<Problem>,
    /// Worth a look: what nobody is known to have can be given to somebody tomorrow.
    pub(crate) warnings: Vec<Problem>,
}

/// The entities policies name, and where.
pub(crate) fn literals(rules: &[Rule]) -> Vec<(EntityUID, String)> {
    let mut named = Vec::new();
    for rule in rules {
        // With the scope.
        let condition = rule.policy.condition();
        for part in condition.subexpressions() {
            if let ExprKind::Lit(Literal::EntityUID(uid)) = part.expr_kind() {
                named.push((EntityUID::clone(uid), rule.place()));
            }
        }
    }
    named
}

/// Compares each name once per policy.
pub(crate) fn compared(
    literals: &[(EntityUID, String)],
    facts: &Facts,
    statics: &HashMap<EntityUID, Arc<Entity>>,
) -> Named {
    let mut found = Named::default();
    let mut seen = BTreeSet::new();
    for (uid, place) in literals {
        if statics.contains_key(uid) || !seen.insert((uid, place)) {
            continue;
        }
        let id: &str = uid.eid().as_ref();
        let kind = uid.entity_type().to_string();
        if kind == "Action" {
            found.warnings.extend(idle(id, place, facts));
            continue;
        }
        let Some(known) = known(&kind, facts) else { continue };
        if known.contains(&id) {
            continue;
        }
        let near = known.iter().min_by_key(|name| strsim::damerau_levenshtein(name, id));
        let near = near.filter(|name| strsim::damerau_levenshtein(name, id) <= 3);
        let hint = match near {
            Some(near) => format!("did you mean `{kind}::\"{near}\"`?"),
            None => listed(&known),
        };
        let (list, reason) = match kind.as_str() {
            "Route" => (&mut found.problems, format!("there is no route `{id}`")),
            "Role" | "Tenant" => (&mut found.warnings, format!("nobody is known to have `{uid}`")),
            _ => (&mut found.warnings, format!("there is no `{uid}`")),
        };
        list.push(Problem::new(place.clone(), reason).hint(hint));
    }
    found
}

/// The names of a type there are; `None` where they are not known.
fn known<'a>(kind: &str, facts: &'a Facts) -> Option<Vec<&'a str>> {
    let known: Vec<&str> = match kind {
        "Route" => facts.routes.iter().map(|route| &*route.id).collect(),
        "Role" => facts.roles.iter().map(|name| &**name).collect(),
        "Group" => facts.groups.keys().map(|name| &**name).collect(),
        "Tenant" => facts.tenants.iter().map(|name| &**name).collect(),
        // Some are always known, those that sign what they send; they say nothing of the others.
        "ServiceAccount" if facts.complete => facts.service_accounts.iter().map(|name| &**name).collect(),
        _ => return None,
    };
    // No route: the folder is looked at without a configuration.
    let is_known = !known.is_empty() || (facts.complete && kind != "Route");
    is_known.then_some(known)
}

/// An action no route asks.
fn idle(id: &str, place: &str, facts: &Facts) -> Option<Problem> {
    facts.operations.iter().find(|operation| operation.idle && &*operation.id == id)?;
    let reason = format!("no route asks `Action::\"{id}\"`, only applications that ask for themselves can");
    let hint = "a route asks the operation of its contract when it has `policy` without `action`";
    Some(Problem::new(place, reason).hint(hint))
}

fn listed(known: &[&str]) -> String {
    match known.len() {
        0 => "there is none of that type".to_owned(),
        number if number > MOST_LISTED => format!("there are {number} of that type"),
        _ => format!("known are {}", known.join(", ")),
    }
}

const MOST_LISTED: usize = 20;
