//! What was committed once.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use gabion_scan::{Elsewhere, History, HistoryOptions, history};

use crate::harness::{Project, SECRET, scanners};

fn look(project: &Project) -> History {
    let known: HashSet<_> = project.scan().findings.iter().map(|finding| finding.fingerprint).collect();
    let options = HistoryOptions { threads: 2, ..HistoryOptions::default() };
    history(project.root(), &scanners(), &known, &options, &()).unwrap()
}

#[test]
fn a_secret_that_was_taken_out_is_found_with_who_and_when() {
    let secret = format!("key = \"{SECRET}\"\n");
    let project = Project::new(&[("a.js", secret.as_str()), ("b.js", "key = \"stays-here\"\n")]);
    project.git(&["init", "--quiet"]);
    project.commit("one");
    let first = project.git(&["rev-parse", "HEAD"]);
    project.write("a.js", &format!("x\n{secret}"));
    project.commit("two");
    let last = project.git(&["rev-parse", "HEAD"]);
    project.write("a.js", "key = read()\n");
    project.commit("three");
    let found = look(&project);
    assert_eq!((found.commits, found.findings.len()), (3, 1), "{:?}", found.unread);
    let Elsewhere { finding, frame, secret } = &found.findings[0];
    assert_eq!(secret.as_ref().map(|secret| secret.expose().as_str()), Some(SECRET));
    let property = |name: &str| finding.properties.get(name).map(String::as_str).unwrap_or_default();
    assert_eq!((property("commit"), property("last_commit")), (first.as_str(), last.as_str()));
    assert_eq!(property("author"), "Ada <ada@example.org>");
    assert_eq!(&*finding.place.path, "a.js");
    assert!(frame.lines.iter().any(|line| line.text.contains("key = \"…\"")));
    assert!(!format!("{found:?}").contains(SECRET));
}

#[test]
fn every_reference_is_followed_and_every_object_looked_at_once() {
    let project = Project::new(&[("a.js", "x\n")]);
    project.git(&["init", "--quiet"]);
    project.commit("one");
    project.git(&["checkout", "--quiet", "-b", "side"]);
    project.write("side.js", &format!("key = \"{SECRET}\"\n"));
    project.commit("side");
    project.git(&["tag", "-a", "v1", "-m", "v1"]);
    project.git(&["checkout", "--quiet", "-"]);
    project.git(&["branch", "--quiet", "-D", "side"]);
    for number in 0..5 {
        project.write("other.txt", &number.to_string());
        project.commit("more");
    }
    project.git(&["gc", "--quiet", "--aggressive"]);
    let found = look(&project);
    assert_eq!((found.findings.len(), found.texts), (1, 7), "{:?}", found.unread);
}

#[test]
fn damaged_repositories_end_well() {
    let project = Project::new(&[]);
    project.git(&["init", "--quiet"]);
    for number in 0..6 {
        project.write("a.js", &format!("key = \"{SECRET}-{number}\"\n{}", "line\n".repeat(200)));
        project.commit("more");
    }
    project.write("a.js", "");
    project.commit("none");
    project.git(&["gc", "--quiet", "--aggressive"]);
    let folder = project.root().join(".git/objects/pack");
    let mut packs = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path());
    let pack = packs.find(|path| path.extension().is_some_and(|end| end == "pack")).unwrap();
    fs::set_permissions(&pack, fs::Permissions::from_mode(0o644)).unwrap();
    let whole = fs::read(&pack).unwrap();
    assert_eq!(look(&project).findings.len(), 6);
    let known = HashSet::new();
    for at in (12..whole.len()).step_by(whole.len() / 60) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        fs::write(&pack, &bytes).unwrap();
        // Whatever is left of it: an answer, within a moment.
        match history(project.root(), &scanners(), &known, &HistoryOptions::default(), &()) {
            Ok(found) => assert!(found.findings.len() <= 7, "byte {at}"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

#[test]
fn a_text_that_is_too_long_is_named() {
    let project = Project::new(&[("big.txt", &"x\n".repeat(2 << 20))]);
    project.git(&["init", "--quiet"]);
    project.commit("one");
    let found = look(&project);
    assert_eq!(found.unread.iter().map(|one| one.reason.as_str()).collect::<Vec<_>>(), ["large"]);
}
