//! The whole probe against the straw man, and against its repaired twin.

use gabion_strawman::Options;

use crate::ground::{assert_proven, assert_quiet, probe};

#[tokio::test]
async fn the_straw_man_is_seen_through() {
    let report = probe(Options::vulnerable(), &[]).await;
    assert_proven(
        &report,
        &[
            ("headers", "GET /", "framing"),
            ("object-access", "GET /api/notes/{id}", ""),
            ("object-access", "GET /api/orders/{id}", "tenant"),
            ("object-access", "GET /notes/{id}", ""),
            ("sql-injection", "GET /search", ""),
        ],
    );
}

#[tokio::test]
async fn the_repaired_twin_is_left_in_peace() {
    assert_quiet(&probe(Options::repaired(), &[]).await);
}
