//! The whole probe against the straw man, and against its repaired twin: recall and false alarms, by control.

use std::collections::BTreeMap;

use gabion_probe::{Report, Verdict};
use gabion_strawman::{Options, Visibility, holes};

use crate::browser::had_browser;
use crate::ground::{assert_quiet, probe};
use crate::required::{assert_controlled, assert_shown, assert_withstood};

/// Which tests show a hole, by their ids; any of them at a place the list of holes names.
fn shown_by(hole: &str) -> &'static [&'static str] {
    match hole {
        "sql-injection" => &["sql-injection"],
        "nosql-injection" => &["nosql-injection"],
        "command-injection" => &["command-injection"],
        "xxe" => &["xxe"],
        "reflected-xss" => &["xss-reflected"],
        "stored-xss" => &["xss-stored"],
        "idor-user" | "idor-tenant" => &["object-access", "object-write", "tenant-access"],
        "function-level" => &["function-access"],
        "mass-assignment" => &["mass-assignment"],
        "missing-login" => &["missing-login"],
        "forged-identity" => &["forged-identity"],
        "jwt-algorithm" => &["jwt"],
        "path-traversal" => &["path-traversal"],
        "unsafe-upload" => &["uploads", "upload-execution"],
        "ssrf" => &["ssrf"],
        "unsigned-webhook" => &["webhooks"],
        "open-redirect" => &["open-redirect"],
        "csrf" => &["csrf"],
        "permissive-cors" => &["cors"],
        "missing-headers" => &["headers"],
        "cacheable-answer" => &["cacheable-answer"],
        "host-header" => &["host-header"],
        "websocket-hijacking" => &["websocket-access"],
        "verbose-errors" => &["verbose-errors"],
        "secrets-in-answer" => &["secrets-in-answers"],
        "weak-session-cookie" => &["session-identifiers"],
        "user-enumeration" => &["user-enumeration"],
        "login-rate" => &["login-rate"],
        _ => &[],
    }
}

/// Holes that only a browser proves.
const BY_BROWSER: &[&str] = &["reflected-xss", "stored-xss", "csrf"];

/// The best verdict on a hole.
fn verdict(report: &Report, hole: &gabion_strawman::Hole) -> Option<Verdict> {
    // `GET, PUT /api/notes/{id}; GET /notes/{id}`
    let paths: Vec<String> = hole
        .endpoint
        .split([';', ','])
        .filter_map(|part| part.trim().split(' ').find(|word| word.starts_with('/')))
        .map(|path| path.split('?').next().unwrap_or_default().to_owned())
        .collect();
    let at = |operation: &str| {
        let path = operation.split(' ').nth(1).unwrap_or_default();
        paths.iter().any(|own| gabion_probe::operation::template_matches(own, path).is_some() || own == path)
    };
    let tests = shown_by(&hole.id);
    let found = report.findings.iter().filter(|finding| tests.contains(&finding.about.id.as_str()));
    // Some holes are everywhere, and their list names three places of many.
    let everywhere =
        ["permissive-cors", "missing-headers", "cacheable-answer", "secrets-in-answer", "verbose-errors"];
    let found = found.filter(|finding| {
        everywhere.contains(&hole.id.as_str())
            || at(&finding.outcome.operation)
            || finding.outcome.operation.is_empty()
    });
    found.map(|finding| finding.outcome.verdict).max()
}

#[tokio::test]
async fn the_straw_man_is_seen_through() {
    let report = probe(Options::vulnerable(), &[]).await;
    let mut by_control: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let (mut proven, mut found, mut missed) = (0, 0, Vec::new());
    let visible: Vec<_> =
        holes().iter().filter(|hole| hole.visible.contains(&Visibility::BlackBox)).collect();
    for hole in &visible {
        let counts = by_control.entry(hole.control.to_string()).or_default();
        counts.1 += 1;
        match verdict(&report, hole) {
            Some(Verdict::Proven) => (proven, found, counts.0) = (proven + 1, found + 1, counts.0 + 1),
            Some(Verdict::Firm) => (found, counts.0) = (found + 1, counts.0 + 1),
            _ => missed.push(hole.id.as_str()),
        }
    }
    for (control, (found, of)) in by_control {
        println!("recall {control:28} {found}/{of}");
    }
    println!("{found} of {} holes, {proven} proven; missed: {missed:?}", visible.len());
    if !had_browser(&report, "csrf") {
        missed.retain(|hole| !BY_BROWSER.contains(hole));
    }
    assert_eq!(missed, [""; 0]);
    assert!(proven * 100 >= found * 95, "{proven} of {found} are proven");
    assert_shown(&report);
    assert_controlled(&report);
}

#[tokio::test]
async fn the_repaired_twin_is_left_in_peace() {
    let report = probe(Options::repaired(), &[]).await;
    let mut by_control: BTreeMap<String, usize> = BTreeMap::new();
    for outcome in report.outcomes.iter().filter(|outcome| outcome.verdict.is_finding()) {
        let about = gabion_probe::about::about(&outcome.test).unwrap();
        *by_control.entry(about.control.to_string()).or_default() += 1;
    }
    println!("false alarms by control: {by_control:?}");
    assert_quiet(&report);
    assert_withstood(&report);
    assert_controlled(&report);
}
