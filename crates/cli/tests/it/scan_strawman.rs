//! `gabion scan` over the source of the straw man: every hole that its list says is seen in code is found on its line, and the
//! repaired twin gives nothing. The twin is the same source with its switch decided: `repaired` is `true`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use gabion_strawman::{Visibility, holes};
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{gabion, told};

/// The source of the application alone, without its attacker; `decided` is what stands for the switch.
fn source(decided: Option<&str>) -> TempDir {
    let folder = TempDir::new().expect("a temporary directory");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../strawman/src");
    let app = folder.path().join("src/app");
    fs::create_dir_all(&app).expect("made");
    let mut files: Vec<_> = fs::read_dir(from.join("app")).expect("a folder").collect();
    files.extend(fs::read_dir(&from).expect("a folder"));
    for file in files {
        let path = file.expect("a file").path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let mut text = fs::read_to_string(&path).expect("a text");
        if let Some(decided) = decided {
            text = text.replace("app.repaired", decided).replace("self.repaired", decided);
        }
        let to = folder.path().join("src").join(path.strip_prefix(&from).expect("below it"));
        fs::write(to, text).expect("written");
    }
    folder
}

/// Nothing is suppressed: there is no baseline beside it, and no comment that allows anything counts as one.
fn report(folder: &Path) -> Value {
    let output = gabion(folder)
        .args(["scan", "--no-cache", "--no-advisories", "--fail-on", "never", "--format", "json"])
        .output()
        .expect("gabion runs");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["suppressed"], serde_json::json!([]));
    assert_eq!(report["idle_comments"], serde_json::json!([]));
    report
}

/// Rule, file and line of everything found, on every step of its way.
fn places(report: &Value) -> BTreeSet<(String, String, u64)> {
    let mut places = BTreeSet::new();
    for finding in report["findings"].as_array().expect("findings") {
        let rule = finding["rule"].as_str().unwrap_or_default();
        let steps = finding["trace"].as_array().into_iter().flatten().map(|step| &step["place"]);
        for place in steps.chain([&finding["place"]]) {
            let path = place["path"].as_str().unwrap_or_default();
            places.insert((rule.to_owned(), path.to_owned(), place["line"].as_u64().unwrap_or_default()));
        }
    }
    places
}

#[test]
fn every_hole_that_is_seen_in_code_is_found_on_its_line() {
    let folder = source(None);
    let found = places(&report(folder.path()));
    let mut missed = Vec::new();
    for hole in holes() {
        assert_eq!(hole.seen.is_empty(), !hole.visible.contains(&Visibility::Code), "{}", hole.id);
        for seen in &hole.seen {
            let text = fs::read_to_string(folder.path().join(&seen.file)).expect("the file the list names");
            let lines: Vec<u64> = (text.lines().zip(1_u64..))
                .filter(|(line, _)| line.contains(&seen.line))
                .map(|(_, number)| number)
                .collect();
            let &[line] = lines.as_slice() else {
                panic!("{}: `{}` stands on {} lines of {}", hole.id, seen.line, lines.len(), seen.file)
            };
            if !found.contains(&(seen.rule.clone(), seen.file.clone(), line)) {
                missed.push(format!("{}: {} at {}:{line}", hole.id, seen.rule, seen.file));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}\nfound: {found:#?}");
}

#[test]
fn the_repaired_twin_gives_nothing() {
    let folder = source(Some("true"));
    let report = report(folder.path());
    let found: Vec<String> = (report["findings"].as_array().into_iter().flatten())
        .map(|one| {
            format!("{} {}:{} {}", one["rule"], one["place"]["path"], one["place"]["line"], one["message"])
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
    assert!(report["unread"].as_array().is_some_and(Vec::is_empty), "{}", report["unread"]);
    // It was looked at all the same.
    assert_eq!(report["evidence"]["controls"]["input.queries"]["outcome"], "nothing");
}
