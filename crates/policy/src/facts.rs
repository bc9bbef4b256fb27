//! What the gate knows without being asked: the schema is made of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

/// What Gabion knows of itself and of the application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// The declared routes, as resources.
    pub routes: Vec<RouteFact>,
    /// The operations of the application's contract, as actions.
    pub operations: Vec<OperationFact>,
    /// Names of roles known to be given to somebody. A policy that names another one is warned about.
    pub roles: BTreeSet<Arc<str>>,
    /// Groups by name.
    pub groups: BTreeMap<Arc<str>, GroupFact>,
    pub tenants: BTreeSet<Arc<str>>,
}

/// A declared route: `Route::"/orders/{id}"`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RouteFact {
    /// The path pattern; with the first host before it where the route names hosts: `app.example/orders/*`.
    pub id: Arc<str>,
    /// The path pattern alone.
    pub path: Arc<str>,
}

/// An operation of the contract: `Action::"getOrder"`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OperationFact {
    /// `operationId`, or `GET /orders/{id}` where there is none.
    pub id: Arc<str>,
    /// Upper case.
    pub method: Arc<str>,
    /// The path template.
    pub path: Arc<str>,
    /// Each is an action group: `Action::"tag:orders"`.
    pub tags: Vec<Arc<str>>,
    /// What it acts upon: an entity type of the team's schema. None: the route.
    pub resource: Option<Arc<str>>,
}

/// What membership of a group gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GroupFact {
    pub roles: BTreeSet<Arc<str>>,
    /// The groups it is in.
    pub parents: BTreeSet<Arc<str>>,
}
