//! Findings somebody decided to live with, in `.gabion/baseline.json`, each with the reason.
//!
//! ```json
//! {
//!   "version": 1,
//!   "findings": [
//!     { "fingerprint": "0f…", "rule": "sql.injection", "path": "src/report.js", "reason": "replaced in March" }
//!   ]
//! }
//! ```

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use gabion_finding::{Finding, Fingerprint, RuleId};
use gabion_model::Problem;
use serde::{Deserialize, Serialize};

use crate::open;

/// Where it stands unless somebody says otherwise.
pub const FILE: &str = ".gabion/baseline.json";
const VERSION: u32 = 1;
const LARGEST: u64 = 32 << 20;

/// What was accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    entries: BTreeMap<Fingerprint, Entry>,
}

/// One finding somebody accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub fingerprint: Fingerprint,
    pub rule: RuleId,
    pub path: String,
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

/// Why there is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    #[error("cannot be read")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Wrong(Problem),
}

impl Baseline {
    /// # Errors
    /// When the file is not there, or is no baseline.
    pub fn read(file: &Path) -> Result<Self, BaselineError> {
        let bytes = open::whole(file, LARGEST)?;
        Self::parse(&String::from_utf8_lossy(&bytes)).map_err(BaselineError::Wrong)
    }

    /// # Errors
    /// When it is no baseline, or an entry has no reason.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let file: File = serde_json::from_str(text).map_err(|error| Problem::new("", error.to_string()))?;
        if file.version != VERSION {
            let reason = format!("`{}` is no version this program knows", file.version);
            return Err(
                Problem::new("version", reason).hint(format!("write it anew; the present one is {VERSION}"))
            );
        }
        let mut entries = BTreeMap::new();
        for (number, entry) in file.findings.into_iter().enumerate() {
            let path = format!("findings[{number}]");
            if entry.reason.trim().is_empty() {
                return Err(Problem::new(path, "says no reason").hint("say why this finding is accepted"));
            }
            let is_day =
                |day: &String| day.parse::<jiff::civil::Date>().is_ok_and(|one| one.to_string() == *day);
            if !entry.until.iter().all(is_day) {
                return Err(
                    Problem::new(format!("{path}.until"), "is no day").hint("write it as `2026-12-31`")
                );
            }
            entries.insert(entry.fingerprint, entry);
        }
        Ok(Self { entries })
    }

    /// The entry for a finding.
    #[must_use]
    pub fn find(&self, finding: &Finding) -> Option<&Entry> {
        self.entries.get(&finding.fingerprint).filter(|entry| entry.rule == finding.rule)
    }

    pub fn all(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// With these findings as well; those that are there keep their reason.
    #[must_use]
    pub fn with<'a>(mut self, findings: impl IntoIterator<Item = &'a Finding>, reason: &str) -> Self {
        for finding in findings {
            self.entries.entry(finding.fingerprint).or_insert_with(|| Entry {
                fingerprint: finding.fingerprint,
                rule: finding.rule.clone(),
                path: finding.place.path.to_string(),
                reason: reason.to_owned(),
                until: None,
            });
        }
        self
    }

    /// Only what is still found.
    #[must_use]
    pub fn without(mut self, gone: &[Entry]) -> Self {
        for entry in gone {
            self.entries.remove(&entry.fingerprint);
        }
        self
    }

    /// As a file, by path.
    ///
    /// # Errors
    /// Never with what was read or found.
    pub fn to_text(&self) -> io::Result<String> {
        let mut findings: Vec<Entry> = self.entries.values().cloned().collect();
        findings.sort_by(|one, other| {
            (&one.path, &one.rule, one.fingerprint).cmp(&(&other.path, &other.rule, other.fingerprint))
        });
        let mut text = serde_json::to_string_pretty(&File { version: VERSION, findings })?;
        text.push('\n');
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str =
        r#"{"fingerprint":"00000000000000000000000000000001","rule":"a.b","path":"x","reason":"REASON"}"#;

    fn file(entry: &str) -> String {
        format!("{{\"version\":1,\"findings\":[{entry}]}}")
    }

    #[test]
    fn it_is_read_as_it_is_written_and_wants_reasons() {
        let baseline = Baseline::parse(&file(ENTRY)).unwrap();
        assert_eq!(Baseline::parse(&baseline.to_text().unwrap()).unwrap(), baseline);
        let wrong = |text: &str| Baseline::parse(text).unwrap_err().to_string();
        assert!(wrong(&file(&ENTRY.replace("REASON", " "))).contains("reason"));
        assert!(wrong(&file(&ENTRY.replace("\"x\"", "\"x\",\"more\":1"))).contains("more"));
        assert!(wrong(&file(ENTRY).replace("1,\"f", "2,\"f")).contains("version"));
        assert!(
            wrong(&file(&ENTRY.replace("\"REASON\"", "\"r\",\"until\":\"soon\""))).contains("2026-12-31")
        );
    }
}
