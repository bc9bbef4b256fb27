//! Programs written by others: those of npm and PyPI that `e2e/clients` asks for, and the machine's own.
//! `cargo xtask test clients tools` installs them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Output;

use tokio::process::Command;

/// A script of `e2e/clients` under Node.js, with the installed packages at hand.
pub(crate) fn node(script: &str, arguments: &[&str]) -> Command {
    // Packages are looked up beside the script, so it runs from where they are; each clone has its link.
    let mut hasher = DefaultHasher::new();
    scripts().hash(&mut hasher);
    let link = folder().join(format!("scripts-{:016x}", hasher.finish()));
    if !link.exists() {
        // Of several tests at once, one makes it.
        let _ = std::os::unix::fs::symlink(scripts(), &link);
    }
    let mut command = Command::new("node");
    command
        .args(["--preserve-symlinks", "--preserve-symlinks-main", "--no-warnings"])
        .arg(link.join(script))
        .args(arguments)
        .kill_on_drop(true);
    command
}

/// A script of `e2e/clients` under Python, with the installed packages at hand.
pub(crate) fn python(script: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(folder().join("venv/bin/python"));
    command.arg(scripts().join(script)).args(arguments).env("PYTHONUNBUFFERED", "1").kill_on_drop(true);
    command
}

/// Where the files of a package of npm are.
pub(crate) fn package(name: &str) -> PathBuf {
    folder().join("node_modules").join(name)
}

/// A program of the machine, for instance `nginx`; Debian keeps servers in `/usr/sbin`.
pub(crate) fn program(name: &str) -> Command {
    let places = ["/usr/sbin", "/usr/local/sbin"].iter().map(|place| Path::new(place).join(name));
    let path = places.into_iter().find(|path| path.exists()).unwrap_or_else(|| PathBuf::from(name));
    let mut command = Command::new(path);
    command.kill_on_drop(true);
    command
}

/// Runs a command to its end and returns what it wrote on stdout; it must succeed.
pub(crate) async fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().await.unwrap_or_else(|error| {
        panic!("{:?}: {error} (hint: `cargo xtask test tools clients` installs it)", command.as_std())
    });
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{:?} failed:\n{stdout}\n{stderr}", command.as_std());
    stdout.into_owned()
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

fn folder() -> PathBuf {
    let folder = std::env::var_os("GABION_CLIENTS").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/gabion/clients"),
        PathBuf::from,
    );
    assert!(
        folder.join("installed").exists(),
        "no client programs in {} (hint: `cargo xtask test clients` installs them)",
        folder.display()
    );
    folder
}

#[tokio::test]
async fn the_client_programs_are_there() {
    let said = run(&mut node("versions.mjs", &[])).await;
    assert!(said.contains("openid-client 6."), "{said}");
    let said = run(&mut python("versions.py", &[])).await;
    assert!(said.contains("authlib 1."), "{said}");
}
