//! Only what changed since a revision.

use gabion_scan::rules::RuleBook;
use gabion_scan::{Beside, Changes, Choice, Report, Reported};

use crate::harness::{Project, choice, scanners};

fn lines(project: &Project, revision: &str) -> (Vec<String>, usize) {
    let changes = Changes::since(project.root(), revision).unwrap();
    let choice = Choice { changes: Some(&changes), ..choice() };
    let report =
        Report::new(project.scan(), Beside::default(), &choice, &RuleBook::new(&scanners())).unwrap();
    let line = |one: &Reported| format!("{}:{}", one.finding.place.path, one.finding.place.start.line);
    (report.findings.iter().map(line).collect(), report.unchanged)
}

#[test]
fn findings_on_changed_lines_and_in_new_files_are_told() {
    let project = Project::new(&[("a.js", "eval(1)\nx\neval(2)\n"), ("b.js", "eval(3)\n")]);
    project.git(&["init", "--quiet"]);
    project.commit("one");
    assert_eq!(lines(&project, "HEAD"), (vec![], 3));
    project.write("a.js", "new\neval(1)\nx\neval(2) + 1\neval(9)\n");
    project.write("c.js", "eval(4)\n");
    let (mut found, unchanged) = lines(&project, "HEAD");
    found.sort();
    assert_eq!((found, unchanged), (["a.js:4", "a.js:5", "c.js:1"].map(str::to_owned).to_vec(), 2));
}

#[test]
fn what_the_base_got_since_is_not_called_ours() {
    let project = Project::new(&[("a.js", "eval(1)\n")]);
    project.git(&["init", "--quiet"]);
    project.commit("one");
    project.git(&["checkout", "--quiet", "-b", "topic"]);
    project.write("t.js", "eval(2)\n");
    project.commit("topic");
    project.git(&["checkout", "--quiet", "-"]);
    let base = project.git(&["rev-parse", "--abbrev-ref", "HEAD"]);
    // On the base the line goes away; on the topic it is as old as before.
    project.write("a.js", "x\n");
    project.commit("two");
    project.git(&["checkout", "--quiet", "topic"]);
    assert_eq!(lines(&project, &base), (vec!["t.js:1".to_owned()], 1));
}

#[test]
fn a_folder_below_the_repository_is_compared_with_itself() {
    let project = Project::new(&[("sub/a.js", "eval(1)\n"), ("b.js", "eval(2)\n")]);
    project.git(&["init", "--quiet"]);
    project.commit("one");
    let mut options = project.options();
    options.root = project.root().join("sub");
    let changes = Changes::since(&options.root, "HEAD").unwrap();
    let choice = Choice { changes: Some(&changes), ..choice() };
    let scan = gabion_scan::scan(&options, &scanners(), &()).unwrap();
    let report = Report::new(scan, Beside::default(), &choice, &RuleBook::new(&scanners())).unwrap();
    assert_eq!((report.findings.len(), report.unchanged), (0, 1));
}

#[test]
fn without_a_repository_or_a_revision_there_is_an_error() {
    let project = Project::new(&[("a.js", "")]);
    let error = |revision: &str| Changes::since(project.root(), revision).unwrap_err().to_string();
    assert!(error("HEAD").contains("no git repository"));
    project.git(&["init", "--quiet"]);
    project.commit("one");
    assert_eq!(error("nowhere"), "there is no revision `nowhere`");
}

#[test]
fn a_configuration_that_names_programs_starts_none() {
    let project = Project::new(&[("a.js", "eval(1)\n")]);
    project.git(&["init", "--quiet"]);
    project.commit("one");
    let mark = project.root().join("started");
    let program = format!("touch {}", mark.display());
    let configuration = format!(
        "\n[core]\n\tfsmonitor = {program}\n\tsshCommand = {program}\n\tpager = {program}\n\
         [filter \"x\"]\n\tclean = {program}\n\tsmudge = {program}\n\trequired = true\n\
         [diff]\n\texternal = {program}\n[diff \"x\"]\n\ttextconv = {program}\n[include]\n\tpath = /dev/null\n"
    );
    let file = project.root().join(".git/config");
    let present = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, present + &configuration).unwrap();
    project.write(".gitattributes", "* filter=x diff=x\n");
    project.write("a.js", "eval(1)\neval(2)\n");
    assert_eq!(lines(&project, "HEAD").0, ["a.js:2"]);
    assert!(!mark.exists());
}
