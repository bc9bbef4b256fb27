//! What stands in tests counts less.

use gabion_finding::Confidence;
use gabion_secrets::Secrets;

#[test]
fn tests_and_examples_are_less_sure() {
    let secrets = Secrets::new().unwrap();
    let sure = |path: &str, text: &str| {
        secrets
            .matches(path, text)
            .0
            .first()
            .map(|found| (found.confidence, found.properties.get("context").cloned()))
    };
    let token = "token = \"glpat-q7Kx2vBn9mWzR4tYc8Lp\"\n";
    assert_eq!(sure("src/app.py", token), Some((Confidence::High, None)));
    assert_eq!(sure("tests/app.py", token), Some((Confidence::Medium, Some("test".to_owned()))));
    let password = "password = \"sunshine\"\n";
    assert_eq!(sure("tests/app.py", password).map(|found| found.0), Some(Confidence::Low));
}

#[test]
fn a_wrong_checksum_is_said() {
    let secrets = Secrets::new().unwrap();
    let text = "x = \"ghp_q7Kx2vBn9mWzR4tYc8LpQ1sDf6GhJk3MnPb5\"\n";
    let (found, _) = secrets.matches("src/app.py", text);
    assert_eq!(found[0].confidence, Confidence::Medium);
    assert_eq!(found[0].properties["checksum"], "wrong");
}
