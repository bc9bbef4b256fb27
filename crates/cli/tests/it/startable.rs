//! What `gabion config check` passes, a gate starts with; what that leaves open, both say.

use std::fs;

use serde_json::Value;

use crate::harness::{Application, Gate, directory_with, run, told};

const REFUSED: &str = r#"
[gateway]
listen = "127.0.0.1:8080"
tls = { mode = "off" }

[upstreams.app]
url = "http://127.0.0.1:3000"

[[routes]]
path = "/*"
access = "signed-in"
upstream = "app"
rate = "nightly"

[[routes]]
path = "/*"
access = "public"
upstream = "app"

[[routes]]
path = "/.gabion/login"
access = "public"
upstream = "app"
"#;

#[test]
fn routes_that_cannot_be_served_are_found_before_the_start() {
    let directory = directory_with(REFUSED);
    insta::assert_snapshot!("routes-refused", told(&run(directory.path(), &["config", "check"])));
    let output = run(directory.path(), &["doctor", "--format", "json"]);
    let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&findings[0]["what"], &findings[0]["state"]), (&"configuration".into(), &"fail".into()));
    assert_eq!(output.status.code(), Some(1));
    let output = run(directory.path(), &["run"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--> gabion.toml:15:1"));
    assert!(!directory.path().join("gabion-data").exists());
}

#[test]
fn a_running_gate_shows_what_is_wrong_with_the_routes_it_is_told_to_take_over() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let gate = Gate::start(directory.path());
    gate.link();
    let twice = "[[routes]]\npath = \"/*\"\naccess = \"public\"\nupstream = \"app\"\n";
    fs::write(directory.path().join("gabion.toml"), application.configuration(twice)).expect("written");
    gate.process.signal(rustix::process::Signal::HUP);
    gate.process.wait_for_stderr("--> gabion.toml:19:1");
    gate.process.wait_for_stderr("configuration not reloaded");
}

#[test]
fn a_missing_key_is_named() {
    let text = REFUSED.replace("mode = \"off\"", "mode = \"files\"").replace("nightly", "site");
    let printed = told(&run(directory_with(&text).path(), &["config", "check"]));
    for key in ["certificate", "key"] {
        assert!(printed.contains(&format!("error: `{key}` is needed with mode `files`\n")), "{printed}");
    }
    assert!(printed.contains("error: `routes[1]` is the same as `routes[0]`\n"), "{printed}");
}

#[test]
fn an_upstream_is_not_the_gate_itself() {
    let text = REFUSED.replace("url = \"http://127.0.0.1:3000\"", "url = \"http://localhost:8080\"");
    let printed = told(&run(directory_with(&text).path(), &["config", "check"]));
    let error = "error: `http://localhost:8080` is where the gate itself listens (`gateway.listen`)\n  --> gabion.toml:7:7\n";
    assert!(printed.contains(error), "{printed}");
}

const OPEN: &str = r#"
[[routes]]
path = "/*"
hosts = ["open.example"]
access = "public"
upstream = "app"

[checks]
csrf = { mode = "off" }
session = { mode = "off" }
rate = { mode = "observe" }
audit = { mode = "observe" }

[checks.access]
mode = "observe"
"#;

#[test]
fn what_is_left_open_is_told_everywhere() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(OPEN));
    let path = directory.path();
    let output = told(&run(path, &["config", "check"]));
    insta::assert_snapshot!("left-open", output);
    let said: Vec<&str> = output.lines().filter_map(|line| line.strip_prefix("warning: ")).collect();
    assert_eq!(said.len(), 5);

    let gate = Gate::start(path);
    gate.link();
    for words in &said {
        let line = format!("  warning: {words}\n");
        gate.process.wait_for(|stdout, _| stdout.contains(&line).then_some(()));
    }
    drop(gate);

    let output = run(path, &["doctor", "--format", "json"]);
    let findings: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for words in &said {
        let told = |finding: &Value| finding["state"] == "warn" && finding["detail"] == *words;
        assert!(findings.as_array().expect("a list").iter().any(told), "{words}: {findings}");
    }

    let output = run(path, &["config", "check", "--format", "json"]);
    let verdict: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&verdict["ok"], &verdict["warnings"][0]["line"]), (&true.into(), &23.into()));
}

#[test]
fn without_sessions_nobody_may_use_what_is_signed_in() {
    let application = Application::start();
    let directory = directory_with(&application.configuration("[checks]\nsession = { mode = \"off\" }\n"));
    let printed = told(&run(directory.path(), &["config", "check"]));
    assert!(printed.contains("so nobody may use what is `signed-in` (`/*`)"), "{printed}");
}
