//! Every help text, as `--help` prints it.

use tempfile::TempDir;

use crate::harness::succeed;

#[test]
fn every_help_text() {
    let directory = TempDir::new().expect("a temporary directory");
    let reference = succeed(directory.path(), &["reference"]);
    let commands: Vec<&str> = reference
        .lines()
        .filter_map(|line| line.strip_prefix("## `gabion")?.strip_suffix('`'))
        .map(str::trim)
        .collect();
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands {
        let mut arguments: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).collect();
        arguments.push("--help");
        let name = if command.is_empty() { "gabion".to_owned() } else { command.replace(' ', "-") };
        insta::assert_snapshot!(format!("help-{name}"), succeed(directory.path(), &arguments));
    }
}

#[test]
fn help_without_a_command_is_an_error_that_helps() {
    let directory = TempDir::new().expect("a temporary directory");
    let output = crate::harness::run(directory.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("gabion demo"));
}

#[test]
fn completions_know_every_verb() {
    let directory = TempDir::new().expect("a temporary directory");
    for shell in ["bash", "fish", "zsh"] {
        let script = succeed(directory.path(), &["completions", shell]);
        for verb in ["demo", "init", "run", "user", "ledger", "controls", "config", "doctor"] {
            assert!(script.contains(verb), "{shell} does not know {verb}");
        }
    }
}

#[test]
fn a_reader_who_goes_is_no_failure() {
    use std::process::Stdio;
    let directory = TempDir::new().expect("a temporary directory");
    let mut child = crate::harness::gabion(directory.path())
        .args(["controls", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("gabion runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn colour_is_for_those_who_ask_for_it() {
    let directory = TempDir::new().expect("a temporary directory");
    assert!(!succeed(directory.path(), &["controls"]).contains('\u{1b}'));
    assert!(succeed(directory.path(), &["controls", "--color", "always"]).contains('\u{1b}'));
}
