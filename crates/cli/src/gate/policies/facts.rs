//! What a configuration, its contracts and the directory say to policies: what there is to ask, and which names there
//! are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use gabion_checks::policy::{RoutePolicy, Where, operation_action};
use gabion_checks::{Contracts, Route};
use gabion_model::Role;
use gabion_policy::{Facts, GroupFact, OperationFact, RouteFact, is_own_action};
use gabion_service::KnownNames;

use crate::config::Config;

/// Everything that is known.
pub(crate) fn of(config: &Config, contracts: &Contracts, names: Option<&KnownNames>) -> Facts {
    let routes = config
        .routes
        .iter()
        .map(|route| RouteFact { id: route.policy_id().into(), path: route.path.as_str().into() });
    let mut facts = Facts {
        routes: routes.collect(),
        operations: operations(config, contracts),
        roles: config.routes.iter().flat_map(|route| &route.roles).map(|role| role.as_str().into()).collect(),
        service_accounts: config.webhooks.keys().map(|name| format!("webhook:{name}").into()).collect(),
        ..Facts::default()
    };
    if let Some(names) = names {
        add_names(&mut facts, config, names);
    }
    facts
}

/// Names alone: what a group gives is in the session of whoever is in it, and what it gave when policies were loaded
/// does not count.
fn add_names(facts: &mut Facts, config: &Config, names: &KnownNames) {
    let given = config.federation.values().flat_map(|provider| &provider.map);
    for rule in given {
        facts.roles.extend(rule.roles.iter().map(|role| Arc::from(role.as_str())));
        facts.tenants.extend(rule.tenant.iter().map(|name| Arc::from(name.as_str())));
    }
    // Whoever administers the gate, though nobody may yet.
    facts.roles.insert(Role::ADMINISTRATOR.into());
    facts.roles.extend(arcs(&names.roles));
    facts.tenants.extend(arcs(&names.tenants));
    facts.service_accounts.extend(arcs(&names.service_accounts));
    facts.groups = arcs(&names.groups).map(|name| (name, GroupFact::default())).collect();
    facts.complete = true;
}

fn arcs(names: &BTreeSet<String>) -> impl Iterator<Item = Arc<str>> {
    names.iter().map(|name| name.as_str().into())
}

/// What routes name as action and type of object, and the operations of contracts: none need be declared a second
/// time. One name is one action, wherever it stands.
fn operations(config: &Config, contracts: &Contracts) -> Vec<OperationFact> {
    let mut all: BTreeMap<String, OperationFact> = BTreeMap::new();
    let everywhere = config.checks.policy.routes == Where::All;
    for (name, (contract, _)) in &contracts.loaded {
        let asks = |route: &&Route| asks_operations_of(route, name, everywhere);
        let asking: Vec<&Route> = config.routes.iter().filter(asks).collect();
        for operation in contract.operations() {
            let reaching: Vec<&&Route> = asking
                .iter()
                .filter(|route| takes(route, operation.method()) && meet(&route.path, operation.template()))
                .collect();
            let one = entry(&mut all, &operation_action(operation));
            one.idle &= reaching.is_empty();
            one.methods.insert(operation.method().into());
            one.tags.extend(operation.tags().iter().map(|tag| tag.as_str().into()));
            one.resources.extend(reaching.into_iter().map(|route| resource_of(route)));
        }
    }
    for route in &config.routes {
        let Some(policy) = &route.policy else { continue };
        if let Some(action) = policy.action.as_ref().filter(|action| !is_own_action(action)) {
            let one = entry(&mut all, action);
            one.idle = false;
            match route.methods.as_slice() {
                // Any method: it cannot be said that it only reads.
                [] => drop(one.methods.insert(ANY.into())),
                methods => one.methods.extend(methods.iter().map(|method| method.as_str().into())),
            }
            one.resources.insert(resource_of(route));
        }
    }
    // How somebody may know of an object reads it, unless it is said to be done by a method that does more.
    for route in &config.routes {
        let Some(policy) = &route.policy else { continue };
        if let Some(action) = policy.known_by.as_ref().filter(|action| !is_own_action(action)) {
            let one = entry(&mut all, action);
            one.idle = false;
            if one.methods.is_empty() {
                one.methods.insert("GET".into());
            }
            one.resources.insert(resource_of(route));
        }
    }
    all.into_values().collect()
}

