//! JUnit's XML, as CI services read it: a suite for each test, a case for each operation it looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use gabion_finding::visible::markup;

use super::required::whole;
use super::{curl, line, place, word};
use crate::Report;
use crate::about::About;
use crate::report::Finding;
use crate::verdict::{Outcome, Verdict};

/// What of a suite is counted.
#[derive(Clone, Copy, Default)]
struct Counts {
    tests: usize,
    failures: usize,
    skipped: usize,
}

pub(super) fn junit(report: &Report) -> String {
    let mut suites = String::new();
    let mut all = Counts::default();
    for about in &report.tests {
        let (text, counts) = suite(report, about);
        suites.push_str(&text);
        all.tests = all.tests.saturating_add(counts.tests);
        all.failures = all.failures.saturating_add(counts.failures);
        all.skipped = all.skipped.saturating_add(counts.skipped);
    }
    let gaps: Vec<_> = report.gaps.iter().filter(|gap| gap.incomplete).collect();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"gabion probe\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
        all.tests.saturating_add(gaps.len()),
        all.failures,
        gaps.len(),
        all.skipped
    );
    out.push_str(&suites);
    if !gaps.is_empty() {
        let count = gaps.len();
        let _ =
            writeln!(out, "  <testsuite name=\"probe\" tests=\"{count}\" failures=\"0\" errors=\"{count}\">");
        for gap in gaps {
            let _ = writeln!(
                out,
                "    <testcase name=\"the probe is whole\" classname=\"probe\"><error message=\"{}\"/></testcase>",
                markup(&line(report, &gap.says))
            );
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// A suite with a case for each operation: what was said of its values is one case.
fn suite(report: &Report, about: &About) -> (String, Counts) {
    let mut cases: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    for outcome in report.outcomes.iter().filter(|outcome| outcome.test == about.id) {
        cases.entry(&outcome.operation).or_default().push(outcome);
    }
    let mut counts = Counts::default();
    let mut text = String::new();
    if cases.is_empty() {
        cases.insert("", Vec::new());
    }
    for (operation, outcomes) in &cases {
        let found: Vec<&Finding> = report
            .findings
            .iter()
            .filter(|one| {
                one.about.id == about.id
                    && one.outcome.operation == **operation
                    && one.outcome.verdict > Verdict::Tentative
            })
            .collect();
        counts.tests = counts.tests.saturating_add(1);
        let name = if operation.is_empty() { "the application" } else { operation };
        let _ = write!(text, "    <testcase name=\"{}\" classname=\"{}\"", markup(name), markup(&about.id));
        let passed = outcomes.iter().any(|one| one.verdict == Verdict::Passed || one.verdict.is_finding());
        if !found.is_empty() {
            counts.failures = counts.failures.saturating_add(1);
            text.push_str(">\n");
            failure(&mut text, report, &found);
            text.push_str("    </testcase>\n");
        } else if passed {
            controls(&mut text, report, outcomes);
        } else {
            counts.skipped = counts.skipped.saturating_add(1);
            let why = outcomes.first().map_or_else(
                || "nothing here it could attack".to_owned(),
                |one| format!("{}: {}", one.verdict, line(report, &one.says)),
            );
            let _ = writeln!(text, "><skipped message=\"{}\"/></testcase>", markup(&why));
        }
    }
    let whole = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\">\n{text}  </testsuite>\n",
        markup(&about.id),
        counts.tests,
        counts.failures,
        counts.skipped
    );
    (whole, counts)
}

/// Ends a case that did not fail, with what had succeeded before that was said.
fn controls(out: &mut String, report: &Report, outcomes: &[&Outcome]) {
    let own = outcomes.iter().filter_map(|one| one.control.as_ref());
    let all: BTreeSet<String> = own.map(|control| whole(report, control)).collect();
    if all.is_empty() {
        out.push_str("/>\n");
        return;
    }
    out.push_str("><system-out>\n");
    for control in &all {
        let _ = writeln!(out, "control: {}", markup(control));
    }
    out.push_str("    </system-out></testcase>\n");
}

/// One failure says all that was found there.
fn failure(out: &mut String, report: &Report, found: &[&Finding]) {
    let Some(first) = found.first() else { return };
    let _ = writeln!(
        out,
        "      <failure type=\"{}\" message=\"{}\">",
        word(first.severity),
        markup(&format!("{}: {}", first.about.title, line(report, &first.outcome.says)))
    );
    for finding in found {
        let (place, says) = (markup(&place(finding)), markup(&line(report, &finding.outcome.says)));
        let _ = writeln!(out, "{} {}, {place}: {says}", finding.id, finding.outcome.verdict);
        if let Some(proof) = &finding.outcome.proof {
            let _ = writeln!(out, "attack: {}", markup(&curl(report, &proof.attack)));
            if let Some(twin) = &proof.twin {
                let _ = writeln!(out, "twin: {}", markup(&curl(report, twin)));
            }
        }
        if let Some(control) = &finding.outcome.control {
            let _ = writeln!(out, "control: {}", markup(&whole(report, control)));
        }
    }
    out.push_str("      </failure>\n");
}
