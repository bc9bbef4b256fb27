//! The same attacks through a gate in front of the target: what of the findings it stops.
//!
//! 1. A second run goes to the gate's address: the same tests, people and bounds.
//! 2. A finding of the direct run that is found there as well is `still there`.
//! 3. Where its test came to a verdict at the same place and found nothing, it is `stopped`: the control got through, the attack
//!    did not.
//! 4. Otherwise its attack is sent to the gate as it stands. Where that is refused although whoever sends it is signed in there, it
//!    is `stopped`; where it goes as it went, `still there`; and else nobody can say.

use crate::facts::Facts;
use crate::hidden::Hidden;
use crate::kept::{Kept, KeptFinding};
use crate::replay::{Standing, resend};
use crate::report::Report;
use crate::run::{Progress, RunError, World, complete, enter};
use crate::surface::add;
use crate::verdict::Verdict;

/// What a gate makes of the findings.
#[derive(Debug)]
pub struct Through {
    /// `http://127.0.0.1:8080`.
    pub base: String,
    /// In the order of the findings; `gone` means stopped.
    pub rows: Vec<Row>,
    /// Findings that only the run through the gate has.
    pub only: Vec<Former>,
    /// What was not looked at there.
    pub gaps: Vec<String>,
    pub requests: usize,
}

/// One finding.
#[derive(Debug)]
pub struct Row {
    pub id: String,
    pub standing: Standing,
    pub says: String,
}

/// A finding that is not there without the gate.
#[derive(Debug)]
pub struct Former {
    pub test: String,
    pub operation: String,
    pub says: String,
}

/// For people: what is gone elsewhere is stopped here.
#[must_use]
pub const fn words(standing: Standing) -> &'static str {
    match standing {
        Standing::Gone => "stopped",
        other => other.words(),
    }
}

impl Through {
    #[must_use]
    pub fn count(&self, standing: Standing) -> usize {
        self.rows.iter().filter(|row| row.standing == standing).count()
    }

    #[must_use]
    pub fn of(&self, id: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == id)
    }
}

/// Runs the tests at the gate, and compares with the direct run.
///
/// # Errors
/// As [`crate::run()`].
pub async fn through(
    facts: Facts,
    world: &World,
    progress: &dyn Progress,
    direct: &Report,
) -> Result<Through, RunError> {
    let kept = Kept::parse(&crate::format::json(direct)).ok();
    let declared = facts.login.is_some();
    let mut field = enter(facts.clone(), world, progress).await?;
    if declared && field.signed_in().next().is_none() {
        // The gate has a way of its own.
        field = enter(Facts { login: None, ..facts }, world, progress).await?;
    }
    for one in &direct.operations {
        add(&mut field.operations, one.operation.clone());
    }
    let report = complete(&mut field, world, progress).await;
    let mut rows = Vec::new();
    for finding in kept.iter().flat_map(|kept| &kept.findings).filter(|one| one.verdict > Verdict::Tentative)
    {
        let (standing, says) = row(&field, &report, finding).await;
        rows.push(Row { id: finding.id.clone(), standing, says: Hidden::of(&field).text(&says) });
    }
    let known = |id: &String| direct.outcomes.iter().any(|own| own.verdict.is_finding() && own.id() == *id);
    let sure =
        report.findings.iter().filter(|one| one.outcome.verdict > Verdict::Tentative && !known(&one.id));
    let only = sure.map(|one| Former {
        test: one.about.id.clone(),
        operation: one.outcome.operation.clone(),
        says: report.hidden.text(&one.outcome.says),
    });
    Ok(Through {
        base: report.base.clone(),
        rows,
        only: only.collect(),
        gaps: report
            .gaps
            .iter()
            .filter(|gap| gap.incomplete)
            .map(|gap| report.hidden.text(&gap.says))
            .collect(),
        requests: report.requests,
    })
}

async fn row(field: &crate::field::Field, report: &Report, finding: &KeptFinding) -> (Standing, String) {
    let own = report.outcomes.iter().find(|outcome| outcome.id() == finding.id);
    if let Some(outcome) = own.filter(|outcome| outcome.verdict > Verdict::Tentative) {
        return (Standing::StillThere, outcome.says.clone());
    }
    // Of the same value, where it speaks of one, and nothing else said of it by the way.
    let settled = report.outcomes.iter().find(|outcome| {
        let same = outcome.point.is_none() || outcome.point == finding.point;
        let here = outcome.test == finding.test && outcome.operation == finding.operation;
        here && same && outcome.verdict == Verdict::Passed
    });
    if let (Some(outcome), true) = (settled, own.is_none_or(|own| own.verdict == Verdict::Passed)) {
        return (Standing::Gone, outcome.says.clone());
    }
    let resent = resend(field, finding).await;
    if resent.holds {
        return (Standing::StillThere, resent.says);
    }
    let statuses: Vec<String> =
        resent.sent.iter().map(|(name, exchange, _)| format!("{name} {}", exchange.status)).collect();
    if resent.refused {
        return (Standing::Gone, format!("refused as it was sent: {}", statuses.join(", ")));
    }
    if report.looked_at(finding) {
        return (Standing::Gone, "its test looked at the same place, and found nothing".to_owned());
    }
    let says =
        if statuses.is_empty() { resent.says } else { format!("{} ({})", resent.says, statuses.join(", ")) };
    (Standing::CannotSay, says)
}
