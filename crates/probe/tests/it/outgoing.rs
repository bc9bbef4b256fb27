//! What the application sends and keeps: the holes of the straw man, and its repaired twin.

use gabion_probe::{Report, Verdict, run};
use gabion_strawman::{Options, serve};

use crate::ground::{Silent, assert_proven, assert_quiet, facts, print, probe, world};

/// The tests of this theme.
const ALL: &[&str] = &[
    "cacheable-answer",
    "cors",
    "exposed-files",
    "host-header",
    "open-redirect",
    "secrets-in-answers",
    "ssrf",
    "uploads",
    "verbose-errors",
    "version-disclosure",
    "webhooks",
];

#[tokio::test]
async fn holes_of_what_goes_out_are_proven() {
    let report = probe(Options::vulnerable(), ALL).await;
    assert_proven(
        &report,
        &[
            ("cacheable-answer", "GET /cart", ""),
            ("cors", "GET /api/orders", ""),
            ("cors", "OPTIONS /api/notes/{id}", "preflight"),
            ("host-header", "POST /notes/{id}/share", "host"),
            ("host-header", "POST /notes/{id}/share", "x-forwarded-host"),
            ("host-header", "POST /notes/{id}/share", "forwarded"),
            ("open-redirect", "GET /go", ""),
            ("secrets-in-answers", "GET /api/me", ""),
            ("secrets-in-answers", "GET /api/people", ""),
            ("secrets-in-answers", "GET /api/products/{id}", ""),
            ("ssrf", "POST /preview", ""),
            ("uploads", "POST /upload", "page"),
            ("uploads", "POST /upload", "picture"),
            ("uploads", "POST /upload", "script"),
            ("uploads", "POST /upload", "replaced"),
            ("verbose-errors", "GET /product/{id}", ""),
            ("verbose-errors", "GET /api/products", ""),
            ("verbose-errors", "GET /api/orders/{id}", ""),
            ("webhooks", "POST /hooks/payment", "unsigned"),
        ],
    );
}

#[tokio::test]
async fn the_repaired_twin_sends_nothing_out() {
    assert_quiet(&probe(Options::repaired(), ALL).await);
}

/// The webhooks, of which the facts say nothing.
async fn unknown_webhooks(options: Options) -> Report {
    let application = serve(options).await.unwrap();
    let mut facts = facts(&application.base());
    facts.webhooks.clear();
    let report = run(facts, &world(&["webhooks"]), &Silent).await.unwrap();
    application.shutdown().await;
    print(&report);
    report
}

#[tokio::test]
async fn a_message_that_nobody_signed_is_proven_without_facts() {
    let report = unknown_webhooks(Options::vulnerable()).await;
    assert_proven(&report, &[("webhooks", "POST /hooks/payment", "unsigned")]);
    let report = unknown_webhooks(Options::repaired()).await;
    assert_quiet(&report);
    let outcome = report.outcomes.iter().find(|outcome| outcome.test == "webhooks").unwrap();
    assert_eq!(outcome.verdict, Verdict::NotTested);
}
