//! Passwords and accounts, against clubs with and without holes.

use gabion_probe::facts::Bound;

use gabion_probe::{Report, Verdict};

use crate::browser::had_browser;
use crate::club::{passed, probe, probe_in_browser, probe_with, sure};

const OURS: &[&str] = &["default-credentials", "password-change", "password-policy"];

#[tokio::test]
async fn a_club_without_holes_passes_every_test_of_accounts() {
    let report = probe(&[], OURS).await;
    assert_eq!(sure(&report), [""; 0]);
    assert_eq!(passed(&report, "password-change"), ["old-password", "other", "sessions"]);
    let policy = ["common", "long", "name", "short", "truncated", "unicode"];
    assert_eq!(passed(&report, "password-policy"), policy);
    assert_eq!(passed(&report, "default-credentials"), [""]);
}

#[tokio::test]
async fn each_hole_of_accounts_is_found_and_nothing_else() {
    let cases: [(&'static [&'static str], &str); 10] = [
        (&["default"], "default-credentials admin"),
        (&["no-old"], "password-change old-password"),
        (&["other"], "password-change other"),
        (&["sessions"], "password-change sessions"),
        (&["short"], "password-policy short"),
        (&["common"], "password-policy common"),
        (&["name"], "password-policy name"),
        (&["no-long"], "password-policy long"),
        (&["ascii"], "password-policy unicode"),
        (&["truncated"], "password-policy truncated"),
    ];
    for (holes, found) in cases {
        let report = probe(holes, OURS).await;
        assert_eq!(sure(&report), [found], "{holes:?}");
    }
}

#[tokio::test]
async fn resets_by_letter_are_proven_and_sound_ones_pass() {
    let report = probe(&[], &["password-reset"]).await;
    assert_eq!(sure(&report), [""; 0]);
    let all = ["answer", "bound", "host", "old", "predictable", "referrer", "reuse", "sessions", "short"];
    assert_eq!(passed(&report, "password-reset"), all);
    assert_eq!(sure(&probe(&["code"], &["password-reset"]).await), [""; 0]);
    let cases: [(&'static [&'static str], &str); 10] = [
        (&["answer"], "answer"),
        (&["bound"], "bound"),
        (&["host"], "host"),
        (&["old"], "old"),
        (&["counted"], "predictable"),
        (&["linked"], "referrer"),
        (&["whole-address"], "referrer"),
        (&["reuse"], "reuse"),
        (&["reset-sessions"], "sessions"),
        (&["code", "guess"], "short"),
    ];
    for (holes, found) in cases {
        let report = probe(holes, &["password-reset"]).await;
        assert_eq!(sure(&report), [format!("password-reset {found}")], "{holes:?}");
    }
}

#[tokio::test]
async fn codes_that_sign_in_are_counted_and_good_once_or_it_is_proven() {
    let report = probe(&[], &["login-code"]).await;
    assert_eq!(sure(&report), [""; 0]);
    assert_eq!(passed(&report, "login-code"), ["rate", "reuse"]);
    for (holes, found) in [
        (&["code-guess"] as &'static [&'static str], "login-code rate"),
        (&["code-reuse"], "login-code reuse"),
    ] {
        let report = probe(holes, &["login-code"]).await;
        assert_eq!(sure(&report), [found], "{holes:?}");
    }
}

/// What the page of a letter's link tells others, as it is said.
fn referrer(report: &Report) -> Vec<(Verdict, &str)> {
    let own = report.outcomes.iter().filter(|one| one.aspect == "referrer");
    own.map(|one| (one.verdict, one.says.as_str())).collect()
}

#[tokio::test]
async fn tokens_that_go_to_other_sites_are_proven_in_a_browser_and_firm_without_one() {
    let only = ["password-reset"];
    let report = probe(&["unsaid"], &only).await;
    assert!(matches!(referrer(&report)[..], [(Verdict::Tentative, _)]));
    let report = probe(&["whole-address"], &only).await;
    assert!(matches!(referrer(&report)[..], [(Verdict::Firm, _)]));
    for hole in [&["whole-address"] as &'static [&'static str], &["linked"]] {
        let report = probe_in_browser(hole, &only).await;
        if had_browser(&report, "password-reset") {
            assert!(matches!(referrer(&report)[..], [(Verdict::Proven, _)]), "{hole:?}");
        }
    }
    // The browser's own policy keeps it, and ours does; the picture is asked for in both.
    for hole in [&["unsaid"] as &'static [&'static str], &[]] {
        let report = probe_in_browser(hole, &only).await;
        if had_browser(&report, "password-reset") {
            let said = referrer(&report);
            let asked = matches!(said[..], [(Verdict::Passed, says)] if says.contains("pictures.example"));
            assert!(asked, "{hole:?}: {said:?}");
        }
    }
}

#[tokio::test]
async fn what_goes_once_goes_once_at_once_too_or_is_proven() {
    let report = probe(&[], &["race-condition"]).await;
    assert_eq!(sure(&report), [""; 0]);
    assert_eq!(passed(&report, "race-condition"), [""]);
    // What is switched on and off goes as often as anybody likes.
    assert!(
        report.outcomes.iter().any(|outcome| {
            outcome.operation == "POST /posts/like" && outcome.verdict == Verdict::NotTested
        })
    );
    let report = probe(&["race"], &["race-condition"]).await;
    assert_eq!(sure(&report), ["race-condition "]);
}

#[tokio::test]
async fn numbers_of_a_business_keep_their_bounds_or_are_proven() {
    let report = probe(&[], &["business-limits"]).await;
    assert_eq!(sure(&report), [""; 0]);
    assert_eq!(passed(&report, "business-limits"), ["fraction", "negative"]);
    // A store may take negative numbers.
    assert!(report.findings.iter().all(|finding| finding.outcome.operation == "POST /stock"));
    for (holes, found) in [
        (&["negative"], "business-limits negative"),
        (&["fraction"], "business-limits fraction"),
        (&["price"], "business-limits price"),
        (&["give"], "business-limits negative"),
    ] as [(&'static [&'static str], &str); 4]
    {
        assert_eq!(sure(&probe(holes, &["business-limits"]).await), [found], "{holes:?}");
    }
    let declared = |mut facts: gabion_probe::Facts| {
        let (operation, field) = ("POST /orders".to_owned(), "quantity".to_owned());
        facts.bounds = vec![Bound { operation, field, min: Some(1.0), max: Some(10.0), step: Some(1.0) }];
        facts
    };
    let report = probe_with(&[], &["business-limits"], declared).await;
    assert_eq!(sure(&report), [""; 0]);
    assert_eq!(passed(&report, "business-limits"), ["above", "below", "fraction", "negative"]);
    assert_eq!(
        sure(&probe_with(&["above"], &["business-limits"], declared).await),
        ["business-limits above"]
    );
}
