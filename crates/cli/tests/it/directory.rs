//! People, groups, sessions and programs from the command line, beside a running gate and without one.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Application, Gate, directory_with, get, link_in, run, succeed, told};

const PASSWORD: &str = "seven grey stones in a wire cage";

fn json(directory: &Path, arguments: &[&str]) -> Value {
    let all: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
    serde_json::from_str(&succeed(directory, &all)).expect("JSON")
}

fn refused(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}\n{}", told(&output));
    told(&output)
}

#[test]
fn what_is_asked_on_the_command_line_reaches_a_running_gate_at_once() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let path = directory.path();
    fs::write(path.join("secret"), format!("{PASSWORD}\n")).expect("a file");
    succeed(path, &["user", "add", "root", "--role", "administrator", "--password-file", "secret"]);
    succeed(path, &["user", "add", "ann", "--password-file", "secret"]);
    let gate = Gate::start(path);
    let sign_in = |name: &str| format!("Cookie: {}", gate.sign_in(name, PASSWORD).expect("signs in"));
    let status = |cookie: &String| get(gate.address, "/", &[cookie.as_str()]).status;

    // Each of them ends the session that says something else; ann comes back each time.
    let cookie = sign_in("ann");
    assert_eq!(
        json(path, &["user", "roles", "ann", "--add", "editor", "--add", "writer"]),
        serde_json::json!(["editor", "writer"])
    );
    assert_eq!(status(&cookie), 401, "a role more");
    let cookie = sign_in("ann");
    assert!(get(gate.address, "/", &[cookie.as_str()]).body.contains("gabion-identity"));
    succeed(path, &["group", "add", "Staff", "--role", "clerk"]);
    succeed(path, &["group", "add-member", "staff", "ann"]);
    assert_eq!(status(&cookie), 401, "a group more");
    assert_eq!(json(path, &["group", "show", "Staff"])["names"], serde_json::json!(["ann"]));
    let cookie = sign_in("ann");
    let shown = json(path, &["user", "show", "ann"]);
    assert_eq!(shown["effective_roles"], serde_json::json!(["editor", "writer", "clerk"]));
    assert_eq!((&shown["groups"][0], &shown["sessions"]), (&"Staff".into(), &1.into()));
    succeed(path, &["group", "change", "Staff", "--no-roles"]);
    assert_eq!(status(&cookie), 401, "a role of the group less");
    succeed(path, &["group", "remove-member", "Staff", "ann"]);
    assert_eq!(json(path, &["group", "list"])[0]["members"], 0);
    succeed(path, &["group", "remove", "Staff"]);

    let cookies = [sign_in("ann"), sign_in("ann")];
    let sessions = json(path, &["session", "list", "--user", "ann"]);
    assert_eq!(sessions.as_array().map(Vec::len), Some(2));
    succeed(path, &["session", "revoke", sessions[0]["id"].as_str().expect("an id")]);
    assert_eq!(cookies.iter().filter(|cookie| status(cookie) == 200).count(), 1);
    assert_eq!(json(path, &["user", "revoke-sessions", "ann"])["sessions_ended"], 1);
    assert!(cookies.iter().all(|cookie| status(cookie) == 401));
    assert!(succeed(path, &["user", "sessions", "ann"]).contains("nobody is signed in"));

    succeed(path, &["user", "email", "ann", "ann@example.org", "--verified"]);
    assert_eq!(json(path, &["user", "show", "ann"])["email_verified"], true);
    succeed(path, &["user", "email", "ann", "--none"]);
    succeed(path, &["user", "rename", "ann", "anna"]);
    assert!(gate.sign_in("ann", PASSWORD).is_none());
    let cookie = sign_in("anna");
    assert_eq!(json(path, &["grant", "list", "anna"]), serde_json::json!([]));
    refused(path, &["grant", "revoke", "anna", "shop"]);
    succeed(path, &["user", "remove", "anna", "--keep-name"]);
    assert_eq!(status(&cookie), 401, "removed");
    assert!(refused(path, &["user", "add", "anna"]).contains("there is already an account named"));
    succeed(path, &["user", "release-name", "anna"]);
    let link = succeed(path, &["user", "add", "anna"]);
    let invited = succeed(path, &["user", "invite", "anna"]);
    assert_ne!(link_in(&link), link_in(&invited), "the latest one counts");
    gate.accept(&link_in(&invited).expect("a link"), PASSWORD);
    sign_in("anna");
    assert!(refused(path, &["user", "invite", "anna"]).contains("has a password"));

    for (arguments, words) in [
        (["user", "remove", "root"].as_slice(), "nobody would be left who can administer"),
        (&["user", "roles", "root", "--none"], "nobody would be left who can administer"),
        (&["user", "roles", "anna", "--add", "a b"], "`a b` cannot be used"),
        (&["user", "show", "nobody"], "there is no account of that name"),
        (&["user", "rename", "anna", "root"], "the name is taken"),
        (&["group", "show", "Nothing"], "there is no group of that name"),
        (&["session", "revoke", "-none-"], "there is no such session"),
        (&["service-account", "remove", "root"], "`root` is a person; nothing was removed"),
    ] {
        let told = refused(path, arguments);
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
}

#[test]
fn programs_are_listed_barred_let_in_and_removed() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let path = directory.path();
    succeed(path, &["user", "add", "ann"]);
    succeed(path, &["service-account", "add", "billing", "--role", "clerk"]);
    let states = || {
        let list = json(path, &["service-account", "list"]);
        let list = list.as_array().expect("a list").iter();
        list.map(|one| format!("{} {}", one["name"], one["state"]).replace('"', "")).collect::<Vec<_>>()
    };
    assert_eq!(states(), ["billing active"]);
    let key = succeed(path, &["api-key", "create", "--account", "billing", "--scope", "read"]);
    assert!(key.starts_with("gab_"));
    succeed(path, &["service-account", "disable", "billing"]);
    assert_eq!(states(), ["billing disabled"]);
    succeed(path, &["service-account", "enable", "billing"]);
    assert_eq!(json(path, &["api-key", "list"]), serde_json::json!([]), "the keys it had do not come back");
    assert!(refused(path, &["user", "remove", "billing"]).contains("gabion service-account remove billing"));
    succeed(path, &["service-account", "remove", "billing"]);
    assert!(states().is_empty());
    let people = json(path, &["user", "list"]);
    assert_eq!(people.as_array().map(Vec::len), Some(1), "people only");
    insta::assert_snapshot!("user-show", {
        let text = succeed(path, &["user", "show", "ann"]);
        let id = json(path, &["user", "show", "ann"])["id"].as_str().expect("an id").to_owned();
        let text = text.replace(&id, "ID");
        let digits = |line: &str| line.trim_start().starts_with("20");
        text.lines().map(|line| if digits(line) { "  TIME" } else { line }).collect::<Vec<_>>().join("\n")
    });
}
