//! A scanner that looks at parts of a tree is asked again only about those that changed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use gabion_finding::{
    FileReport, Finding, Fingerprint, LineIndex, Rule, Scanner, Source, Span, Tree, Unread, UnreadReason,
    Verdict,
};

use crate::harness::{Project, Words};

/// The files of each folder are a part; it says of each how long its facts are together.
#[derive(Debug)]
struct Folders {
    words: Words,
    looked: &'static Mutex<Vec<String>>,
    trees: &'static AtomicUsize,
}

impl Scanner for Folders {
    fn name(&self) -> &'static str {
        "code"
    }

    fn version(&self) -> String {
        "1".to_owned()
    }

    fn rules(&self) -> Vec<&Rule> {
        self.words.rules()
    }

    fn reads(&self, _: &str) -> bool {
        true
    }

    fn file(&self, source: &Source) -> FileReport {
        FileReport { facts: source.text().as_bytes().to_vec(), ..FileReport::default() }
    }

    fn parts(&self, tree: &Tree<'_>) -> Option<Vec<Vec<usize>>> {
        let mut parts: Vec<(String, Vec<usize>)> = Vec::new();
        for (number, (path, _)) in tree.facts.iter().enumerate() {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            match parts.iter_mut().find(|(own, _)| *own == folder) {
                Some((_, part)) => part.push(number),
                None => parts.push((folder, vec![number])),
            }
        }
        Some(parts.into_iter().map(|(_, part)| part).collect())
    }

    fn look_at(&self, tree: &Tree<'_>, parts: &[Vec<usize>]) -> Vec<Verdict> {
        let look = |part: &Vec<usize>| {
            let (path, text) = &tree.facts[part[0]];
            self.looked.lock().unwrap().push(path.to_string());
            let all: usize = part.iter().map(|file| tree.facts[*file].1.len()).sum();
            let text = std::str::from_utf8(text).unwrap();
            let place = LineIndex::new(text).place(path, Span::new(0, 1), text);
            let rule = self.words.rules()[0];
            Verdict {
                findings: vec![Finding {
                    rule: rule.id.clone(),
                    message: format!("{all} bytes"),
                    severity: rule.severity,
                    confidence: rule.confidence,
                    place,
                    trace: Vec::new(),
                    fix: None,
                    properties: std::collections::BTreeMap::new(),
                    hidden: Vec::new(),
                    fingerprint: Fingerprint::new("x", path, ""),
                }],
                ..Verdict::default()
            }
        };
        parts.iter().map(look).collect()
    }

    fn tree(&self, tree: &Tree<'_>) -> Verdict {
        assert!(tree.facts.is_empty(), "its parts were looked at");
        self.trees.fetch_add(1, Ordering::Relaxed);
        let unread =
            Unread { path: "".into(), reason: UnreadReason::Budget, detail: "said of the whole".to_owned() };
        Verdict { unread: vec![unread], ..Verdict::default() }
    }
}

#[test]
fn only_parts_in_which_a_file_changed_are_looked_at_again() {
    let project = Project::new(&[("a/x.js", "one"), ("a/y.js", "two"), ("b/x.js", "three")]);
    let looked: &'static Mutex<Vec<String>> = Box::leak(Box::default());
    let trees: &'static AtomicUsize = Box::leak(Box::default());
    let run = || {
        let scanner = Folders { words: Words::new("code"), looked, trees };
        let scan = gabion_scan::scan(&project.options(), &[Box::new(scanner)], &()).unwrap();
        let mut said: Vec<String> = scan.findings.iter().map(|one| one.message.clone()).collect();
        said.extend(scan.unread.iter().map(|one| one.detail.clone()));
        (said, std::mem::take(&mut *looked.lock().unwrap()), trees.swap(0, Ordering::Relaxed))
    };
    let said =
        |one: &str, other: &str| vec![one.to_owned(), other.to_owned(), "said of the whole".to_owned()];
    let at = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
    assert_eq!(run(), (said("6 bytes", "5 bytes"), at(&["a/x.js", "b/x.js"]), 1));
    assert_eq!(run(), (said("6 bytes", "5 bytes"), at(&[]), 0));
    project.write("b/x.js", "fourteen");
    assert_eq!(run(), (said("6 bytes", "8 bytes"), at(&["b/x.js"]), 1));
    // A file more is another part.
    project.write("a/z.js", "!");
    assert_eq!(run(), (said("7 bytes", "8 bytes"), at(&["a/x.js"]), 1));
    std::fs::remove_file(project.root().join("a/z.js")).unwrap();
    // What does not hold any more is not kept.
    assert_eq!(run(), (said("6 bytes", "8 bytes"), at(&["a/x.js"]), 1));
    assert_eq!(run(), (said("6 bytes", "8 bytes"), at(&[]), 0));
}
