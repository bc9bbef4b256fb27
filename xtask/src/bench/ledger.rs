//! `cargo xtask bench ledger`: durable events a second and acknowledged latency beside a raw file, SQLite and PostgreSQL; verifying
//! beside SHA-256; what recording costs the caller; searching 1 and 10 million events.
//!
//! What it is compared with is no part of the product: `bench/ledger` is a workspace of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::Failure;
use crate::output;

/// Builds, measures, and writes `target/bench/ledger.json`. `--small` measures briefly, to see that it works; `--folder DIR` names
/// the disk.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let small = args.iter().any(|argument| argument == "--small");
    let folder = args.iter().position(|argument| argument == "--folder");
    let folder = folder.and_then(|at| args.get(at.saturating_add(1))).map(PathBuf::from);
    let root = crate::root();
    // Not the folder of temporary files: it may be in memory.
    let folder = folder.unwrap_or_else(|| root.join("target")).join("bench-ledger-data");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let measured: &[&str] = if small { &["1", "1", "100000"] } else { &["4", "5", "1000000", "10000000"] };
    let ours = Command::new("cargo")
        .args(["run", "--release", "--quiet", "--manifest-path"])
        .arg(root.join("bench/ledger/Cargo.toml"))
        .arg("--")
        .arg(&folder)
        .args(measured)
        .env("CARGO_TARGET_DIR", root.join("target/bench-ledger"))
        .stderr(Stdio::inherit())
        .output();
    fs::remove_dir_all(&folder)?;
    let ours = ours?;
    if !ours.status.success() {
        return Err("the ledger could not be measured".into());
    }
    let rows: Vec<Value> = serde_json::from_slice(&ours.stdout)?;
    let to = root.join("target/bench");
    fs::create_dir_all(&to)?;
    let file = to.join("ledger.json");
    fs::write(&file, serde_json::to_string_pretty(&rows)? + "\n")?;
    output::note(&format!("written to {}", file.display()));
    Ok(())
}
