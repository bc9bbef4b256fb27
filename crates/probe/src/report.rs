//! What a run says in the end: every test with its verdicts, the findings with their proofs, and what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use gabion_model::{Severity, Timestamp};

use crate::about::About;
use crate::baseline::Baseline;
use crate::facts::Level;
use crate::field::Field;
use crate::gaps::{Gap, gaps};
use crate::hidden::Hidden;
use crate::matrix::Matrix;
use crate::operation::Operation;
use crate::replay::Standing;
use crate::surface::components::Component;
use crate::through::Through;
use crate::trend::Trend;
use crate::verdict::{Outcome, Verdict};
use crate::wire::Traced;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Whole,
    /// Before everything was tried, and why.
    Early(String),
}

/// A finding with everything about it.
#[derive(Debug, Clone)]
pub struct Finding {
    pub id: String,
    pub about: Arc<About>,
    pub severity: Severity,
    pub outcome: Outcome,
}

/// The report of a run.
#[derive(Debug)]
pub struct Report {
    pub version: &'static str,
    pub at: Timestamp,
    /// `http://127.0.0.1:3000`.
    pub base: String,
    pub end: End,
    /// The last requests, where it ended early.
    pub journal: Vec<String>,
    /// The tests that were chosen.
    pub tests: Vec<Arc<About>>,
    /// Those that did not come to their end.
    pub left: BTreeSet<String>,
    pub level: Level,
    pub requests: usize,
    pub elapsed: Duration,
    pub people: Vec<Who>,
    pub operations: Vec<Surface>,
    pub outcomes: Vec<Outcome>,
    /// The worst first.
    pub findings: Vec<Finding>,
    /// Who may do what.
    pub matrix: Matrix,
    /// Software that shows its version.
    pub components: Vec<Component>,
    /// What a baseline accepts, with the reasons.
    pub accepted: Vec<(Finding, String)>,
    /// Ids of a baseline that were looked for and found no longer.
    pub gone: Vec<String>,
    /// How it stands to the run before, where that was asked.
    pub trend: Option<Trend>,
    /// What a gate makes of the findings, where that was asked.
    pub through: Option<Through>,
    /// What was not looked at.
    pub gaps: Vec<Gap>,
    pub notes: Vec<String>,
    pub hidden: Hidden,
    /// Every request, in the order in which they were answered.
    pub trace: Vec<Traced>,
    /// Credentials as requests have them, and the variables that stand for them.
    pub variables: Vec<(String, String)>,
}

/// Somebody of a run.
#[derive(Debug, Clone)]
pub struct Who {
    pub name: String,
    pub role: Option<String>,
    pub tenant: Option<String>,
    /// Why they are not signed in.
    pub trouble: Option<String>,
}

/// An operation, and whether a request of it worked.
#[derive(Debug, Clone)]
pub struct Surface {
    pub operation: Operation,
    pub reached: bool,
}

impl Report {
    #[must_use]
    pub fn new(field: &Field, end: End, at: Timestamp) -> Self {
        let outcomes = settled(field.outcomes());
        let mut findings: Vec<Finding> = outcomes
            .iter()
            .filter(|outcome| outcome.verdict.is_finding())
            .filter_map(|outcome| {
                let about = field.about(&outcome.test)?;
                Some(Finding {
                    id: outcome.id(),
                    severity: outcome.severity.unwrap_or(about.severity),
                    about: Arc::clone(about),
                    outcome: outcome.clone(),
                })
            })
            .collect();
        findings.sort_by(|one, two| {
            let rank = |finding: &Finding| (finding.severity, finding.outcome.verdict);
            rank(two)
                .cmp(&rank(one))
                .then_with(|| one.about.id.cmp(&two.about.id))
                .then_with(|| one.id.cmp(&two.id))
        });
        let reached: BTreeSet<usize> = field.known.iter().map(|known| known.operation).collect();
        let operations = field
            .operations
            .iter()
            .enumerate()
            .map(|(at, operation)| Surface { operation: operation.clone(), reached: reached.contains(&at) });
        let gaps = gaps(field, &end, &outcomes, reached.len());
        let hidden = Hidden::of(field);
        let people = field.people.iter().map(|person| Who {
            name: person.name.clone(),
            role: person.role.clone(),
            tenant: person.tenant.clone(),
            trouble: person.trouble.clone(),
        });
        Self {
            version: env!("CARGO_PKG_VERSION"),
            at,
            base: field.wire.origin().base(),
            journal: if end == End::Whole { Vec::new() } else { field.wire.journal() },
            end,
            left: left(field),
            tests: field.abouts.clone(),
            level: field.facts.target.level,
            requests: field.wire.sent(),
            elapsed: field.wire.elapsed(),
            people: people.collect(),
            operations: operations.collect(),
            findings,
            matrix: Matrix::of(field),
            components: components(field),
            outcomes,
            accepted: Vec::new(),
            gone: Vec::new(),
            trend: None,
            through: None,
            gaps,
            notes: field.notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone(),
            variables: hidden.lines().to_vec(),
            hidden,
            trace: field.wire.trace(),
        }
    }

