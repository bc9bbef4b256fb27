//! The files of `bench/scan/manifests`, read as one tree: every finding above informational is the one the table names, no more.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_finding::{Scanner, Source, Tree, Verdict};
use gabion_manifests::Manifests;
use gabion_model::Severity;

fn files(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() { files(&path, all) } else { all.push(path) }
    }
}

fn scan(root: &Path) -> Verdict {
    let scanner = Manifests::new().unwrap();
    let mut found = Vec::new();
    files(root, &mut found);
    let name = |path: &PathBuf| path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
    let mut paths: Vec<Arc<str>> = found.iter().map(|path| name(path).into()).collect();
    paths.sort();
    let (mut verdict, mut facts) = (Verdict::default(), Vec::new());
    for path in paths.iter().filter(|path| scanner.reads(path)) {
        let text = std::fs::read_to_string(root.join(&**path)).unwrap();
        let report = scanner.file(&Source::new(path, &text));
        verdict.extend(report.verdict);
        if !report.facts.is_empty() {
            facts.push((Arc::clone(path), Arc::from(report.facts)));
        }
    }
    verdict.extend(scanner.tree(&Tree { paths: &paths, facts: &facts, uses: &[] }));
    verdict
}

#[test]
fn findings_are_those_of_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/scan/manifests");
    let table = std::fs::read_to_string(root.join("expected.tsv")).unwrap();
    let expected: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
    let verdict = scan(&root);
    let mut found: Vec<String> = (verdict.findings.iter())
        .filter(|finding| finding.severity > Severity::Informational)
        .map(|finding| format!("{}\t{}\t{}", finding.place.path, finding.place.start.line, finding.rule))
        .collect();
    found.sort();
    let missing: Vec<&&str> = expected.iter().filter(|line| !found.contains(&line.to_string())).collect();
    let more: Vec<&String> = found.iter().filter(|line| !expected.contains(&line.as_str())).collect();
    assert!(missing.is_empty() && more.is_empty(), "missing: {missing:#?}\nnot in the table: {more:#?}");
    assert!(verdict.unread.is_empty(), "{:?}", verdict.unread);
}

#[test]
fn what_is_well_made_is_left_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/scan/manifests");
    let verdict = scan(&root);
    let loud = verdict
        .findings
        .iter()
        .filter(|finding| finding.place.path.contains("good") && finding.severity > Severity::Informational);
    assert_eq!(loud.map(|finding| finding.rule.to_string()).collect::<Vec<_>>(), Vec::<String>::new());
}
