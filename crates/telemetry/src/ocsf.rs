//! The Open Cybersecurity Schema Framework, version [`VERSION`]: one JSON object for each event.
//!
//! Which class an event is follows from its kind and its action ([`class`](mod@class)). What OCSF has no place for stands in
//! `unmapped`: kind, control, resource and metadata as Gabion names them. `metadata.uid` is the record's position in the
//! ledger, by which it is proven (`gabion ledger prove`); `metadata.correlation_uid` is the request id, the same for the
//! beginning and the end of an act.
//!
//! An act that is on record before it happens (`begun`) has `status_id` 99 and the status `Begun`.

pub mod class;
mod parts;

use gabion_model::{Actor, Event, Outcome, Severity};
use serde_json::{Map, Value, json};

use crate::{Source, severity, text};
use class::{Class, Classified};

/// The version of the schema.
pub const VERSION: &str = "1.8.0";

/// The event as one line of JSON, without its end.
#[must_use]
pub fn line(source: &Source<'_>, position: u64, event: &Event) -> String {
    text::json(&event_object(source, position, event))
}

/// The event as an OCSF object.
#[must_use]
pub fn event_object(source: &Source<'_>, position: u64, event: &Event) -> Value {
    let classified = class::of(event);
    let mut object = base(source, position, event, &classified);
    let mut put = |name: &str, value: Value| {
        object.insert(name.to_owned(), value);
    };
    let endpoint = event.address.map(|address| json!({ "ip": address.to_string() }));
    match classified.class {
        Class::AccountChange => {
            put("user", parts::account_of(event));
            put("actor", parts::actor(event));
        }
        Class::ApiActivity => {
            put("actor", parts::actor(event));
            put("api", parts::api(event));
            if !event.resource.is_empty() {
                put("resources", json!([{ "name": event.resource }]));
            }
            if let Some(agent) = &event.user_agent {
                put("http_request", json!({ "user_agent": agent }));
            }
            if let Some((id, name)) = action(event) {
                put("action_id", id.into());
                put("action", name.into());
            }
            // Required; what the machine itself asks comes from here.
            let here = || json!({ "svc_name": "gabion" });
            put("src_endpoint", endpoint.clone().unwrap_or_else(here));
        }
        Class::ApplicationLifecycle => {
            put("app", json!({ "name": "Gabion", "vendor_name": "Gabion", "version": source.version }));
            put("actor", parts::actor(event));
        }
        Class::Authentication => {
            put("user", parts::account_of(event));
            put("actor", parts::actor(event));
            put("service", json!({ "name": "gabion" }));
            put("is_remote", event.address.is_some().into());
            if let Some(session) = parts::session(event) {
                put("session", session);
            }
        }
        Class::AuthorizeSession | Class::UserAccess => {
            put("user", parts::account_of(event));
            put("actor", parts::actor(event));
            put("privileges", parts::privileges(event));
            if classified.class == Class::UserAccess && !event.resource.is_empty() {
                put("resource", json!({ "name": event.resource }));
            }
        }
        Class::DetectionFinding => {
            put("actor", parts::actor(event));
            put("finding_info", parts::finding(position, event));
            put("is_alert", true.into());
            if let Some(endpoint) = &endpoint {
                put("evidences", json!([{ "src_endpoint": endpoint }]));
            }
        }
        Class::EntityManagement => {
            put("actor", parts::actor(event));
            put("entity", parts::entity(event));
        }
        Class::IncidentFinding => {
            put("finding_info_list", json!([parts::incident(event)]));
            put("desc", parts::incident_title(event).into());
            let (name, assignee) = parts::assignee(event);
            put(name, assignee);
        }
        Class::GroupManagement => {
            put("actor", parts::actor(event));
            put("group", parts::group(event));
            put("privileges", parts::privileges(event));
        }
        Class::HttpActivity => {
            put("actor", parts::actor(event));
            put("http_request", parts::http_request(event));
            if let Some(code) = event.metadata.get("status").and_then(|code| code.parse::<u16>().ok()) {
                put("http_response", json!({ "code": code }));
            }
            put("policy", json!({ "name": event.control.as_str(), "uid": event.control.as_str() }));
            if let Some((id, name)) = action(event) {
                put("action_id", id.into());
                put("action", name.into());
            }
        }
    }
    if let Some(endpoint) = endpoint
        && !matches!(
            classified.class,
            Class::ApiActivity
                | Class::ApplicationLifecycle
                | Class::DetectionFinding
                | Class::IncidentFinding
        )
    {
        put("src_endpoint", endpoint);
    }
    Value::Object(object)
}

