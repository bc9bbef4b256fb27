//! Walk, threads, cache, comments, baseline.

use std::fs;
use std::sync::atomic::Ordering;

use gabion_finding::{FileReport, Rule, Scanner, Source};
use gabion_scan::format::{Format, write};
use gabion_scan::rules::{self, RuleBook};
use gabion_scan::{Baseline, Beside, Choice, Report, Reported, Scan, WalkOptions};

use crate::harness::{Project, Words, choice, report, scanners};

fn found(report: &Report) -> Vec<String> {
    let line = |one: &Reported| {
        format!("{}:{} {}", one.finding.place.path, one.finding.place.start.line, one.finding.rule)
    };
    report.findings.iter().map(line).collect()
}

#[test]
fn the_same_tree_gives_the_same_report_whatever_the_threads_do() {
    let files: Vec<(String, String)> = (0..200)
        .map(|number| (format!("src/{number}.js"), format!("eval({number})\neval({number})\n")))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let project = Project::new(&files);
    let mut options = project.options();
    options.cache = None;
    let mut of = |threads: usize| {
        options.threads = threads;
        write(&report(gabion_scan::scan(&options, &scanners(), &()).unwrap()), Format::Json, &[])
    };
    let one = of(1);
    assert_eq!(one.matches("\"rule\": \"test.eval\"").count(), 400);
    assert_eq!(one, of(8));
    let mut prints: Vec<&str> = one.lines().filter(|line| line.contains("\"fingerprint\"")).collect();
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), 400, "the same text twice in a file is two findings");
}

#[test]
fn what_did_not_change_is_not_read_again() {
    let project = Project::new(&[("a.js", "eval(1)\n"), ("b.js", "key = \"abcdefgh\"\n"), ("c.js", "x\n")]);
    let run = || -> (usize, Scan) {
        let words: &'static Words = Box::leak(Box::new(Words::new("code")));
        let scanners: Vec<Box<dyn Scanner>> = vec![Box::new(Shared(words))];
        let scan = gabion_scan::scan(&project.options(), &scanners, &()).unwrap();
        (words.files.load(Ordering::Relaxed), scan)
    };
    let (first, cold) = run();
    assert_eq!(first, 3);
    let (second, warm) = run();
    assert_eq!((second, warm.kept), (0, 3));
    assert_eq!(cold.findings, warm.findings);
    project.write("c.js", "eval(2)\n");
    let (third, changed) = run();
    assert_eq!((third, changed.kept, changed.findings.len()), (1, 2, 2));
    // The same bytes at another time are read and not scanned.
    project.write("c.js", "eval(2)\n");
    assert_eq!(run().0, 0);
    fs::remove_file(project.root().join("a.js")).unwrap();
    let (_, gone) = run();
    assert_eq!(gone.findings.len(), 1);
    // Whatever happens to what was kept, the scan is right.
    for entry in fs::read_dir(project.cache.path()).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xFF;
        fs::write(path, bytes).unwrap();
    }
    let (all, same) = run();
    assert_eq!((all, same.findings.len()), (2, 1));
}

#[derive(Debug)]
struct Shared(&'static Words);

impl Scanner for Shared {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn version(&self) -> String {
        self.0.version()
    }

    fn rules(&self) -> Vec<&Rule> {
        self.0.rules()
    }

    fn reads(&self, path: &str) -> bool {
        self.0.reads(path)
    }

    fn file(&self, source: &Source) -> FileReport {
        self.0.file(source)
    }
}

#[test]
fn two_scans_at_once_leave_a_whole_cache() {
    let project = Project::new(&[("a.js", "eval(1)\n"), ("b.js", "eval(2)\n")]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(project.scan().findings.len(), 2));
        }
    });
    assert_eq!(project.scan().kept, 2);
}

#[test]
fn comments_with_reasons_allow_and_are_told() {
    let project = Project::new(&[(
        "a.js",
        "eval(1) // gabion:allow test.eval it is our own table\n\
         // gabion:allow test\n\
         eval(2)\n\
         // gabion:allow test.eval until=2020-01-01 for a while\n\
         eval(3)\n\
         // gabion:allow other.rule nothing here\n\
         eval(4)\n",
    )]);
    let report = project.report();
    assert_eq!(
        found(&report),
        ["a.js:3 test.eval", "a.js:5 test.eval", "a.js:7 test.eval", "a.js:2 scan.allow.reason"]
    );
    assert_eq!(report.suppressed.len(), 1);
    assert_eq!(report.suppressed[0].by.text(), "it is our own table");
    assert_eq!(report.idle.iter().map(|(_, allow)| allow.line).collect::<Vec<_>>(), [4, 6]);
}

