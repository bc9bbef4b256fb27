//! Sessions, names and passwords.

use gabion_strawman::Options;

use crate::ground::{assert_proven, assert_quiet, probe};

const TESTS: &[&str] =
    &["login-rate", "session-cookies", "session-end", "session-identifiers", "user-enumeration"];

#[tokio::test]
async fn weak_sessions_are_taken_over() {
    let report = probe(Options::vulnerable(), TESTS).await;
    assert_proven(
        &report,
        &[
            ("login-rate", "POST /login", ""),
            ("session-cookies", "POST /login", "http-only"),
            ("session-cookies", "POST /login", "same-site"),
            ("session-identifiers", "POST /login", "fixation"),
            ("session-identifiers", "POST /login", "predictable"),
            ("user-enumeration", "POST /login", ""),
            ("user-enumeration", "POST /reset", ""),
        ],
    );
}

#[tokio::test]
async fn sound_sessions_are_left_in_peace() {
    assert_quiet(&probe(Options::repaired(), TESTS).await);
}
