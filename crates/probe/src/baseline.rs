//! Findings that somebody decided to live with, in `.gabion/probe-baseline.json`, each with the reason.
//!
//! ```json
//! {
//!   "version": 1,
//!   "findings": [
//!     { "id": "0f…", "test": "headers", "operation": "GET /", "reason": "replaced in March", "until": "2027-03-31" }
//!   ]
//! }
//! ```
//!
//! An entry accepts the finding of its id and of its test, until the end of its last day.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::report::{Finding, Report};

/// Where it stands unless somebody says otherwise.
pub const FILE: &str = ".gabion/probe-baseline.json";
const VERSION: u32 = 1;

/// What was accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: BTreeMap<String, Entry>,
}

/// One finding somebody accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub id: String,
    pub test: String,
    pub operation: String,
    pub reason: String,
    /// The last day it holds, as `2026-12-31`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    findings: Vec<Entry>,
}

/// Why a text is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("`{0}` is no version this program knows; the present one is {VERSION}")]
    Version(u32),
    #[error("`{0}` has no reason")]
    NoReason(String),
    #[error("`{id}`: `{until}` is no day; hint: `2026-12-31`")]
    NoDay { id: String, until: String },
}

impl Baseline {
    /// # Errors
    /// When it is no baseline, or an entry has no reason.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let file: File = serde_json::from_str(text)?;
        if file.version != VERSION {
            return Err(BaselineError::Version(file.version));
        }
        let mut entries = BTreeMap::new();
        for entry in file.findings {
            if entry.reason.trim().is_empty() {
                return Err(BaselineError::NoReason(entry.id));
            }
            if let Some(until) = entry.until.as_ref().filter(|until| !is_day(until)) {
                return Err(BaselineError::NoDay { id: entry.id, until: until.clone() });
            }
            entries.insert(entry.id.clone(), entry);
        }
        Ok(Self { entries })
    }

    /// As it is written to a file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let file = File { version: VERSION, findings: self.entries.values().cloned().collect() };
        let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
        text.push('\n');
        text
    }

    /// With everything that a report has now, for a reason. What stands here already keeps its own; what is found no longer
    /// goes, where the run was whole.
    #[must_use]
    pub fn with(mut self, report: &Report, reason: &str) -> Self {
        if report.is_complete() {
            report.gone.iter().for_each(|id| {
                self.entries.remove(id);
            });
        }
        for finding in &report.findings {
            self.entries.entry(finding.id.clone()).or_insert_with(|| Entry {
                id: finding.id.clone(),
                test: finding.about.id.clone(),
                operation: finding.outcome.operation.clone(),
                reason: reason.to_owned(),
                until: None,
            });
        }
        self
    }

    /// Why a finding is accepted on a day, written `2026-12-31`; nothing where it is not.
    #[must_use]
    pub fn reason(&self, finding: &Finding, today: &str) -> Option<&str> {
        let entry = self.entries.get(&finding.id)?;
        let holds = entry.until.as_deref().is_none_or(|until| until >= today);
        (entry.test == finding.about.id && holds).then_some(entry.reason.as_str())
    }

    /// Entries by id.
    pub fn ids(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }
}

fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &str, many: usize| part.len() == many && part.bytes().all(|b| b.is_ascii_digit());
    matches!(parts.as_slice(), [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_baseline_is_named() {
        for (text, says) in [
            ("7", "invalid type"),
            (r#"{"version":2,"findings":[]}"#, "`2` is no version"),
            (
                r#"{"version":1,"findings":[{"id":"a","test":"t","operation":"","reason":" "}]}"#,
                "`a` has no reason",
            ),
            (
                r#"{"version":1,"findings":[{"id":"a","test":"t","operation":"","reason":"r","until":"soon"}]}"#,
                "`soon` is no day",
            ),
        ] {
            let error = Baseline::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let text = r#"{"version":1,"findings":[{"id":"a","test":"t","operation":"","reason":"r"}]}"#;
        let baseline = Baseline::parse(text).unwrap();
        assert_eq!(Baseline::parse(&baseline.to_text()).unwrap(), baseline);
    }
}
