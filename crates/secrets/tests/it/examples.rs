//! The examples of the rules are their tests.

use gabion_finding::{FileReport, Rule, Scanner as _, Source};
use gabion_secrets::Secrets;

fn fires(report: &FileReport, rule: &Rule) -> bool {
    report.verdict.findings.iter().any(|finding| finding.rule == rule.id)
}

#[test]
fn every_rule_fires_on_its_vulnerable_example_and_not_on_the_repaired() {
    let secrets = Secrets::new().unwrap();
    let mut wrong = Vec::new();
    for rule in secrets.rules() {
        if rule.examples.is_empty() {
            wrong.push(format!("{}: no example", rule.id));
        }
        for example in &rule.examples {
            let vulnerable = secrets.file(&Source::new(&example.file, &example.vulnerable));
            if !fires(&vulnerable, rule) {
                let others: Vec<&str> =
                    vulnerable.verdict.findings.iter().map(|finding| finding.rule.as_str()).collect();
                wrong.push(format!("{} is silent on: {} (there: {others:?})", rule.id, example.vulnerable));
            }
            let confidence = vulnerable
                .verdict
                .findings
                .iter()
                .filter(|finding| finding.rule == rule.id)
                .map(|finding| finding.confidence)
                .max();
            if confidence.is_some_and(|confidence| confidence < rule.confidence) {
                wrong.push(format!("{} is unsure of its own example", rule.id));
            }
            let repaired = secrets.file(&Source::new(&example.file, &example.repaired));
            if !repaired.verdict.findings.is_empty() {
                wrong.push(format!(
                    "{} has findings in: {} {:?}",
                    rule.id,
                    example.repaired,
                    repaired.verdict.findings.first().map(|finding| finding.rule.clone())
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn rules_teach() {
    let secrets = Secrets::new().unwrap();
    for rule in secrets.rules() {
        assert!(!rule.references.is_empty(), "{}", rule.id);
        assert!(rule.why.len() > 40 && rule.fix.len() > 30, "{}", rule.id);
        assert!(!rule.title.ends_with('.'), "{}", rule.id);
    }
}
