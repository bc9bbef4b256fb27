//! Routes that ask policies for the operations of their contract.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use gabion_checks::policy::{RoutePolicy, operation_action};
use gabion_checks::{Access, ContractSettings, Contracts, Mode, Route, Settings};
use gabion_model::Timestamp;
use gabion_openapi::Contract;
use gabion_policy::{
    EntityRef, Facts, Finding, Found, OperationFact, Policies, Resource, Resources, RouteFact, Sources,
};
use http::StatusCode;

use crate::world::*;

const CONTRACT: &str = "openapi: 3.1.0
info: { title: Orders, version: '1' }
paths:
  /orders:
    get: { operationId: listOrders, responses: { '200': { description: d } } }
  /orders/{id}:
    parameters: [ { name: id, in: path, required: true, schema: { type: integer } } ]
    get: { operationId: readOrder, responses: { '200': { description: d } } }
    delete: { responses: { '204': { description: d } } }
  /orders/{id}/items:
    parameters: [ { name: id, in: path, required: true, schema: { type: integer } } ]
    get: { operationId: GET, responses: { '200': { description: d } } }
";

const POLICIES: &str = r#"
permit (principal in Role::"clerk", action == Action::"readOrder", resource is Order);
permit (principal in Role::"boss", action in [Action::"readOrder", Action::"DELETE /orders/{id}"], resource is Order);
permit (principal in Role::"boss", action == Action::"listOrders", resource is Route);
permit (principal in Role::"ghost", action == Action::"GET", resource is Route);
"#;

/// Every order is there, and nothing is known of it.
#[derive(Debug)]
struct All;

impl Resources for All {
    fn serves(&self, _: &str) -> bool {
        true
    }

    fn at_hand(&self, kind: &str, id: &str, _: Timestamp) -> Option<Found> {
        Some(Some(Arc::new(Resource::new(kind, id))))
    }

    fn find(&self, _: EntityRef) -> Finding {
        Box::pin(std::future::ready(Ok(None)))
    }
}

fn contract() -> Contract {
    let files = BTreeMap::from([("orders.yaml".to_owned(), CONTRACT.to_owned())]);
    Contract::load(&files, "orders.yaml", &ContractSettings::default().options()).unwrap().contract
}

fn world(mode: Mode) -> World {
    let on = |path: &str, resource: Option<&str>| {
        let mut route = Route::new(path, Access::SignedIn, "app");
        route.contract = Some("orders".to_owned());
        route.policy = Some(RoutePolicy { resource: resource.map(str::to_owned), ..RoutePolicy::default() });
        route
    };
    let routes = [on("/orders/*", None), on("/orders/{id}", Some("Order"))];
    let operation = |id: String, method: &str, resource: &str| OperationFact {
        id: id.into(),
        methods: [method.into()].into(),
        resources: [resource.into()].into(),
        ..OperationFact::default()
    };
    let of = |resource: &str, template: &str| {
        let all = contract();
        let all = all.operations().iter().filter(|one| one.template() == template);
        all.map(|one| operation(operation_action(one), one.method(), resource)).collect::<Vec<_>>()
    };
    let facts = Facts {
        routes: routes
            .iter()
            .map(|route| RouteFact { id: route.policy_id().into(), path: route.path.as_str().into() })
            .collect(),
        operations: [of("Order", "/orders/{id}"), of("Route", "/orders"), of("Route", "/orders/{id}/items")]
            .concat(),
        ..Facts::default()
    };
    let policies = BTreeMap::from([("orders.cedar".to_owned(), POLICIES.to_owned())]);
    let policies = Policies::compile(Sources { policies, ..Sources::default() }, &facts).unwrap();
    let mut settings = Settings::default();
    settings.contract.mode = mode;
    let loaded = BTreeMap::from([("orders".to_owned(), (Arc::new(contract()), 1000))]);
    let contracts = Contracts { loaded, ..Contracts::default() };
    World::policed(&settings, &routes, Arc::new(ArcSwap::from_pointee(policies)), Arc::new(All), contracts)
}

/// The answer to somebody with a role; a name is somebody else's each time.
fn status(world: &World, name: &str, method: &str, path: &str, role: &str) -> u16 {
    let (ticket, _) = world.sign_in(name, &[role]);
    let fields = [("origin", "https://shop.example"), ("sec-fetch-site", "same-origin")];
    world.send(with_ticket(request(method, path, &fields), &ticket)).status().as_u16()
}

#[test]
fn the_operation_is_the_action() {
    let world = world(Mode::Enforce);
    for (number, (method, path, role, expected)) in [
        ("GET", "/orders/1", "clerk", StatusCode::OK),
        ("HEAD", "/orders/1", "clerk", StatusCode::OK),
        ("DELETE", "/orders/1", "clerk", StatusCode::FORBIDDEN),
        ("DELETE", "/orders/1", "boss", StatusCode::OK),
        // Who may not read it is not told that it is there.
        ("DELETE", "/orders/1", "ghost", StatusCode::NOT_FOUND),
        ("GET", "/orders/1", "ghost", StatusCode::NOT_FOUND),
        ("GET", "/orders", "boss", StatusCode::OK),
        ("GET", "/orders", "clerk", StatusCode::FORBIDDEN),
        // What may be done by the method alone is not what the contract knows by a name.
        ("GET", "/orders", "ghost", StatusCode::FORBIDDEN),
        ("GET", "/orders/1/items", "ghost", StatusCode::FORBIDDEN),
    ]
    .into_iter()
    .enumerate()
    {
        let got = status(&world, &format!("ada{number}"), method, path, role);
        assert_eq!(got, expected.as_u16(), "{method} {path} {role}");
    }
}

#[test]
fn what_the_contract_does_not_know_is_asked_by_its_method() {
    let watching = world(Mode::Observe);
    assert_eq!(
        status(&watching, "ada", "GET", "/orders/1/shadow", "ghost"),
        200,
        "GET is what the ghost may do"
    );
    assert_eq!(status(&watching, "bob", "GET", "/orders/1/shadow", "boss"), 403);
    assert_eq!(status(&watching, "eve", "POST", "/orders/1/shadow", "ghost"), 403);
    assert_eq!(status(&world(Mode::Enforce), "ada", "GET", "/orders/1/shadow", "ghost"), 404);
}
