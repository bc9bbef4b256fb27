//! What changed since an earlier run: what is new, what is still there, what is gone, and what was not looked at this time.

use std::collections::{BTreeMap, BTreeSet};

use gabion_model::Severity;
use serde::{Deserialize, Serialize};

use crate::kept::{Kept, KeptFinding};
use crate::report::Report;
use crate::verdict::{Outcome, Verdict};

/// A run of the past, for a drawing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Past {
    pub at: String,
    /// Findings by severity, tentative ones left out.
    pub findings: BTreeMap<String, usize>,
}

/// How a run stands to the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trend {
    /// Earlier runs, oldest first; the last of them is the one compared with.
    pub runs: Vec<Past>,
    /// Ids of findings that the run before did not have.
    pub new: BTreeSet<String>,
    /// Ids of findings that both have.
    pub still: BTreeSet<String>,
    /// Findings of the run before that this one does not have.
    pub missing: Vec<Former>,
}

/// A finding of the run before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    pub id: String,
    pub test: String,
    pub operation: String,
    pub severity: Severity,
    pub says: String,
    /// Whether its test looked at the same place again; else nothing is known of it.
    pub gone: bool,
}

/// Earlier runs that are kept.
const RUNS: usize = 39;

impl Trend {
    /// Those that its test looked for and found no longer.
    pub fn gone(&self) -> impl Iterator<Item = &Former> {
        self.missing.iter().filter(|one| one.gone)
    }

    /// Those that were not looked at.
    pub fn unseen(&self) -> impl Iterator<Item = &Former> {
        self.missing.iter().filter(|one| !one.gone)
    }
}

impl Report {
    /// Compares with an earlier run. What is tentative counts on neither side.
    pub fn since(&mut self, kept: &Kept) {
        let mut runs = kept.runs();
        let older = runs.len().saturating_sub(RUNS);
        runs.drain(..older);
        let sure = |verdict: Verdict| verdict > Verdict::Tentative;
        let former: BTreeSet<&str> =
            kept.all().filter(|one| sure(one.verdict)).map(|one| one.id.as_str()).collect();
        let now: BTreeSet<&str> = (self.findings.iter())
            .chain(self.accepted.iter().map(|(finding, _)| finding))
            .map(|finding| finding.id.as_str())
            .collect();
        // What no test looked for then is neither new nor old.
        let compared: BTreeSet<&str> = kept.ended().collect();
        let sure_now = self.findings.iter().filter(|one| sure(one.outcome.verdict));
        let (still, others): (Vec<_>, Vec<_>) = sure_now.partition(|one| former.contains(one.id.as_str()));
        let still = still.into_iter().map(|one| one.id.clone()).collect();
        let new = others.into_iter().filter(|one| compared.contains(one.about.id.as_str()));
        let new = new.map(|one| one.id.clone()).collect();
        let missing = kept.all().filter(|one| sure(one.verdict) && !now.contains(one.id.as_str()));
        let missing = missing.map(|one| Former {
            id: one.id.clone(),
            test: one.test.clone(),
            operation: one.operation.clone(),
            severity: one.severity,
            says: one.says.clone(),
            gone: self.looked_at(one),
        });
        self.trend = Some(Trend { runs, new, still, missing: missing.collect() });
    }

