//! A rule rang.

use std::net::IpAddr;
use std::time::Duration;

use gabion_model::{Actor, ControlId, Event, EventKind, Outcome, Severity, Timestamp};
use serde::Serialize;

use crate::anomaly::Figure;
use crate::rule::Rule;

/// A rule rang: which, on what, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    /// The rule's id.
    pub rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub title: String,
    /// What the rule looks for, in words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// When it rings and nobody attacks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub false_positives: Vec<String>,
    pub level: Severity,
    /// Of MITRE ATT&CK.
    pub techniques: Vec<String>,
    pub control: ControlId,
    /// Who wrote the rule; whoever passes the alert on must say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// When the event happened by which it rang.
    pub time: Timestamp,
    /// Field and value of what the events have in common.
    pub group: Vec<(String, String)>,
    /// Counted together with other groups, because there were too many to tell apart.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// Events, values, the sum or the rules, as the rule counts.
    pub count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u64>,
    #[serde(skip)]
    pub timespan: Option<Duration>,
    /// How often it would have rung for the same since it last rang, had it not been quiet.
    pub repeated: u64,
    /// The events' places in the ledger: the latest, oldest first.
    pub events: Vec<u64>,
    /// From where the last event came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// What was expected and seen, where the rule asks for what is unusual.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
    /// The rule is only tried: nothing is recorded, and nobody is told.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Why, in words.
    pub explanation: Vec<String>,
}

impl Alert {
    /// The action of alerts in the ledger.
    pub const ACTION: &'static str = "alert.raised";

    /// As the ledger keeps it.
    #[must_use]
    pub fn event(&self, now: Timestamp) -> Event {
        let mut event =
            Event::new(now, EventKind::Alert, Self::ACTION, Actor::Gate, Outcome::Success, self.control);
        event.resource = self.name.as_ref().unwrap_or(&self.rule).clone();
        event.address = self.address;
        event.severity = Some(self.level);
        event.reason = Some(format!("{}: {}", self.title, self.explanation.join("; ")));
        let positions: Vec<_> = self.events.iter().map(u64::to_string).collect();
        let mut add = |key: &str, value: String| {
            if !value.is_empty() {
                event.metadata.insert(key.to_owned(), value);
            }
        };
        add("at", self.time.to_string());
        add("author", self.author.clone().unwrap_or_default());
        add("count", self.count.to_string());
        add("description", self.description.clone());
        add("events", positions.join(" "));
        add("false_positives", self.false_positives.join(" "));
        add("repeated", if self.repeated == 0 { String::new() } else { self.repeated.to_string() });
        add("rule", self.rule.clone());
        add("shared", if self.shared { "true".to_owned() } else { String::new() });
        add("techniques", self.techniques.join(" "));
        add("threshold", self.threshold.map(|least| least.to_string()).unwrap_or_default());
        if let Some(figure) = self.figures.first() {
            add("expected", format!("{:.0}", figure.expected));
            add("learnt_since", figure.since.to_string());
            add("seen", format!("{:.0}", figure.seen));
        }
        for (field, value) in &self.group {
            add(&format!("group.{field}"), value.clone());
        }
        event
    }

    /// What rings, for whom: two alerts that say the same have the same.
    #[must_use]
    pub fn key(&self) -> String {
        let values = self.group.iter().map(|(_, value)| value.as_str());
        key(std::iter::once(self.rule.as_str()).chain(values))
    }

    /// The key of an alert that the ledger has.
    #[must_use]
    pub fn key_of(rule: &Rule, event: &Event) -> String {
        let value = |field: &String| event.metadata.get(&format!("group.{field}")).map(String::as_str);
        key(std::iter::once(rule.id.as_str()).chain(rule.group_fields().iter().filter_map(value)))
    }
}

/// Texts as one; none of them can look like two.
pub(crate) fn key<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    let mut key = String::new();
    for part in parts {
        key.push_str(&part.replace('\u{1f}', "\u{fffd}"));
        key.push('\u{1f}');
    }
    key
}
