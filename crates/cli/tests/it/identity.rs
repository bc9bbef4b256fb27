//! `identity.toml`: a machine without hands, plans, pruning, export, a broken file.

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Application, Gate, directory_with, gabion, run, succeed, told};

const PASSWORD: &str = "seven grey stones in a wire cage";
const SECRET: &str = "a secret of the shop that is long enough";

const FILE: &str = r#"[[groups]]
name = "Editors"
roles = ["editor"]

[[people]]
name = "root"
roles = ["administrator"]
password_file = "secrets/root"

[[people]]
name = "ada"
email = "ada@example.org"
groups = ["Editors"]

[[clients]]
id = "shop"
secret_file = "secrets/shop"

[clients.metadata]
name = "Shop"
redirect_uris = ["https://shop.example/cb"]
"#;

fn prepare(directory: &Path) {
    fs::create_dir(directory.join("secrets")).expect("a folder");
    fs::write(directory.join("secrets/root"), format!("{PASSWORD}\n")).expect("written");
    fs::write(directory.join("secrets/shop"), format!("{SECRET}\n")).expect("written");
    fs::write(directory.join("identity.toml"), FILE).expect("written");
}

fn exit(directory: &Path, arguments: &[&str]) -> i32 {
    run(directory, arguments).status.code().unwrap_or(-1)
}

#[test]
fn a_fresh_machine_starts_with_an_administrator_and_clients_and_no_hands() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let path = directory.path();
    prepare(path);
    let gate = Gate::start(path);
    gate.process.wait_for(|stdout, _| stdout.contains("4 created, 0 changed, 0 removed").then_some(()));
    let cookie = gate.sign_in("root", PASSWORD).expect("root signs in");
    gate.process.wait_for(|stdout, _| (!stdout.contains("First administrator")).then_some(()));
    assert!(succeed(path, &["client", "list"]).contains("shop"));
    assert_eq!(exit(path, &["identity", "plan"]), 0, "beside the gate everything is as the file says");

    // A reload takes a changed file over, at once; ada is barred in the middle of nothing.
    let barred = FILE.replace("groups = [\"Editors\"]", "groups = []\ndisabled = true");
    fs::write(path.join("identity.toml"), &barred).expect("written");
    gate.process.signal(Signal::HUP);
    gate.process.wait_for_stderr("identity reconciled");
    let people: Value =
        serde_json::from_str(&succeed(path, &["user", "list", "--format", "json"])).expect("JSON");
    assert_eq!(people[0]["state"], "disabled");

    // A broken one does not.
    fs::write(path.join("identity.toml"), barred.replace("email = \"ada@example.org\"", "email = \"ada\""))
        .expect("written");
    gate.process.signal(Signal::HUP);
    gate.process.wait_for_stderr("identity.toml:12:9");
    gate.process.wait_for_stderr("configuration not reloaded");
    let cookie = format!("Cookie: {cookie}");
    assert_eq!(crate::harness::get(gate.address, "/", &[&cookie]).status, 200);
    let records = succeed(path, &["ledger", "search", "identity.apply", "--format", "json"]);
    assert!(records.contains("\"success\"") && records.contains("identity file"), "{records}");
}

