//! Workflow commands: GitHub shows them at the run. See "Workflow commands for GitHub Actions".

use gabion_finding::visible;
use gabion_model::Severity;

use super::{line, place, word};
use crate::Report;
use crate::verdict::Verdict;

pub(super) fn annotations(report: &Report) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        let level = match finding.severity {
            _ if finding.outcome.verdict == Verdict::Tentative => "notice",
            Severity::Critical | Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low | Severity::Informational => "notice",
        };
        let title = format!("{}: {} at {}", word(finding.severity), finding.about.id, place(finding));
        let mut text = format!(
            "{} ({}): {}",
            finding.about.title,
            finding.outcome.verdict,
            line(report, &finding.outcome.says)
        );
        if let Some(control) = &finding.outcome.control {
            text.push_str(&format!("; control: {}", line(report, &control.says)));
        }
        out.push_str(&format!("::{level} title={}::{}\n", property(&title), message(&text)));
    }
    for gap in &report.gaps {
        let title = if gap.incomplete { "incomplete probe" } else { "little was probed" };
        let text = message(&line(report, &gap.says));
        out.push_str(&format!("::warning title={title}::{text}\n"));
    }
    out
}

/// A message ends with its line.
fn message(text: &str) -> String {
    visible(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property ends with a comma, all of them with a colon.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
