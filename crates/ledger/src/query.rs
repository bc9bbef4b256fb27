//! What to look for in the ledger.

use std::net::IpAddr;

use gabion_model::{Actor, ControlId, Event, EventKind, Outcome, RequestId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Position;

/// One recorded event and its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub position: Position,
    #[serde(flatten)]
    pub event: Event,
}

/// A search. Every field that is set must match; the default matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Query {
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    pub kind: Option<EventKind>,
    pub control: Option<ControlId>,
    pub outcome: Option<Outcome>,
    /// The action, whole.
    pub action: Option<String>,
    /// The resource, whole; with a `*` at its end, its beginning.
    pub resource: Option<String>,
    /// Name or id of an account, or `anonymous`, `gate`, `operator`.
    pub actor: Option<String>,
    pub address: Option<IpAddr>,
    pub request_id: Option<RequestId>,
    /// Whose record it is, whole.
    pub tenant: Option<TenantId>,
    /// Found in action, resource, reason, user agent, the actor's name or the metadata; ASCII case
    /// does not matter.
    pub text: Option<String>,
    /// At most so many records.
    pub limit: Option<usize>,
    pub order: Order,
}

/// In which order a search answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    #[default]
    NewestFirst,
    OldestFirst,
}

impl Query {
    /// Whether every field that is set fits the event. `limit` and `order` are the search's affair.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        self.since.is_none_or(|since| event.time >= since)
            && self.until.is_none_or(|until| event.time < until)
            && self.kind.is_none_or(|kind| event.kind == kind)
            && self.control.is_none_or(|control| event.control == control)
            && self.outcome.is_none_or(|outcome| event.outcome == outcome)
            && self.address.is_none_or(|address| event.address == Some(address))
            && self.request_id.is_none_or(|id| event.request_id == Some(id))
            && self.tenant.as_ref().is_none_or(|tenant| event.tenant.as_ref() == Some(tenant))
            && self.action.as_deref().is_none_or(|action| event.action == action)
            && self.resource.as_deref().is_none_or(|resource| is_resource(&event.resource, resource))
            && self.actor.as_deref().is_none_or(|name| is_actor(&event.actor, name))
            && self.text.as_deref().is_none_or(|text| mentions(event, text))
    }
}

fn is_actor(actor: &Actor, wanted: &str) -> bool {
    match actor {
        Actor::Account { id, name, .. } => name.eq_ignore_ascii_case(wanted) || id.as_str() == wanted,
        Actor::Anonymous => wanted == "anonymous",
        Actor::Gate => wanted == "gate",
        Actor::Operator => wanted == "operator",
    }
}

fn is_resource(resource: &str, wanted: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(beginning) => resource.starts_with(beginning),
        None => resource == wanted,
    }
}

fn mentions(event: &Event, text: &str) -> bool {
    let contains = |hay: &str| contains_ignoring_case(hay.as_bytes(), text.as_bytes());
    contains(&event.action)
        || contains(&event.resource)
        || event.reason.as_deref().is_some_and(contains)
        || event.user_agent.as_deref().is_some_and(contains)
        || matches!(&event.actor, Actor::Account { name, .. } if contains(name))
        || event.metadata.iter().any(|(key, value)| contains(key) || contains(value))
}

fn contains_ignoring_case(hay: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || hay.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle))
}
