//! Every rule finds what it is for, in every language it gives an example of, and nothing in the repaired side.

use gabion_code::CodeScanner;
use gabion_finding::Scanner as _;

use crate::world::{lines, scan};

#[test]
fn every_rule_finds_its_vulnerable_examples_and_no_repaired_one() {
    let scanner = CodeScanner::new(&[]).unwrap();
    let mut wrong = Vec::new();
    for rule in scanner.rules() {
        assert!(!rule.examples.is_empty(), "{} has no example", rule.id);
        for example in &rule.examples {
            let of = |text: &str| {
                let beside = example.beside.iter().map(|(name, text)| (name.as_str(), text.as_str()));
                let files: Vec<(&str, &str)> = beside.chain([(example.file.as_str(), text)]).collect();
                let verdict = scan(&scanner, &files);
                assert!(verdict.unread.is_empty(), "{} {}: {:?}", rule.id, example.file, verdict.unread);
                verdict.findings
            };
            let vulnerable = of(&example.vulnerable);
            if !vulnerable.iter().any(|finding| finding.rule == rule.id) {
                wrong.push(format!("{} {}: not found; {:?}", rule.id, example.file, lines(&vulnerable)));
            }
            let repaired = of(&example.repaired);
            if repaired.iter().any(|finding| finding.rule == rule.id) {
                wrong.push(format!(
                    "{} {}: found in what is repaired: {:?}",
                    rule.id,
                    example.file,
                    lines(&repaired)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
