//! `cargo xtask codegen`: what is written by the program rather than by hand, and committed so that it
//! can be read and compared.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use crate::output;
use crate::tidy::Workspace;

pub(crate) use self::program::Build;

mod checks;
mod configuration;
mod controls;
mod index;
mod program;
mod requirements;

/// Writes everything generated, or with `check` says what is stale.
pub(crate) fn run(root: &Path, check: bool, build: Build) -> ExitCode {
    match generate(root, check, build) {
        Ok(stale) if stale.is_empty() => {
            output::note(if check { "generated files are current" } else { "nothing to change" });
            ExitCode::SUCCESS
        }
        Ok(changed) => {
            for path in &changed {
                output::line(path);
            }
            if !check {
                return ExitCode::SUCCESS;
            }
            output::error("generated files are stale; run `cargo xtask codegen` and commit what it writes");
            ExitCode::FAILURE
        }
        Err(error) => {
            output::error(&error);
            ExitCode::from(2)
        }
    }
}

/// The pages that follow from the repository alone: path to text.
pub(crate) fn pages(workspace: &Workspace) -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    controls::write(workspace, &mut pages);
    requirements::write(&mut pages);
    checks::write(workspace, &mut pages);
    configuration::write(workspace, &mut pages);
    index::write(workspace, &mut pages);
    pages
}

/// Whether everything in this file's folder is generated.
pub(crate) fn owns(path: &str) -> bool {
    ["docs/controls/", "docs/checks/"].iter().any(|folder| path.starts_with(folder))
}

/// The paths that are, or were, not as they should be.
fn generate(root: &Path, check: bool, build: Build) -> Result<Vec<String>, String> {
    let mut changed = Vec::new();
    for (path, text) in program::print(root, build)? {
        put(root, &path, &text, check, &mut changed)?;
    }
    let workspace = Workspace::open(root)?;
    let pages = pages(&workspace);
    for (path, text) in &pages {
        put(root, path, text, check, &mut changed)?;
    }
    for file in workspace.files.iter().filter(|file| owns(&file.path) && !pages.contains_key(&file.path)) {
        changed.push(file.path.clone());
        if !check {
            std::fs::remove_file(root.join(&file.path)).map_err(|error| format!("{}: {error}", file.path))?;
        }
    }
    Ok(changed)
}

fn put(root: &Path, path: &str, text: &str, check: bool, changed: &mut Vec<String>) -> Result<(), String> {
    let file = root.join(path);
    if std::fs::read_to_string(&file).is_ok_and(|present| present == text) {
        return Ok(());
    }
    changed.push(path.to_owned());
    if check {
        return Ok(());
    }
    let failed = |error: std::io::Error| format!("{path}: {error}");
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(&file, text).map_err(failed)
}
