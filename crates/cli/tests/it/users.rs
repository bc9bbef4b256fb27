//! `gabion user` beside a running gate and without one.

use std::fs;

use serde_json::Value;

use crate::harness::{Application, Gate, directory_with, link_in, run, succeed, told};

const PASSWORD: &str = "seven grey stones in a wire cage";

fn accounts(directory: &std::path::Path) -> Vec<(String, String)> {
    let list = succeed(directory, &["user", "list", "--format", "json"]);
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let word = |account: &Value, key: &str| account[key].as_str().unwrap_or_default().to_owned();
    let accounts = list.as_array().expect("a list").iter();
    accounts.map(|account| (word(account, "name"), word(account, "state"))).collect()
}

#[test]
fn people_are_administered_with_and_without_a_gate() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let path = directory.path();

    // Before the first start: somebody who bootstraps without hands.
    fs::write(path.join("secret"), format!("{PASSWORD}\n")).expect("a file");
    let arguments = ["user", "add", "root", "--role", "administrator", "--password-file", "secret"];
    assert!(succeed(path, &arguments).contains("added"));
    assert_eq!(accounts(path), [("root".to_owned(), "active".to_owned())]);

    let gate = Gate::start(path);
    assert!(gate.sign_in("root", PASSWORD).is_some(), "no link is needed where an administrator is");
    gate.process.wait_for(|stdout, _| (!stdout.contains("First administrator")).then_some(()));

    // Beside the gate, through its socket.
    let link = succeed(path, &["user", "add", "alice", "--role", "editor", "--tenant", "acme"]);
    assert!(link.starts_with(&format!("http://{}/.gabion/welcome?token=", gate.address)), "{link}");
    let link = link_in(&link).expect("a link");
    gate.accept(&link, PASSWORD);
    let cookie = gate.sign_in("alice", PASSWORD).expect("alice signs in");
    let cookie = format!("Cookie: {cookie}");
    assert_eq!(crate::harness::get(gate.address, "/", &[&cookie]).status, 200);

    // Disabled at once, in the middle of a session.
    succeed(path, &["user", "disable", "alice"]);
    assert_eq!(crate::harness::get(gate.address, "/", &[&cookie]).status, 401);
    assert!(gate.sign_in("alice", PASSWORD).is_none());
    succeed(path, &["user", "enable", "alice"]);
    assert!(gate.sign_in("alice", PASSWORD).is_some());

    // A new password by a link; the old one no longer works.
    let link = link_in(&succeed(path, &["user", "reset", "alice"])).expect("a link");
    assert!(gate.sign_in("alice", PASSWORD).is_none());
    gate.accept(&link, "eight other stones in another cage");
    assert!(gate.sign_in("alice", "eight other stones in another cage").is_some());

    let nobody = run(path, &["user", "disable", "nobody"]);
    insta::assert_snapshot!("user-nobody", told(&nobody));
    let again = run(path, &["user", "add", "alice"]);
    insta::assert_snapshot!("user-again", told(&again));
    let link = run(path, &["user", "link"]);
    insta::assert_snapshot!("user-link-late", told(&link));
    let names: Vec<String> = accounts(path).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["alice", "root"]);

    // Everything of it was recorded, by whom it was asked.
    let records =
        succeed(path, &["ledger", "search", "--actor", "operator", "--format", "json", "--limit", "1000"]);
    for action in ["account.add", "account.disable", "account.enable", "account.reset"] {
        assert!(records.contains(action), "{action} is not in\n{records}");
    }
}

#[test]
fn a_password_that_is_refused_changes_nothing() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let path = directory.path();
    let add = ["user", "add", "ann", "--role", "administrator", "--password-file", "secret"];
    let reset = ["user", "reset", "ann", "--password-file", "secret"];
    let secret = |text: &str| fs::write(path.join("secret"), text).expect("a file");

    // Too short and one of the first to be tried: both are said, and there is no half-made account.
    secret("password\n");
    let refused = run(path, &add);
    insta::assert_snapshot!("user-add-refused", told(&refused));
    assert!(accounts(path).is_empty());
    secret(PASSWORD);
    succeed(path, &add);

    let gate = Gate::start(path);
    let cookie = format!("Cookie: {}", gate.sign_in("ann", PASSWORD).expect("ann signs in"));
    secret("password\n");
    assert_eq!(run(path, &reset).status.code(), Some(1));
    assert_eq!(crate::harness::get(gate.address, "/", &[&cookie]).status, 200, "nothing has changed");
    assert!(gate.sign_in("ann", PASSWORD).is_some());

    secret("eight other stones in another cage");
    insta::assert_snapshot!("user-reset-password", told(&run(path, &reset)));
    assert_eq!(crate::harness::get(gate.address, "/", &[&cookie]).status, 401, "the session has ended");
    assert!(gate.sign_in("ann", PASSWORD).is_none());
    assert!(gate.sign_in("ann", "eight other stones in another cage").is_some());

    // A disabled person keeps what they have.
    succeed(path, &["user", "add", "bob"]);
    succeed(path, &["user", "disable", "bob"]);
    let disabled = told(&run(path, &["user", "reset", "Bob", "--password-file", "secret"]));
    assert!(disabled.contains("the account is disabled; nothing was changed"), "{disabled}");
}
