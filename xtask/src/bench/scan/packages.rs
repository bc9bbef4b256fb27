//! Packages of the registries, unpacked once into the user's cache. Nothing of them is run or installed.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{Bench, Failure};
use crate::output;

/// Where a package comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Registry {
    Npm,
    PyPi,
}

impl Bench {
    /// The folder of a package; none where the registry does not have that version.
    pub(super) fn package(
        &self,
        registry: Registry,
        name: &str,
        version: &str,
    ) -> Result<Option<PathBuf>, Failure> {
        let kind = match registry {
            Registry::Npm => "npm",
            Registry::PyPi => "pypi",
        };
        let folder =
            self.cache.join("packages").join(kind).join(format!("{}@{version}", name.replace('/', "+")));
        if folder.join(".unpacked").is_file() {
            return Ok(Some(folder));
        }
        if folder.join(".absent").is_file() {
            return Ok(None);
        }
        output::note(&format!("fetching {name} {version}"));
        let download = self.cache.join("download");
        let _ = fs::remove_dir_all(&download);
        fs::create_dir_all(&download)?;
        fs::create_dir_all(&folder)?;
        let mut fetch = match registry {
            Registry::Npm => {
                let mut npm = Command::new("npm");
                npm.args(["pack", "--silent", "--pack-destination"])
                    .arg(&download)
                    .arg(format!("{name}@{version}"));
                npm
            }
            Registry::PyPi => {
                let mut pip = Command::new("python3");
                pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
                pip.args(["--only-binary=:all:", "--dest"]).arg(&download).arg(format!("{name}=={version}"));
                pip
            }
        };
        let fetched = fetch.current_dir(&self.cache).stdin(Stdio::null()).output()?;
        let file = fs::read_dir(&download)?.flatten().map(|entry| entry.path()).next();
        let Some(file) = file.filter(|_| fetched.status.success()) else {
            fs::write(folder.join(".absent"), "")?;
            return Ok(None);
        };
        let mut unpack = match registry {
            Registry::Npm => {
                let mut tar = Command::new("tar");
                tar.arg("-xzf")
                    .arg(&file)
                    .arg("-C")
                    .arg(&folder)
                    .args(["--no-same-owner", "--strip-components=1"]);
                tar
            }
            Registry::PyPi => {
                let mut zip = Command::new("python3");
                zip.args(["-m", "zipfile", "-e"]).arg(&file).arg(&folder);
                zip
            }
        };
        if !unpack.stdin(Stdio::null()).status()?.success() {
            return Err(format!("{name} {version} cannot be unpacked").into());
        }
        fs::write(folder.join(".unpacked"), "")?;
        Ok(Some(folder))
    }
}