/// What every class has.
fn base(source: &Source<'_>, position: u64, event: &Event, classified: &Classified) -> Map<String, Value> {
    let Classified { class, activity, activity_name } = classified;
    let (severity_id, severity) = match severity(event) {
        Severity::Informational => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    };
    let (status_id, status) = match (class, event.outcome) {
        (Class::DetectionFinding, _) => (1, "New"),
        (Class::IncidentFinding, _) => match event.action.as_str() {
            "incident.open" => (1, "New"),
            "incident.close" => (5, "Closed"),
            _ => (2, "In Progress"),
        },
        (_, Outcome::Success) => (1, "Success"),
        (_, Outcome::Failure) => (2, "Failure"),
        (_, Outcome::Begun) => (99, "Begun"),
    };
    let mut metadata = json!({
        "version": VERSION,
        "product": { "name": "Gabion", "vendor_name": "Gabion", "version": source.version },
        "uid": position.to_string(),
        "event_code": event.action,
        "log_name": "ledger",
        "labels": [event.control.as_str()],
        "original_time": event.time.to_string(),
        "profiles": class.profiles(),
    });
    if let (Some(id), Some(metadata)) = (event.request_id, metadata.as_object_mut()) {
        metadata.insert("correlation_uid".to_owned(), id.to_string().into());
    }
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| {
        object.insert(name.to_owned(), value);
    };
    put("class_uid", class.uid().into());
    put("class_name", class.name().into());
    put("category_uid", (class.uid() / 1000).into());
    put("category_name", class.category().into());
    put("activity_id", (*activity).into());
    put("activity_name", activity_name.as_ref().into());
    put("type_uid", (class.uid() * 100 + u64::from(*activity)).into());
    put("type_name", format!("{}: {activity_name}", class.name()).into());
    put("time", event.time.as_micros().div_euclid(1000).into());
    put("severity_id", severity_id.into());
    put("severity", severity.into());
    put("status_id", status_id.into());
    put("status", status.into());
    if let Some(reason) = &event.reason {
        put("status_detail", reason.as_str().into());
    }
    put("message", format!("{} {}", event.action, event.outcome.as_str()).into());
    if event.count > 1 {
        put("count", event.count.into());
    }
    if let (Some(tenant), Some(metadata)) = (&event.tenant, metadata.as_object_mut()) {
        metadata.insert("tenant_uid".to_owned(), tenant.as_str().into());
    }
    put("metadata", metadata);
    let mut unmapped = Map::new();
    unmapped.insert("kind".to_owned(), event.kind.as_str().into());
    unmapped.insert("control".to_owned(), event.control.as_str().into());
    if !event.resource.is_empty() {
        unmapped.insert("resource".to_owned(), event.resource.as_str().into());
    }
    if matches!(event.actor, Actor::Anonymous | Actor::Gate | Actor::Operator) {
        unmapped.insert("actor".to_owned(), parts::actor_word(&event.actor).into());
    }
    if !event.metadata.is_empty() {
        unmapped.insert("metadata".to_owned(), json!(event.metadata));
    }
    put("unmapped", Value::Object(unmapped));
    object
}

/// What the gate did about it (profile `security_control`).
fn action(event: &Event) -> Option<(u8, &'static str)> {
    use gabion_model::EventKind::{Decision, Refusal};
    match (event.kind, event.outcome) {
        (Decision, Outcome::Success) => Some((1, "Allowed")),
        (Decision | Refusal, Outcome::Failure) => Some((2, "Denied")),
        // Checks that only observe.
        (Refusal, Outcome::Success) => Some((3, "Observed")),
        _ => None,
    }
}
