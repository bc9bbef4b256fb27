//! Changes that findings propose.

use gabion_scan::repair::plan;

use crate::harness::{Project, SECRET, scanners};

#[test]
fn changes_are_shown_and_then_made() {
    let project = Project::new(&[("a.js", "one\neval(1)\neval(2)\n"), ("b.js", "x\n")]);
    let scan = project.scan();
    let planned = plan(&scan, &project.report(), &scanners());
    assert_eq!(planned.len(), 1);
    let difference = planned[0].difference(&scan);
    assert!(difference.contains("-eval(1)\n") && difference.contains("+parse(1)\n"), "{difference}");
    assert_eq!(project.read("a.js"), "one\neval(1)\neval(2)\n");
    planned[0].write(&scan).unwrap();
    assert_eq!(project.read("a.js"), "one\nparse(1)\nparse(2)\n");
    assert!(project.report().findings.is_empty());
}

#[test]
fn a_file_that_changed_since_is_left_alone() {
    let project = Project::new(&[("a.js", "eval(1)\n")]);
    let (scan, report) = (project.scan(), project.report());
    let planned = plan(&scan, &report, &scanners());
    project.write("a.js", "eval(2)\n");
    assert!(planned[0].write(&scan).is_err());
    assert!(plan(&scan, &report, &scanners()).is_empty());
    assert_eq!(project.read("a.js"), "eval(2)\n");
}

#[test]
fn a_difference_shows_no_secret() {
    let project = Project::new(&[("a.js", &format!("key = \"{SECRET}\"\neval(1)\n"))]);
    let scan = project.scan();
    let difference = plan(&scan, &project.report(), &scanners())[0].difference(&scan);
    assert!(difference.contains("key = \"…\"") && !difference.contains(SECRET), "{difference}");
}
