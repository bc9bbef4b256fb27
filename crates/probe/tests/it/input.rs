//! Values that become code, against the straw man and its repaired twin.

use gabion_strawman::Options;

use crate::ground::{assert_proven, assert_quiet, probe};

const TESTS: &[&str] = &[
    "command-injection",
    "header-injection",
    "input-validation",
    "ldap-injection",
    "login-injection",
    "nosql-injection",
    "path-traversal",
    "redos",
    "sql-injection",
    "template-injection",
    "xpath-injection",
    "xxe",
];

#[tokio::test]
async fn values_that_become_code_are_proven() {
    let report = probe(Options::vulnerable(), TESTS).await;
    assert_proven(
        &report,
        &[
            ("command-injection", "GET /api/labels", ""),
            ("nosql-injection", "POST /api/vouchers/redeem", ""),
            ("path-traversal", "GET /documents", ""),
            ("sql-injection", "GET /api/products", ""),
            ("sql-injection", "GET /search", ""),
            ("xxe", "POST /api/import", ""),
        ],
    );
    // The rest is what fails where it should refuse: errors that say too much.
    let others = report.findings.iter().filter(|finding| finding.about.id != "input-validation");
    assert_eq!(others.count(), 6);
}

#[tokio::test]
async fn repaired_values_stay_values() {
    let report = probe(Options::repaired(), TESTS).await;
    assert_quiet(&report);
    assert_eq!(report.findings.len(), 0);
}
