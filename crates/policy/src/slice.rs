//! Which policies can apply: found by what their scopes name, before anything is evaluated.
//!
//! For every action, kind of principal and type of resource there is a [`Slice`], built when first asked for. In
//! it policies stand under what their scope names: a principal or something a principal is in, then a resource or
//! something it is in. Looking up the few names a request has finds the policies whose whole scope matches, so that
//! only conditions remain to be evaluated.

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy_core::ast::{
    ActionConstraint, EntityReference, EntityType, EntityUID, PrincipalOrResourceConstraint,
};
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::cache::Ground;
use crate::reads::{Environment, Part, Reads};
use crate::rule::Rule;

/// The policies that can apply to one action by one kind of principal to one type of resource.
#[derive(Debug)]
pub(crate) struct Slice {
    /// Names the slice in the cache.
    pub(crate) number: u32,
    principals: Names<Names<SmallVec<[Candidate; 2]>>>,
    /// What all of them read together.
    pub(crate) reads: Reads,
    /// The same, as the cache compares it.
    pub(crate) ground: Ground,
    /// What each reads, by the number of the rule.
    pub(crate) each: HashMap<u32, Arc<Reads>>,
}

/// A policy and how its scope must match.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    rule: u32,
    /// `==`: what it is in does not count.
    principal_itself: bool,
    resource_itself: bool,
}

/// Something under names, and something for whoever comes.
#[derive(Debug)]
struct Names<T> {
    any: T,
    named: HashMap<EntityUID, T>,
}

impl<T: Default> Default for Names<T> {
    fn default() -> Self {
        Self { any: T::default(), named: HashMap::new() }
    }
}

impl<T: Default> Names<T> {
    fn at(&mut self, name: Option<EntityUID>) -> &mut T {
        match name {
            None => &mut self.any,
            Some(name) => self.named.entry(name).or_default(),
        }
    }

    /// What stands for anybody, for `itself`, and for what it is in; with whether it was found by itself.
    fn find<'a>(
        &'a self,
        itself: &'a EntityUID,
        within: &'a [EntityUID],
    ) -> impl Iterator<Item = (&'a T, bool)> {
        let named = &self.named;
        let look = move |name: &EntityUID| if named.is_empty() { None } else { named.get(name) };
        let others = within.iter().filter_map(move |name| look(name).map(|found| (found, false)));
        std::iter::once((&self.any, true)).chain(look(itself).map(|found| (found, true))).chain(others)
    }
}

/// What a scope asks of a principal or a resource.
enum Scope {
    Anything,
    Itself(EntityUID),
    Within(EntityUID),
    Nothing,
}

fn scope(constraint: &PrincipalOrResourceConstraint, kind: &EntityType) -> Scope {
    let named = |reference: &EntityReference| match reference {
        EntityReference::EUID(uid) => Some(EntityUID::clone(uid)),
        EntityReference::Slot(_) => None,
    };
    match constraint {
        PrincipalOrResourceConstraint::Any => Scope::Anything,
        PrincipalOrResourceConstraint::Eq(reference) => match named(reference) {
            Some(uid) if uid.entity_type() == kind => Scope::Itself(uid),
            _ => Scope::Nothing,
        },
        PrincipalOrResourceConstraint::In(reference) => {
            named(reference).map_or(Scope::Nothing, Scope::Within)
        }
        PrincipalOrResourceConstraint::Is(wanted) if **wanted == *kind => Scope::Anything,
        PrincipalOrResourceConstraint::IsIn(wanted, reference) if **wanted == *kind => {
            named(reference).map_or(Scope::Nothing, Scope::Within)
        }
        PrincipalOrResourceConstraint::Is(_) | PrincipalOrResourceConstraint::IsIn(..) => Scope::Nothing,
    }
}

/// What a scope reads, and the name it stands under.
fn stand(scope: Scope, kind: &EntityType, part: &mut Part) -> Option<(Option<EntityUID>, bool)> {
    match scope {
        Scope::Nothing => None,
        Scope::Anything => Some((None, false)),
        Scope::Itself(uid) => {
            part.identity = true;
            Some((Some(uid), true))
        }
        Scope::Within(uid) => {
            part.hierarchy = true;
            part.identity |= uid.entity_type() == kind;
            Some((Some(uid), false))
        }
    }
}

