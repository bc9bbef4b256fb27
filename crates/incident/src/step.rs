//! What changes an incident, and the chain of digests over it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use gabion_model::{Event, Severity, Timestamp};
use gabion_vault::digest::sha256_of;
use serde::{Deserialize, Serialize};

use crate::class::{Class, Clocks};
use crate::evidence::Item;
use crate::incident::{Resolution, State};
use crate::notify::Regime;
use crate::procedure::{Action, Role, Template};
use crate::review::Review;
use crate::subject::Subject;
use crate::text;

/// The most bytes of a step as it is kept.
pub const LONGEST: usize = 256 << 10;

/// One step of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// From 1, without gaps.
    pub number: u64,
    /// Never before the step before it, also where the machine's clock went backwards.
    pub at: Timestamp,
    /// Name of the account, `operator` or `gate`.
    pub by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IpAddr>,
    pub what: What,
}

/// What a step does. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Somebody looks after it.
    Acknowledged,
    /// The gate did something for it, or tried to.
    Acted {
        action: Action,
        target: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<String>,
    },
    /// An action of the review is done.
    ActionDone {
        action: u64,
        text: String,
    },
    /// A role or a task has an owner.
    Assigned {
        to: String,
        to_role: Option<Role>,
        to_task: Option<String>,
    },
    Classified {
        class: Class,
        clocks: Clocks,
        reason: String,
    },
    Closed {
        resolution: Resolution,
        text: String,
    },
    /// A task is done.
    Done {
        task: String,
        text: String,
    },
    /// The clocks of some laws began to run.
    DutyBegan {
        regimes: Vec<Regime>,
        aware: Timestamp,
    },
    /// Somebody was told.
    DutyDone {
        duty: String,
        text: String,
    },
    /// Nobody need be told, and why.
    DutyWaived {
        duty: String,
        reason: String,
    },
    EvidenceKept(Item),
    EvidenceRead {
        evidence: u64,
        purpose: String,
    },
    /// What notifications must say.
    Facts {
        facts: BTreeMap<String, String>,
    },
    /// Another alert belongs to it.
    Joined {
        alert: Alert,
        subjects: Vec<Subject>,
    },
    Moved {
        to: State,
        reason: String,
    },
    Noted {
        text: String,
    },
    Opened(Box<Opening>),
    /// Whoever is to know was told what is due.
    Reminded {
        items: Vec<String>,
    },
    Reviewed(Box<Review>),
    /// A task is not needed.
    Skipped {
        task: String,
        reason: String,
    },
    /// It is about these, too.
    Subjects {
        subjects: Vec<Subject>,
    },
}

