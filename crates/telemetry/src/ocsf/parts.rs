//! The objects an event is made of.

use gabion_model::{Actor, Event, EventKind};
use serde_json::{Map, Value, json};

use super::class;

/// Who acted.
pub(super) fn actor(event: &Event) -> Value {
    let Actor::Account { session, .. } = &event.actor else {
        return match event.actor {
            Actor::Gate => json!({ "app_name": "gabion" }),
            _ => json!({ "user": user(&event.actor) }),
        };
    };
    let mut actor = Map::new();
    let mut user = user(&event.actor);
    if let (Some(user), Some(credential)) = (user.as_object_mut(), credential(event)) {
        user.insert("credential_uid".to_owned(), credential.into());
    }
    actor.insert("user".to_owned(), user);
    if let Some(session) = session {
        actor.insert("session".to_owned(), json!({ "uid": session.as_str() }));
    }
    if event.kind == EventKind::Decision {
        let decision = event.outcome.as_str();
        let policies = event.metadata.get("policy.policies").map(String::as_str);
        let policy = policies.map(|policies| json!({ "uid": policies }));
        let mut authorization = json!({ "decision": decision });
        if let (Some(object), Some(policy)) = (authorization.as_object_mut(), policy) {
            object.insert("policy".to_owned(), policy);
        }
        actor.insert("authorizations".to_owned(), json!([authorization]));
    }
    Value::Object(actor)
}

/// An actor's name where it is no account.
pub(super) const fn actor_word(actor: &Actor) -> &'static str {
    match actor {
        Actor::Account { .. } => "account",
        Actor::Anonymous => "anonymous",
        Actor::Gate => "gate",
        Actor::Operator => "operator",
    }
}

fn user(actor: &Actor) -> Value {
    match actor {
        Actor::Account { id, name, .. } => json!({ "uid": id.as_str(), "name": name }),
        Actor::Anonymous => json!({ "name": "anonymous", "type_id": 0, "type": "Unknown" }),
        Actor::Gate | Actor::Operator => {
            json!({ "name": actor_word(actor), "type_id": 3, "type": "System" })
        }
    }
}

/// The account an event is about: the one it names, or whoever acted.
pub(super) fn account_of(event: &Event) -> Value {
    if let Some(name) = event.metadata.get("account").filter(|name| !name.is_empty()) {
        return json!({ "name": name });
    }
    if class::is_about_an_account(event) && !event.resource.is_empty() {
        if let Actor::Account { id, name, .. } = &event.actor
            && (*name == event.resource || id.as_str() == event.resource)
        {
            return user(&event.actor);
        }
        return json!({ "name": event.resource });
    }
    user(&event.actor)
}

/// The session an event is about.
pub(super) fn session(event: &Event) -> Option<Value> {
    let own = match &event.actor {
        Actor::Account { session, .. } => session.as_ref().map(gabion_model::SessionId::as_str),
        _ => None,
    };
    let id = event.metadata.get("session").map(String::as_str).or(own)?;
    Some(json!({ "uid": id }))
}

/// The id of the key, token or certificate that a program showed.
fn credential(event: &Event) -> Option<&str> {
    // The ledger hides what is called like a secret.
    let shown = |kind: &&str| event.metadata.get(*kind).filter(|id| *id != "***");
    CREDENTIALS.iter().find_map(shown).map(String::as_str)
}

/// As events name the kinds of credential.
const CREDENTIALS: &[&str] = &["api-key", "bearer", "certificate"];

/// Roles or scopes that were given or taken.
pub(super) fn privileges(event: &Event) -> Value {
    let names = ["scope", "scopes", "roles"];
    let texts = names.iter().filter_map(|name| event.metadata.get(*name));
    texts.flat_map(|text| text.split_whitespace()).map(Value::from).collect()
}

pub(super) fn api(event: &Event) -> Value {
    let mut api = json!({ "operation": event.action, "service": { "name": class::service(event) } });
    if let (Some(id), Some(api)) = (event.request_id, api.as_object_mut()) {
        api.insert("request".to_owned(), json!({ "uid": id.to_string() }));
    }
    api
}

pub(super) fn finding(position: u64, event: &Event) -> Value {
    let control = event.control.as_str();
    // An alert is about the rule that rang.
    let (analytic, title) = match event.kind {
        EventKind::Alert => {
            let rule = event.metadata.get("rule").unwrap_or(&event.resource);
            ((rule.as_str(), event.resource.as_str()), event.resource.as_str())
        }
        _ => ((control, control), event.action.as_str()),
    };
    let mut finding = json!({
        "uid": position.to_string(),
        "title": title,
        "created_time": event.time.as_micros().div_euclid(1000),
        "analytic": { "type_id": 1, "type": "Rule", "name": analytic.1, "uid": analytic.0 },
    });
    if let (Some(reason), Some(finding)) = (&event.reason, finding.as_object_mut()) {
        finding.insert("desc".to_owned(), reason.as_str().into());
    }
    finding
}

/// The incident a step was taken in; its digest stands in `unmapped`.
pub(super) fn incident(event: &Event) -> Value {
    json!({
        "uid": event.resource,
        "title": incident_title(event),
        "created_time": event.time.as_micros().div_euclid(1000),
        "analytic": { "type_id": 1, "type": "Rule", "name": event.control.as_str(), "uid": event.control.as_str() },
    })
}

/// Who works on it: a person, or nobody in particular.
pub(super) fn assignee(event: &Event) -> (&'static str, Value) {
    match &event.actor {
        Actor::Account { .. } => ("assignee", user(&event.actor)),
        _ => ("assignee_group", json!({ "name": actor_word(&event.actor) })),
    }
}

pub(super) fn incident_title(event: &Event) -> &str {
    event.metadata.get("title").unwrap_or(&event.resource)
}

pub(super) fn entity(event: &Event) -> Value {
    let kind = class::noun(&event.action);
    let name = if event.resource.is_empty() { kind } else { &event.resource };
    let type_id = match kind {
        "account" | "service-account" => 2,
        "group" => 3,
        _ => 99,
    };
    json!({ "name": name, "type": kind, "type_id": type_id })
}

pub(super) fn group(event: &Event) -> Value {
    let name = if event.resource.is_empty() { "unknown" } else { &event.resource };
    json!({ "name": name })
}

pub(super) fn http_request(event: &Event) -> Value {
    let mut request = Map::new();
    if let Some(method) = event.metadata.get("method").filter(|method| class::http_method(method).is_some()) {
        request.insert("http_method".to_owned(), method.as_str().into());
    }
    if !event.resource.is_empty() {
        request.insert("url".to_owned(), json!({ "path": event.resource }));
    }
    if let Some(agent) = &event.user_agent {
        request.insert("user_agent".to_owned(), agent.as_str().into());
    }
    if let Some(id) = event.request_id {
        request.insert("uid".to_owned(), id.to_string().into());
    }
    Value::Object(request)
}
