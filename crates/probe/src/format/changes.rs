//! What the forms say of other runs: of the one before, and of the one through a gate.

use gabion_finding::drawing;
use gabion_model::Severity;

use super::{bounded, counted, flat, place};
use crate::Report;
use crate::replay::Standing;
use crate::report::Finding;
use crate::through::{Through, words};
use crate::trend::Trend;
use crate::verdict::Verdict;

/// `new` or `still there`; nothing where no run is compared with, or the finding counts on neither side.
pub(super) fn of(report: &Report, finding: &Finding) -> Option<&'static str> {
    let trend = report.trend.as_ref().filter(|_| finding.outcome.verdict > Verdict::Tentative)?;
    match (trend.new.contains(&finding.id), trend.still.contains(&finding.id)) {
        (true, _) => Some("new"),
        (_, true) => Some("still there"),
        _ => None,
    }
}

/// `2 new, 5 still there, 1 gone since 2026-…`.
pub(super) fn summary(trend: &Trend) -> String {
    let mut parts = vec![
        format!("{} new", trend.new.len()),
        format!("{} still there", trend.still.len()),
        format!("{} gone", trend.gone().count()),
    ];
    let unseen = trend.unseen().count();
    if unseen > 0 {
        parts.push(format!("{unseen} not looked at"));
    }
    let at = trend.runs.last().map_or("", |run| run.at.as_str());
    format!("{} since {at}", parts.join(", "))
}

/// Earlier runs and this one.
pub(super) fn picture(report: &Report, trend: &Trend) -> String {
    let of = |name: &str, counts: &dyn Fn(Severity) -> usize| -> drawing::Bar {
        (name.to_owned(), Severity::ALL.iter().map(|severity| (*severity, counts(*severity))).collect())
    };
    let mut bars: Vec<drawing::Bar> = trend
        .runs
        .iter()
        .map(|run| of(&run.at, &|severity| run.findings.get(severity.as_str()).copied().unwrap_or(0)))
        .collect();
    bars.push(of(&report.at.to_string(), &|severity| {
        let sure = report.findings.iter().filter(|one| one.outcome.verdict > Verdict::Tentative);
        sure.filter(|one| one.severity == severity).count()
    }));
    drawing::bars(&bars, "runs")
}

/// `7 stopped, 2 still there, 1 cannot say`.
pub(super) fn compared(through: &Through) -> String {
    let all = [Standing::Gone, Standing::StillThere, Standing::CannotSay];
    let parts: Vec<String> =
        all.iter().map(|standing| format!("{} {}", through.count(*standing), words(*standing))).collect();
    parts.join(", ")
}

/// Severity, test, place, what the gate makes of it, and why: a row for each finding that is more than tentative.
pub(super) fn rows<'a>(
    report: &'a Report,
    through: &'a Through,
) -> impl Iterator<Item = (&'a Finding, String, Standing, String)> {
    report.findings.iter().filter_map(|finding| {
        let row = through.of(&finding.id)?;
        Some((finding, place(finding), row.standing, bounded(&flat(&row.says), LINE)))
    })
}

/// What is found at the gate only.
pub(super) fn only(through: &Through) -> Option<String> {
    let count = through.only.len();
    (count > 0).then(|| format!("{} through the gate only", counted(count, "finding", "findings")))
}

/// Characters of a reason.
const LINE: usize = 200;
