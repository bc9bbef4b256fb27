//! What every bench stands on: a folder, the program as it is shipped, somebody who is signed in.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::process::Server;
use super::{Failure, http};
use crate::{cargo, output};

/// A folder for the run, removed after it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn make() -> Result<Self, Failure> {
        let folder = env::temp_dir().join(format!("gabion-bench-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The example `name` of `package`, built as the gate is.
pub(super) fn example(root: &Path, package: &str, name: &str) -> Result<PathBuf, Failure> {
    let mut command = cargo::cargo(root);
    command.args(["build", "--profile", "dist", "--package", package, "--example", name]);
    command.args(["--message-format", "json"]);
    let built = command.stderr(std::process::Stdio::inherit()).output()?;
    let messages = String::from_utf8_lossy(&built.stdout);
    let executable = messages.lines().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message.get("executable")?.as_str().map(PathBuf::from)
    });
    executable.ok_or_else(|| format!("the example `{name}` was not built").into())
}

/// The program as it is shipped.
pub(crate) fn build(root: &Path) -> Result<PathBuf, Failure> {
    output::note("building with profile `dist`");
    let mut command = cargo::cargo(root);
    command.args(["build", "--profile", "dist", "--package", "gabion-cli", "--message-format", "json"]);
    let built = command.stderr(std::process::Stdio::inherit()).output()?;
    let messages = String::from_utf8_lossy(&built.stdout);
    let executable = messages.lines().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message.get("executable")?.as_str().map(PathBuf::from)
    });
    executable.filter(|_| built.status.success()).ok_or_else(|| "the build failed".into())
}

/// The first administrator.
pub(crate) struct Administrator {
    pub(crate) name: String,
    pub(crate) cookie: String,
}

/// Everybody's password in a bench.
pub(crate) const PASSWORD: &str = "a password for one bench run 7391";

/// Takes the first administrator's link from what the gate printed and signs in by it.
pub(crate) fn enrol(server: &Server, address: SocketAddr) -> Result<Administrator, Failure> {
    let log = server.log_with("welcome?token=")?;
    let name = log.split("sign in as `").nth(1).and_then(|rest| rest.split('`').next()).unwrap_or("admin");
    accept(address, &log)?;
    Ok(Administrator { name: name.to_owned(), cookie: sign_in(address, name)? })
}

/// Follows the one-time link in `text` and sets [`PASSWORD`].
pub(crate) fn accept(address: SocketAddr, text: &str) -> Result<(), Failure> {
    let token = text.split("welcome?token=").nth(1).map(|rest| {
        rest.chars()
            .take_while(|letter| letter.is_ascii_alphanumeric() || "-_".contains(*letter))
            .collect::<String>()
    });
    let token = token.ok_or_else(|| format!("no one-time link in: {text}"))?;
    let form = [("token", token.as_str()), ("password", PASSWORD), ("repeat", PASSWORD)];
    let answer = http::post(address, "/.gabion/welcome", &form)?;
    if answer.starts_with("HTTP/1.1 303") { Ok(()) } else { Err(answer.into()) }
}

/// The session cookie of somebody with [`PASSWORD`].
pub(crate) fn sign_in(address: SocketAddr, name: &str) -> Result<String, Failure> {
    let form = [("name", name), ("password", PASSWORD), ("next", "/")];
    let answer = http::post(address, "/.gabion/login", &form)?;
    let cookie = answer.lines().find_map(|line| {
        let (field, value) = line.split_once(':')?;
        let value = value.trim().split(';').next().unwrap_or("").to_owned();
        (field.eq_ignore_ascii_case("set-cookie") && value.starts_with("gabion-dev=")).then_some(value)
    });
    cookie.ok_or_else(|| format!("no session:\n{answer}").into())
}

pub(crate) fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}