#[test]
fn a_baseline_holds_until_what_it_names_is_gone() {
    let project = Project::new(&[("a.js", "eval(1)\neval(1)\n")]);
    let report = project.report();
    let baseline =
        Baseline::default().with(report.findings.iter().map(|one| &one.finding), "goes with the rewrite");
    let baseline = Baseline::parse(&baseline.to_text().unwrap()).unwrap();
    let again = || {
        let choice = Choice { baseline: Some(&baseline), ..choice() };
        Report::new(project.scan(), Beside::default(), &choice, &RuleBook::new(&scanners())).unwrap()
    };
    // Lines move; a new one is new.
    project.write("a.js", "\n\neval(1)\nx\neval(1)\neval(9)\n");
    let report = again();
    assert_eq!((found(&report), report.suppressed.len()), (vec!["a.js:6 test.eval".to_owned()], 2));
    project.write("a.js", "eval(1)\n");
    let report = again();
    assert_eq!((report.findings.len(), report.gone.len()), (0, 1));
}

#[test]
fn what_is_not_read_is_said_and_a_scanner_that_fails_fails_the_scan() {
    let project = Project::new(&[
        ("big.js", &"x".repeat(3 << 20)),
        ("gen.js", "// Code generated by a tool. DO NOT EDIT.\neval(1)\nkey = \"abcdefgh\"\n"),
        ("bad.js", "this word breaks scanners\nkey = \"abcdefgh\"\n"),
        ("a.skipped", "eval(1)"),
    ]);
    fs::write(project.root().join("pic.png"), b"\x89PNG\0\0").unwrap();
    fs::write(project.root().join("old.txt"), b"na\xEFve and long enough\neval(1)\n").unwrap();
    let report = project.report();
    let unread: Vec<String> =
        report.unread.iter().map(|one| format!("{} {}", one.path, one.reason.as_str())).collect();
    assert_eq!(
        unread,
        ["bad.js budget", "big.js large", "gen.js generated", "old.txt encoding", "pic.png binary"]
    );
    assert_eq!(report.incomplete.len(), 1);
    // What was read of them counts.
    assert_eq!(found(&report), ["bad.js:2 test.key", "gen.js:3 test.key", "old.txt:2 test.eval"]);
}

#[test]
fn only_and_skip_choose_rules_and_doubt_is_counted() {
    let project = Project::new(&[("a.js", "eval(1)\nmaybe\nkey = \"abcdefgh\"\n")]);
    let run = |only: &[String], skip: &[String]| {
        let choice = Choice { only, skip, ..choice() };
        Report::new(project.scan(), Beside::default(), &choice, &RuleBook::new(&scanners())).unwrap()
    };
    let report = run(&[], &[]);
    assert_eq!((report.findings.len(), report.unsure), (2, 1));
    assert!(report.fails());
    assert_eq!(found(&run(&["test.key".to_owned()], &[])), ["a.js:3 test.key"]);
    assert_eq!(found(&run(&[], &["test".to_owned()])), [""; 0]);
}

#[test]
fn an_empty_folder_is_no_clean_one() {
    let project = Project::new(&[]);
    assert_eq!(project.report().incomplete, ["there was no file to read"]);
    let mut options = project.options();
    options.root = project.root().join("gone");
    assert!(gabion_scan::scan(&options, &scanners(), &()).is_err());
}

#[test]
fn examples_are_tests_in_both_directions() {
    let faults = rules::test(&Words::new("code"), &|_| true);
    let faults: Vec<String> = faults.iter().map(|fault| format!("{} {}", fault.rule, fault.reason)).collect();
    assert_eq!(faults, ["test.unsure the rule has no example"]);
    assert_eq!(rules::test(&Words::new("secrets"), &|_| true), []);
}

#[test]
fn ignored_files_that_git_has_are_read() {
    let project = Project::new(&[(".gitignore", ".env\nlocal\n"), (".env", "key = \"abcdefgh\"\n")]);
    project.git(&["init", "--quiet"]);
    project.git(&["add", "--force", ".env", ".gitignore"]);
    project.git(&["commit", "--quiet", "--message", "one"]);
    project.write("local", "key = \"abcdefgh\"\n");
    assert_eq!(found(&project.report()), [".env:1 test.key"]);
    let mut options = project.options();
    options.walk = WalkOptions { ignored: true, ..WalkOptions::default() };
    assert_eq!(gabion_scan::scan(&options, &scanners(), &()).unwrap().findings.len(), 2);
}
