//! `cargo xtask bench policy`: what a decision costs with 10, 100, 1,000 and 10,000 policies, beside plain Cedar, Rego
//! (`regorus`) and casbin (npm) on the same rules.
//!
//! What it is compared with is no part of the product: `bench/policy` is a workspace of its own.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::Failure;
use super::ground::Folder;
use crate::output;

/// Builds, measures, and writes `target/bench/policy.json`.
pub(crate) fn run() -> Result<(), Failure> {
    let root = crate::root();
    let bench = root.join("bench/policy");
    let manifest = bench.join("Cargo.toml");
    let ours = Command::new("cargo")
        .args(["run", "--release", "--quiet", "--manifest-path"])
        .arg(&manifest)
        .env("CARGO_TARGET_DIR", root.join("target/bench-policy"))
        .stderr(std::process::Stdio::inherit())
        .output()?;
    if !ours.status.success() {
        return Err("the engines could not be measured".into());
    }
    let mut rows: Vec<Value> = serde_json::from_slice(&ours.stdout)?;
    let folder = Folder::make()?;
    let npm = Command::new("npm")
        .args(["install", "--silent", "--no-audit", "--no-fund", "casbin@5"])
        .current_dir(&folder.0)
        .status();
    if npm.is_ok_and(|status| status.success()) {
        let casbin = Command::new("node")
            .arg(bench.join("casbin.mjs"))
            .args(["10", "100", "1000", "10000"])
            .env("CASBIN", &folder.0)
            .output()?;
        rows.extend(serde_json::from_slice::<Vec<Value>>(&casbin.stdout)?);
    } else {
        output::note("casbin could not be installed and was left out");
    }
    let to = root.join("target/bench");
    fs::create_dir_all(&to)?;
    fs::write(to.join("policy.json"), serde_json::to_string_pretty(&rows)?)?;
    for row in rows {
        output::note(&format!(
            "{:<16} {:>6} policies  p50 {:>12.0} ns  p99 {:>12.0} ns",
            row.get("engine").and_then(Value::as_str).unwrap_or_default(),
            row.get("policies").unwrap_or(&Value::Null),
            row.get("p50_ns").and_then(Value::as_f64).unwrap_or_default(),
            row.get("p99_ns").and_then(Value::as_f64).unwrap_or_default(),
        ));
    }
    Ok(())
}
