//! The report as JSON. Fields are only ever added; a change that is more than that is another version.

use std::collections::BTreeMap;

use gabion_finding::{Finding, UnreadReason};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ControlEvidence, Evidence, Reason, Report, Reported};

/// The version of what [`json`] writes.
const VERSION: u32 = 1;

/// The version of its part `evidence`.
const EVIDENCE: u32 = 1;

/// A report of `gabion scan --format json`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Report of gabion scan")]
struct Document {
    /// Of this form.
    version: u32,
    tool: Tool,
    /// When the scan began. Nothing else here differs when the same tree is scanned again, except how old `judged_by` is.
    at: String,
    summary: Summary,
    /// Most severe first.
    findings: Vec<JsonFinding>,
    /// What somebody took upon themselves, with the reason.
    suppressed: Vec<JsonSuppressed>,
    /// Comments that allow nothing that was found.
    idle_comments: Vec<Idle>,
    /// Fingerprints of the baseline that are found no longer.
    gone: Vec<String>,
    /// Files, or parts of them, about which nothing is said.
    unread: Vec<JsonUnread>,
    /// Why the scan is not whole; empty when it is.
    incomplete: Vec<String>,
    /// Every rule that is named, by id.
    rules: BTreeMap<String, JsonRule>,
    /// What the scan is evidence of.
    evidence: JsonEvidence,
}

