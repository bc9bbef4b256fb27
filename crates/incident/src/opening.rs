//! What an alert does: open an incident, join one that is open, or neither. Bounded: an attacker who makes a thousand rules
//! ring makes no thousand incidents.

use std::time::Duration;

use gabion_model::{Severity, Timestamp};

use crate::class::Class;
use crate::incident::{ALERTS, Incident, State};
use crate::settings::Settings;
use crate::step::Alert;
use crate::subject::Subject;

/// Incidents the gate opens by itself in an hour; what rings beyond joins the latest of them.
pub const PER_HOUR: usize = 10;

/// What becomes of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It belongs to this incident, which becomes of this class where it is worse.
    Join {
        incident: u64,
        raise: Option<Class>,
    },
    /// It is of no incident.
    Leave,
    Open(Class),
}

/// Decides. `open` are the incidents that are not closed.
#[must_use]
pub fn decide(
    settings: &Settings,
    open: &[Incident],
    alert: &Alert,
    subjects: &[Subject],
    now: Timestamp,
) -> Decision {
    if open.iter().any(|incident| incident.alerts.iter().any(|known| known.position == alert.position)) {
        return Decision::Leave;
    }
    let class = settings.class_of(alert);
    let recent = |incident: &&Incident| {
        let last = incident.alerts.last().map_or(incident.opened, |last| last.at);
        incident.state < State::Review && now.saturating_since(last) <= settings.join_within.as_duration()
    };
    let about = |incident: &&Incident| {
        let shared = subjects.iter().any(|one| incident.subjects.iter().any(|own| own.meets(one)));
        let same_rule = subjects.is_empty() && incident.alerts.iter().any(|known| known.rule == alert.rule);
        shared || same_rule
    };
    let join = |incident: &Incident| {
        if incident.alerts.len() >= ALERTS {
            return Decision::Leave;
        }
        let raise = class.filter(|class| *class < incident.class);
        Decision::Join { incident: incident.id, raise }
    };
    // The latest: two may be about the same.
    if let Some(incident) = open.iter().filter(recent).filter(about).max_by_key(|incident| incident.id)
        && alert.level > Severity::Informational
    {
        return join(incident);
    }
    let Some(class) = class else { return Decision::Leave };
    let hour = Duration::from_secs(3600);
    let by_rule = open.iter().filter(|one| one.automatic && now.saturating_since(one.opened) < hour);
    let (mut count, mut latest) = (0, None::<&Incident>);
    for incident in by_rule {
        count += 1;
        latest = latest.filter(|latest| latest.id > incident.id).or(Some(incident));
    }
    match latest {
        Some(incident) if count >= PER_HOUR => join(incident),
        _ => Decision::Open(class),
    }
}
