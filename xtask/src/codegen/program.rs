//! What the program itself prints: its configuration schema and its command reference.

use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::MetadataCommand;

use crate::cargo::cargo;

/// How the program is built before it is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Build {
    /// Nothing but the program.
    Program,
    /// Everything, as the tests do, so that nothing is compiled twice with different features.
    Everything,
}

/// Builds the program and collects the schemas of its files, `schema/openapi.json` and `docs/cli.md`.
pub(super) fn print(root: &Path, how: Build) -> Result<Vec<(String, String)>, String> {
    let program = build(root, how)?;
    let mut schema = run(&program, &["config", "schema"])?;
    if !schema.ends_with('\n') {
        schema.push('\n');
    }
    let mut identity = run(&program, &["identity", "schema"])?;
    if !identity.ends_with('\n') {
        identity.push('\n');
    }
    let rules = run(&program, &["rules", "schema"])?;
    let scan = run(&program, &["rules", "report-schema"])?;
    let probe = run(&program, &["probe", "report-schema"])?;
    let probe_test = run(&program, &["probe", "tests", "schema"])?;
    let endpoints = run(&program, &["rules", "endpoints-schema"])?;
    let reference = run(&program, &["reference"])?;
    let api = run(&program, &["openapi"])?;
    Ok(vec![
        ("schema/openapi.json".to_owned(), api),
        ("schema/gabion.schema.json".to_owned(), schema),
        ("schema/identity.schema.json".to_owned(), identity),
        ("schema/rules.schema.json".to_owned(), rules),
        ("schema/scan.schema.json".to_owned(), scan),
        ("schema/probe.schema.json".to_owned(), probe),
        ("schema/probe-test.schema.json".to_owned(), probe_test),
        ("schema/endpoints.schema.json".to_owned(), endpoints),
        ("docs/cli.md".to_owned(), reference),
    ])
}

fn build(root: &Path, how: Build) -> Result<PathBuf, String> {
    let what: &[&str] = match how {
        Build::Program => &["--package", "gabion-cli", "--bin", "gabion"],
        Build::Everything => &["--workspace", "--all-targets"],
    };
    let status = cargo(root)
        .args(["build", "--quiet", "--locked"])
        .args(what)
        .status()
        .map_err(|error| format!("cargo build: {error}"))?;
    if !status.success() {
        return Err("the program does not build".to_owned());
    }
    let mut metadata = MetadataCommand::new();
    metadata.manifest_path(root.join("Cargo.toml")).no_deps();
    if let Some((_, Some(target))) = cargo(root).get_envs().find(|(name, _)| *name == "CARGO_TARGET_DIR") {
        metadata.env("CARGO_TARGET_DIR", target);
    }
    let metadata = metadata.exec().map_err(|error| format!("cargo metadata: {error}"))?;
    Ok(metadata.target_directory.join("debug").join("gabion").into())
}

fn run(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let called = format!("gabion {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .output()
        .map_err(|error| format!("{called}: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{called}` failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{called}` does not print UTF-8"))
}
