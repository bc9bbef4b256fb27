//! The laboratory of the tests as a whole, and their small API. CI runs a sample of the first.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use crate::bench::Failure;
use crate::{cargo, output};

/// Every page of the laboratory: what was found, missed and falsely found of each kind.
pub(super) fn whole(root: &Path) -> Result<(), Failure> {
    run(root, "probe-lab", &["lab::sql", "lab::xss", "lab::dom", "lab::files"])
}

/// The API of fifteen operations: fewer than 2,000 requests and 120 s are promised.
pub(super) fn small(root: &Path) -> Result<(), Failure> {
    run(root, "probe-small", &["kitchen::fifteen_operations_take_few_requests"])
}

/// Runs some tests of the crate `probe`, one after the other, and shows what they print. All of it is kept in `target/bench`.
fn run(root: &Path, name: &str, tests: &[&str]) -> Result<(), Failure> {
    let mut command = cargo::cargo(root);
    command.args(["test", "--quiet", "--package", "gabion-probe", "--test", "it", "--"]).args(tests);
    command.args(["--nocapture", "--test-threads", "1"]).env("GABION_LAB", "whole");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
    let said = child.stdout.take().ok_or("no output of the tests")?;
    let mut lines = Vec::new();
    for line in BufReader::new(said).lines() {
        let line = line?;
        output::line(&line);
        lines.push(line);
    }
    let status = child.wait()?;
    let folder = root.join("target/bench");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{name}.txt"));
    fs::write(&file, lines.join("\n") + "\n")?;
    for line in lines.iter().filter(|line| line.contains(" requests in ")) {
        output::line(line);
    }
    output::note(&format!("all of it is in {}", file.display()));
    if status.success() { Ok(()) } else { Err("less was found than is promised, or more".into()) }
}
