//! Every error a person can make happen: what it says, and its exit code.

use std::path::Path;

use tempfile::TempDir;

use crate::harness::{directory_with, run, told};

fn snapshot(name: &str, directory: &Path, arguments: &[&str]) {
    let text = told(&run(directory, arguments)).replace(&directory.display().to_string(), "DIR");
    insta::assert_snapshot!(format!("error-{name}"), text);
}

#[test]
fn without_a_configuration() {
    let directory = TempDir::new().expect("a temporary directory");
    let directory = directory.path();
    snapshot("run-unconfigured", directory, &["run"]);
    snapshot("check-unconfigured", directory, &["config", "check", "other.toml"]);
    snapshot("users-unconfigured", directory, &["user", "list"]);
    snapshot("ledger-unconfigured", directory, &["ledger", "tail"]);
    snapshot("doctor-unconfigured", directory, &["doctor"]);
}

#[test]
fn words_that_do_not_exist() {
    let directory = TempDir::new().expect("a temporary directory");
    let directory = directory.path();
    snapshot("verb", directory, &["rum"]);
    snapshot("flag", directory, &["run", "--lisen", "x"]);
    snapshot("format", directory, &["controls", "--format", "yaml"]);
    snapshot("control", directory, &["controls", "show", "session.cookie"]);
    snapshot("control-unlike-any", directory, &["controls", "show", "zzz"]);
    snapshot("key", directory, &["config", "explain", "chekcs"]);
    snapshot("ledger-kind", directory, &["ledger", "search", "--kind", "logon"]);
    snapshot("ledger-control", directory, &["ledger", "search", "--control", "web.crsf"]);
    snapshot("ledger-since", directory, &["ledger", "search", "--since", "yesterday"]);
    snapshot("ledger-request", directory, &["ledger", "search", "--request", "12"]);
    snapshot("init-upstream", directory, &["init", "--upstream", "ftp://127.0.0.1"]);
    snapshot("init-folder", directory, &["init", "nowhere"]);
}

#[test]
fn without_a_data_directory() {
    let directory = directory_with("[data]\ndirectory = \"kept\"\n");
    snapshot("users-no-data", directory.path(), &["user", "list"]);
    snapshot("ledger-no-data", directory.path(), &["ledger", "search"]);
    assert!(!directory.path().join("kept").exists(), "looking makes nothing");
}

#[test]
fn a_data_directory_others_may_write_to() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = directory_with("[data]\ndirectory = \"kept\"\n");
    let kept = directory.path().join("kept");
    std::fs::create_dir(&kept).expect("a folder");
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o777)).expect("a mode");
    snapshot("data-writable", directory.path(), &["user", "add", "ann"]);
}

#[test]
fn passwords_come_from_a_file_or_a_pipe_and_must_be_good() {
    let directory = directory_with("[data]\ndirectory = \"kept\"\n");
    let directory = directory.path();
    snapshot("password-empty", directory, &["user", "add", "ann", "--password-stdin"]);
    snapshot("password-no-file", directory, &["user", "add", "ann", "--password-file", "none"]);
    std::fs::write(directory.join("password"), "password1234\n").expect("a file");
    snapshot("password-weak", directory, &["user", "add", "ann", "--password-file", "password"]);
    snapshot("password-flag", directory, &["user", "add", "ann", "--password", "secret"]);
}
