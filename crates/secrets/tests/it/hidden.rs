//! What is found is never repeated.

use gabion_finding::{Rule, RuleId, Scanner as _, Source};
use gabion_secrets::Secrets;

fn fired<'a>(secrets: &'a Secrets, id: &RuleId) -> &'a Rule {
    secrets.rules().into_iter().find(|rule| rule.id == *id).unwrap()
}

#[test]
fn no_finding_holds_any_part_of_a_secret() {
    let secrets = Secrets::new().unwrap();
    let mut seen = 0;
    for rule in secrets.rules() {
        for example in &rule.examples {
            let source = Source::new(&example.file, &example.vulnerable);
            for finding in secrets.file(&source).verdict.findings {
                let secret = finding.place.span.of(source.text());
                assert_eq!(finding.hidden, [finding.place.span], "{}", rule.id);
                // The title is the rule's; what was made of the text is the rest.
                let made = finding.message.replacen(&fired(&secrets, &finding.rule).title, "", 1);
                let told = format!("{made} {:?} {}", finding.properties.values(), finding.fingerprint);
                for part in secret.as_bytes().chunks(6).filter(|part| part.len() == 6) {
                    let part = String::from_utf8_lossy(part);
                    assert!(!told.contains(part.as_ref()), "{}: {told}", rule.id);
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 150, "{seen}");
}

#[test]
fn copies_of_a_secret_are_told_as_one() {
    let secrets = Secrets::new().unwrap();
    let token = "glpat-q7Kx2vBn9mWzR4tYc8Lp";
    let one = secrets.bytes("a.py", format!("x = \"{token}\"\n").as_bytes()).verdict.findings;
    let two =
        secrets.bytes("b/c.yaml", format!("env:\n  T: {token}\n  U: {token}\n").as_bytes()).verdict.findings;
    assert_eq!((one.len(), two.len()), (1, 2));
    assert_eq!(one[0].properties["secret"], two[0].properties["secret"]);
    assert_ne!(one[0].fingerprint, two[0].fingerprint);
    assert_ne!(two[0].fingerprint, two[1].fingerprint);
    let weak = secrets.bytes("a.py", b"password = \"hunter2\"\n").verdict.findings;
    assert_eq!(weak.len(), 1);
    assert!(!weak[0].properties.contains_key("secret"));
}
