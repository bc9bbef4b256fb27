//! A short run of every fuzz target. cargo-fuzz is installed once into `~/.cache/gabion`; it needs a
//! nightly toolchain, which not everybody has: without one the step says that it was skipped.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::Verdict;
use crate::cargo::{answers, cache, installed};
use crate::output;

const SECONDS: u32 = 10;

pub(super) fn run(root: &Path) -> Verdict {
    if !answers(nightly(root, Path::new("cargo")).arg("--version")) {
        return Verdict::Skipped("needs a nightly toolchain: `rustup toolchain install nightly`".to_owned());
    }
    let Some(program) = installed(root, "cargo-fuzz", "0.13.2") else {
        return Verdict::Skipped("cargo-fuzz cannot be installed here".to_owned());
    };
    let list = match fuzz(root, &program, "list").output() {
        Ok(list) if list.status.success() => String::from_utf8_lossy(&list.stdout).into_owned(),
        Ok(list) => return Verdict::Failed(String::from_utf8_lossy(&list.stderr).trim().to_owned()),
        Err(error) => return Verdict::Failed(error.to_string()),
    };
    // All at once, so that the time of a run is the time of the target.
    if !fuzz(root, &program, "build").status().is_ok_and(|status| status.success()) {
        return Verdict::Failed("the targets do not build".to_owned());
    }
    // One for each core at a time: a target is one thread.
    let targets = Mutex::new(list.split_whitespace());
    let broken = Mutex::new(Vec::new());
    let next = || targets.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(target) = next() {
                    output::note(&format!("  {target}"));
                    if let Err(told) = smoke(root, &program, target) {
                        output::note(&told);
                        broken.lock().unwrap_or_else(PoisonError::into_inner).push(target);
                    }
                }
            });
        }
    });
    let broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    if broken.is_empty() { Verdict::Passed } else { Verdict::Failed(broken.join(", ")) }
}

/// Runs one target for a while; what it said when it fell.
fn smoke(root: &Path, program: &Path, target: &str) -> Result<(), String> {
    let limit = format!("-max_total_time={SECONDS}");
    let ran = fuzz(root, program, "run").args([target, "--", &limit, "-verbosity=0"]).output();
    let ran = ran.map_err(|error| error.to_string())?;
    if ran.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&ran.stderr).into_owned()) }
}

/// cargo-fuzz by its path, as cargo calls it: the name of the command comes first.
fn fuzz(root: &Path, program: &Path, command: &str) -> Command {
    let mut fuzz = nightly(root, program);
    fuzz.args(["fuzz", command]);
    if let Some(cache) = cache() {
        fuzz.env("CARGO_TARGET_DIR", cache.join("fuzz"));
    }
    fuzz
}

/// This process runs under the stable toolchain; its children of this step must not.
fn nightly(root: &Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root).env("RUSTUP_TOOLCHAIN", "nightly").env_remove("CARGO").env_remove("RUSTC");
    command
}
