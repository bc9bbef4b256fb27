//! Findings somebody decided to live with, in `.gabion/baseline.json`, each with the reason; and places whose findings are meant to
//! be there: examples, fixtures of tests.
//!
//! ```json
//! {
//!   "version": 1,
//!   "places": [
//!     { "paths": ["tests/fixtures/"], "rules": ["aws"], "reason": "keys of nobody, for the tests of the parser" }
//!   ],
//!   "findings": [
//!     { "fingerprint": "0f…", "rule": "sql.injection", "path": "src/report.js", "reason": "replaced in March" }
//!   ]
//! }
//! ```
//!
//! Paths are patterns of the language of `.gitignore`; rules are rules or families of rules, and all of them where none is named.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use gabion_finding::{Finding, Fingerprint, RuleId};
use gabion_model::Problem;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
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
    places: Vec<Accepted>,
}

/// Findings of a place that somebody accepted, whichever they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub paths: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleId>,
    pub reason: String,
    /// The last day it holds, as `2026-12-31`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// A place, ready to be asked.
#[derive(Debug, Clone)]
struct Accepted {
    place: Place,
    paths: Gitignore,
}

impl PartialEq for Accepted {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl Eq for Accepted {}

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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    places: Vec<Place>,
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
            reasoned(&format!("findings[{number}]"), &entry.reason, entry.until.as_deref())?;
            entries.insert(entry.fingerprint, entry);
        }
        let mut places = Vec::new();
        for (number, place) in file.places.into_iter().enumerate() {
            let path = format!("places[{number}]");
            reasoned(&path, &place.reason, place.until.as_deref())?;
            places.push(Accepted { paths: patterns(&path, &place.paths)?, place });
        }
        Ok(Self { entries, places })
    }

    /// Why a finding is accepted on that day, written `2026-12-31`; none when it is not.
    #[must_use]
    pub fn find(&self, finding: &Finding, today: &str) -> Option<&str> {
        let holds = |until: &Option<String>| until.as_deref().is_none_or(|until| until >= today);
        let entry = self.entries.get(&finding.fingerprint);
        if let Some(entry) = entry.filter(|entry| entry.rule == finding.rule && holds(&entry.until)) {
            return Some(&entry.reason);
        }
        let fits = |accepted: &&Accepted| {
            let rules = &accepted.place.rules;
            holds(&accepted.place.until)
                && (rules.is_empty() || rules.iter().any(|rule| finding.rule.is_under(rule.as_str())))
                && accepted
                    .paths
                    .matched_path_or_any_parents(finding.place.path.trim_start_matches('/'), false)
                    .is_ignore()
        };
        self.places.iter().find(fits).map(|accepted| accepted.place.reason.as_str())
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
        let places = self.places.iter().map(|accepted| accepted.place.clone()).collect();
        let mut text = serde_json::to_string_pretty(&File { version: VERSION, places, findings })?;
        text.push('\n');
        Ok(text)
    }
}

fn reasoned(path: &str, reason: &str, until: Option<&str>) -> Result<(), Problem> {
    if reason.trim().is_empty() {
        return Err(Problem::new(path, "says no reason").hint("say why this is accepted"));
    }
    let is_day = |day: &str| day.parse::<jiff::civil::Date>().is_ok_and(|one| one.to_string() == day);
    if until.is_some_and(|day| !is_day(day)) {
        return Err(Problem::new(format!("{path}.until"), "is no day").hint("write it as `2026-12-31`"));
    }
    Ok(())
}

fn patterns(path: &str, written: &[String]) -> Result<Gitignore, Problem> {
    if written.is_empty() {
        return Err(
            Problem::new(format!("{path}.paths"), "names no path").hint("write `[\"tests/fixtures/\"]`")
        );
    }
    let mut builder = GitignoreBuilder::new("");
    for (number, pattern) in written.iter().enumerate() {
        let at = || format!("{path}.paths[{number}]");
        if pattern.trim().is_empty() || pattern.trim_start().starts_with('#') {
            return Err(Problem::new(at(), "is no pattern").hint("write one as in `.gitignore`"));
        }
        builder.add_line(None, pattern).map_err(|error| Problem::new(at(), error.to_string()))?;
    }
    builder.build().map_err(|error| Problem::new(path, error.to_string()))
}

#[cfg(test)]
mod tests {
    use gabion_finding::{Source, Span};

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

    #[test]
    fn places_are_accepted_by_path_and_rule_until_a_day() {
        let finding = |path: &str, rule: &str| Finding {
            rule: RuleId::new(rule).unwrap(),
            message: String::new(),
            severity: gabion_model::Severity::High,
            confidence: gabion_finding::Confidence::High,
            place: Source::new(path, "x").place(Span::new(0, 1)),
            trace: Vec::new(),
            fix: None,
            properties: BTreeMap::new(),
            hidden: Vec::new(),
            fingerprint: Fingerprint::new(rule, path, ""),
        };
        let text = r#"{"version":1,"places":[{"paths":["/tests/data/"],"rules":["aws"],"reason":"fakes","until":"2026-12-31"}],"findings":[]}"#;
        let baseline = Baseline::parse(text).unwrap();
        assert_eq!(Baseline::parse(&baseline.to_text().unwrap()).unwrap(), baseline);
        let accepted = |path: &str, rule: &str, day: &str| baseline.find(&finding(path, rule), day).is_some();
        assert!(accepted("tests/data/a/b.txt", "aws.key", "2026-12-31"));
        assert!(!accepted("tests/data/a/b.txt", "aws.key", "2027-01-01"));
        assert!(!accepted("tests/data/a/b.txt", "gcp.key", "2026-12-31"));
        assert!(!accepted("src/tests/data/a.txt", "aws.key", "2026-12-31"));
        let wrong = |from: &str, to: &str| Baseline::parse(&text.replace(from, to)).unwrap_err().to_string();
        assert!(wrong("\"fakes\"", "\"\"").contains("places[0]"));
        assert!(wrong("[\"/tests/data/\"]", "[]").contains("places[0].paths"));
        assert!(wrong("\"/tests/data/\"", "\" \"").contains("places[0].paths[0]"));
    }
}