impl What {
    /// Its name in events and lists.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Acted { .. } => "acted",
            Self::ActionDone { .. } => "action_done",
            Self::Assigned { .. } => "assigned",
            Self::Classified { .. } => "classified",
            Self::Closed { .. } => "closed",
            Self::Done { .. } => "done",
            Self::DutyBegan { .. } => "duty_began",
            Self::DutyDone { .. } => "duty_done",
            Self::DutyWaived { .. } => "duty_waived",
            Self::EvidenceKept(_) => "evidence_kept",
            Self::EvidenceRead { .. } => "evidence_read",
            Self::Facts { .. } => "facts",
            Self::Joined { .. } => "joined",
            Self::Moved { .. } => "moved",
            Self::Noted { .. } => "noted",
            Self::Opened(_) => "opened",
            Self::Reminded { .. } => "reminded",
            Self::Reviewed(_) => "reviewed",
            Self::Skipped { .. } => "skipped",
            Self::Subjects { .. } => "subjects",
        }
    }

    /// In words, for timelines.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Acknowledged => "acknowledged".to_owned(),
            Self::Acted { action, target, failure: None, .. } => format!("{action} {target}"),
            Self::Acted { action, target, failure: Some(failure), .. } => {
                format!("{action} {target} failed: {failure}")
            }
            Self::ActionDone { action, text } => format!("action {action} of the review is done: {text}"),
            Self::Assigned { to, to_role: Some(role), .. } => format!("{} is {to}", role.as_str()),
            Self::Assigned { to, to_task, .. } => {
                format!("task {} is for {to}", to_task.as_deref().unwrap_or_default())
            }
            Self::Classified { class, reason, .. } => format!("class {class}: {reason}"),
            Self::Closed { resolution, text } => format!("closed, {}: {text}", resolution.as_str()),
            Self::Done { task, text } if text.is_empty() => format!("done: {task}"),
            Self::Done { task, text } => format!("done: {task}: {text}"),
            Self::DutyBegan { regimes, aware } => {
                let names: Vec<_> = regimes.iter().map(|regime| regime.title()).collect();
                format!("{} apply, known since {aware}", names.join(", "))
            }
            Self::DutyDone { duty, text } => format!("told ({duty}): {text}"),
            Self::DutyWaived { duty, reason } => format!("nobody need be told ({duty}): {reason}"),
            Self::EvidenceKept(item) => {
                format!("evidence {} kept: {}, SHA-256 {}", item.id, item.name, item.sha256)
            }
            Self::EvidenceRead { evidence, purpose } => format!("evidence {evidence} read: {purpose}"),
            Self::Facts { facts } => {
                format!("facts for notifications: {}", facts.keys().cloned().collect::<Vec<_>>().join(", "))
            }
            Self::Joined { alert, .. } => format!("alert {} joined: {}", alert.position, alert.title),
            Self::Moved { to, reason } if reason.is_empty() => to.as_str().to_owned(),
            Self::Moved { to, reason } => format!("{}: {reason}", to.as_str()),
            Self::Noted { text } => text.clone(),
            Self::Opened(opening) => format!("opened as {} by {}", opening.class, opening.origin()),
            Self::Reminded { items } => format!("due: {}", items.join(", ")),
            Self::Reviewed(review) => format!("reviewed: {}", review.summary),
            Self::Skipped { task, reason } => format!("not needed: {task}: {reason}"),
            Self::Subjects { subjects } => {
                let all: Vec<_> =
                    subjects.iter().map(|one| format!("{} {}", one.kind(), one.value())).collect();
                format!("is about {}", all.join(", "))
            }
        }
    }
}

/// How an incident begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    pub title: String,
    pub class: Class,
    pub clocks: Clocks,
    /// The id of its procedure.
    pub kind: String,
    /// The first event there is of it.
    pub detected: Timestamp,
    /// When the first alert rang; for one opened by hand, the opening.
    pub alerted: Timestamp,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Alert>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<Subject>,
    /// The checklist as it was then: what is changed in a file later changes no incident.
    pub tasks: Vec<Template>,
    /// Opened by the gate itself.
    pub automatic: bool,
}

impl Opening {
    fn origin(&self) -> String {
        match (self.automatic, self.alerts.first()) {
            (true, Some(alert)) => format!("the rule {}", alert.rule),
            (false, Some(alert)) => format!("hand, from alert {}", alert.position),
            _ => "hand".to_owned(),
        }
    }
}

/// An alert of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// Its place in the ledger.
    pub position: u64,
    pub rule: String,
    pub title: String,
    pub level: Severity,
    pub at: Timestamp,
    /// Of MITRE ATT&CK.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub techniques: Vec<String>,
    /// The places of the events it rang for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<u64>,
}

impl Alert {
    /// From its event.
    #[must_use]
    pub fn of(position: u64, event: &Event) -> Self {
        let numbers = event.metadata.get("events").map(String::as_str).unwrap_or_default();
        let techniques = event.metadata.get("techniques").map(String::as_str).unwrap_or_default();
        let title = event.reason.as_deref().unwrap_or(&event.resource);
        let title = title.split_once(": ").map_or(title, |(title, _)| title);
        Self {
            position,
            rule: text::clipped(&event.resource, text::LINE),
            title: text::clipped(title, text::LINE),
            level: event.severity.unwrap_or(Severity::Medium),
            at: event.time,
            techniques: techniques.split_whitespace().take(8).map(|one| text::clipped(one, 16)).collect(),
            events: numbers.split_whitespace().take(64).filter_map(|number| number.parse().ok()).collect(),
        }
    }
}

/// The digest of a step behind the one before it: what the ledger keeps of it.
#[must_use]
pub fn digest(former: &[u8; 32], step: &[u8]) -> [u8; 32] {
    sha256_of(&[b"gabion incident step\0", former, step])
}

/// What the first step stands behind: the id, so that no step can be moved to another incident.
#[must_use]
pub fn beginning(incident: u64) -> [u8; 32] {
    sha256_of(&[b"gabion incident\0", &incident.to_be_bytes()])
}