/// For whoever gathers what is known of each control.
#[derive(Debug, Serialize, JsonSchema)]
struct JsonEvidence {
    /// The version of this part; it changes when fields change their meaning.
    version: u32,
    /// `tree`, or `changes` where only changed lines were told.
    scope: &'static str,
    /// SHA-256 over each file that was read, by path: the path, a zero byte, the 32 bytes of the file's SHA-256.
    tree: String,
    /// Whether the scan is whole; else `incomplete` says why it is not.
    complete: bool,
    /// By id of the control; one that no rule of this scan is for is not named, and nothing is known of it.
    controls: BTreeMap<&'static str, JsonControl>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonControl {
    /// `found`, `accepted`, `incomplete`, `not_looked` or `nothing`; docs/guides/scan.md says what each means.
    outcome: &'static str,
    /// The rules that ran, by scanner.
    rules: BTreeMap<&'static str, Vec<String>>,
    /// Files that one of these scanners read.
    files: usize,
    /// Findings by severity.
    findings: BTreeMap<&'static str, usize>,
    /// Findings that a comment or the baseline accepts.
    accepted: usize,
    /// Findings that are less sure than was asked for.
    unsure: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Tool {
    name: &'static str,
    version: String,
    /// Name and version.
    scanners: BTreeMap<String, String>,
    /// What a scanner judged by besides its rules, by its name: a database of advisories, and its age.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    judged_by: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Summary {
    files: usize,
    lines: u64,
    /// Findings by severity.
    findings: BTreeMap<&'static str, usize>,
    /// Left out because they are less sure than was asked for.
    unsure: usize,
    /// Left out because their lines did not change.
    unchanged: usize,
    suppressed: usize,
    /// The commit that changes were told by.
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<String>,
    /// Archives that were looked through for secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    archives: Option<usize>,
    /// Commits whose files were looked through for secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    commits: Option<usize>,
    /// Whether a finding is as severe as the scan fails on.
    failed: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonFinding {
    rule: String,
    scanner: &'static str,
    control: String,
    message: String,
    severity: &'static str,
    confidence: &'static str,
    /// The same after lines moved: 32 hexadecimal digits.
    fingerprint: String,
    place: JsonPlace,
    /// From where what somebody else controls comes, step by step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trace: Vec<JsonStep>,
    /// What only this kind of finding has.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    properties: BTreeMap<String, String>,
    /// What `--fix` would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
    /// The lines around it, secrets taken out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<JsonLine>,
}

/// Lines and columns are counted from 1, columns in characters; the end is behind the last character.
#[derive(Debug, Serialize, JsonSchema)]
struct JsonPlace {
    path: String,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonStep {
    place: JsonPlace,
    says: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonLine {
    number: u32,
    text: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonSuppressed {
    /// `comment` or `baseline`.
    by: &'static str,
    reason: String,
    finding: JsonFinding,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Idle {
    path: String,
    line: u32,
    rules: Vec<String>,
    /// The day it ended, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonUnread {
    path: String,
    /// `binary`, `budget`, `deep`, `encoding`, `generated`, `io`, `large`, `link`, `minified`, `no_verdict`, `syntax`, `vendored`.
    reason: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonRule {
    title: String,
    control: String,
    cwe: Vec<u16>,
    severity: &'static str,
    confidence: &'static str,
    why: String,
    fix: String,
    references: Vec<String>,
}

/// The report as JSON with a final line end.
#[must_use]
pub fn json(report: &Report) -> String {
    let document = Document {
        version: VERSION,
        tool: Tool {
            name: "gabion",
            version: report.version.to_owned(),
            scanners: report
                .scanners
                .iter()
                .map(|(name, version)| ((*name).to_owned(), version.clone()))
                .collect(),
            judged_by: report.judged_by.iter().map(|(name, by)| ((*name).to_owned(), by.clone())).collect(),
        },
        at: report.at.to_string(),
        summary: summary(report),
        findings: report.findings.iter().map(|one| finding(report, one)).collect(),
        suppressed: report
            .suppressed
            .iter()
            .map(|one| {
                let by = match &one.by {
                    Reason::Comment { .. } => "comment",
                    Reason::Baseline { .. } => "baseline",
                };
                JsonSuppressed {
                    by,
                    reason: one.by.text().to_owned(),
                    finding: finding(report, &one.reported),
                }
            })
            .collect(),
        idle_comments: report
            .idle
            .iter()
            .map(|(path, allow)| Idle {
                path: path.to_string(),
                line: allow.line,
                rules: allow.rules.iter().map(ToString::to_string).collect(),
                until: allow.until.clone(),
            })
            .collect(),
        gone: report.gone.iter().map(|entry| entry.fingerprint.to_string()).collect(),
        unread: report
            .unread
            .iter()
            .map(|one| JsonUnread {
                path: one.path.to_string(),
                reason: UnreadReason::as_str(one.reason),
                detail: one.detail.clone(),
            })
            .collect(),
        incomplete: report.incomplete.clone(),
        rules: report
            .rules
            .iter()
            .map(|(id, (_, rule))| {
                let rule = JsonRule {
                    title: rule.title.clone(),
                    control: rule.control.as_str().to_owned(),
                    cwe: rule.cwe.clone(),
                    severity: rule.severity.as_str(),
                    confidence: rule.confidence.as_str(),
                    why: rule.why.clone(),
                    fix: rule.fix.clone(),
                    references: rule.references.clone(),
                };
                (id.clone(), rule)
            })
            .collect(),
        evidence: evidence(&report.evidence),
    };
    let mut text = crate::visible::json(&serde_json::to_string_pretty(&document).unwrap_or_default());
    text.push('\n');
    text
}

fn evidence(evidence: &Evidence) -> JsonEvidence {
    let control = |control: &ControlEvidence| JsonControl {
        outcome: control.outcome.as_str(),
        rules: (control.rules.iter())
            .map(|(scanner, rules)| (*scanner, rules.iter().map(ToString::to_string).collect()))
            .collect(),
        files: control.files,
        findings: control.findings.iter().map(|(severity, count)| (severity.as_str(), *count)).collect(),
        accepted: control.accepted,
        unsure: control.unsure,
    };
    JsonEvidence {
        version: EVIDENCE,
        scope: if evidence.of_changes { "changes" } else { "tree" },
        tree: evidence.tree.clone(),
        complete: evidence.complete,
        controls: evidence.controls.iter().map(|(id, of)| (id.as_str(), control(of))).collect(),
    }
}

fn summary(report: &Report) -> Summary {
    Summary {
        files: report.files,
        lines: report.lines,
        findings: report.counts().into_iter().map(|(severity, count)| (severity.as_str(), count)).collect(),
        unsure: report.unsure,
        unchanged: report.unchanged,
        suppressed: report.suppressed.len(),
        base: report.base.clone(),
        archives: report.archives.map(|(archives, _)| archives),
        commits: report.history.map(|(commits, _)| commits),
        failed: report.fails(),
    }
}

fn finding(report: &Report, reported: &Reported) -> JsonFinding {
    let Finding { rule, message, severity, confidence, trace, fix, properties, fingerprint, .. } =
        &reported.finding;
    let control = report.rules.get(rule.as_str()).map(|(_, rule)| rule.control.as_str().to_owned());
    JsonFinding {
        rule: rule.to_string(),
        scanner: report.scanner(rule.as_str()),
        control: control.unwrap_or_default(),
        message: message.clone(),
        severity: severity.as_str(),
        confidence: confidence.as_str(),
        fingerprint: fingerprint.to_string(),
        place: place(&reported.finding.place),
        trace: trace
            .iter()
            .map(|step| JsonStep { place: place(&step.place), says: step.says.clone() })
            .collect(),
        properties: properties.clone(),
        fix: fix.as_ref().map(|fix| fix.says.clone()),
        lines: reported
            .frame
            .lines
            .iter()
            .map(|line| JsonLine { number: line.number, text: line.text.clone() })
            .collect(),
    }
}

fn place(place: &gabion_finding::Place) -> JsonPlace {
    JsonPlace {
        path: place.path.to_string(),
        line: place.start.line,
        column: place.start.column,
        end_line: place.end.line,
        end_column: place.end.column,
    }
}

/// The JSON Schema of what [`json`] writes.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}

/// What a trend is drawn from: a former report.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Previous {
    pub at: String,
    pub summary: PreviousSummary,
    pub findings: Vec<PreviousFinding>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PreviousSummary {
    /// By severity.
    pub findings: BTreeMap<String, usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PreviousFinding {
    pub fingerprint: String,
}

/// Reads a report that [`json`] wrote, also one of an earlier program.
///
/// # Errors
/// When it is none.
pub fn read_previous(text: &str) -> Result<Previous, serde_json::Error> {
    serde_json::from_str(text)
}
