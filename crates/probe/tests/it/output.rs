//! What a run says, in every form: no credential, and nothing of the target as it is.

use gabion_probe::format::{Format, TextOptions, json, text, write};
use gabion_probe::{Baseline, Verdict};
use gabion_strawman::{Options, accounts};

use crate::ground::probe;

#[tokio::test]
async fn every_form_tells_the_findings_and_no_credential() {
    let mut report = probe(Options::vulnerable(), &["headers", "object-access"]).await;
    assert!(report.is_complete() && !report.findings.is_empty());
    let forms = [Format::Github, Format::Html, Format::Json, Format::Junit, Format::Markdown, Format::Sarif];
    let mut all: Vec<String> = forms.iter().map(|form| write(&report, *form)).collect();
    all.push(text(&report, TextOptions { all: true }));
    for written in &all {
        assert!(written.contains("object-access") || written.contains("belongs to"), "{written}");
        for account in accounts() {
            assert!(!written.contains(&account.password), "a password of {}", account.name);
        }
        for (line, _) in &report.variables {
            let value = line.split_once(": ").unwrap().1;
            assert!(!written.contains(value), "{value}");
        }
    }
    // What had succeeded stands in those for machines as well.
    assert!(write(&report, Format::Github).lines().next().unwrap().contains("; control: "));
    let junit = write(&report, Format::Junit);
    assert_eq!(junit.matches("\ncontrol: ").count(), report.findings.len(), "{junit}");
    let document: serde_json::Value = serde_json::from_str(&json(&report)).unwrap();
    assert_eq!(document.pointer("/evidence/controls/authz.objects/outcome").unwrap(), "found");
    assert_eq!(document.pointer("/summary/complete").unwrap(), true);
    let first = document.pointer("/findings/0/proof").unwrap();
    assert!(first.pointer("/attack/curl").unwrap().as_str().unwrap().contains("\"$"), "{first}");

    // What is accepted is told as that, and fails nothing.
    let baseline = Baseline::default().with(&report, "a shop made of straw");
    let accepted = Baseline::parse(&baseline.to_text()).unwrap();
    let count = report.findings.len();
    report.accept(&accepted);
    assert_eq!((report.findings.len(), report.accepted.len()), (0, count));
    let document: serde_json::Value = serde_json::from_str(&json(&report)).unwrap();
    assert_eq!(document.pointer("/evidence/controls/authz.objects/outcome").unwrap(), "accepted");
    assert!(report.outcomes.iter().any(|outcome| outcome.verdict == Verdict::Proven));
}

#[tokio::test]
async fn a_run_without_people_says_how_little_it_tested() {
    let application = gabion_strawman::serve(Options::repaired()).await.unwrap();
    let facts = gabion_probe::Facts::of(&application.base());
    let world = crate::ground::world(&["object-access"]);
    let report = gabion_probe::run(facts, &world, &crate::ground::Silent).await.unwrap();
    application.shutdown().await;
    assert!(report.gaps.iter().any(|gap| gap.says.contains("nobody signed in")), "{:?}", report.gaps);
    assert!(text(&report, TextOptions::default()).contains("little was tested"));
}
