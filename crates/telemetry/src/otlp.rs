//! OTLP, the OpenTelemetry Protocol, version 1.9: events as log records, requests as spans, and what a collector answers.
//!
//! A message is described once ([`message`]) and written in either of the encodings that OTLP/HTTP knows: protobuf, or JSON by its
//! own mapping (identifiers in hexadecimal, 64-bit numbers as texts, enumerations as numbers).
//!
//! | of an event | in its log record |
//! |---|---|
//! | time | `time_unix_nano` |
//! | severity | `severity_number` 9 (informational), 10 (low), 13 (medium), 17 (high), 21 (critical), and its name |
//! | action | `event_name` |
//! | action, outcome, reason | the body, one line of text |
//! | address, user agent, account, session | `client.address`, `user_agent.original`, `user.id`, `user.name`, `session.id` |
//! | of a refusal: method, path, status | `http.request.method`, `url.path`, `http.response.status_code` |
//! | everything else | `gabion.position`, `gabion.kind`, `gabion.outcome`, `gabion.control`, `gabion.resource`, `gabion.actor`, `gabion.request_id`, `gabion.count`, `gabion.metadata.KEY` |
//!
//! Names without `gabion.` are of the OpenTelemetry semantic conventions, [`SCHEMA`].

mod answer;
pub mod message;
mod span;

use gabion_model::{Actor, Event, EventKind, Severity, Timestamp};

pub use answer::{AnswerFault, Rejected, partial_success};
pub use message::Encoding;
pub use span::{Span, SpanKind, SpanStatus, spans};

use crate::{Source, severity, text};
use message::{Field, Node};

/// The semantic conventions that the names are of.
pub const SCHEMA: &str = "https://opentelemetry.io/schemas/1.37.0";

/// What something has: a name and a value.
pub type Attribute = (String, AttributeValue);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeValue {
    Number(i64),
    Text(String),
}

