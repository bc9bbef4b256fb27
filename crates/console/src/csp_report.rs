//! `POST /.gabion/csp-report`: browsers tell what a content security policy stopped.
//!
//! Anybody can post here, so a report is worth what its sender is worth: it is bounded, reduced to
//! three short fields, dropped unless it names a directive there is, counted by the ledger's folding,
//! and always answered with 204.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use gabion_service::PolicyViolation;
use http::StatusCode;
use serde::Deserialize;

use crate::context::Visitor;
use crate::{Console, page};

pub(crate) fn route() -> MethodRouter<Console> {
    post(handler)
}

async fn handler(State(console): State<Console>, visitor: Visitor, body: Bytes) -> Response {
    for violation in parse(&body) {
        console.service.report_policy_violation(&visitor.caller(), violation);
    }
    page::empty(StatusCode::NO_CONTENT)
}

/// Both forms: `report-uri` (CSP Level 3, 5.3) sends one object, `report-to` (Reporting API, 2.5) a list.
fn parse(body: &[u8]) -> Vec<PolicyViolation> {
    let reports = match serde_json::from_slice(body) {
        Ok(Message::Single { report }) => vec![report],
        Ok(Message::List(reports)) => reports
            .into_iter()
            .filter(|report| report.kind == "csp-violation")
            .take(MOST)
            .map(|report| report.body)
            .collect(),
        Err(error) => {
            tracing::debug!(%error, "csp report not understood");
            Vec::new()
        }
    };
    let violations = reports.into_iter().map(PolicyViolation::from);
    violations.filter(|violation| DIRECTIVES.contains(&violation.directive.as_str())).collect()
}

const MOST: usize = 8;
const LONGEST: usize = 200;

/// CSP Level 3, 6, Trusted Types and mixed content.
const DIRECTIVES: &[&str] = &[
    "base-uri",
    "block-all-mixed-content",
    "child-src",
    "connect-src",
    "default-src",
    "fenced-frame-src",
    "font-src",
    "form-action",
    "frame-ancestors",
    "frame-src",
    "img-src",
    "manifest-src",
    "media-src",
    "navigate-to",
    "object-src",
    "prefetch-src",
    "require-trusted-types-for",
    "sandbox",
    "script-src",
    "script-src-attr",
    "script-src-elem",
    "style-src",
    "style-src-attr",
    "style-src-elem",
    "trusted-types",
    "upgrade-insecure-requests",
    "webrtc",
    "worker-src",
];

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Message {
    Single {
        #[serde(rename = "csp-report")]
        report: Report,
    },
    List(Vec<Envelope>),
}

#[derive(Debug, Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    body: Report,
}

#[derive(Debug, Default, Deserialize)]
struct Report {
    #[serde(default, alias = "documentURL", rename = "document-uri")]
    document: String,
    #[serde(
        default,
        alias = "effectiveDirective",
        alias = "violated-directive",
        rename = "effective-directive"
    )]
    directive: String,
    #[serde(default, alias = "blockedURL", rename = "blocked-uri")]
    blocked: String,
}

impl From<Report> for PolicyViolation {
    fn from(report: Report) -> Self {
        // The older `violated-directive` holds the directive with its whole source list.
        let directive = report.directive.split(' ').next().unwrap_or_default();
        Self {
            document: shorten(path(&report.document)),
            directive: shorten(directive),
            blocked: shorten(origin(&report.blocked)),
        }
    }
}

/// The path of an address: no origin, no query, no fragment.
fn path(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
    path.split(['?', '#']).next().unwrap_or_default()
}

/// `inline`, `eval`, `data`, or the origin of an address.
fn origin(address: &str) -> &str {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.split([':', '?', '#']).next().unwrap_or_default();
    };
    let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    address.get(..scheme.len().saturating_add(3).saturating_add(host)).unwrap_or_default()
}

fn shorten(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(document: &str, directive: &str, blocked: &str) -> PolicyViolation {
        PolicyViolation { document: document.into(), directive: directive.into(), blocked: blocked.into() }
    }

    #[test]
    fn both_forms_are_read_and_reduced() {
        let old = br#"{"csp-report":{"document-uri":"https://app.example/notes?secret=1#x","violated-directive":"script-src 'self' https://cdn.example","blocked-uri":"https://evil.example:8443/x.js?token=2"}}"#;
        assert_eq!(parse(old), [violation("/notes", "script-src", "https://evil.example:8443")]);

        let new = br#"[{"type":"csp-violation","age":1,"url":"x","body":{"documentURL":"https://app.example/","effectiveDirective":"style-src-elem","blockedURL":"inline","sample":"secret"}},{"type":"deprecation","body":{}}]"#;
        assert_eq!(parse(new), [violation("/", "style-src-elem", "inline")]);
    }

    #[test]
    fn nonsense_counts_nothing() {
        for body in [
            &b""[..],
            b"{}",
            b"[]",
            b"null",
            b"{\"csp-report\":{}}",
            b"\xff\xfe",
            b"[[[[[[",
            b"[{\"type\":\"csp-violation\"}]",
            br#"{"csp-report":{"effective-directive":"made-up-src","document-uri":"/"}}"#,
        ] {
            assert!(parse(body).is_empty(), "{body:?}");
        }
    }

    #[test]
    fn one_message_counts_few_and_short() {
        let one = format!(
            r#"{{"type":"csp-violation","body":{{"effectiveDirective":"img-src","documentURL":"https://a/{0}","blockedURL":"data:{0}"}}}}"#,
            "é".repeat(5000)
        );
        let violations = parse(format!("[{}]", vec![one; 20].join(",")).as_bytes());
        assert_eq!(violations.len(), MOST);
        assert!(
            violations.iter().all(|one| one.document.chars().count() == LONGEST && one.blocked == "data")
        );
    }
}
