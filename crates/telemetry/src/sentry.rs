//! Sentry: one event an envelope (Sentry's "Envelopes" and "Event Payloads" of its developer documentation).
//!
//! An issue groups what has the same fingerprint: the action and the control, or what the event says itself in the metadata
//! `fingerprint`. `release` and `environment` come from the metadata of these names. The event's id follows from what
//! the event is, so one that is sent twice is counted once.

use gabion_model::{Actor, Event, Severity};
use serde_json::{Map, Value, json};

use crate::{Source, severity, text};

/// The event as an envelope: three lines of JSON, the last one the payload. `id` are 16 bytes that are the same for the same
/// record.
#[must_use]
pub fn envelope(source: &Source<'_>, id: [u8; 16], position: u64, event: &Event) -> String {
    let id = format!("{:032x}", u128::from_be_bytes(id));
    let payload = text::json(&payload(source, &id, position, event));
    let header = text::json(&json!({ "event_id": id }));
    let item = json!({ "type": "event", "content_type": "application/json", "length": payload.len() });
    format!("{header}\n{}\n{payload}\n", text::json(&item))
}

fn payload(source: &Source<'_>, id: &str, position: u64, event: &Event) -> Value {
    let level = match severity(event) {
        Severity::Informational | Severity::Low => "info",
        Severity::Medium => "warning",
        Severity::High => "error",
        Severity::Critical => "fatal",
    };
    let mut tags = Map::new();
    let mut tag = |key: &str, value: &str| {
        tags.insert(key.to_owned(), bounded(value, MOST_TAG).into());
    };
    tag("control", event.control.as_str());
    tag("kind", event.kind.as_str());
    tag("action", &event.action);
    tag("outcome", event.outcome.as_str());
    if let Some(id) = event.request_id {
        tag("request_id", &id.to_string());
    }
    let mut message = format!("{} {}", event.action, event.outcome.as_str());
    if let Some(reason) = &event.reason {
        message.push_str(": ");
        message.push_str(reason);
    }
    let said = |key: &str| event.metadata.get(key).filter(|value| !value.is_empty());
    let fingerprint = said("fingerprint").map_or_else(
        || vec!["gabion".to_owned(), event.action.clone(), event.control.as_str().to_owned()],
        |own| vec!["gabion".to_owned(), own.clone()],
    );
    let mut extra = Map::new();
    extra.insert("position".to_owned(), position.into());
    extra.insert("resource".to_owned(), text::flat(&event.resource).into());
    if event.count > 1 {
        extra.insert("count".to_owned(), event.count.into());
    }
    for (key, value) in &event.metadata {
        extra.insert(format!("metadata.{}", text::flat(key)), text::flat(value).into());
    }
    let mut object = json!({
        "event_id": id,
        "timestamp": event.time.to_string(),
        "platform": "other",
        "logger": "gabion.ledger",
        "level": level,
        "message": { "formatted": bounded(&message, MOST_MESSAGE) },
        "fingerprint": fingerprint.iter().map(|part| text::flat(part)).collect::<Vec<_>>(),
        "tags": tags,
        "extra": extra,
        "sdk": { "name": "gabion", "version": source.version },
    });
    if let Some(object) = object.as_object_mut() {
        if !source.host.is_empty() {
            object.insert("server_name".to_owned(), source.host.into());
        }
        for key in ["release", "environment"] {
            if let Some(value) = said(key) {
                object.insert(key.to_owned(), text::flat(value).into());
            }
        }
        let mut user = Map::new();
        if let Actor::Account { id, name, .. } = &event.actor {
            user.insert("id".to_owned(), id.as_str().into());
            user.insert("username".to_owned(), text::flat(name).into());
        }
        if let Some(address) = event.address {
            user.insert("ip_address".to_owned(), address.to_string().into());
        }
        if !user.is_empty() {
            object.insert("user".to_owned(), user.into());
        }
    }
    object
}

/// Without line ends, and no longer than Sentry takes.
fn bounded(value: &str, most: usize) -> String {
    text::flat(value).chars().take(most).collect()
}

const MOST_TAG: usize = 200;
const MOST_MESSAGE: usize = 1000;

#[cfg(test)]
mod tests {
    use gabion_model::{ControlId, EventKind, Outcome, Timestamp};
    use proptest::prelude::*;

    use super::*;

    fn lines(event: &Event) -> Vec<Value> {
        let source = Source { version: "0.1.0", host: "gate-1" };
        let text = envelope(&source, [1; 16], 7, event);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn event() -> Event {
        let (now, kind) = (Timestamp::from_micros(1_767_323_045_000_006), EventKind::Alert);
        Event::new(now, kind, "alert.raised", Actor::Gate, Outcome::Failure, ControlId::LEDGER_SHIPPING)
    }

    #[test]
    fn an_issue_is_what_has_the_same_fingerprint() {
        let mut event = event();
        let lines_of = lines(&event);
        assert_eq!(lines_of[0]["event_id"], "01010101010101010101010101010101");
        assert_eq!(lines_of[2]["fingerprint"], json!(["gabion", "alert.raised", "ledger.shipping"]));
        assert_eq!(lines_of[2]["timestamp"], "2026-01-02T03:04:05.000006Z");
        event.metadata.insert("fingerprint".to_owned(), "f00".to_owned());
        event.metadata.insert("release".to_owned(), "shop@1.2".to_owned());
        let lines_of = lines(&event);
        assert_eq!(lines_of[2]["fingerprint"], json!(["gabion", "f00"]));
        assert_eq!(lines_of[2]["release"], "shop@1.2");
    }

    proptest! {
        #[test]
        fn an_envelope_is_three_lines(text: String) {
            let mut event = event();
            event.resource.clone_from(&text);
            event.reason = Some(text.clone());
            event.action.clone_from(&text);
            event.metadata.insert(text.clone(), text);
            let lines = lines(&event);
            prop_assert_eq!(lines.len(), 3);
            prop_assert_eq!(lines[1]["length"].as_u64().unwrap() as usize, text::json(&lines[2]).len());
        }
    }
}
