//! The steps that are one call of cargo.

use std::path::Path;
use std::process::Command;

use super::Verdict;
use crate::cargo::{answers, cargo};

pub(super) fn format(root: &Path) -> Verdict {
    match run(cargo(root).args(["fmt", "--all", "--check", "--", "--files-with-diff"])) {
        Verdict::Failed(_) => Verdict::Failed("`cargo fmt --all` puts these files right".to_owned()),
        verdict => verdict,
    }
}

pub(super) fn lint(root: &Path) -> Verdict {
    run(cargo(root).args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--quiet",
        "--keep-going",
        "--",
        "-D",
        "warnings",
    ]))
}

/// All of it once, with the features the tests ask for; what follows finds it built.
pub(super) fn build(root: &Path) -> Verdict {
    run(cargo(root).args(["build", "--workspace", "--all-targets", "--locked", "--quiet"]))
}

pub(super) fn doc(root: &Path) -> Verdict {
    run(cargo(root).args(["test", "--workspace", "--doc", "--locked", "--quiet"]))
}

/// nextest where it is installed: it runs each test in its own process and times it.
pub(super) fn test(root: &Path) -> Verdict {
    // The end-to-end tests start the program, which cargo does not build for them.
    if let failed @ Verdict::Failed(_) = build(root) {
        return failed;
    }
    if answers(cargo(root).args(["nextest", "--version"])) {
        run(cargo(root).args(["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]))
    } else {
        run(cargo(root).args(["test", "--workspace", "--all-targets", "--locked", "--no-fail-fast"]))
    }
}

/// Runs a command that prints for itself.
pub(super) fn run(command: &mut Command) -> Verdict {
    match command.status() {
        Ok(status) if status.success() => Verdict::Passed,
        Ok(status) => Verdict::Failed(format!("{status}")),
        Err(error) => Verdict::Failed(format!("{}: {error}", command.get_program().display())),
    }
}
