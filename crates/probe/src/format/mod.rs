//! Writes a report down: for people, for programs, for the services teams use. Values in, text out.
//!
//! Nothing of the target reaches a reader as it is: what is hidden has a name ([`crate::hidden`]), what moves a cursor or turns
//! a line is written out, and what each form needs besides.

mod changes;
mod explain;
mod github;
mod html;
mod json;
mod junit;
mod markdown;
mod required;
mod sarif;
mod text;
mod trace;

pub use explain::{explain, list};
pub use html::html;
pub(crate) use json::{JsonExchange, JsonPositive, JsonProof, JsonRequest};
pub use json::{json, schema};
pub use text::{TextOptions, text};
pub use trace::trace;

use gabion_finding::sarif::cwe;
use gabion_model::Severity;

use crate::Report;
use crate::report::Finding;
use crate::verdict::Exchange;

/// A form of a report that needs no more than the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Workflow commands that GitHub shows at the run.
    Github,
    /// A page of its own, without script.
    Html,
    /// Everything, versioned.
    Json,
    Junit,
    Markdown,
    /// SARIF 2.1.0.
    Sarif,
}

/// The report in a form.
#[must_use]
pub fn write(report: &Report, format: Format) -> String {
    match format {
        Format::Github => github::annotations(report),
        Format::Html => html(report),
        Format::Json => json(report),
        Format::Junit => junit::junit(report),
        Format::Markdown => markdown::markdown(report),
        Format::Sarif => sarif::sarif(report),
    }
}

/// One word for people; `informational` is too long for a column.
const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Informational => "info",
        _ => severity.as_str(),
    }
}

/// A text of several lines as one.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text of the target as one bounded line, without what is hidden. Whoever prints it makes it safe for its form.
fn line(report: &Report, text: &str) -> String {
    bounded(&flat(&report.hidden.text(text)), LINE)
}

/// The beginning of a text, and that there was more.
fn bounded(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Characters of one line.
const LINE: usize = 600;
/// Characters of one line that sends a request.
const CURL: usize = 4_000;

/// The line that sends an exchange again. One that is too long to be pasted is cut, and says so.
fn curl(report: &Report, exchange: &Exchange) -> String {
    let line = report.hidden.curl(&report.base, &exchange.request);
    match line.char_indices().nth(CURL) {
        Some((at, _)) => format!("{} # cut: see the report in JSON", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

/// Where a finding is: the operation, and the value.
fn place(finding: &Finding) -> String {
    let outcome = &finding.outcome;
    let operation = if outcome.operation.is_empty() { "the application" } else { outcome.operation.as_str() };
    match &outcome.point {
        Some(point) => format!("{operation}, {point}"),
        None => operation.to_owned(),
    }
}

fn counted(count: usize, one: &'static str, many: &'static str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// `12.3 s`, `4 min 2 s`.
fn duration(time: std::time::Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}.{} s", time.subsec_millis() / 100),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests;
