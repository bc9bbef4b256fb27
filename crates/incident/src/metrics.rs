//! Figures over incidents. Each is a time between two moments of one incident:
//!
//! | figure | from | to |
//! |---|---|---|
//! | MTTD, time to detect | the first event that belongs to it | the alert |
//! | MTTA, time to acknowledge | the alert | a person says that they look after it |
//! | MTTC, time to contain | the alert | it does not get worse any more |
//! | MTTR, time to resolve | the alert | everything works as before (the review begins) |
//!
//! An incident opened by hand counts from its opening instead of an alert, and not for MTTD. One that has not come so far is
//! not counted. False alarms and duplicates are counted as such and not in the times.

use std::collections::BTreeMap;

use gabion_model::Timestamp;
use serde::Serialize;

use crate::class::Class;
use crate::incident::{Incident, Resolution};

/// Figures of every class and month.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Metrics {
    pub classes: BTreeMap<Class, Figures>,
    /// By the month in which they opened, for instance `2026-11`.
    pub months: BTreeMap<String, BTreeMap<Class, Figures>>,
    /// Actions of reviews that are done, and that are not.
    pub actions_done: u64,
    pub actions_open: u64,
}

/// Figures of some incidents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    pub incidents: u64,
    pub false_alarms: u64,
    pub detect: Times,
    pub acknowledge: Times,
    pub contain: Times,
    pub resolve: Times,
    /// How many were acknowledged within their clock, of those that were.
    pub acknowledged_in_time: u64,
}

/// Times of some incidents, in seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Times {
    pub count: u64,
    pub mean: u64,
    pub median: u64,
    pub longest: u64,
    #[serde(skip)]
    all: Vec<u64>,
}

impl Metrics {
    #[must_use]
    pub fn of(incidents: &[Incident]) -> Self {
        let mut metrics = Self::default();
        for incident in incidents {
            // The month of the first minutes, not of a later correction.
            let month = incident.opened.to_string().get(..7).unwrap_or_default().to_owned();
            metrics.classes.entry(incident.class).or_default().add(incident);
            metrics.months.entry(month).or_default().entry(incident.class).or_default().add(incident);
            let actions = incident.review.as_ref().map_or(0, |review| review.actions.len() as u64);
            let done = incident.actions_done.len() as u64;
            metrics.actions_done += done;
            metrics.actions_open += actions.saturating_sub(done);
        }
        let classes = metrics.classes.values_mut();
        classes.chain(metrics.months.values_mut().flat_map(BTreeMap::values_mut)).for_each(Figures::reckon);
        metrics
    }
}

impl Figures {
    fn add(&mut self, incident: &Incident) {
        self.incidents += 1;
        if matches!(incident.resolution, Some(Resolution::FalseAlarm | Resolution::Duplicate)) {
            self.false_alarms += 1;
            return;
        }
        let since = |from: Timestamp, to: Option<Timestamp>| to.map(|to| to.saturating_since(from).as_secs());
        if !incident.alerts.is_empty() {
            self.detect.all.extend(since(incident.detected, Some(incident.alerted)));
        }
        self.acknowledge.all.extend(since(incident.alerted, incident.acknowledged));
        self.contain.all.extend(since(incident.alerted, incident.contained));
        self.resolve.all.extend(since(incident.alerted, incident.resolved));
        if incident.acknowledged.is_some_and(|at| at <= incident.until(incident.clocks.acknowledge)) {
            self.acknowledged_in_time += 1;
        }
    }

    fn reckon(&mut self) {
        [&mut self.detect, &mut self.acknowledge, &mut self.contain, &mut self.resolve]
            .into_iter()
            .for_each(Times::reckon);
    }
}

impl Times {
    fn reckon(&mut self) {
        self.all.sort_unstable();
        self.count = self.all.len() as u64;
        let sum: u64 = self.all.iter().fold(0, |sum, one| sum.saturating_add(*one));
        self.mean = sum.checked_div(self.count).unwrap_or(0);
        self.longest = self.all.last().copied().unwrap_or(0);
        let middle = self.all.len() / 2;
        let upper = self.all.get(middle).copied().unwrap_or(0);
        let lower = self.all.get(middle.saturating_sub(1)).copied().unwrap_or(0);
        self.median = if self.all.len().is_multiple_of(2) { lower.midpoint(upper) } else { upper };
    }
}