#[test]
fn plan_apply_prune_and_export() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let path = directory.path();
    prepare(path);
    let first = succeed(path, &["identity", "apply"]);
    insta::assert_snapshot!("identity-apply", first.replace(path.to_str().expect("UTF-8"), "DIR"));
    assert_eq!(exit(path, &["identity", "plan"]), 0);
    succeed(path, &["user", "add", "hand"]);

    let changed = FILE.replace("[\"editor\"]", "[\"editor\", \"writer\"]");
    let changed = changed.split("[[clients]]").next().expect("a part");
    fs::write(path.join("identity.toml"), changed).expect("written");
    insta::assert_snapshot!("identity-plan", told(&run(path, &["identity", "plan"])));
    let output = run(path, &["identity", "plan", "--prune", "--format", "json"]);
    assert_eq!(output.status.code(), Some(4));
    let plan: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let actions: Vec<_> =
        plan["changes"].as_array().expect("a list").iter().map(|one| &one["action"]).collect();
    assert_eq!(actions, ["change", "remove"]);
    succeed(path, &["identity", "apply", "--prune"]);
    assert!(succeed(path, &["user", "list"]).contains("hand"), "what the file did not make is never removed");
    assert_eq!(exit(path, &["identity", "plan", "--prune"]), 0);

    // What there is, as a file: no change here, and everything on another machine.
    let exported = succeed(path, &["identity", "export"]);
    assert!(!exported.contains("$argon2id$"), "{exported}");
    fs::write(path.join("exported.toml"), &exported).expect("written");
    assert_eq!(exit(path, &["identity", "plan", "exported.toml", "--prune"]), 0);
    let whole = succeed(path, &["identity", "export", "--with-secrets"]);
    let other = directory_with(&application.configuration(""));
    fs::write(other.path().join("identity.toml"), &whole).expect("written");
    let gate = Gate::start(other.path());
    assert!(gate.sign_in("root", PASSWORD).is_some());
    assert_eq!(succeed(other.path(), &["identity", "export", "--with-secrets"]), whole);
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_place_and_without_its_secrets() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let path = directory.path();
    let wrong = r#"[[people]]
name = "a b"
password_hash = "5f4dcc3b5aa765d61d8327deb882cf99"
role = ["editor"]

[[people]]
name = "ada"
password = "hunter-2-hunter-2"

[[clients]]
id = "shop"
secret_sha256 = "abc-planted"
"#;
    fs::write(path.join("identity.toml"), wrong).expect("written");
    let check = told(&run(path, &["config", "check"]));
    insta::assert_snapshot!("identity-wrong", check);
    for planted in ["hunter", "5f4dcc", "planted"] {
        assert!(!check.contains(planted), "{check}");
    }
    let output = run(path, &["run"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!path.join("data").exists(), "nothing was started");

    let right = wrong.replace("role = [\"editor\"]\n", "").replace("password = \"hunter-2-hunter-2\"\n", "");
    fs::write(path.join("identity.toml"), right).expect("written");
    insta::assert_snapshot!("identity-wrong-values", told(&run(path, &["config", "check"])));

    // Right by itself, and not possible here.
    let nowhere = "[[people]]\nname = \"ada\"\ngroups = [\"Nowhere\"]\n\n[[clients]]\nid = \"shop\"\nsecret_env = \"SHOP\"\n\
                   [clients.metadata]\nname = \"Shop\"\nredirect_uris = [\"https://shop.example/cb\"]\n";
    fs::write(path.join("identity.toml"), nowhere).expect("written");
    insta::assert_snapshot!("identity-missing", told(&run(path, &["config", "check"])));
    let output = run(path, &["run"]);
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("identity.toml:7:14"), "{}", told(&output));
    let output = gabion(path).args(["run"]).env("SHOP", SECRET).output().expect("gabion runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(told(&output).contains("there is no group `Nowhere`"), "{}", told(&output));
    assert!(told(&output).contains("identity.toml:3:10"), "{}", told(&output));
}

#[test]
fn a_hash_for_the_file_is_made_under_the_rules_for_passwords() {
    let application = Application::start();
    let directory = directory_with(&application.configuration(""));
    let path = directory.path();
    fs::write(path.join("secret"), format!("{PASSWORD}\n")).expect("written");
    let hash = succeed(path, &["identity", "hash-password", "root", "--password-file", "secret"]);
    let file = format!(
        "[[people]]\nname = \"root\"\nroles = [\"administrator\"]\npassword_hash = \"{}\"\n",
        hash.trim()
    );
    fs::write(path.join("elsewhere.toml"), file).expect("written");
    succeed(path, &["identity", "apply", "elsewhere.toml"]);
    let gate = Gate::start(path);
    assert!(gate.sign_in("root", PASSWORD).is_some());
    fs::write(path.join("secret"), "password\n").expect("written");
    assert_eq!(exit(path, &["identity", "hash-password", "root", "--password-file", "secret"]), 1);
    let nothing = told(&run(path, &["identity", "plan"]));
    assert!(nothing.contains("there is no identity file"), "{nothing}");
}
