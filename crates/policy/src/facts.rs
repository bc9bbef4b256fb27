//! What the gate knows without being asked: the schema is made of it, and names in policies are compared with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

/// What Gabion knows of itself and of the application.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// The declared routes, as resources.
    pub routes: Vec<RouteFact>,
    /// What can be asked: the operations of contracts, and the actions that routes name.
    pub operations: Vec<OperationFact>,
    /// Names of roles known to be given to somebody. A policy that names another one is warned about.
    pub roles: BTreeSet<Arc<str>>,
    /// Groups by name.
    pub groups: BTreeMap<Arc<str>, GroupFact>,
    pub tenants: BTreeSet<Arc<str>>,
    /// Ids of programs: of their accounts, and `webhook:NAME` of those that sign what they send.
    pub service_accounts: BTreeSet<Arc<str>>,
    /// Roles, groups, tenants and service accounts are all there are, not only those a configuration names.
    pub complete: bool,
}

/// A declared route: `Route::"/orders/{id}"`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RouteFact {
    /// The path pattern; with the first host before it where the route names hosts: `app.example/orders/*`.
    pub id: Arc<str>,
    /// The path pattern alone.
    pub path: Arc<str>,
}

/// Something that can be asked: `Action::"getOrder"`. Each id stands once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OperationFact {
    /// `operationId`, or `GET /orders/{id}` where there is none.
    pub id: Arc<str>,
    /// By which methods it is done, upper case; none: by any. It is in `Action::"read"` when all of them only read,
    /// else in `Action::"write"`.
    pub methods: BTreeSet<Arc<str>>,
    /// Each is an action group: `Action::"tag:orders"`.
    pub tags: BTreeSet<Arc<str>>,
    /// What it acts upon: entity types of the team's schema, or `Route`. None: the route.
    pub resources: BTreeSet<Arc<str>>,
    /// No route asks it, only whoever asks for themselves. A policy about it is warned about.
    pub idle: bool,
}

/// What membership of a group gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GroupFact {
    pub roles: BTreeSet<Arc<str>>,
    /// The groups it is in.
    pub parents: BTreeSet<Arc<str>>,
}

impl GroupFact {
    /// It says nothing but that there is such a group.
    pub(crate) fn is_a_name_only(&self) -> bool {
        self.roles.is_empty() && self.parents.is_empty()
    }
}
