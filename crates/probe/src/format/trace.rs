//! The requests of a run as JSON lines: one object each, without credentials.

use serde::Serialize;

use crate::report::Report;

/// One request, as a line has it. Times are milliseconds.
#[derive(Debug, Serialize)]
struct Line<'a> {
    /// Since the beginning of the run.
    at: f64,
    /// The id of a test, or a part of the run such as `signing in`.
    step: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    who: &'a str,
    method: &'a str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    bytes: usize,
    /// Before it was sent.
    waited: f64,
    took: f64,
}

/// Every request of a run, a line each.
#[must_use]
pub fn trace(report: &Report) -> String {
    let mut out = String::new();
    for one in &report.trace {
        let milliseconds = |time: std::time::Duration| (time.as_secs_f64() * 10_000.0).round() / 10.0;
        let line = Line {
            at: milliseconds(one.at),
            step: &one.step,
            who: &one.who,
            method: &one.method,
            path: report.hidden.text(&one.path),
            status: one.status,
            bytes: one.bytes,
            waited: milliseconds(one.waited),
            took: milliseconds(one.took),
        };
        if let Ok(line) = serde_json::to_string(&line) {
            out.push_str(&line);
            out.push('\n');
        }
    }
    out
}
