//! The configuration: every fault at once, where it was written; who wins over whom.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use serde_json::Value;

use crate::harness::{directory_with, gabion, run, succeed, told};

const RIGHT: &str = r#"
[gateway]
listen = "127.0.0.1:8080"
tls = { mode = "off" }

[upstreams.app]
url = "http://127.0.0.1:3000"

[[routes]]
path = "/*"
access = "signed-in"
upstream = "app"
"#;

const WRONG: &str = r#"lisen = "127.0.0.1:8080"

[gateway]
listen = "127.0.0.1:80800"
max_connections = "20"
idle_timeout = 75
tls = { mode = "fles" }

[upstreams.app]
url = "ftp://app"

[[routes]]
path = "/*"
acess = "public"
upstream = "ap"

[[routes]]
path = "shop"
access = "signed_in"
upstream = "app"

[checks.csrf]
mode = "off!"

[checks.cros]
mode = "enforce"

[sessions]
idle = "2 fortnights"

[passwords]
minimum_length = 4

[log]
access = "file"
"#;

#[test]
fn every_fault_at_once_with_its_place_and_the_way_out() {
    let directory = directory_with(WRONG);
    insta::assert_snapshot!("config-wrong", told(&run(directory.path(), &["config", "check"])));
    // `gabion run` says the same and starts nothing.
    let check = run(directory.path(), &["config", "check"]);
    let start = run(directory.path(), &["run"]);
    assert_eq!(format!("{}; nothing was started\n", told(&check).trim_end()), told(&start));
    assert!(!directory.path().join("gabion-data").exists());
}

#[test]
fn faults_for_programs() {
    let directory = directory_with(WRONG);
    let output = run(directory.path(), &["config", "check", "--format", "json"]);
    assert_eq!(output.status.code(), Some(2));
    let verdict: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let errors = verdict["errors"].as_array().expect("a list");
    assert_eq!(errors[0]["path"], "lisen");
    assert_eq!((&errors[1]["line"], &errors[1]["column"]), (&4.into(), &10.into()));
    assert!(errors.iter().all(|error| error["file"] == "gabion.toml" && error["reason"].is_string()));
}

#[test]
fn broken_syntax_is_shown_where_it_breaks() {
    let directory =
        directory_with("[gateway\nlisten = \"127.0.0.1:8080\"\nlisten = 'x\n[routes]\npath = /x\n");
    insta::assert_snapshot!("config-syntax", told(&run(directory.path(), &["config", "check"])));
}

#[test]
fn tables_that_disagree() {
    let text = r#"
[gateway]
listen = "0.0.0.0:9090"
tls = { mode = "off" }

[upstreams.app]
url = "http://127.0.0.1:3000"

[upstreams.unused]
url = "https://127.0.0.1:3001"
ca_file = "no-such-file.pem"

[[routes]]
access = "public"
upstream = "app"
rate = "nightly"
"#;
    let directory = directory_with(text);
    insta::assert_snapshot!("config-disagree", told(&run(directory.path(), &["config", "check"])));
    let directory = directory_with("");
    insta::assert_snapshot!("config-empty", told(&run(directory.path(), &["config", "check"])));
}

#[test]
fn plain_http_to_other_machines_needs_a_proxy_with_a_name() {
    let plain = RIGHT.replace("127.0.0.1:8080", "0.0.0.0:8080");
    let check = |text: &str| run(directory_with(text).path(), &["config", "check"]).status.code();
    assert_eq!(check(&plain), Some(2));
    let allowed = plain.replace("[upstreams.app]", "allow_plain = true\n\n[upstreams.app]");
    assert_eq!(check(&allowed), Some(2));
    let named = format!("{allowed}\n[checks.client_address]\ntrusted_proxies = [\"10.0.0.7\"]\n");
    assert_eq!(check(&named), Some(0));
}

#[test]
fn what_the_environment_says_is_checked_like_the_file() {
    let directory = directory_with(RIGHT);
    let output = gabion(directory.path())
        .args(["config", "check"])
        .env("GABION_SESSIONS__IDEL", "15m")
        .env("GABION_LOG__LEVEL", "loud")
        .env("GABION_SHARED", "not a setting")
        .output()
        .expect("gabion runs");
    insta::assert_snapshot!("config-environment", told(&output));
}