impl From<&str> for AttributeValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for AttributeValue {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<u16> for AttributeValue {
    fn from(value: u16) -> Self {
        Self::Number(value.into())
    }
}

/// An `ExportLogsServiceRequest` with these records, each with its position.
#[must_use]
pub fn logs<'a>(
    encoding: Encoding,
    source: &Source<'_>,
    now: Timestamp,
    records: impl Iterator<Item = (u64, &'a Event)>,
) -> Vec<u8> {
    let records = records.map(|(position, event)| Node::Message(record(now, position, event))).collect();
    let scope = vec![
        Field::new("name", 1, Node::Text("gabion.ledger".to_owned())),
        Field::new("version", 2, Node::Text(text::flat(source.version))),
    ];
    let scoped = vec![
        Field::new("scope", 1, Node::Message(scope)),
        Field::new("logRecords", 2, Node::List(records)),
        Field::new("schemaUrl", 3, Node::Text(SCHEMA.to_owned())),
    ];
    let resource = vec![
        Field::new("resource", 1, resource(source, "gabion")),
        Field::new("scopeLogs", 2, Node::List(vec![Node::Message(scoped)])),
        Field::new("schemaUrl", 3, Node::Text(SCHEMA.to_owned())),
    ];
    message::write(encoding, &[Field::new("resourceLogs", 1, Node::List(vec![Node::Message(resource)]))])
}

/// Who sends.
fn resource(source: &Source<'_>, service: &str) -> Node {
    let mut all = vec![
        ("service.name".to_owned(), service.into()),
        ("service.version".to_owned(), source.version.into()),
    ];
    if !source.host.is_empty() {
        all.push(("host.name".to_owned(), source.host.into()));
    }
    Node::Message(vec![Field::new("attributes", 1, attributes(&all))])
}

fn record(now: Timestamp, position: u64, event: &Event) -> Vec<Field> {
    let (number, name) = match severity(event) {
        Severity::Informational => (9, "INFO"),
        Severity::Low => (10, "INFO2"),
        Severity::Medium => (13, "WARN"),
        Severity::High => (17, "ERROR"),
        Severity::Critical => (21, "FATAL"),
    };
    let mut body = format!("{} {}", event.action, event.outcome.as_str());
    if let Some(reason) = &event.reason {
        body.push_str(": ");
        body.push_str(reason);
    }
    vec![
        Field::new("timeUnixNano", 1, Node::Fixed64(nanos(event.time))),
        Field::new("severityNumber", 2, Node::Enumeration(number)),
        Field::new("severityText", 3, Node::Text(name.to_owned())),
        Field::new(
            "body",
            5,
            Node::Message(vec![Field::new("stringValue", 1, Node::Text(text::flat(&body)))]),
        ),
        Field::new("attributes", 6, attributes(&attributes_of(position, event))),
        Field::new("observedTimeUnixNano", 11, Node::Fixed64(nanos(now))),
        Field::new("eventName", 12, Node::Text(text::flat(&event.action))),
    ]
}

fn attributes_of(position: u64, event: &Event) -> Vec<Attribute> {
    let mut all: Vec<Attribute> = Vec::new();
    let mut put = |name: &str, value: AttributeValue| all.push((name.to_owned(), value));
    put("gabion.position", AttributeValue::Number(i64::try_from(position).unwrap_or(i64::MAX)));
    put("gabion.kind", event.kind.as_str().into());
    put("gabion.outcome", event.outcome.as_str().into());
    put("gabion.control", event.control.as_str().into());
    match &event.actor {
        Actor::Account { id, name, session } => {
            put("gabion.actor", "account".into());
            put("user.id", id.as_str().into());
            put("user.name", name.as_str().into());
            if let Some(session) = session {
                put("session.id", session.as_str().into());
            }
        }
        Actor::Anonymous => put("gabion.actor", "anonymous".into()),
        Actor::Gate => put("gabion.actor", "gate".into()),
        Actor::Operator => put("gabion.actor", "operator".into()),
    }
    if !event.resource.is_empty() {
        put("gabion.resource", event.resource.as_str().into());
    }
    if let Some(address) = event.address {
        put("client.address", address.to_string().into());
    }
    if let Some(agent) = &event.user_agent {
        put("user_agent.original", agent.as_str().into());
    }
    if let Some(id) = event.request_id {
        put("gabion.request_id", id.to_string().into());
    }
    if let Some(reason) = &event.reason {
        put("gabion.reason", reason.as_str().into());
    }
    if event.count > 1 {
        put("gabion.count", AttributeValue::Number(i64::try_from(event.count).unwrap_or(i64::MAX)));
    }
    if event.kind == EventKind::Refusal {
        if event.resource.starts_with('/') {
            put("url.path", event.resource.as_str().into());
        }
        if let Some(method) = event.metadata.get("method") {
            put("http.request.method", method.as_str().into());
        }
        if let Some(status) = event.metadata.get("status").and_then(|status| status.parse::<u16>().ok()) {
            put("http.response.status_code", status.into());
        }
    }
    for (key, value) in &event.metadata {
        put(&format!("gabion.metadata.{}", text::flat(key)), value.as_str().into());
    }
    all
}

fn attributes(all: &[Attribute]) -> Node {
    let one = |(key, value): &Attribute| {
        let value = match value {
            AttributeValue::Text(value) => Field::new("stringValue", 1, Node::Text(text::flat(value))),
            AttributeValue::Number(value) => Field::new("intValue", 3, Node::Signed(*value)),
        };
        Node::Message(vec![
            Field::new("key", 1, Node::Text(key.clone())),
            Field::new("value", 2, Node::Message(vec![value])),
        ])
    };
    Node::List(all.iter().map(one).collect())
}

/// Nanoseconds since 1970; 0, which OTLP calls unknown, for what was before.
fn nanos(time: Timestamp) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(0).saturating_mul(1000)
}

#[cfg(test)]
mod tests;
