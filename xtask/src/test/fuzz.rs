//! A short run of every fuzz target, where the tools for it are installed: cargo-fuzz needs a nightly
//! toolchain, which not everybody has.

use std::path::Path;
use std::process::Command;

use super::Verdict;
use crate::cargo::answers;
use crate::output;

const SECONDS: u32 = 10;

pub(super) fn run(root: &Path) -> Verdict {
    if !root.join("fuzz").join("Cargo.toml").is_file() {
        return Verdict::Skipped("there are no fuzz targets yet".to_owned());
    }
    if !answers(fuzz(root).arg("--version")) {
        return Verdict::Skipped(
            "needs `rustup toolchain install nightly` and `cargo install cargo-fuzz`".to_owned(),
        );
    }
    let list = match fuzz(root).arg("list").output() {
        Ok(list) if list.status.success() => String::from_utf8_lossy(&list.stdout).into_owned(),
        Ok(list) => return Verdict::Failed(String::from_utf8_lossy(&list.stderr).trim().to_owned()),
        Err(error) => return Verdict::Failed(error.to_string()),
    };
    let mut broken = Vec::new();
    for target in list.split_whitespace() {
        output::note(&format!("  {target}"));
        let limit = format!("-max_total_time={SECONDS}");
        let status = fuzz(root).args(["run", target, "--", &limit]).status();
        if !status.is_ok_and(|status| status.success()) {
            broken.push(target.to_owned());
        }
    }
    if broken.is_empty() { Verdict::Passed } else { Verdict::Failed(broken.join(", ")) }
}

/// By way of rustup's proxy: this process runs under the stable toolchain.
fn fuzz(root: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.args(["+nightly", "fuzz"]).current_dir(root).env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    command
}
