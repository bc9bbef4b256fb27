//! `gabion probe tests`: written, checked, listed and taught without a run.

use std::fs;

use tempfile::TempDir;

use crate::harness::{run, succeed, told};

#[test]
fn a_test_of_ones_own_is_written_checked_listed_and_taught() {
    let folder = TempDir::new().expect("a temporary directory");
    succeed(folder.path(), &["probe", "tests", "new", "mine"]);
    let file = folder.path().join("probe.d/mine.yaml");
    let text = fs::read_to_string(&file).expect("it was written");
    assert!(succeed(folder.path(), &["probe", "tests", "check"]).contains("mine A search"));
    assert!(succeed(folder.path(), &["probe", "tests"]).contains("mine"));
    assert!(succeed(folder.path(), &["explain", "mine"]).contains("A search shows what it should not"));
    let again = run(folder.path(), &["probe", "tests", "new", "mine"]);
    assert!(again.status.code() == Some(2) && told(&again).contains("there already"), "{}", told(&again));
    // A mistake is named by line and key, and a run does not begin.
    fs::write(&file, text.replace("q: \"{{word}}{{payload}}\"", "q: \"{{nothing}}\"")).expect("written");
    for arguments in [["probe", "tests", "check"].as_slice(), &["probe", "http://127.0.0.1:1"]] {
        let wrong = run(folder.path(), arguments);
        assert_eq!(wrong.status.code(), Some(2));
        let told = told(&wrong);
        assert!(
            told.contains("`attack[0].query.q`") && told.contains("`{{nothing}}` is not known"),
            "{told}"
        );
    }
    let id = run(folder.path(), &["probe", "tests", "new", "No"]);
    assert!(id.status.code() == Some(2) && told(&id).contains("is no id"), "{}", told(&id));
}

#[test]
fn templates_are_counted_and_those_refused_are_named() {
    let folder = TempDir::new().expect("a temporary directory");
    let head = "info: { name: A, author: x, severity: low }\n";
    let http = "http: [{ path: ['{{BaseURL}}/a'], matchers: [{ type: status, status: [200] }] }]\n";
    fs::create_dir_all(folder.path().join("t/deeper")).expect("made");
    fs::write(folder.path().join("t/deeper/one.yaml"), format!("id: one\n{head}{http}")).expect("written");
    fs::write(folder.path().join("t/two.yaml"), format!("id: two\n{head}ssl: []\n")).expect("written");
    let output = run(folder.path(), &["probe", "tests", "check", "t"]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("`t/two.yaml` is refused: the protocol `ssl`")
            && told.contains("1 tests read, 1 refused"),
        "{told}"
    );
}
