//! Files held in memory, scanned.

use std::sync::{Arc, LazyLock};

use gabion_code::CodeScanner;
use gabion_finding::{Finding, Scanner as _, Source, Tree, Verdict};

/// The scanner with the rules of the program, made once.
pub(crate) fn scanner() -> &'static CodeScanner {
    static SCANNER: LazyLock<CodeScanner> = LazyLock::new(|| CodeScanner::new(&[]).unwrap());
    &SCANNER
}

/// What is said of these files: names and texts.
pub(crate) fn scan(scanner: &CodeScanner, files: &[(&str, &str)]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut facts: Vec<(Arc<str>, Arc<[u8]>)> = Vec::new();
    let mut paths: Vec<Arc<str>> = Vec::new();
    let mut files = files.to_vec();
    files.sort_unstable();
    for (path, text) in files {
        assert!(scanner.reads(path), "{path}");
        let report = scanner.file(&Source::new(path, text));
        verdict.extend(report.verdict);
        facts.push((path.into(), report.facts.into()));
        paths.push(path.into());
    }
    verdict.extend(scanner.tree(&Tree { paths: &paths, facts: &facts, uses: &[] }));
    verdict
}

/// The findings that a scan shows unless it is asked for more, as `rule path:line`.
pub(crate) fn lines(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .filter(|finding| finding.confidence > gabion_finding::Confidence::Low)
        .map(|finding| format!("{} {}:{}", finding.rule, finding.place.path, finding.place.start.line))
        .collect()
}

/// The same of files that are all read whole, by the rules of the program.
pub(crate) fn found(files: &[(&str, &str)]) -> Vec<String> {
    lines(&whole(files))
}

/// The rules that find something there, each once; what an application lacks, said low of it as a whole, is left out.
pub(crate) fn rules_that_find(files: &[(&str, &str)]) -> Vec<String> {
    let lacks = [
        "http.client.no-timeout",
        "http.client.no-size-limit",
        "error.tracking.missing",
        "alert.none-configured",
    ];
    let found = whole(files);
    let found = found.iter().filter(|one| !lacks.contains(&one.rule.as_str()));
    let mut rules: Vec<String> = found.map(|one| one.rule.as_str().to_owned()).collect();
    rules.sort();
    rules.dedup();
    rules
}

fn whole(files: &[(&str, &str)]) -> Vec<Finding> {
    let verdict = scan(scanner(), files);
    assert!(verdict.unread.is_empty(), "{files:?}: {:?}", verdict.unread);
    verdict.findings
}

/// What stands around code, the code, and the rules that find it, separated by spaces: all that is otherwise is said at once.
pub(crate) fn check(cases: &[(&str, &str, &str)], found: impl Fn(&str, &str) -> Vec<String>) {
    let mut wrong = Vec::new();
    for (around, code, rules) in cases {
        let found = found(around, code);
        let expected: Vec<&str> = rules.split_whitespace().collect();
        if found != expected {
            wrong.push(format!("{code}\n    expected {expected:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
