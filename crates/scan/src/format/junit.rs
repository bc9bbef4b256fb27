//! JUnit's XML, as CI services read it: a suite for each scanner, a failed case for each finding.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::word;
use crate::visible::markup;
use crate::{Report, Reported};

pub(super) fn junit(report: &Report) -> String {
    let mut suites: BTreeMap<&str, Vec<&Reported>> =
        report.scanners.iter().map(|(name, _)| (*name, Vec::new())).collect();
    for reported in &report.findings {
        suites.entry(report.scanner(reported.finding.rule.as_str())).or_default().push(reported);
    }
    let failures = report.findings.len();
    let gaps = report.incomplete.len();
    // A suite without a finding has one case that passed: that it was run is told too.
    let cases: usize = suites.values().map(|found| found.len().max(1)).sum::<usize>().saturating_add(gaps);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"gabion scan\" tests=\"{cases}\" failures=\"{failures}\" errors=\"{gaps}\">"
    );
    for (scanner, found) in suites {
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\">",
            markup(scanner),
            found.len().max(1),
            found.len()
        );
        if found.is_empty() {
            let _ = writeln!(out, "    <testcase name=\"nothing found\" classname=\"{}\"/>", markup(scanner));
        }
        for reported in found {
            case(&mut out, reported);
        }
        out.push_str("  </testsuite>\n");
    }
    if gaps > 0 {
        let _ =
            writeln!(out, "  <testsuite name=\"scan\" tests=\"{gaps}\" failures=\"0\" errors=\"{gaps}\">");
        for gap in &report.incomplete {
            let _ = writeln!(
                out,
                "    <testcase name=\"the scan is whole\" classname=\"scan\"><error message=\"{}\"/></testcase>",
                markup(gap)
            );
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn case(out: &mut String, reported: &Reported) {
    let finding = &reported.finding;
    let place = format!("{}:{}", finding.place.path, finding.place.start.line);
    let _ = writeln!(
        out,
        "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" line=\"{}\">",
        markup(&place),
        markup(finding.rule.as_str()),
        markup(&finding.place.path),
        finding.place.start.line
    );
    let _ = writeln!(
        out,
        "      <failure type=\"{}\" message=\"{}\">",
        word(finding.severity),
        markup(&finding.message)
    );
    for line in &reported.frame.lines {
        let _ = writeln!(out, "{} | {}", line.number, markup(&line.text));
    }
    out.push_str("</failure>\n    </testcase>\n");
}
