//! cargo-deny over the lock file, installed once into `~/.cache/gabion` when it is missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Verdict;
use super::steps::run;
use crate::cargo::installed;
use crate::output;

pub(super) fn bans(root: &Path) -> Verdict {
    match program(root) {
        Some(deny) => {
            run(Command::new(deny).args(["check", "bans", "licenses", "sources"]).current_dir(root))
        }
        None => Verdict::Skipped(
            "cargo-deny cannot be installed here; the rule `dependencies` of tidy has read deny.toml instead"
                .to_owned(),
        ),
    }
}

pub(super) fn advisories(root: &Path) -> Verdict {
    let Some(deny) = program(root) else {
        return Verdict::Skipped("cargo-deny cannot be installed here".to_owned());
    };
    let output =
        Command::new(deny).args(["check", "advisories"]).current_dir(root).stdin(Stdio::null()).output();
    match output {
        Err(error) => Verdict::Failed(error.to_string()),
        Ok(output) if output.status.success() => Verdict::Passed,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            if said.contains("failed to fetch advisory database")
                || said.contains("failed to load advisory database")
            {
                return Verdict::Skipped("the RustSec database cannot be reached".to_owned());
            }
            output::note(&said);
            Verdict::Failed("see above".to_owned())
        }
    }
}

fn program(root: &Path) -> Option<PathBuf> {
    installed(root, "cargo-deny", "0.20.2")
}
