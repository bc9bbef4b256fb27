//! Calling cargo, and what its children learn from the environment.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::output;

/// Cargo in the repository, with the environment the tests count on.
#[expect(
    clippy::disallowed_methods,
    reason = "where to build and where the test data is, is told by the environment"
)]
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).stdin(Stdio::null());
    if let Some(shared) = shared(root) {
        command.env("GABION_SHARED", shared);
    }
    if std::env::var_os("CI").is_some() {
        command.env("CARGO_INCREMENTAL", "0");
        // A fresh clone has no target folder to go on with; the cache does.
        if std::env::var_os("CARGO_TARGET_DIR").is_none()
            && let Some(cache) = cache()
        {
            command.env("CARGO_TARGET_DIR", cache.join("target"));
        }
    }
    command
}

/// Where the test data is, if it is there.
#[expect(clippy::disallowed_methods, reason = "the place of the test data comes from the environment")]
pub(crate) fn shared(root: &Path) -> Option<PathBuf> {
    let told = std::env::var_os("GABION_SHARED").map_or_else(|| "../shared".into(), PathBuf::from);
    root.join(told).canonicalize().ok().filter(|folder| folder.join("data").is_dir())
}

/// `~/.cache/gabion`
#[expect(clippy::disallowed_methods, reason = "the cache lies in the user's home")]
pub(crate) fn cache() -> Option<PathBuf> {
    std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache").join("gabion"))
}

/// A program of cargo's registry, by its path: as it is installed, or built once into
/// `~/.cache/gabion`.
pub(crate) fn installed(root: &Path, name: &str, version: &str) -> Option<PathBuf> {
    let home = cache()?;
    let own = home.join("bin").join(name);
    let found = [PathBuf::from(name), own.clone()].into_iter().find(|program| {
        answers(Command::new(program).args([name.trim_start_matches("cargo-"), "--version"]))
    });
    found.or_else(|| {
        output::note(&format!("  building {name} {version} once into ~/.cache/gabion (some minutes)"));
        // An unoptimised build takes a third of the time and is quick enough.
        let install = cargo(root)
            .args(["install", name, "--version", version, "--locked", "--debug", "--quiet", "--root"])
            .arg(home)
            .env_remove("CARGO_TARGET_DIR")
            .status();
        install.is_ok_and(|status| status.success()).then_some(own)
    })
}

/// Whether a command is there and works; prints nothing.
pub(crate) fn answers(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
