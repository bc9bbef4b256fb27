//! What is to be done until when: clocks of the class, tasks, duties to notify, actions of the review.

use gabion_model::Timestamp;
use serde::Serialize;

use crate::incident::{Incident, State};
use crate::{notify, review};

/// Something that is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Due {
    /// `clock.contain`, `task.ID`, `duty.ID` or `action.NUMBER`.
    pub id: String,
    pub what: String,
    pub until: Timestamp,
    pub owner: Option<String>,
    pub late: bool,
}

/// Everything that is due, the next first. A closed incident still has the actions of its review.
#[must_use]
pub fn of(incident: &Incident, now: Timestamp) -> Vec<Due> {
    let mut all = Vec::new();
    let mut add = |id: String, what: String, until: Timestamp, owner: Option<String>| {
        all.push(Due { id, what, until, owner, late: until < now });
    };
    if incident.state != State::Closed {
        let commander = incident.roles.get(&crate::Role::Commander).cloned();
        let clocks = incident.clocks;
        let reached = [
            (
                incident.acknowledged,
                clocks.acknowledge,
                "acknowledge",
                "somebody says that they look after it",
            ),
            (incident.contained, clocks.contain, "contain", "it does not get worse any more"),
            (incident.resolved, clocks.resolve, "resolve", "everything works as before"),
        ];
        for (reached, clock, name, what) in reached {
            if reached.is_none() {
                add(format!("clock.{name}"), what.to_owned(), incident.until(clock), commander.clone());
            }
        }
        for task in incident.tasks.iter().filter(|task| task.settled.is_none()) {
            let by_role = task.template.role.and_then(|role| incident.roles.get(&role));
            let owner = task.owner.as_ref().or(by_role).cloned();
            add(format!("task.{}", task.template.id), task.template.title.clone(), task.until, owner);
        }
        for duty in notify::standing(incident, now) {
            if let (None, Some(until)) = (&duty.settled, duty.until) {
                let owner = incident.roles.get(&crate::Role::Liaison).cloned();
                add(format!("duty.{}", duty.id), format!("tell {} ({})", duty.to, duty.source), until, owner);
            }
        }
    }
    for (number, action) in (1..).zip(incident.review.iter().flat_map(|review| &review.actions)) {
        if !incident.actions_done.contains_key(&number)
            && let Some(until) = review::day(&action.due)
        {
            add(format!("action.{number}"), action.what.clone(), until, Some(action.owner.clone()));
        }
    }
    // What is due at the same time stays in the order of the checklist.
    all.sort_by_key(|due| due.until);
    all
}

/// What is late, or a legal clock that ends within a day, and nobody was reminded of yet.
#[must_use]
pub fn reminders(incident: &Incident, now: Timestamp) -> Vec<Due> {
    let soon = now.saturating_add(std::time::Duration::from_secs(24 * 3600));
    let mut due = of(incident, now);
    due.retain(|due| {
        let is_near = due.late || due.id.starts_with("duty.") && due.until <= soon;
        is_near && !incident.reminded.contains(&due.reminder())
    });
    due.truncate(AT_ONCE);
    due
}

/// Things one reminder tells of.
pub const AT_ONCE: usize = 20;

impl Due {
    /// What is remembered of having reminded: a clock that was set anew reminds anew.
    #[must_use]
    pub fn reminder(&self) -> String {
        format!("{}{} {}", self.id, if self.late { "" } else { " soon" }, self.until.as_secs())
    }
}
