//! What every log in SARIF 2.1.0 (OASIS) is put into, and how severities read in one; with what code hosts read of it besides
//! (`security-severity`, tags).

use std::collections::BTreeSet;

use gabion_model::Severity;
use serde_json::{Value, json};

/// One run of one tool. Texts in it are visible already.
#[derive(Debug, Default)]
pub struct Run {
    /// The version of the program.
    pub version: String,
    pub rules: Vec<Value>,
    /// Numbers of CWE that the rules name.
    pub weaknesses: BTreeSet<u16>,
    /// Whether everything was looked at that was asked for.
    pub complete: bool,
    /// What was not looked at.
    pub notifications: Vec<Value>,
    pub results: Vec<Value>,
}

impl Run {
    /// The log.
    #[must_use]
    pub fn into_log(self) -> Value {
        let taxa: Vec<Value> = self
            .weaknesses
            .iter()
            .map(|number| json!({ "id": number.to_string(), "helpUri": cwe(*number) }))
            .collect();
        json!({
            "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {
                    "driver": {
                        "name": "Gabion",
                        "semanticVersion": self.version,
                        "rules": self.rules,
                        "supportedTaxonomies": [{ "name": "CWE", "index": 0 }],
                    },
                },
                "taxonomies": [{
                    "name": "CWE",
                    "organization": "MITRE",
                    "shortDescription": { "text": "The MITRE Common Weakness Enumeration" },
                    "informationUri": "https://cwe.mitre.org/",
                    "taxa": taxa,
                }],
                "invocations": [{
                    "executionSuccessful": self.complete,
                    "toolExecutionNotifications": self.notifications,
                }],
                "columnKind": "unicodeCodePoints",
                "results": self.results,
            }],
        })
    }
}

/// The page of a weakness.
#[must_use]
pub fn cwe(number: u16) -> String {
    format!("https://cwe.mitre.org/data/definitions/{number}.html")
}

/// What a rule has to do with weaknesses.
#[must_use]
pub fn relationships(weaknesses: &[u16]) -> Vec<Value> {
    let of = |number: &u16| {
        json!({
            "target": { "id": number.to_string(), "toolComponent": { "name": "CWE", "index": 0 } },
            "kinds": ["relevant"],
        })
    };
    weaknesses.iter().map(of).collect()
}

/// The tags by which hosts sort weaknesses.
pub fn tags(weaknesses: &[u16]) -> impl Iterator<Item = String> {
    weaknesses.iter().map(|number| format!("external/cwe/cwe-{number:03}"))
}

#[must_use]
pub const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Informational => "note",
    }
}

/// As GitHub sorts them: over 9 is critical, from 7 on high, from 4 on medium.
#[must_use]
pub const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.5",
        Severity::Informational => "0.5",
    }
}
