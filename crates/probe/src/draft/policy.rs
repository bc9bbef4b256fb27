//! Who may call what, as far as refusals tell: an operation that answers one role and refuses another is not for both.
//!
//! Only refusals become grants: what was answered may be a hole. An operation whose path sounds like more rights than somebody
//! has who was answered is asked about instead.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use gabion_finding::visible;

use super::SHOWN;
use crate::facts::Grant;
use crate::field::Field;
use crate::operation::Operation;
use crate::standing::{standing, standing_of_path};

pub(super) fn write(out: &mut String, field: &Field) {
    if !field.facts.policy.is_empty() {
        field.facts.policy.iter().for_each(|grant| grant.write(out));
        return;
    }
    let grants = guessed(field);
    if grants.is_empty() {
        let roles = roles(field).len();
        if roles > 1 {
            out.push_str("# No operation answered one role and refused another.\n");
        }
        out.push_str(
            "# Asked: who may call what; the first that fits decides, `*` is everybody who signed in.\n\
             # [[policy]]\n# operations = [\"* /admin/*\"]\n# roles = [\"admin\"]\n\n",
        );
    } else {
        out.push_str(
            "# Guessed from who was answered and who was refused (401, 403). The first that fits decides.\n",
        );
        grants.iter().for_each(|grant| grant.write(out));
    }
    let open = answered_low(field);
    if !open.is_empty() {
        out.push_str("# Asked: these sound like more rights, and answered others too. Name them above if that is wrong.\n");
        for (operation, people) in open.iter().take(SHOWN) {
            let _ = writeln!(out, "# - `{}` answered {}", visible(operation), visible(&people.join(", ")));
        }
        out.push('\n');
    }
}

/// Roles of those who are signed in.
fn roles(field: &Field) -> BTreeSet<&str> {
    field.signed_in().filter_map(|who| field.person(who).role.as_deref()).collect()
}

/// Grants by the roles they name.
fn guessed(field: &Field) -> Vec<Grant> {
    let mut by_roles: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    for (at, operation) in field.operations.iter().enumerate() {
        // Where a path names an object, a refusal may be about whose it is.
        if operation.path.contains(['{', '*']) || operation.websocket {
            continue;
        }
        let (mut answered, mut refused) = (BTreeSet::new(), BTreeSet::new());
        for who in field.signed_in() {
            let Some(role) = field.person(who).role.as_deref() else { continue };
            if field.known_of(at).any(|known| known.who == who) {
                answered.insert(role.to_owned());
            } else if field.denied.contains(&(at, who)) {
                refused.insert(role.to_owned());
            }
        }
        // A role of which one was answered and another was not is told apart by something else.
        if !answered.is_empty() && !refused.is_empty() && answered.is_disjoint(&refused) {
            by_roles.entry(answered.into_iter().collect()).or_default().insert(operation.id());
        }
    }
    by_roles
        .into_iter()
        .map(|(roles, operations)| Grant { operations: operations.into_iter().collect(), roles })
        .collect()
}

/// Operations that sound like more rights than somebody has whom they answered, with their names.
fn answered_low(field: &Field) -> Vec<(String, Vec<String>)> {
    let low = |at: usize, operation: &Operation| {
        let asked = standing_of_path(&operation.path)?;
        let people: BTreeSet<String> = field
            .known_of(at)
            .filter(|known| standing(field, known.who) < asked)
            .map(|known| field.person(known.who).name.clone())
            .collect();
        (!people.is_empty()).then(|| (operation.id(), people.into_iter().collect()))
    };
    field.operations.iter().enumerate().filter_map(|(at, operation)| low(at, operation)).collect()
}
