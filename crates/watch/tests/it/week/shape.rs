//! The shape of an event. Also read by `e2e/watch_shapes.rs`.

use gabion_model::{Actor, Event};

/// What of an event rules can rely on: class, action, outcome, control, actor, which fields there are, which metadata.
pub(crate) fn shape(event: &Event) -> String {
    let actor = match &event.actor {
        Actor::Account { session, .. } if session.is_some() => "account+session",
        Actor::Account { .. } => "account",
        Actor::Anonymous => "anonymous",
        Actor::Gate => "gate",
        Actor::Operator => "operator",
    };
    let mut words = vec![
        event.kind.as_str().to_owned(),
        event.action.clone(),
        event.outcome.as_str().to_owned(),
        event.control.as_str().to_owned(),
        actor.to_owned(),
    ];
    let fields = [
        ("resource", !event.resource.is_empty()),
        ("address", event.address.is_some()),
        ("reason", event.reason.is_some()),
        ("folded", event.count > 1),
    ];
    words.extend(fields.into_iter().filter(|(_, there)| *there).map(|(name, _)| name.to_owned()));
    // Of what is counted only what is not nothing is said.
    let counts = ["bytes", "distinct", "failed", "refused", "writes"];
    let keys = event.metadata.keys().filter(|key| !counts.contains(&key.as_str()) && *key != "since");
    words.extend(keys.map(|key| format!("+{key}")));
    words.join(" ")
}
