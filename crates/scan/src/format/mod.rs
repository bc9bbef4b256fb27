//! Writes a report down: for people, for programs, for the services teams use. Values in, text out.
//!
//! Nothing of a repository reaches a reader as it is: [`crate::visible()`] stands between, and what each form needs besides.

mod github;
mod gitlab;
mod html;
mod json;
mod junit;
mod markdown;
mod sarif;
mod text;

pub use html::html;
pub use json::{Previous, json, read_previous, schema};
pub use text::{TextOptions, explain, text};

use gabion_finding::sarif::cwe;
use gabion_model::Severity;

use crate::Report;

/// A form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Workflow commands that GitHub shows at the lines of a change.
    Github,
    /// GitLab's report of static analysis, without the secrets.
    GitlabSast,
    /// GitLab's report of secret detection.
    GitlabSecrets,
    /// A page of its own, without script.
    Html,
    /// Everything, versioned.
    Json,
    Junit,
    Markdown,
    /// SARIF 2.1.0.
    Sarif,
}

/// The report in a form that needs no more than itself. `earlier` are the counts of former reports, oldest first.
#[must_use]
pub fn write(report: &Report, format: Format, earlier: &[Previous]) -> String {
    match format {
        Format::Github => github::annotations(report),
        Format::GitlabSast => gitlab::sast(report),
        Format::GitlabSecrets => gitlab::secrets(report),
        Format::Html => html(report, earlier),
        Format::Json => json(report),
        Format::Junit => junit::junit(report),
        Format::Markdown => markdown::markdown(report),
        Format::Sarif => sarif::sarif(report),
    }
}

/// The scanner whose findings are secrets.
const SECRETS: &str = "secrets";

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

/// A JSON value as a text with a final line end.
fn pretty(value: &serde_json::Value) -> String {
    let mut text = crate::visible::json(&serde_json::to_string_pretty(value).unwrap_or_default());
    text.push('\n');
    text
}

/// A path as the path of an address: what is no plain character is encoded.
fn uri(path: &str) -> String {
    percent_encoding::utf8_percent_encode(path, PATH).to_string()
}

const PATH: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[cfg(test)]
mod tests;
