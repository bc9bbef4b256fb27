//! What happened, in its order: the ledger's events about the incident's subjects, and the incident's own steps.

use gabion_model::{Actor, Event, EventKind, Outcome, Timestamp};
use serde::Serialize;

use crate::incident::Incident;
use crate::step::{Step, What};

/// Entries of a timeline.
pub const MOST: usize = 1_000;

/// One line of the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub at: Timestamp,
    pub sort: Sort,
    /// Its place in the ledger, by which it is proven; none for a step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// The number of the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    pub who: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    pub text: String,
    /// How many events it stands for.
    pub count: u64,
}

/// What kind of thing an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    Alert,
    /// What people did for the incident.
    Response,
    SignIn,
    FailedSignIn,
    Refusal,
    Change,
}

impl Sort {
    pub const ALL: [Self; 6] =
        [Self::Alert, Self::Response, Self::SignIn, Self::FailedSignIn, Self::Refusal, Self::Change];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Response => "response",
            Self::SignIn => "sign-in",
            Self::FailedSignIn => "failed sign-in",
            Self::Refusal => "refusal",
            Self::Change => "change",
        }
    }
}

/// Whether an event belongs to the incident: it is one of those an alert rang for, an alert of it, or about a subject.
#[must_use]
pub fn concerns(incident: &Incident, position: u64, event: &Event) -> bool {
    if event.kind == EventKind::Incident {
        return false;
    }
    let rang =
        incident.alerts.iter().any(|alert| alert.position == position || alert.events.contains(&position));
    // What the gate did because of it is about the target, not about the one who did it.
    rang || incident.subjects.iter().any(|subject| subject.is_in(event))
}

/// An event's line. None for the beginning of an act: its end says the same and more.
#[must_use]
pub fn of_event(position: u64, event: &Event) -> Option<Entry> {
    if event.outcome == Outcome::Begun {
        return None;
    }
    let sort = match (event.kind, event.outcome) {
        (EventKind::Alert, _) => Sort::Alert,
        (EventKind::Login, Outcome::Success) => Sort::SignIn,
        (EventKind::Login, _) => Sort::FailedSignIn,
        (EventKind::Refusal, _) => Sort::Refusal,
        _ => Sort::Change,
    };
    let mut text = event.action.clone();
    if !event.resource.is_empty() {
        text = format!("{text} {}", event.resource);
    }
    if event.outcome == Outcome::Failure && sort == Sort::Change {
        text.push_str(" failed");
    }
    if let Some(reason) = &event.reason {
        text = format!("{text}: {reason}");
    }
    Some(Entry {
        at: event.time,
        sort,
        record: Some(position),
        step: None,
        who: who(&event.actor),
        from: event.address.map(|address| address.to_string()),
        text,
        count: event.count,
    })
}

/// A step's line.
#[must_use]
pub fn of_step(step: &Step) -> Entry {
    let sort = if matches!(step.what, What::Joined { .. }) { Sort::Alert } else { Sort::Response };
    Entry {
        at: step.at,
        sort,
        record: None,
        step: Some(step.number),
        who: step.by.clone(),
        from: step.from.map(|address| address.to_string()),
        text: step.what.text(),
        count: 1,
    }
}

/// Both in one order; what happened at the same time in the order it was given. An alert that joined stands there once, as the
/// ledger has it.
#[must_use]
pub fn merge(events: Vec<Entry>, steps: &[Step]) -> Vec<Entry> {
    let told = |step: &&Step| match &step.what {
        What::Joined { alert, .. } => !events.iter().any(|entry| entry.record == Some(alert.position)),
        What::Reminded { .. } | What::EvidenceRead { .. } => false,
        _ => true,
    };
    let steps: Vec<_> = steps.iter().filter(told).map(of_step).collect();
    let mut all: Vec<_> = events.into_iter().chain(steps).collect();
    all.sort_by_key(|entry| entry.at);
    all
}

/// An actor in a word.
#[must_use]
pub fn who(actor: &Actor) -> String {
    match actor {
        Actor::Account { name, .. } => name.clone(),
        Actor::Anonymous => "somebody".to_owned(),
        Actor::Gate => "gate".to_owned(),
        Actor::Operator => "operator".to_owned(),
    }
}
