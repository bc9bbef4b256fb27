//! What a scan is evidence of: for each control, which rules looked at it, at how many files, and what came of it.
//!
//! Nothing here says that all is well. [`Outcome::Nothing`] is the best there is, and it says how far it goes: these rules, these
//! files, this state of the tree.

use std::collections::{BTreeMap, BTreeSet};

use gabion_finding::RuleId;
use gabion_model::{ControlId, Severity};
use gabion_vault::{Sha256, encoding};

use crate::engine::Scan;
use crate::report::{Choice, Reported, Suppressed, chosen_rule};
use crate::rules::RuleBook;

/// What a scan is evidence of.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Only lines that changed were told: it is evidence of the change, not of the tree.
    pub of_changes: bool,
    /// Whether the scan is whole.
    pub complete: bool,
    /// SHA-256 over the path and the SHA-256 of each file that was read, in the order of their paths; hexadecimal.
    pub tree: String,
    /// By control; only those that a rule of this scan is for.
    pub controls: BTreeMap<ControlId, ControlEvidence>,
}

/// Of one control.
#[derive(Debug, Clone, Default)]
pub struct ControlEvidence {
    /// The rules that ran, by scanner.
    pub rules: BTreeMap<&'static str, BTreeSet<RuleId>>,
    /// Files that one of those scanners reads.
    pub files: usize,
    /// What is reported, by severity.
    pub findings: BTreeMap<Severity, usize>,
    /// What somebody took upon themselves.
    pub accepted: usize,
    /// What was found and is too unsure to be reported.
    pub unsure: usize,
    pub outcome: Outcome,
}

/// What came of it, worst first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Something is reported.
    Found,
    /// Only what somebody took upon themselves.
    Accepted,
    /// Nothing was found, but not everything was read.
    Incomplete,
    /// There was no file its rules read: nothing is known.
    #[default]
    NotLooked,
    /// These rules found nothing in these files.
    Nothing,
}

impl Outcome {
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

/// What of a report evidence is made of.
pub(crate) struct Told<'a> {
    pub(crate) findings: &'a [Reported],
    pub(crate) suppressed: &'a [Suppressed],
    /// How many were too unsure, by rule.
    pub(crate) unsure: &'a BTreeMap<RuleId, usize>,
    pub(crate) complete: bool,
}

impl Evidence {
    pub(crate) fn new(scan: &Scan, choice: &Choice<'_>, book: &RuleBook, told: &Told<'_>) -> Self {
        let mut controls: BTreeMap<ControlId, ControlEvidence> = BTreeMap::new();
        for entry in book.all().filter(|entry| chosen_rule(&entry.rule.id, choice)) {
            let control = controls.entry(entry.rule.control).or_default();
            control.rules.entry(entry.scanner).or_default().insert(entry.rule.id.clone());
        }
        let mut each = |rule: &RuleId, count: &dyn Fn(&mut ControlEvidence)| {
            let control = book.find(rule.as_str()).map(|entry| entry.rule.control);
            if let Some(control) = control.and_then(|control| controls.get_mut(&control)) {
                count(control);
            }
        };
        for one in told.findings {
            each(&one.finding.rule, &|control| {
                let count = control.findings.entry(one.finding.severity).or_default();
                *count = count.saturating_add(1);
            });
        }
        for one in told.suppressed {
            each(&one.reported.finding.rule, &|control| {
                control.accepted = control.accepted.saturating_add(1)
            });
        }
        for (rule, many) in told.unsure {
            each(rule, &|control| control.unsure = control.unsure.saturating_add(*many));
        }
        for control in controls.values_mut() {
            let scanners: Vec<&str> = control.rules.keys().copied().collect();
            control.files = scan.read_by(&scanners);
            control.outcome = match () {
                () if !control.findings.is_empty() => Outcome::Found,
                () if control.accepted > 0 => Outcome::Accepted,
                () if control.files == 0 => Outcome::NotLooked,
                () if !told.complete => Outcome::Incomplete,
                () => Outcome::Nothing,
            };
        }
        Self { of_changes: choice.changes.is_some(), complete: told.complete, tree: tree(scan), controls }
    }
}

/// One number for everything that was read.
fn tree(scan: &Scan) -> String {
    let mut hash = Sha256::default();
    for file in &scan.files {
        hash.update(file.path.as_bytes());
        hash.update(&[0]);
        hash.update(&file.hash);
    }
    encoding::hex_encode(&hash.finish())
}
