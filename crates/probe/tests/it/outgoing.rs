//! What the application sends and keeps: the holes of the straw man, and its repaired twin.

use gabion_strawman::Options;

use crate::ground::{assert_proven, assert_quiet, probe};

/// The tests of this theme.
const ALL: &[&str] = &["host-header", "open-redirect", "ssrf"];

#[tokio::test]
async fn holes_of_what_goes_out_are_proven() {
    let report = probe(Options::vulnerable(), ALL).await;
    assert_proven(
        &report,
        &[
            ("host-header", "POST /notes/{id}/share", "host"),
            ("host-header", "POST /notes/{id}/share", "x-forwarded-host"),
            ("host-header", "POST /notes/{id}/share", "forwarded"),
            ("open-redirect", "GET /go", ""),
            ("ssrf", "POST /preview", ""),
        ],
    );
}

#[tokio::test]
async fn the_repaired_twin_sends_nothing_out() {
    assert_quiet(&probe(Options::repaired(), ALL).await);
}
