//! Alerts that say the same.

use std::collections::BTreeMap;

use gabion_model::{Event, Severity, Timestamp};
use serde::{Deserialize, Serialize};

/// How a group stands. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupState {
    /// Somebody has it.
    Acknowledged,
    Closed,
    Open,
    /// Nobody is told.
    Silenced,
}

impl GroupState {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Silenced => "silenced",
        }
    }
}

/// Who did something to a group, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    pub by: String,
    pub at: Timestamp,
}

/// Alerts of one rule for the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub id: u64,
    /// By which the next alert is known to belong here.
    pub key: String,
    /// The rule's name, or its id where it has none.
    pub rule: String,
    /// What it is and why it rang, in words; of the latest alert.
    pub summary: String,
    /// What the rule looks for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// When it rings and nobody attacks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub false_positives: String,
    pub severity: Severity,
    /// How bad it was before it became worse.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub was: Vec<Severity>,
    pub state: GroupState,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// Alerts.
    pub count: u64,
    /// What the events have in common.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Of MITRE ATT&CK.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub techniques: String,
    /// Who wrote the rule; said wherever the alert is passed on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    pub control: String,
    /// The latest alerts' places in the ledger, oldest first.
    pub alerts: Vec<u64>,
    /// To which step it was escalated; the first is 1.
    pub step: u8,
    /// When somebody was told last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Timestamp>,
    /// Channels that were told of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Touched>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Touched>,
}

impl Group {
    pub(crate) fn of(id: u64, key: String, position: u64, event: &Event) -> Self {
        let text = |name: &str| event.metadata.get(name).cloned().unwrap_or_default();
        let mut group = Self {
            id,
            key,
            rule: rule(event).to_owned(),
            summary: String::new(),
            description: cut(&text("description"), SUMMARY),
            false_positives: cut(&text("false_positives"), SUMMARY),
            severity: severity(event),
            was: Vec::new(),
            state: GroupState::Open,
            first_seen: event.time,
            last_seen: event.time,
            count: 0,
            fields: fields(event),
            address: None,
            techniques: text("techniques"),
            author: text("author"),
            control: event.control.as_str().to_owned(),
            alerts: Vec::new(),
            step: 1,
            told: None,
            channels: Vec::new(),
            silence: None,
            acknowledged: None,
            closed: None,
        };
        group.take(position, event);
        group
    }

    /// One more of the same; whether it is worse than those before.
    pub(crate) fn take(&mut self, position: u64, event: &Event) -> bool {
        let repeated = event.metadata.get("repeated").and_then(|text| text.parse().ok()).unwrap_or(0_u64);
        self.count = self.count.saturating_add(1).saturating_add(repeated);
        self.last_seen = self.last_seen.max(event.time);
        self.summary = cut(event.reason.as_deref().unwrap_or_default(), SUMMARY);
        self.address = event.address.map(|address| address.to_string());
        self.alerts.push(position);
        if self.alerts.len() > ALERTS {
            self.alerts.remove(0);
        }
        let worse = severity(event) > self.severity;
        if worse {
            self.was.push(self.severity);
        }
        self.severity = self.severity.max(severity(event));
        worse
    }

    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == GroupState::Closed
    }
}

pub(crate) fn rule(event: &Event) -> &str {
    if event.resource.is_empty() {
        event.metadata.get("rule").map_or("", String::as_str)
    } else {
        &event.resource
    }
}

pub(crate) fn severity(event: &Event) -> Severity {
    event.severity.unwrap_or(Severity::Medium)
}

fn fields(event: &Event) -> BTreeMap<String, String> {
    let grouped = |(name, value): (&String, &String)| {
        Some((cut(name.strip_prefix("group.")?, FIELD), cut(value, FIELD)))
    };
    event.metadata.iter().filter_map(grouped).take(FIELDS).collect()
}

/// Rule and what the events have in common; no two of them can look like one.
pub(crate) fn key(event: &Event) -> String {
    let mut key = String::new();
    let mut part = |text: &str| {
        key.push_str(&text.replace('\u{1f}', "\u{fffd}"));
        key.push('\u{1f}');
    };
    part(event.metadata.get("rule").map_or(&*event.resource, String::as_str));
    for (name, value) in fields(event) {
        part(&name);
        part(&value);
    }
    key
}

/// No more characters than these.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text.to_owned(),
    }
}

const SUMMARY: usize = 1000;
const FIELD: usize = 256;
const FIELDS: usize = 12;
const ALERTS: usize = 20;
