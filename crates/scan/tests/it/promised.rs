//! What Gabion promises to find, row by row: `tests/promised/*.toml` names each mistake, the rule that finds it, a small repository
//! that has it and its repaired twin. All scanners read the whole of both, as `gabion scan` does.
//!
//! A repository is a text: `-- path` begins a file, ` ◂` at the end of a line says that the rule speaks there and nowhere else.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

use gabion_dependencies::{Advisories, AdvisoryBuilder};
use gabion_finding::Scanner;
use gabion_scan::kit::{Knowledge, RuleFolder, scanners_with};
use serde::Deserialize;

use crate::harness::Project;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Theme {
    row: Vec<Row>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The mistakes this row stands for, by the names they were promised under.
    promised: Vec<String>,
    /// Our rule.
    rule: String,
    wrong: String,
    right: String,
}

/// Path, line, rule.
type Place = (String, u32, String);
/// Path, text.
type File = (String, String);
/// Paths and lines.
type Marks = BTreeSet<(String, u32)>;

const MARK: &str = " ◂";

/// What is known to be wrong with packages: a flaw, an attack, and one that nobody keeps.
const ADVISORIES: &[&str] = &[
    r#"{"id": "X-1", "affected": [{"package": {"ecosystem": "npm", "name": "merge-deep"},
     "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "3.0.3"}]}]}]}"#,
    r#"{"id": "MAL-1", "affected": [{"package": {"ecosystem": "npm", "name": "merge-dep"},
     "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]}"#,
    r#"{"id": "X-2", "affected": [{"package": {"ecosystem": "crates.io", "name": "lonely"},
     "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
     "database_specific": {"informational": "unmaintained"}}]}"#,
    r#"{"id": "X-3", "affected": [{"package": {"ecosystem": "Maven", "name": "org.apache.logging.log4j:log4j-core"},
     "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.0-beta9"}, {"fixed": "2.15.0"}]}]}]}"#,
];

fn all() -> &'static [Box<dyn Scanner>] {
    static ALL: OnceLock<Vec<Box<dyn Scanner>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut builder = AdvisoryBuilder::new();
        for (number, text) in ADVISORIES.iter().enumerate() {
            builder.add(&format!("{number}.json"), text.as_bytes()).unwrap();
        }
        let advisories = Advisories::judge(builder.build("tests", 0), 0, 14);
        let knowledge = Knowledge { advisories, ..Knowledge::default() };
        scanners_with(&RuleFolder::default(), &knowledge).unwrap()
    })
}

/// The files of a repository, and where a rule is to speak.
fn files(text: &str) -> (Vec<File>, Marks) {
    let (mut files, mut marks): (Vec<File>, _) = (Vec::new(), Marks::new());
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("-- ").filter(|path| !path.contains(' ')) {
            files.push((path.to_owned(), String::new()));
            continue;
        }
        let (path, text) = files.last_mut().unwrap();
        let written = line.strip_suffix(MARK).unwrap_or(line);
        text.push_str(written);
        text.push('\n');
        if written.len() < line.len() {
            marks.insert((path.clone(), u32::try_from(text.lines().count()).unwrap()));
        }
    }
    (files, marks)
}

fn found(files: &[File]) -> Vec<Place> {
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let project = Project::new(&files);
    let mut options = project.options();
    (options.cache, options.threads) = (None, 1);
    let scan = gabion_scan::scan(&options, all(), &()).unwrap();
    let place = |finding: &gabion_finding::Finding| {
        (finding.place.path.to_string(), finding.place.start.line, finding.rule.as_str().to_owned())
    };
    scan.findings.iter().map(place).collect()
}

fn read(theme: &str) -> Vec<Row> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promised").join(theme).with_extension("toml");
    let text = std::fs::read_to_string(&path).unwrap();
    toml::from_str::<Theme>(&text).unwrap().row
}

/// What is not as the row says.
fn faults(row: &Row) -> Vec<String> {
    let mut faults = Vec::new();
    let name = format!("{} ({})", row.promised.join(", "), row.rule);
    let ((wrong, marks), (right, none)) = (files(&row.wrong), files(&row.right));
    if marks.is_empty() || !none.is_empty() {
        faults.push(format!("{name}: the vulnerable side has marks, the repaired one none"));
    }
    let of_rule = |places: &[Place]| -> Marks {
        let own = places.iter().filter(|(_, _, rule)| *rule == row.rule);
        own.map(|(path, line, _)| (path.clone(), *line)).collect()
    };
    let places = found(&wrong);
    if of_rule(&places) != marks {
        faults.push(format!("{name}: promised at {marks:?}, found {places:?}"));
    }
    let places = found(&right);
    if !of_rule(&places).is_empty() {
        faults.push(format!("{name}: found where it is repaired: {:?}", of_rule(&places)));
    }
    faults
}

fn holds(theme: &str) {
    let faults: Vec<String> = read(theme).iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "{} rows do not hold\n{}", faults.len(), faults.join("\n"));
}

macro_rules! themes {
    ($($name:ident),* $(,)?) => {
        const THEMES: &[&str] = &[$(stringify!($name)),*];
        $(#[test] fn $name() { holds(stringify!($name)); })*
    };
}

themes![
    accounts, containers, data, database, docker, express, extras, injection, kubernetes, lookalikes,
    mistakes, next, packages, pods, python, queries, settings, uploads,
];

#[test]
fn no_row_stands_twice_and_no_file_is_forgotten() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promised");
    let there: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(there, THEMES.iter().map(|theme| (*theme).to_owned()).collect());
    let rules: BTreeSet<&str> =
        all().iter().flat_map(|scanner| scanner.rules()).map(|rule| rule.id.as_str()).collect();
    let mut seen = BTreeSet::new();
    for row in THEMES.iter().flat_map(|theme| read(theme)) {
        assert!(rules.contains(row.rule.as_str()), "there is no rule `{}`", row.rule);
        for promised in row.promised {
            let own = rules.contains(promised.as_str());
            assert!(!own || promised == row.rule, "`{promised}` is a rule of its own");
            assert!(seen.insert(promised.clone()), "`{promised}` stands twice");
        }
    }
}

/// Repositories with the mistakes that well-meant guides made themselves, beside what only looks like one: a query with parameters,
/// cleaned markup, a page that is escaped, an object of its owner, a route for a role, a comment.
#[test]
fn of_a_repository_exactly_the_mistakes_are_reported() {
    for name in ["shop", "web"] {
        reports_exactly(name);
    }
}

fn reports_exactly(name: &str) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/repository").join(name).with_extension("txt");
    let text = std::fs::read_to_string(path).unwrap();
    let (mut wanted, mut plain, mut file, mut line) = (BTreeSet::new(), String::new(), String::new(), 0);
    for written in text.lines() {
        let (written, rule) = written.split_once(MARK).unwrap_or((written, ""));
        plain.push_str(written);
        plain.push('\n');
        line += 1;
        if let Some(path) = written.strip_prefix("-- ") {
            (file, line) = (path.to_owned(), 0);
        }
        if !rule.is_empty() {
            wanted.insert((file.clone(), line, rule.trim().to_owned()));
        }
    }
    let found: BTreeSet<Place> = found(&files(&plain).0).into_iter().collect();
    let missed: Vec<&Place> = wanted.difference(&found).collect();
    let false_alarms: Vec<&Place> = found.difference(&wanted).collect();
    assert!(
        missed.is_empty() && false_alarms.is_empty(),
        "missed {missed:#?}\nfalse alarms {false_alarms:#?}"
    );
}
