//! SARIF 2.1.0 (OASIS), with what GitHub reads of it besides (`security-severity`, tags).

use std::collections::{BTreeMap, BTreeSet};

use gabion_finding::sarif::{Run, level, relationships, score, tags};
use gabion_finding::{Edit, Place, Rule, UnreadReason};
use serde_json::{Map, Value, json};

use super::{flat, pretty, uri};
use crate::report::words;
use crate::{Reason, Report, Reported, visible};

pub(super) fn sarif(report: &Report) -> String {
    let rules: Vec<Value> = report.rules.values().map(|(scanner, rule)| descriptor(scanner, rule)).collect();
    let index: BTreeMap<&str, usize> = report.rules.keys().map(String::as_str).zip(0..).collect();
    let mut results: Vec<Value> = report.findings.iter().map(|one| result(one, &index, None)).collect();
    results.extend(report.suppressed.iter().map(|one| result(&one.reported, &index, Some(&one.by))));
    let weaknesses: BTreeSet<u16> =
        report.rules.values().flat_map(|(_, rule)| rule.cwe.iter().copied()).collect();
    let mut notifications: Vec<Value> = report
        .unread
        .iter()
        .map(|unread| {
            let text = format!("not read: {} {}", words(unread.reason), visible(&unread.detail));
            let mut notification = json!({
                "level": level_of(unread.reason),
                "message": { "text": text.trim() },
                "descriptor": { "id": format!("unread/{}", unread.reason.as_str()) },
            });
            if let Some(members) = notification.as_object_mut().filter(|_| !unread.path.is_empty()) {
                let location =
                    json!([{ "physicalLocation": { "artifactLocation": artifact(&unread.path) } }]);
                members.insert("locations".to_owned(), location);
            }
            notification
        })
        .collect();
    notifications.extend(report.incomplete.iter().map(
        |gap| json!({ "level": "error", "message": { "text": format!("incomplete: {}", visible(gap)) } }),
    ));
    let run = Run {
        version: report.version.to_owned(),
        rules,
        weaknesses,
        complete: report.incomplete.is_empty(),
        notifications,
        results,
    };
    pretty(&run.into_log())
}

fn level_of(reason: UnreadReason) -> &'static str {
    match reason {
        UnreadReason::Budget | UnreadReason::Io | UnreadReason::NoVerdict => "error",
        UnreadReason::Deep | UnreadReason::Encoding | UnreadReason::Large | UnreadReason::Syntax => "warning",
        _ => "note",
    }
}

fn descriptor(scanner: &str, rule: &Rule) -> Value {
    let tags: Vec<String> = [("security".to_owned()), scanner.to_owned(), rule.control.as_str().to_owned()]
        .into_iter()
        .chain(tags(&rule.cwe))
        .collect();
    let precision = match rule.confidence {
        gabion_finding::Confidence::Low => "low",
        gabion_finding::Confidence::Medium => "medium",
        gabion_finding::Confidence::High => "high",
    };
    let (why, fix) = (flat(&rule.why), flat(&rule.fix));
    let mut descriptor = json!({
        "id": rule.id.as_str(),
        "name": rule.id.as_str(),
        "shortDescription": { "text": visible(&rule.title) },
        "fullDescription": { "text": visible(&why) },
        "help": { "text": visible(&format!("{why} {fix}")), "markdown": visible::markdown(&format!("{why} {fix}")) },
        "defaultConfiguration": { "level": level(rule.severity) },
        "relationships": relationships(&rule.cwe),
        "properties": { "tags": tags, "precision": precision, "security-severity": score(rule.severity) },
    });
    if let (Some(link), Some(members)) = (rule.references.first(), descriptor.as_object_mut()) {
        members.insert("helpUri".to_owned(), link.as_str().into());
    }
    descriptor
}

fn result(reported: &Reported, index: &BTreeMap<&str, usize>, by: Option<&Reason>) -> Value {
    let finding = &reported.finding;
    let id = finding.rule.as_str();
    let mut members = Map::new();
    members.insert("ruleId".to_owned(), id.into());
    if let Some(at) = index.get(id) {
        members.insert("ruleIndex".to_owned(), (*at).into());
    }
    members.insert("level".to_owned(), level(finding.severity).into());
    members.insert("message".to_owned(), json!({ "text": visible(&finding.message) }));
    members.insert("locations".to_owned(), json!([location(&finding.place, Some(reported))]));
    members.insert("partialFingerprints".to_owned(), json!({ "gabion/v1": finding.fingerprint.to_string() }));
    if !finding.trace.is_empty() {
        let steps: Vec<Value> = finding
            .trace
            .iter()
            .map(|step| {
                let mut location = location(&step.place, None);
                if let Some(members) = location.as_object_mut() {
                    members.insert("message".to_owned(), json!({ "text": visible(&step.says) }));
                }
                json!({ "location": location })
            })
            .collect();
        members.insert("codeFlows".to_owned(), json!([{ "threadFlows": [{ "locations": steps }] }]));
    }
    if let Some(fix) = &finding.fix {
        let replacements: Vec<Value> = fix.edits.iter().map(replacement).collect();
        members.insert(
            "fixes".to_owned(),
            json!([{
                "description": { "text": visible(&fix.says) },
                "artifactChanges": [{ "artifactLocation": artifact(&fix.path), "replacements": replacements }],
            }]),
        );
    }
    if let Some(by) = by {
        let kind = match by {
            Reason::Comment { .. } => "inSource",
            Reason::Baseline { .. } => "external",
        };
        let suppression = json!({ "kind": kind, "status": "accepted", "justification": visible(by.text()) });
        members.insert("suppressions".to_owned(), json!([suppression]));
    }
    let mut properties = Map::new();
    properties.insert("confidence".to_owned(), finding.confidence.as_str().into());
    properties.insert("severity".to_owned(), finding.severity.as_str().into());
    properties.extend(finding.properties.iter().map(|(name, value)| (name.clone(), visible(value).into())));
    members.insert("properties".to_owned(), Value::Object(properties));
    Value::Object(members)
}

fn artifact(path: &str) -> Value {
    json!({ "uri": if path.is_empty() { ".".to_owned() } else { uri(path) } })
}

fn location(place: &Place, reported: Option<&Reported>) -> Value {
    let mut region = json!({
        "startLine": place.start.line.max(1),
        "startColumn": place.start.column.max(1),
        "endLine": place.end.line.max(place.start.line).max(1),
        "endColumn": place.end.column.max(1),
    });
    let lines = reported.map(|reported| reported.frame.lines.as_slice()).unwrap_or_default();
    let inside: Vec<&str> = lines
        .iter()
        .filter(|line| (place.start.line..=place.end.line).contains(&line.number))
        .map(|line| line.text.as_str())
        .collect();
    if let Some(members) = region.as_object_mut().filter(|_| !inside.is_empty()) {
        members.insert("snippet".to_owned(), json!({ "text": inside.join("\n") }));
    }
    json!({ "physicalLocation": { "artifactLocation": artifact(&place.path), "region": region } })
}

fn replacement(edit: &Edit) -> Value {
    json!({
        "deletedRegion": { "byteOffset": edit.span.start, "byteLength": edit.span.len() },
        "insertedContent": { "text": edit.text },
    })
}