    /// The best verdict of each test: what it comes to.
    #[must_use]
    pub fn by_test(&self) -> BTreeMap<&str, BTreeMap<Verdict, usize>> {
        let mut all: BTreeMap<&str, BTreeMap<Verdict, usize>> = BTreeMap::new();
        for outcome in &self.outcomes {
            let count = all.entry(&*outcome.test).or_default().entry(outcome.verdict).or_default();
            *count = count.saturating_add(1);
        }
        all
    }

    /// What was said of a component, where it was judged.
    #[must_use]
    pub fn judged(&self, component: &Component) -> Option<&Outcome> {
        self.outcomes.iter().find(|outcome| {
            outcome.test == "vulnerable-component"
                && outcome.aspect == component.name
                && outcome.operation == component.seen
        })
    }

    /// Whether everything was tried that was asked for.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.gaps.iter().any(|gap| gap.incomplete)
    }

    /// Takes out what a baseline accepts.
    pub fn accept(&mut self, baseline: &Baseline) {
        let today: String = self.at.to_string().chars().take(10).collect();
        let found: BTreeSet<String> = self.findings.iter().map(|finding| finding.id.clone()).collect();
        let (accepted, left): (Vec<Finding>, Vec<Finding>) = std::mem::take(&mut self.findings)
            .into_iter()
            .partition(|finding| baseline.reason(finding, &today).is_some());
        self.findings = left;
        self.accepted = accepted
            .into_iter()
            .map(|finding| {
                let reason = baseline.reason(&finding, &today).unwrap_or_default().to_owned();
                (finding, reason)
            })
            .collect();
        let ran = |test: &str| self.tests.iter().any(|about| about.id == test);
        self.gone = baseline
            .ids()
            .filter(|entry| !found.contains(&entry.id) && ran(&entry.test))
            .map(|entry| entry.id.clone())
            .collect();
    }

    /// Takes in what a gate makes of the findings.
    pub fn compare(&mut self, through: Through) {
        let gap = |says: &String| Gap { says: format!("through the gate: {says}"), incomplete: true };
        self.gaps.extend(through.gaps.iter().map(gap));
        self.through = Some(through);
    }

    /// Findings of at least that severity that are more than tentative, and that no gate stops.
    pub fn failing(&self, least: Severity) -> impl Iterator<Item = &Finding> {
        let stopped = |finding: &Finding| {
            let row = self.through.as_ref().and_then(|through| through.of(&finding.id));
            row.is_some_and(|row| row.standing == Standing::Gone)
        };
        self.findings.iter().filter(move |finding| {
            finding.severity >= least && finding.outcome.verdict > Verdict::Tentative && !stopped(finding)
        })
    }
}

fn components(field: &Field) -> Vec<Component> {
    let mut all = field.components();
    all.sort();
    all
}

/// Tests that did not come to their end.
fn left(field: &Field) -> BTreeSet<String> {
    let finished = field.finished();
    field.abouts.iter().map(|about| about.id.clone()).filter(|id| !finished.contains(id)).collect()
}

/// One outcome for each place and aspect: the strongest that was said of it.
fn settled(outcomes: Vec<Outcome>) -> Vec<Outcome> {
    let mut best: Vec<Outcome> = Vec::new();
    for outcome in outcomes {
        let same = |own: &&mut Outcome| {
            own.test == outcome.test
                && own.operation == outcome.operation
                && own.point == outcome.point
                && own.aspect == outcome.aspect
        };
        match best.iter_mut().find(same) {
            Some(own) if own.verdict < outcome.verdict => *own = outcome,
            Some(_) => {}
            None => best.push(outcome),
        }
    }
    best
}
