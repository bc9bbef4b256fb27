//! Spans of requests (`ExportTraceServiceRequest`).

use gabion_model::Timestamp;

use super::message::{self, Encoding, Field, Node};
use super::{Attribute, SCHEMA, attributes, nanos, resource};
use crate::{Source, text};

/// A piece of work with a beginning and an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub trace: [u8; 16],
    pub id: [u8; 8],
    /// The span it is a part of.
    pub parent: Option<[u8; 8]>,
    /// `tracestate` as it was received.
    pub state: String,
    /// The flags of `traceparent`: bit 0 says sampled.
    pub flags: u8,
    /// Whether the parent is in another process.
    pub remote_parent: bool,
    pub name: String,
    pub kind: SpanKind,
    pub start: Timestamp,
    pub end: Timestamp,
    pub attributes: Vec<Attribute>,
    pub status: SpanStatus,
}

/// Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    Client,
    Internal,
    Server,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanStatus {
    Error,
    Unset,
}

/// An `ExportTraceServiceRequest` of the service of that name.
#[must_use]
pub fn spans(encoding: Encoding, source: &Source<'_>, service: &str, spans: &[Span]) -> Vec<u8> {
    let spans = spans.iter().map(|span| Node::Message(one(span))).collect();
    let scope = vec![
        Field::new("name", 1, Node::Text("gabion.requests".to_owned())),
        Field::new("version", 2, Node::Text(text::flat(source.version))),
    ];
    let scoped = vec![
        Field::new("scope", 1, Node::Message(scope)),
        Field::new("spans", 2, Node::List(spans)),
        Field::new("schemaUrl", 3, Node::Text(SCHEMA.to_owned())),
    ];
    let resource = vec![
        Field::new("resource", 1, resource(source, service)),
        Field::new("scopeSpans", 2, Node::List(vec![Node::Message(scoped)])),
        Field::new("schemaUrl", 3, Node::Text(SCHEMA.to_owned())),
    ];
    message::write(encoding, &[Field::new("resourceSpans", 1, Node::List(vec![Node::Message(resource)]))])
}

fn one(span: &Span) -> Vec<Field> {
    let mut fields = vec![
        Field::new("traceId", 1, Node::Id(span.trace.to_vec())),
        Field::new("spanId", 2, Node::Id(span.id.to_vec())),
    ];
    if !span.state.is_empty() {
        fields.push(Field::new("traceState", 3, Node::Text(text::flat(&span.state))));
    }
    if let Some(parent) = span.parent {
        fields.push(Field::new("parentSpanId", 4, Node::Id(parent.to_vec())));
    }
    let kind = match span.kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
    };
    // Bit 8: it is known whether the parent is remote; bit 9: it is.
    let remote = if span.remote_parent { 0x300 } else { 0x100 };
    fields.extend([
        Field::new("name", 5, Node::Text(text::flat(&span.name))),
        Field::new("kind", 6, Node::Enumeration(kind)),
        Field::new("startTimeUnixNano", 7, Node::Fixed64(nanos(span.start))),
        Field::new("endTimeUnixNano", 8, Node::Fixed64(nanos(span.end.max(span.start)))),
        Field::new("attributes", 9, attributes(&span.attributes)),
    ]);
    if span.status == SpanStatus::Error {
        fields.push(Field::new(
            "status",
            15,
            Node::Message(vec![Field::new("code", 3, Node::Enumeration(2))]),
        ));
    }
    fields.push(Field::new("flags", 16, Node::Fixed32(u32::from(span.flags) | remote)));
    fields
}