    /// Whether the test of a former finding came to a verdict at the same place, so that its silence says something.
    #[must_use]
    pub(crate) fn looked_at(&self, former: &KeptFinding) -> bool {
        let KeptFinding { test, operation, point, .. } = former;
        if self.left.contains(test) || !self.tests.iter().any(|about| about.id == *test) {
            return false;
        }
        let settled = |one: &Outcome| !matches!(one.verdict, Verdict::NotTested | Verdict::Inconclusive);
        let own: Vec<&Outcome> = self.outcomes.iter().filter(|one| one.test == *test).collect();
        let mut here = own.iter().filter(|one| one.operation == *operation).peekable();
        if here.peek().is_some() {
            let same = |one: &Outcome| one.point.is_none() || point.is_none() || one.point == *point;
            return here.any(|one| same(one) && settled(one));
        }
        // Some tests speak of the places where they found something, and once of all others.
        let reached = self.operations.iter().any(|one| one.reached && one.operation.id() == *operation);
        (reached || operation.is_empty()) && own.into_iter().any(settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Level;
    use crate::hidden::Hidden;
    use crate::matrix::Matrix;
    use crate::report::{End, Finding};

    fn report(outcomes: Vec<Outcome>) -> Report {
        let headers = crate::about::about("headers").unwrap();
        let findings = outcomes.iter().filter(|one| one.verdict.is_finding()).map(|one| Finding {
            id: one.id(),
            about: std::sync::Arc::clone(headers),
            severity: Severity::High,
            outcome: one.clone(),
        });
        Report {
            version: "0",
            at: gabion_model::Timestamp::from_secs(0),
            base: "http://h".to_owned(),
            end: End::Whole,
            journal: Vec::new(),
            tests: vec![std::sync::Arc::clone(headers)],
            left: BTreeSet::new(),
            level: Level::Active,
            requests: 0,
            elapsed: std::time::Duration::ZERO,
            people: Vec::new(),
            operations: Vec::new(),
            findings: findings.collect(),
            outcomes,
            matrix: Matrix::default(),
            components: Vec::new(),
            accepted: Vec::new(),
            gone: Vec::new(),
            trend: None,
            through: None,
            gaps: Vec::new(),
            notes: Vec::new(),
            hidden: Hidden::default(),
            variables: Vec::new(),
            trace: Vec::new(),
        }
    }

    fn said(operation: &str, verdict: Verdict) -> Outcome {
        Outcome::new("headers", operation, verdict, "it was seen")
    }

    #[test]
    fn findings_are_new_still_there_gone_or_not_looked_at() {
        let before = report(vec![
            said("GET /a", Verdict::Firm),
            said("GET /b", Verdict::Proven),
            said("GET /c", Verdict::Firm),
            said("GET /d", Verdict::Tentative),
        ]);
        let kept = Kept::parse(&crate::format::json(&before)).unwrap();
        let mut now = report(vec![
            said("GET /a", Verdict::Firm),
            said("GET /b", Verdict::Passed),
            said("GET /c", Verdict::NotTested),
            said("GET /e", Verdict::Firm),
        ]);
        now.since(&kept);
        let trend = now.trend.clone().unwrap();
        assert_eq!(trend.new, BTreeSet::from([said("GET /e", Verdict::Firm).id()]));
        assert_eq!(trend.gone().map(|one| one.operation.as_str()).collect::<Vec<_>>(), ["GET /b"]);
        assert_eq!(trend.unseen().map(|one| one.operation.as_str()).collect::<Vec<_>>(), ["GET /c"]);
        assert_eq!(
            trend.runs,
            [Past { at: before.at.to_string(), findings: [("high".to_owned(), 3)].into() }]
        );

        // Of another value of the same operation, nothing is known by this one.
        let point = |name: &str| crate::operation::Point::new(crate::operation::Place::Query, name);
        let before = report(vec![said("GET /a", Verdict::Firm).at(&point("one"))]);
        let kept_one = Kept::parse(&crate::format::json(&before)).unwrap();
        let mut other = report(vec![said("GET /a", Verdict::Passed).at(&point("two"))]);
        other.since(&kept_one);
        assert_eq!(other.trend.unwrap().unseen().count(), 1);

        // The history goes on from report to report.
        let kept = Kept::parse(&crate::format::json(&now)).unwrap();
        let mut third = report(Vec::new());
        third.since(&kept);
        let trend = third.trend.clone().unwrap();
        assert_eq!(trend.runs.len(), 2);
        // A run in which the test said nothing at all does not say that anything is gone.
        assert_eq!((trend.gone().count(), trend.unseen().count()), (0, 2));
        let text = crate::format::text(&third, crate::format::TextOptions::default());
        assert!(text.contains("not looked at"), "{text}");
        let page = crate::format::html(&third);
        assert!(page.contains("<svg") && page.contains("not looked at"), "{page}");
    }
}
