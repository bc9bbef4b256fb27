//! Workflow commands: GitHub shows them at the lines of a change. See "Workflow commands for GitHub Actions".

use gabion_model::Severity;

use super::word;
use crate::{Report, visible};

pub(super) fn annotations(report: &Report) -> String {
    let mut out = String::new();
    for reported in &report.findings {
        let finding = &reported.finding;
        let level = match finding.severity {
            Severity::Critical | Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low | Severity::Informational => "notice",
        };
        let place = &finding.place;
        let title = format!("{}: {}", word(finding.severity), finding.rule);
        let mut properties = format!("title={}", property(&title));
        if !place.path.is_empty() {
            properties.push_str(&format!(",file={}", property(&place.path)));
            properties.push_str(&format!(",line={},endLine={}", place.start.line, place.end.line));
            // Columns only where the place is on one line; otherwise they are not shown at all.
            if place.start.line == place.end.line {
                properties.push_str(&format!(",col={},endColumn={}", place.start.column, place.end.column));
            }
        }
        out.push_str(&format!("::{level} {properties}::{}\n", message(&finding.message)));
    }
    for gap in &report.incomplete {
        out.push_str(&format!("::warning title=incomplete scan::{}\n", message(gap)));
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
