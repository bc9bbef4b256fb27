//! What runs in browsers: against the straw man, its repaired twin, and small applications that look alike.

use gabion_probe::{Report, Verdict};
use gabion_strawman::Options;

use crate::ground::{assert_proven, assert_quiet, probe};

/// Whether there was a browser; a test without one says that it was skipped.
fn had_browser(report: &Report, test: &str) -> bool {
    let lacks = |reason: &str| reason.contains("no browser was found");
    let missing = report.outcomes.iter().find(|outcome| outcome.test == test && lacks(&outcome.says));
    let notes = report.notes.iter().find(|note| lacks(note));
    let reason = missing.map(|outcome| outcome.says.clone()).or_else(|| notes.cloned());
    if let Some(reason) = &reason {
        println!("skipped: {}: {reason}", std::thread::current().name().unwrap_or("test"));
    }
    reason.is_none()
}

#[tokio::test]
async fn scripts_that_links_carry_run_in_the_straw_man() {
    let report = probe(Options::vulnerable(), &["xss-reflected"]).await;
    if had_browser(&report, "xss-reflected") {
        assert_proven(&report, &[("xss-reflected", "GET /shop", "")]);
    }
}

#[tokio::test]
async fn scripts_that_links_carry_are_text_in_the_repaired_twin() {
    assert_quiet(&probe(Options::repaired(), &["xss-reflected"]).await);
}

#[tokio::test]
async fn pages_of_other_sites_write_into_the_straw_man() {
    let report = probe(Options::vulnerable(), &["csrf"]).await;
    if had_browser(&report, "csrf") {
        let found = [
            ("csrf", "POST /profile/email", ""),
            ("csrf", "POST /api/notes", ""),
            ("csrf", "POST /upload", ""),
        ];
        assert_proven(&report, &found);
    }
}

#[tokio::test]
async fn pages_of_other_sites_are_refused_by_the_repaired_twin() {
    let report = probe(Options::repaired(), &["csrf"]).await;
    assert_quiet(&report);
    if had_browser(&report, "csrf") {
        let refused =
            report.outcomes.iter().filter(|one| one.test == "csrf" && one.verdict == Verdict::Passed);
        assert!(refused.count() >= 2, "the control finds no place that shows a write");
    }
}

#[tokio::test]
async fn scripts_in_notes_run_for_the_readers_of_the_straw_man() {
    let report = probe(Options::vulnerable(), &["xss-stored"]).await;
    if had_browser(&report, "xss-stored") {
        assert_proven(
            &report,
            &[("xss-stored", "GET /shared/{token}", ""), ("xss-stored", "GET /notes/{id}", "")],
        );
    }
}

#[tokio::test]
async fn notes_are_text_in_the_repaired_twin() {
    assert_quiet(&probe(Options::repaired(), &["xss-stored"]).await);
}

#[tokio::test]
async fn uploads_run_in_the_straw_man() {
    let report = probe(Options::vulnerable(), &["upload-execution"]).await;
    if had_browser(&report, "upload-execution") {
        assert_proven(
            &report,
            &[("upload-execution", "POST /upload", "page"), ("upload-execution", "POST /upload", "picture")],
        );
    }
}

#[tokio::test]
async fn uploads_do_not_run_in_the_repaired_twin() {
    assert_quiet(&probe(Options::repaired(), &["upload-execution"]).await);
}
