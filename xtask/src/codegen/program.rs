//! What the program itself prints: its configuration schema and its command reference.

use std::fmt::Write as _;
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

/// Builds the program and collects `schema/gabion.schema.json` and `docs/cli.md`.
pub(super) fn print(root: &Path, how: Build) -> Result<Vec<(String, String)>, String> {
    let program = build(root, how)?;
    let mut schema = run(&program, &["config", "schema"])?;
    if !schema.ends_with('\n') {
        schema.push('\n');
    }
    let mut reference = String::from(
        "# Commands\n\nWhat `gabion --help` says, for every command. Results go to standard output, everything else to \
         standard error.\n",
    );
    commands(&program, &[], &mut reference)?;
    Ok(vec![("schema/gabion.schema.json".to_owned(), schema), ("docs/cli.md".to_owned(), reference)])
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

/// The help of one command and of those below it.
fn commands(program: &Path, path: &[String], reference: &mut String) -> Result<(), String> {
    let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = run(program, &arguments)?;
    let heading = "#".repeat(path.len().min(3) + 2);
    let name = [&["gabion".to_owned()], path].concat().join(" ");
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(reference, "\n{heading} `{name}`\n\n```text\n{}\n```\n", lines.join("\n").trim());
    if path.len() < 4 {
        for command in listed(&help) {
            commands(program, &[path, &[command]].concat(), reference)?;
        }
    }
    Ok(())
}

/// The names under `Commands:`.
fn listed(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| line.trim() != "Commands:")
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_from_help() {
        let help = "Guards.\n\nUsage: x\n\nCommands:\n  run   Runs it\n          for long\n  user  People\n  help  This\n\nOptions:\n  -h\n";
        assert_eq!(listed(help), ["run", "user"]);
        assert_eq!(listed("no commands"), [""; 0]);
    }
}
