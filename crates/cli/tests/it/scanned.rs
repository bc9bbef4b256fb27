//! Folders that `gabion scan` reads, and what it says of them.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::harness::{gabion, told};

pub(crate) fn write(folder: &Path, path: &str, text: &str) {
    let at = folder.join(path);
    fs::create_dir_all(at.parent().expect("a folder")).expect("made");
    fs::write(at, text).expect("written");
}

/// With a cache in the same folder, outside of what is scanned, and advisories in `data`.
pub(crate) fn scan(folder: &Path, arguments: &[&str]) -> Output {
    gabion(folder)
        .env("XDG_CACHE_HOME", folder.join(".git/cache"))
        .env("XDG_DATA_HOME", folder.join("data"))
        .arg("scan")
        .args(arguments)
        .output()
        .expect("gabion runs")
}

/// What is on standard output, of a run that ends with this code.
pub(crate) fn ends(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}", told(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn json(output: &Output, code: i32) -> Value {
    serde_json::from_str(&ends(output, code)).expect("JSON")
}