fn entry<'a>(all: &'a mut BTreeMap<String, OperationFact>, action: &str) -> &'a mut OperationFact {
    all.entry(action.to_owned()).or_insert_with(|| OperationFact {
        id: action.into(),
        idle: true,
        ..OperationFact::default()
    })
}

/// Whether policies are asked the contract's operations on the route; `everywhere` also where it has no `policy`.
fn asks_operations_of(route: &Route, contract: &str, everywhere: bool) -> bool {
    let asks = |policy: &RoutePolicy| policy.action.is_none() && policy.off.is_none();
    route.contract.as_deref() == Some(contract) && route.policy.as_ref().map_or(everywhere, asks)
}

fn resource_of(route: &Route) -> Arc<str> {
    route.policy.as_ref().and_then(|policy| policy.resource.as_deref()).unwrap_or("Route").into()
}

fn takes(route: &Route, method: &str) -> bool {
    route.methods.is_empty() || route.methods.iter().any(|own| own == method)
}

/// Whether some path fits both a route's pattern and a contract's template.
fn meet(pattern: &str, template: &str) -> bool {
    let mut template = template.split('/');
    for part in pattern.split('/') {
        if part == "*" {
            return true;
        }
        let Some(other) = template.next() else { return false };
        if !part.contains('{') && !other.contains('{') && part != other {
            return false;
        }
    }
    template.next().is_none()
}

/// The names as comments of a schema: what its types cannot say.
pub(crate) fn listed(facts: &Facts) -> String {
    let mut out = String::new();
    let mut list = |head: &str, kind: &str, names: &[&str]| {
        if !names.is_empty() {
            let _ = writeln!(out, "// {head}:");
        }
        for name in names {
            let _ = writeln!(out, "//   {kind}::\"{}\"", name.escape_debug());
        }
    };
    let routes: Vec<&str> = facts.routes.iter().map(|route| &*route.id).collect();
    let idle = facts.operations.iter().filter(|operation| operation.idle);
    list("roles", "Role", &facts.roles.iter().map(|name| &**name).collect::<Vec<_>>());
    list("groups", "Group", &facts.groups.keys().map(|name| &**name).collect::<Vec<_>>());
    list("tenants", "Tenant", &facts.tenants.iter().map(|name| &**name).collect::<Vec<_>>());
    let programs: Vec<&str> = facts.service_accounts.iter().map(|name| &**name).collect();
    list("programs", "ServiceAccount", &programs);
    list("routes", "Route", &routes);
    let idle: Vec<&str> = idle.map(|operation| &*operation.id).collect();
    list("asked by no route, only by applications that ask for themselves", "Action", &idle);
    out
}

/// No method anybody has heard of.
const ANY: &str = "*";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_reaches_the_operations_some_path_of_it_belongs_to() {
        for (pattern, template, expected) in [
            ("/orders/{id}", "/orders/{order}", true),
            ("/orders/{id}", "/orders/mine", true),
            ("/orders/mine", "/orders/{order}", true),
            ("/orders/{id}", "/orders", false),
            ("/orders", "/orders/{order}", false),
            ("/orders/*", "/orders/{order}/items", true),
            ("/orders/*", "/orders", true),
            ("/*", "/orders/{order}/items", true),
            ("/*", "/", true),
            ("/orders/{id}", "/notes/{note}", false),
            ("/v1/*", "/v2/orders", false),
            ("/files/{name}", "/files/{name}.pdf", true),
        ] {
            assert_eq!(meet(pattern, template), expected, "{pattern} {template}");
        }
    }
}
