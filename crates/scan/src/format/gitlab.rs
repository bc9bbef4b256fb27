//! GitLab's security reports: version 15.2.1 of its schemas for static analysis and for secret detection.

use gabion_model::Severity;
use serde_json::{Value, json};

use super::{SECRETS, cwe, flat, pretty};
use crate::{Report, Reported, visible};

const SCHEMA: &str = "15.2.1";

pub(super) fn sast(report: &Report) -> String {
    write(report, "sast", |scanner| scanner != SECRETS)
}

pub(super) fn secrets(report: &Report) -> String {
    write(report, "secret_detection", |scanner| scanner == SECRETS)
}

fn write(report: &Report, kind: &str, takes: impl Fn(&str) -> bool) -> String {
    let tool = json!({
        "id": "gabion",
        "name": "Gabion",
        "version": report.version,
        "vendor": { "name": "Gabion" },
    });
    // Seconds, without a zone: it is UTC.
    let at: String = report.at.to_string().chars().take(19).collect();
    let status = if report.incomplete.is_empty() { "success" } else { "failure" };
    let messages: Vec<Value> = report
        .incomplete
        .iter()
        .map(|gap| json!({ "level": "warn", "value": format!("incomplete: {}", visible(gap)) }))
        .collect();
    let vulnerabilities: Vec<Value> = report
        .findings
        .iter()
        .filter(|one| takes(report.scanner(one.finding.rule.as_str())))
        .filter(|one| !one.finding.place.path.is_empty())
        .map(|one| vulnerability(report, one, kind))
        .collect();
    pretty(&json!({
        "version": SCHEMA,
        "scan": {
            "analyzer": tool,
            "scanner": tool,
            "type": kind,
            "start_time": at,
            "end_time": at,
            "status": status,
            "messages": messages,
        },
        "vulnerabilities": vulnerabilities,
    }))
}

fn vulnerability(report: &Report, reported: &Reported, kind: &str) -> Value {
    let finding = &reported.finding;
    let place = &finding.place;
    let rule = report.rules.get(finding.rule.as_str()).map(|(_, rule)| rule);
    let severity = match finding.severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Informational => "Info",
    };
    let mut identifiers = vec![json!({
        "type": "gabion_rule",
        "name": finding.rule.as_str(),
        "value": finding.rule.as_str(),
    })];
    identifiers.extend(rule.iter().flat_map(|rule| &rule.cwe).map(|number| {
        json!({ "type": "cwe", "name": format!("CWE-{number}"), "value": number.to_string(), "url": cwe(*number) })
    }));
    let mut location = json!({
        "file": visible(&place.path),
        "start_line": place.start.line,
        "end_line": place.end.line,
    });
    if kind == "secret_detection"
        && let Some(location) = location.as_object_mut()
    {
        // The commit is required there; one of zeros stands for the working tree.
        let none = "0".repeat(40);
        let commit = finding.properties.get("commit").map_or(none.as_str(), String::as_str);
        let mut said = json!({ "sha": commit });
        for name in ["author", "date"] {
            if let (Some(value), Some(said)) = (finding.properties.get(name), said.as_object_mut()) {
                said.insert(name.to_owned(), visible(value).into());
            }
        }
        location.insert("commit".to_owned(), said);
    }
    json!({
        "id": finding.fingerprint.to_string(),
        "name": rule.map_or_else(|| finding.rule.to_string(), |rule| visible(&rule.title)),
        "description": visible(&finding.message),
        "severity": severity,
        "solution": rule.map(|rule| flat(&rule.fix)).unwrap_or_default(),
        "location": location,
        "identifiers": identifiers,
    })
}