#[test]
fn a_flag_wins_over_the_environment_which_wins_over_the_file() {
    let directory = directory_with(RIGHT);
    let explain = |environment: &[(&str, &str)]| -> Value {
        let output = gabion(directory.path())
            .args(["config", "explain", "gateway.listen", "--format", "json"])
            .envs(environment.iter().copied())
            .output()
            .expect("gabion runs");
        let keys: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        keys[0]["set"][0].clone()
    };
    assert_eq!(explain(&[])["origin"], "gabion.toml:3");
    let from_environment = explain(&[("GABION_GATEWAY__LISTEN", "127.0.0.1:8181")]);
    assert_eq!(from_environment["value"], "127.0.0.1:8181");
    assert_eq!(from_environment["origin"], "GABION_GATEWAY__LISTEN");

    let output = gabion(directory.path())
        .args(["run", "--listen", "nowhere"])
        .env("GABION_GATEWAY__LISTEN", "127.0.0.1:8181")
        .output()
        .expect("gabion runs");
    insta::assert_snapshot!("config-flag", told(&output));
}

#[test]
fn a_key_is_explained_with_its_present_value_and_origin() {
    let directory = directory_with(RIGHT);
    insta::assert_snapshot!(
        "explain-key",
        succeed(directory.path(), &["config", "explain", "gateway.tls.mode"])
    );
    insta::assert_snapshot!("explain-table", succeed(directory.path(), &["config", "explain", "routes"]));
    insta::assert_snapshot!("explain-overview", succeed(directory.path(), &["config", "explain"]));
    // One entry of a list or a map is asked about like all of them.
    let one = succeed(directory.path(), &["config", "explain", "routes[0].path"]);
    assert!(one.contains("gabion.toml:10"), "{one}");
    assert!(!succeed(directory.path(), &["config", "explain", "upstreams.app.url"]).is_empty());
}

#[test]
fn relative_paths_count_from_the_file() {
    let directory = directory_with("");
    let folder = directory.path().join("etc");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("gabion.toml"), format!("{RIGHT}\n[data]\ndirectory = \"kept\"\n"))
        .expect("written");
    succeed(directory.path(), &["user", "add", "ann", "--config", "etc/gabion.toml"]);
    assert!(folder.join("kept").join("gabion.db").exists());
}

#[test]
fn whatever_stands_in_the_environment_is_survived() {
    let directory = directory_with(RIGHT);
    let check = || {
        let mut command = gabion(directory.path());
        command.args(["config", "check"]);
        command
    };
    let bytes = OsStr::from_bytes(b"\xff\x1b[2J");
    assert_eq!(check().env("LESS_TERMCAP", bytes).output().expect("it runs").status.code(), Some(0));
    assert_eq!(check().env(bytes, "1").output().expect("it runs").status.code(), Some(0));
    let deep = format!("GABION_{}", "A__".repeat(20_000));
    assert_eq!(check().env(deep, "1").output().expect("it runs").status.code(), Some(2));
}

#[test]
fn what_a_configuration_holds_does_not_move_the_terminal() {
    let keys = "[gateway]\n\"\\u001b]0;title\\u0007\" = 1\nlisten = \"\\u001b[2Jx\"\n";
    for hostile in [keys, "# \u{1b}]0;title\u{7}\n"] {
        let directory = directory_with(hostile);
        let output = run(directory.path(), &["config", "check", "--color", "always"]);
        let colours = ["0", "1", "31", "34", "36"].map(|colour| format!("\u{1b}[{colour}m"));
        let printed = colours.iter().fold(told(&output), |text, colour| text.replace(colour, ""));
        assert!(
            !printed.contains(['\u{1b}', '\u{7}']) && printed.contains("\u{fffd}]0;title"),
            "{printed:?}"
        );
    }
}

#[test]
fn authorities_of_client_certificates_are_read_before_the_start() {
    let tls = "tls = { mode = \"local-ca\", client_certificates = { ca_file = \"ca.pem\" } }";
    let directory = directory_with(&RIGHT.replace("tls = { mode = \"off\" }", tls));
    let check = || run(directory.path(), &["config", "check"]);
    assert!(told(&check()).contains("client certificates cannot be verified"), "{}", told(&check()));
    fs::write(directory.path().join("ca.pem"), "no certificate\n").expect("written");
    assert_eq!(check().status.code(), Some(2), "{}", told(&check()));
    let authority = gabion_vault::tls::LocalCa::create(gabion_model::Timestamp::from_secs(1_795_286_828));
    let pem = authority.expect("an authority").certificate_pem().to_owned();
    fs::write(directory.path().join("ca.pem"), pem).expect("written");
    assert_eq!(check().status.code(), Some(0), "{}", told(&check()));
}