/// Whether a policy's scope names the action, or a group it is in.
pub(crate) fn names_action(
    constraint: &ActionConstraint,
    action: &EntityUID,
    groups: &BTreeSet<EntityUID>,
) -> bool {
    match constraint {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(one) => **one == *action,
        ActionConstraint::In(several) => {
            several.iter().any(|one| **one == *action || groups.contains(&**one))
        }
    }
}

impl Slice {
    /// `rules` are those whose scope names the action.
    pub(crate) fn build(
        number: u32,
        rules: &[Rule],
        of_action: &[u32],
        environment: &Environment<'_>,
    ) -> Self {
        let mut slice = Self {
            number,
            principals: Names::default(),
            reads: Reads::default(),
            ground: Ground::default(),
            each: HashMap::new(),
        };
        for number in of_action {
            let Some(rule) = usize::try_from(*number).ok().and_then(|index| rules.get(index)) else {
                continue;
            };
            let mut reads =
                rule.condition.as_ref().map(|condition| environment.reads(condition)).unwrap_or_default();
            let principal = scope(rule.policy.principal_constraint().as_inner(), environment.principal);
            let resource = scope(rule.policy.resource_constraint().as_inner(), environment.resource);
            let Some((principal, principal_itself)) =
                stand(principal, environment.principal, &mut reads.principal)
            else {
                continue;
            };
            let Some((resource, resource_itself)) =
                stand(resource, environment.resource, &mut reads.resource)
            else {
                continue;
            };
            let candidate = Candidate { rule: *number, principal_itself, resource_itself };
            slice.principals.at(principal).at(resource).push(candidate);
            slice.reads.merge(&reads);
            slice.each.insert(*number, Arc::new(reads));
        }
        slice
    }

    /// The policies whose scopes match, in the order they stand in.
    pub(crate) fn candidates(
        &self,
        (principal, of_principal): (&EntityUID, &[EntityUID]),
        (resource, of_resource): (&EntityUID, &[EntityUID]),
    ) -> SmallVec<[u32; 16]> {
        let mut found = SmallVec::new();
        for (resources, principal_is_it) in self.principals.find(principal, of_principal) {
            for (candidates, resource_is_it) in resources.find(resource, of_resource) {
                let matching = candidates.iter().filter(|one| {
                    (principal_is_it || !one.principal_itself) && (resource_is_it || !one.resource_itself)
                });
                found.extend(matching.map(|one| one.rule));
            }
        }
        settled(found)
    }

    /// The policies whose scopes match the principal, and the resource wherever it may be.
    pub(crate) fn candidates_anywhere(
        &self,
        (principal, of_principal): (&EntityUID, &[EntityUID]),
        resource: &EntityUID,
    ) -> SmallVec<[u32; 16]> {
        let mut found = SmallVec::new();
        for (resources, principal_is_it) in self.principals.find(principal, of_principal) {
            let named = resources.named.iter();
            let all = named.map(|(name, list)| (list, name == resource)).chain([(&resources.any, true)]);
            for (candidates, resource_is_it) in all {
                let matching = candidates.iter().filter(|one| {
                    (principal_is_it || !one.principal_itself) && (resource_is_it || !one.resource_itself)
                });
                found.extend(matching.map(|one| one.rule));
            }
        }
        settled(found)
    }
}

impl Slice {
    /// The policies whose scopes match the principal, whatever the resource.
    pub(crate) fn candidates_whatever(
        &self,
        (principal, of_principal): (&EntityUID, &[EntityUID]),
    ) -> SmallVec<[u32; 16]> {
        let mut found = SmallVec::new();
        for (resources, principal_is_it) in self.principals.find(principal, of_principal) {
            for candidates in resources.named.values().chain([&resources.any]) {
                let matching = candidates.iter().filter(|one| principal_is_it || !one.principal_itself);
                found.extend(matching.map(|one| one.rule));
            }
        }
        settled(found)
    }
}

/// In the order they stand in, each once: something can be in the same thing twice.
fn settled(mut found: SmallVec<[u32; 16]>) -> SmallVec<[u32; 16]> {
    found.sort_unstable();
    found.dedup();
    found
}
