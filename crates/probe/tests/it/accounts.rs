//! Passwords and accounts, against clubs with and without holes.

use crate::club::{passed, probe, sure};

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
