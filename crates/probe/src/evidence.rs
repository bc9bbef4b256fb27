//! What a run is evidence of: for each control, which tests attacked it, how often, and what came of it.
//!
//! [`Standing::Nothing`] is the best there is, and it says how far it goes: these tests, this often, this application, that day.

use std::collections::{BTreeMap, BTreeSet};

use gabion_model::{ControlId, Severity};

use crate::report::Report;
use crate::verdict::Verdict;

/// Of one control.
#[derive(Debug, Clone, Default)]
pub struct ControlEvidence {
    /// The tests that ran.
    pub tests: BTreeSet<String>,
    /// What they said, by verdict.
    pub verdicts: BTreeMap<Verdict, usize>,
    /// What is reported and more than tentative, by severity.
    pub findings: BTreeMap<Severity, usize>,
    /// What the baseline accepts.
    pub accepted: usize,
    pub standing: Standing,
}

/// What came of it, worst first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Something firm or proven is reported.
    Found,
    /// Only what somebody took upon themselves.
    Accepted,
    /// Nothing firm was found, but something allows no verdict, or the run ended early.
    Incomplete,
    /// Its tests found nothing they could attack: nothing is known.
    #[default]
    NotLooked,
    /// These tests found nothing.
    Nothing,
}

impl Standing {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Accepted => "accepted",
            Self::Incomplete => "incomplete",
            Self::NotLooked => "not_looked",
            Self::Nothing => "nothing",
        }
    }
}

/// By control; only those that a test of this run attacks.
#[must_use]
pub fn evidence(report: &Report) -> BTreeMap<ControlId, ControlEvidence> {
    let mut controls: BTreeMap<ControlId, ControlEvidence> = BTreeMap::new();
    for about in &report.tests {
        let control = controls.entry(about.control).or_default();
        control.tests.insert(about.id.clone());
        for outcome in report.outcomes.iter().filter(|outcome| outcome.test == about.id) {
            let count = control.verdicts.entry(outcome.verdict).or_default();
            *count = count.saturating_add(1);
        }
    }
    for finding in report.findings.iter().filter(|one| one.outcome.verdict > Verdict::Tentative) {
        if let Some(control) = controls.get_mut(&finding.about.control) {
            let count = control.findings.entry(finding.severity).or_default();
            *count = count.saturating_add(1);
        }
    }
    for (finding, _) in &report.accepted {
        if let Some(control) = controls.get_mut(&finding.about.control) {
            control.accepted = control.accepted.saturating_add(1);
        }
    }
    for control in controls.values_mut() {
        let count = |verdict| control.verdicts.get(&verdict).copied().unwrap_or(0);
        control.standing = match () {
            () if !control.findings.is_empty() => Standing::Found,
            () if control.accepted > 0 => Standing::Accepted,
            () if !report.is_complete()
                || count(Verdict::Inconclusive) > 0
                || count(Verdict::Tentative) > 0 =>
            {
                Standing::Incomplete
            }
            () if count(Verdict::Passed) == 0 => Standing::NotLooked,
            () => Standing::Nothing,
        };
    }
    controls
}
