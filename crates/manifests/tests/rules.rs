//! The examples of the rules are their tests: the vulnerable side fires that rule, the repaired one does not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gabion_finding::{Scanner, Source, Tree, Verdict};
use gabion_manifests::Manifests;

/// One file and the tree it is in, with neighbours that make ignored files worth ignoring.
fn scan(scanner: &Manifests, file: &str, text: &str, beside: &BTreeMap<String, String>) -> Verdict {
    let source = Source::new(file, text);
    assert!(scanner.reads(file), "`{file}` is not read");
    let report = scanner.file(&source);
    let mut paths: Vec<Arc<str>> = [file, ".env.example", "main.tf"].map(Arc::from).to_vec();
    paths.extend(beside.keys().map(|path| Arc::from(path.as_str())));
    paths.sort();
    let mut facts: Vec<(Arc<str>, Arc<[u8]>)> =
        if report.facts.is_empty() { Vec::new() } else { vec![(file.into(), report.facts.into())] };
    for (path, text) in beside {
        facts.push((path.as_str().into(), scanner.file(&Source::new(path, text)).facts.into()));
    }
    facts.retain(|(_, facts)| !facts.is_empty());
    facts.sort();
    let mut verdict = report.verdict;
    verdict.extend(scanner.tree(&Tree { paths: &paths, facts: &facts, uses: &[] }));
    verdict
}

#[test]
fn every_example_fires_on_its_vulnerable_side_only() {
    let scanner = Manifests::new().unwrap();
    let mut wrong = Vec::new();
    for rule in scanner.rules() {
        let id = rule.id.as_str();
        if rule.examples.is_empty() {
            wrong.push(format!("{id}: has no example"));
        }
        for example in &rule.examples {
            for (side, text, fires) in
                [("vulnerable", &example.vulnerable, true), ("repaired", &example.repaired, false)]
            {
                let verdict = scan(&scanner, &example.file, text, &example.beside);
                let found = verdict.findings.iter().filter(|finding| finding.rule == rule.id);
                let places: Vec<String> = found
                    .map(|finding| format!("{}:{}", finding.place.start.line, finding.place.start.column))
                    .collect();
                if places.is_empty() == fires {
                    wrong.push(format!("{id}: {side} of {} gives {places:?}", example.file));
                }
                if !verdict.unread.is_empty() {
                    wrong.push(format!("{id}: {side} is not read: {:?}", verdict.unread));
                }
                for finding in &verdict.findings {
                    let inside = finding.place.span.end as usize <= text.len();
                    if !inside || finding.message.contains('\n') {
                        wrong.push(format!("{id}: {finding:?}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn rules_are_complete_and_named_once() {
    let scanner = Manifests::new().unwrap();
    let mut ids = BTreeSet::new();
    for rule in scanner.rules() {
        assert!(ids.insert(rule.id.clone()), "{} stands in two files", rule.id);
        assert!(!rule.references.is_empty(), "{} has no reference", rule.id);
        assert!(rule.why.len() > 20 && rule.fix.len() > 10, "{} says too little", rule.id);
        assert!(!rule.title.ends_with('.'), "{}", rule.id);
    }
}
