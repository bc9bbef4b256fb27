//! The programs from npm and PyPI that the end-to-end tests run against Gabion, in a folder outside the
//! clone that is made anew when what is asked for changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Verdict;
use crate::output;

/// What is asked for, and what says that it is there.
const ASKED: &[&str] = &["package.json", "package-lock.json", "requirements.txt"];
const DONE: &str = "installed";

pub(super) fn run(root: &Path) -> Verdict {
    match install(&root.join("e2e/clients"), &folder()) {
        Ok(()) => Verdict::Passed,
        Err(reason) => Verdict::Failed(reason),
    }
}

/// `GABION_CLIENTS`, or a folder in the user's cache.
#[expect(clippy::disallowed_methods, reason = "xtask reads the environment, as make does")]
fn folder() -> PathBuf {
    std::env::var_os("GABION_CLIENTS").map_or_else(
        || {
            let home = std::env::var_os("HOME").unwrap_or_else(|| "/tmp".into());
            PathBuf::from(home).join(".cache/gabion/clients")
        },
        PathBuf::from,
    )
}

fn install(asked: &Path, folder: &Path) -> Result<(), String> {
    let mut wanted = String::new();
    for name in ASKED {
        let path = asked.join(name);
        wanted.push_str(&fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    let done = folder.join(DONE);
    if fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    output::note(&format!("  installing client programs into {}", folder.display()));
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let _ = fs::remove_file(&done);
    for name in ASKED {
        fs::copy(asked.join(name), folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
    }
    let quiet = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    succeed(Command::new("npm").args(quiet).current_dir(folder))?;
    succeed(Command::new("python3").args(["-m", "venv", "--clear", "venv"]).current_dir(folder))?;
    let pip = ["install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"];
    succeed(Command::new(folder.join("venv/bin/pip")).args(pip).current_dir(folder))?;
    fs::write(&done, wanted).map_err(|error| format!("{}: {error}", done.display()))
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}", said.lines().last().unwrap_or("failed without a word")))
}
