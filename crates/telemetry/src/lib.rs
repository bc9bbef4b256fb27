//! Events in the forms other programs read: [`ocsf`] (Open Cybersecurity Schema Framework), [`cef`] (ArcSight Common
//! Event Format), [`syslog`] (RFC 5424), [`otlp`] (OpenTelemetry), [`sentry`] envelopes and [`bulk`] requests to
//! Elasticsearch and OpenSearch.
//!
//! Values in, text or bytes out. Events hold texts that attackers chose (paths, user agents, names), so every form
//! keeps them inside their field: whatever an event holds, a line is one line, and its fields are those that were put
//! there (CWE-117). The forms hold this by themselves and do not rely on what the ledger cleaned before.
//!
//! A crate because another reader starts here: whoever maps Gabion's events into a SIEM.

pub mod bulk;
pub mod cef;
pub mod ocsf;
pub mod otlp;
pub mod sentry;
pub mod syslog;
mod text;
pub mod trace_context;

use gabion_model::{Event, EventKind, Outcome, Severity};

/// Who sends, for the forms that say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'a> {
    /// Gabion's version.
    pub version: &'a str,
    /// The machine's name; empty when it is not known.
    pub host: &'a str,
}

/// How bad an event is: what it says itself, or what kind and outcome tell.
#[must_use]
pub const fn severity(event: &Event) -> Severity {
    if let Some(severity) = event.severity {
        return severity;
    }
    match (event.outcome, event.kind) {
        (Outcome::Failure, EventKind::Configuration) => Severity::Medium,
        (Outcome::Failure, _) => Severity::Low,
        (Outcome::Begun | Outcome::Success, _) => Severity::Informational,
    }
}
