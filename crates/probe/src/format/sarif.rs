//! SARIF 2.1.0 (OASIS), with what code hosts read of it besides (`security-severity`, tags).
//!
//! A finding is at an operation, which is no place in a file: its logical location names it. The physical one, without which hosts
//! show nothing, is the operation's path as if it were a file's.

use std::collections::{BTreeMap, BTreeSet};

use gabion_finding::sarif::{Run, level, relationships, score, tags};
use gabion_finding::visible::{markdown, visible};
use serde_json::{Value, json};

use super::json::pretty;
use super::{curl, flat, line, place};
use crate::Report;
use crate::about::About;
use crate::report::Finding;
use crate::verdict::{Exchange, Verdict};

pub(super) fn sarif(report: &Report) -> String {
    let rules: Vec<Value> = report.tests.iter().map(|about| descriptor(about)).collect();
    let index: BTreeMap<&str, usize> = report.tests.iter().map(|about| about.id.as_str()).zip(0..).collect();
    let mut results: Vec<Value> =
        report.findings.iter().map(|one| result(report, one, &index, None)).collect();
    results.extend(report.accepted.iter().map(|(one, reason)| result(report, one, &index, Some(reason))));
    let weaknesses: BTreeSet<u16> = report.tests.iter().flat_map(|about| about.cwe.iter().copied()).collect();
    let notifications: Vec<Value> = report
        .gaps
        .iter()
        .map(|gap| {
            let level = if gap.incomplete { "error" } else { "warning" };
            json!({ "level": level, "message": { "text": visible(&line(report, &gap.says)) } })
        })
        .collect();
    let run = Run {
        version: report.version.to_owned(),
        rules,
        weaknesses,
        complete: report.is_complete(),
        notifications,
        results,
    };
    pretty(&run.into_log())
}

fn descriptor(about: &About) -> Value {
    let tags: Vec<String> = ["security".to_owned(), "probe".to_owned(), about.control.as_str().to_owned()]
        .into_iter()
        .chain(about.owasp.iter().map(|name| format!("external/owasp/{name}")))
        .chain(tags(&about.cwe))
        .collect();
    let text = format!("{} {}", flat(&about.why), flat(&about.fix));
    let mut descriptor = json!({
        "id": about.id,
        "name": about.id,
        "shortDescription": { "text": visible(&about.title) },
        "fullDescription": { "text": visible(&flat(&about.why)) },
        "help": { "text": visible(&text), "markdown": markdown(&text) },
        "defaultConfiguration": { "level": level(about.severity) },
        "relationships": relationships(&about.cwe),
        "properties": { "tags": tags, "security-severity": score(about.severity) },
    });
    if let (Some(link), Some(members)) = (about.references.first(), descriptor.as_object_mut()) {
        members.insert("helpUri".to_owned(), link.as_str().into());
    }
    descriptor
}

fn result(
    report: &Report,
    finding: &Finding,
    index: &BTreeMap<&str, usize>,
    accepted: Option<&String>,
) -> Value {
    let outcome = &finding.outcome;
    let says = visible(&line(report, &outcome.says));
    let level = if outcome.verdict == Verdict::Tentative { "note" } else { level(finding.severity) };
    let mut result = json!({
        "ruleId": finding.about.id,
        "level": level,
        "message": { "text": format!("{} at {}: {says}", finding.about.title, visible(&place(finding))) },
        "locations": [location(finding)],
        "partialFingerprints": { "gabion/v1": finding.id },
        "properties": {
            "verdict": outcome.verdict.as_str(),
            "severity": finding.severity.as_str(),
            "control": finding.about.control.as_str(),
        },
    });
    let Some(members) = result.as_object_mut() else { return result };
    if let Some(at) = index.get(finding.about.id.as_str()) {
        members.insert("ruleIndex".to_owned(), (*at).into());
    }
    if report.trend.is_some() {
        let new = super::changes::of(report, finding) == Some("new");
        members.insert("baselineState".to_owned(), if new { "new" } else { "unchanged" }.into());
    }
    if let Some(proof) = &outcome.proof {
        members.insert("webRequest".to_owned(), request(report, &proof.attack));
        members.insert("webResponse".to_owned(), json!({ "statusCode": proof.attack.status }));
        if let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("attack".to_owned(), visible(&curl(report, &proof.attack)).into());
            if let Some(twin) = &proof.twin {
                properties.insert("twin".to_owned(), visible(&curl(report, twin)).into());
            }
            properties.insert("evidence".to_owned(), visible(&line(report, &proof.evidence)).into());
        }
    }
    if let (Some(control), Some(properties)) =
        (&outcome.control, members.get_mut("properties").and_then(Value::as_object_mut))
    {
        let control = visible(&super::required::whole(report, control));
        properties.insert("positiveControl".to_owned(), control.into());
    }
    if let Some(reason) = accepted {
        let suppression =
            json!({ "kind": "external", "status": "accepted", "justification": visible(reason) });
        members.insert("suppressions".to_owned(), json!([suppression]));
    }
    result
}

fn location(finding: &Finding) -> Value {
    let name = visible(&place(finding));
    let path = finding.outcome.operation.split_once(' ').map_or("", |(_, path)| path.trim_start_matches('/'));
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": if path.is_empty() { ".".to_owned() } else { address(path) } },
            "region": { "startLine": 1 },
        },
        "logicalLocations": [{ "fullyQualifiedName": name, "kind": "resource" }],
    })
}

/// A path as the path of an address: what is no plain character is encoded, and what is encoded stays as it is.
fn address(path: &str) -> String {
    let encoded = |text: &str| percent_encoding::utf8_percent_encode(text, PATH).to_string();
    let mut parts = path.split('%');
    let mut out = encoded(parts.next().unwrap_or_default());
    for part in parts {
        let is_code = part.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
        out.push_str(if is_code { "%" } else { "%25" });
        out.push_str(&encoded(part));
    }
    out
}

const PATH: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn request(report: &Report, exchange: &Exchange) -> Value {
    let shown = report.hidden.request(&exchange.request);
    let headers: BTreeMap<String, String> =
        shown.headers.iter().map(|(name, value)| (visible(name), visible(value))).collect();
    json!({
        "protocol": "HTTP",
        "version": "1.1",
        "method": visible(&shown.method),
        "target": visible(&shown.target),
        "headers": headers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_not_encoded_twice() {
        for (path, address_of) in [
            ("a%20b/{id}", "a%20b/%7Bid%7D"),
            ("100%/%zz%4", "100%25/%25zz%254"),
            ("ä%C3%A4", "%C3%A4%C3%A4"),
            ("%%41", "%25%41"),
        ] {
            assert_eq!(address(path), address_of, "{path}");
        }
    }
}
