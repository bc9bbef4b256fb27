//! A tree in a temporary folder, a scanner that knows a few words, and git.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use gabion_finding::{
    Confidence, Edit, FileReport, Fix, Rule, RuleFile, Scanner, Source, Span, Step, Tree, Verdict,
};
use gabion_model::Timestamp;
use gabion_scan::rules::RuleBook;
use gabion_scan::{Beside, CacheFolder, Choice, Report, Scan, ScanOptions, WalkOptions};
use serde::Deserialize;
use tempfile::TempDir;

/// No text of the tests but the planted one has it.
pub(crate) const SECRET: &str = "hunter2-correct-horse";

pub(crate) struct Project {
    pub(crate) folder: TempDir,
    pub(crate) cache: TempDir,
}

impl Project {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let project = Self { folder: TempDir::new().unwrap(), cache: TempDir::new().unwrap() };
        files.iter().for_each(|(path, text)| project.write(path, text));
        project
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let at = self.root().join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// Runs git with a configuration of its own.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=Ada",
                "-c",
                "user.email=ada@example.org",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(arguments)
            .current_dir(self.root())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
    }

    pub(crate) fn options(&self) -> ScanOptions {
        ScanOptions {
            root: self.root().to_path_buf(),
            walk: WalkOptions::default(),
            largest: gabion_scan::LARGEST,
            threads: 4,
            cache: Some(CacheFolder::new(self.cache.path().to_path_buf())),
            now: later(),
        }
    }

    pub(crate) fn scan(&self) -> Scan {
        gabion_scan::scan(&self.options(), &scanners(), &()).unwrap()
    }

    pub(crate) fn report(&self) -> Report {
        report(self.scan())
    }
}

/// Long after every file of a test was written, so that the cache trusts their times.
pub(crate) fn later() -> Timestamp {
    Timestamp::from_secs(4_000_000_000)
}

pub(crate) fn scanners() -> Vec<Box<dyn Scanner>> {
    vec![Box::new(Words::new("code")), Box::new(Words::new("secrets"))]
}

pub(crate) fn choice() -> Choice<'static> {
    Choice {
        confidence: Confidence::Medium,
        fail_on: Some(gabion_model::Severity::High),
        only: &[],
        skip: &[],
        baseline: None,
        changes: None,
        strict: false,
        now: later(),
    }
}

pub(crate) fn report(scan: Scan) -> Report {
    Report::new(scan, Beside::default(), &choice(), &RuleBook::new(&scanners())).unwrap()
}

/// Finds `eval(…)` as `code` and `key = "…"` as `secrets`.
#[derive(Debug)]
pub(crate) struct Words {
    name: &'static str,
    rules: Vec<Rule>,
    pub(crate) files: AtomicUsize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

const RULES: &str = r#"
[[rule]]
id = "test.eval"
title = "text is run as code"
control = "input.commands"
cwe = [95]
severity = "high"
confidence = "high"
why = "Whoever writes the text\nruns the program."
fix = "Parse it."
references = ["https://cwe.mitre.org/data/definitions/95.html"]
[[rule.example]]
file = "a.js"
vulnerable = "eval(x)\n"
repaired = "parse(x)\n"

[[rule]]
id = "test.unsure"
title = "maybe"
control = "input.commands"
cwe = [95]
severity = "low"
confidence = "low"
why = "a"
fix = "b"

[[rule]]
id = "test.key"
title = "a key in the code"
control = "config.no-secrets-in-code"
cwe = [798]
severity = "critical"
confidence = "high"
why = "a"
fix = "b"
[[rule.example]]
file = "a.js"
vulnerable = "key = \"abcdefgh\"\n"
repaired = "key = read()\n"
"#;

impl Words {
    pub(crate) fn new(name: &'static str) -> Self {
        let rules = RuleFile::<Nothing>::read("words.toml", RULES).unwrap().rules;
        let mine = |rule: &Rule| (rule.id.as_str() == "test.key") == (name == "secrets");
        let rules = rules.into_iter().map(|(rule, Nothing {})| rule).filter(mine).collect();
        Self { name, rules, files: AtomicUsize::new(0) }
    }

    fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id.as_str() == id)
    }
}

impl Scanner for Words {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> String {
        "1".to_owned()
    }

    fn rules(&self) -> Vec<&Rule> {
        self.rules.iter().collect()
    }

    fn reads(&self, path: &str) -> bool {
        !path.ends_with(".skipped")
    }

    fn reads_generated(&self) -> bool {
        self.name == "secrets"
    }

    fn file(&self, source: &Source) -> FileReport {
        self.files.fetch_add(1, Ordering::Relaxed);
        let mut report = FileReport { facts: b"seen".to_vec(), ..FileReport::default() };
        let text = source.text();
        assert!(!text.contains("this word breaks scanners") || self.name != "code", "a fault of the scanner");
        let span = |at: usize, length: usize| {
            Span::new(u32::try_from(at).unwrap(), u32::try_from(at + length).unwrap())
        };
        if let Some(rule) = self.rule("test.eval") {
            for (at, _) in text.match_indices("eval(") {
                let length = text[at..].find(')').map_or(5, |end| end + 1);
                let mut finding = source.finding(rule, span(at, length), "`eval` runs text as code");
                finding.trace =
                    vec![Step { place: source.place(span(at, 4)), says: "here it is run".to_owned() }];
                let edits = vec![Edit { span: span(at, 4), text: "parse".to_owned() }];
                finding.fix = Some(Fix { says: "parse it".to_owned(), path: source.path().clone(), edits });
                report.verdict.findings.push(finding);
            }
        }
        if let Some(rule) = self.rule("test.unsure") {
            for (at, word) in text.match_indices("maybe") {
                report.verdict.findings.push(source.finding(rule, span(at, word.len()), "maybe"));
            }
        }
        if let Some(rule) = self.rule("test.key") {
            for (at, head) in text.match_indices("key = \"") {
                let start = at + head.len();
                let Some(length) = text[start..].find('"') else { continue };
                let place = span(at, head.len() + length + 1);
                let mut finding = source.finding(rule, place, "a key stands in the code");
                finding.hidden.push(span(start, length));
                // A scanner that forgets itself.
                finding.properties.insert("value".to_owned(), text[start..start + length].to_owned());
                report.verdict.findings.push(finding);
            }
        }
        report
    }

    fn tree(&self, tree: &Tree<'_>) -> Verdict {
        assert!(tree.facts.len() <= tree.paths.len());
        Verdict::default()
    }
}
