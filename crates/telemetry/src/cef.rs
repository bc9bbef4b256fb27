//! ArcSight Common Event Format, version 0:
//! `CEF:0|Gabion|Gabion|VERSION|ACTION|ACTION OUTCOME|SEVERITY|key=value …`.
//!
//! In the header `\` and `|` are escaped, in the extension `\` and `=`. What could end the line is written as `\u{…}`
//! first. Severity: 1 informational, 3 low, 5 medium, 8 high, 10 critical.
//!
//! | key | |
//! |---|---|
//! | `rt` | when, in milliseconds since 1970 |
//! | `externalId` | the record's position in the ledger |
//! | `cat` | the kind of event |
//! | `outcome`, `reason` | how it ended, and why |
//! | `suid`, `suser` | the account's id and name; `anonymous`, `gate` or `operator` |
//! | `src`, or `c6a2` | the client's IPv4 or IPv6 address |
//! | `request`, `requestMethod`, `requestClientApplication` | path, method and user agent of a refused request |
//! | `cnt` | how many events it stands for |
//! | `cs1` to `cs5` | control, request id, resource, session, metadata as JSON; each says so in `csNLabel` |

use std::fmt::Write as _;
use std::net::IpAddr;

use gabion_model::{Actor, Event, EventKind, Severity};
use serde_json::json;

use crate::{Source, severity, text};

/// The event as one line, without its end.
#[must_use]
pub fn line(source: &Source<'_>, position: u64, event: &Event) -> String {
    let severity = match severity(event) {
        Severity::Informational => 1,
        Severity::Low => 3,
        Severity::Medium => 5,
        Severity::High => 8,
        Severity::Critical => 10,
    };
    let (version, action) = (header(source.version), header(&event.action));
    let outcome = event.outcome.as_str();
    let mut line = format!("CEF:0|Gabion|Gabion|{version}|{action}|{action} {outcome}|{severity}|");
    let mut extension = Extension(&mut line);
    extension.put("rt", &event.time.as_micros().div_euclid(1000).to_string());
    extension.put("externalId", &position.to_string());
    extension.put("cat", event.kind.as_str());
    extension.put("act", &event.action);
    extension.put("outcome", outcome);
    if let Some(reason) = &event.reason {
        extension.put("reason", reason);
    }
    let session = match &event.actor {
        Actor::Account { id, name, session } => {
            extension.put("suid", id.as_str());
            extension.put("suser", name);
            session.as_ref().map(gabion_model::SessionId::as_str)
        }
        Actor::Anonymous => extension.actor("anonymous"),
        Actor::Gate => extension.actor("gate"),
        Actor::Operator => extension.actor("operator"),
    };
    match event.address {
        Some(IpAddr::V4(address)) => extension.put("src", &address.to_string()),
        Some(IpAddr::V6(address)) => {
            extension.labelled("c6a2", "Source IPv6 Address", &address.to_string());
        }
        None => {}
    }
    if event.kind == EventKind::Refusal && event.resource.starts_with('/') {
        extension.put("request", &event.resource);
    }
    if let Some(method) = event.metadata.get("method") {
        extension.put("requestMethod", method);
    }
    if let Some(agent) = &event.user_agent {
        extension.put("requestClientApplication", agent);
    }
    if event.count > 1 {
        extension.put("cnt", &event.count.to_string());
    }
    extension.labelled("cs1", "control", event.control.as_str());
    if let Some(id) = event.request_id {
        extension.labelled("cs2", "requestId", &id.to_string());
    }
    if !event.resource.is_empty() {
        extension.labelled("cs3", "resource", &event.resource);
    }
    if let Some(session) = session {
        extension.labelled("cs4", "session", session);
    }
    if !event.metadata.is_empty() {
        extension.labelled("cs5", "metadata", &text::json(&json!(event.metadata)));
    }
    line.truncate(line.trim_end().len());
    line
}

struct Extension<'a>(&'a mut String);

impl Extension<'_> {
    /// Keys are our own words; values are anybody's.
    fn put(&mut self, key: &str, value: &str) {
        let _ = write!(self.0, "{key}={} ", extension(value));
    }

    fn labelled(&mut self, key: &str, label: &str, value: &str) {
        self.put(&format!("{key}Label"), label);
        self.put(key, value);
    }

    fn actor(&mut self, name: &str) -> Option<&'static str> {
        self.put("suser", name);
        None
    }
}

fn header(value: &str) -> String {
    text::flat(value).replace('\\', "\\\\").replace('|', "\\|")
}

fn extension(value: &str) -> String {
    text::flat(value).replace('\\', "\\\\").replace('=', "\\=")
}
