//! People of other programs come in with their old passwords, once through the old hash and from then on
//! through ours. The hashes are made by those programs' own libraries.

use std::fs;

use serde_json::{Value, json};

use crate::application::Application;
use crate::client::Client;
use crate::clients::{node, python, run};
use crate::gate::Gate;

const PASSWORD: &str = "gravel under every wheel ✓";
const PEPPER: &str = "a pepper of the old application";

#[tokio::test]
async fn hashes_of_django_devise_laravel_and_keycloak_let_in_and_are_replaced() {
    let application = Application::start().await;
    let gate = Gate::start(application.address).await;
    let made = run(&mut python("hashes.py", &[PASSWORD, PEPPER])).await;
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let laravel = run(&mut node("hashes.mjs", &[PASSWORD])).await;

    let mut lines = vec![json!({"name": "laravel", "password_hash": laravel.trim(), "roles": ["editor"]})];
    for (name, hash) in made["plain"].as_object().expect("an object") {
        lines.push(json!({"name": name, "password_hash": hash}));
    }
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let dump: Vec<Value> = made["django"]
        .as_object()
        .expect("an object")
        .iter()
        .map(|(name, hash)| {
            json!({"model": "auth.user", "pk": 1, "fields": {"username": name, "password": hash, "is_active": true}})
        })
        .collect();
    let users: Vec<Value> = made["keycloak"]
        .as_object()
        .expect("an object")
        .iter()
        .map(|(name, credential)| json!({"username": name, "enabled": true, "credentials": [credential]}))
        .collect();
    let csv = format!("name,password_hash\ndevise,{}\n", made["devise"].as_str().expect("a text"));
    for (file, text) in [
        ("people.jsonl", lines.join("\n")),
        ("dump.json", json!(dump).to_string()),
        ("realm.json", json!({"realm": "acme", "users": users}).to_string()),
        ("devise.csv", csv),
        ("pepper", PEPPER.to_owned()),
    ] {
        fs::write(gate.directory().join(file), text).expect("the file is written");
    }
    let said = gate.cli(&["user", "import", "people.jsonl", "--dry-run"]).await;
    assert!(said.contains("3 could be taken over"), "{said}");
    for (arguments, count) in [
        (&["user", "import", "people.jsonl"][..], "3 taken over"),
        (&["user", "import", "dump.json"], "6 taken over"),
        (&["user", "import", "realm.json"], "3 taken over"),
        (&["user", "import", "devise.csv", "--pepper-file", "pepper"], "1 taken over"),
    ] {
        let said = gate.cli(arguments).await;
        assert!(said.contains(count), "{arguments:?}: {said}");
    }

    let names: Vec<String> = ["laravel", "bcrypt", "argon2-cffi", "devise"]
        .into_iter()
        .map(str::to_owned)
        .chain(dump.iter().filter_map(|one| one["fields"]["username"].as_str().map(str::to_owned)))
        .chain(users.iter().filter_map(|one| one["username"].as_str().map(str::to_owned)))
        .collect();
    assert_eq!(names.len(), 13);
    let wrong = Client::new(gate.address).sign_in("devise", "another password").await;
    assert!(!wrong.expect("the gate answers"), "a wrong password");
    for round in ["by the old hash", "by the new one"] {
        for name in &names {
            let signed_in = Client::new(gate.address).sign_in(name, PASSWORD).await;
            assert!(signed_in.expect("the gate answers"), "{name} {round}");
        }
    }

    let database = gate.directory().join("data/gabion.db");
    let stored = run(&mut python("stored.py", &[&database.display().to_string()])).await;
    let stored: Value = serde_json::from_str(&stored).expect("JSON");
    for name in &names {
        let hash = stored[name].as_str().unwrap_or_default();
        // What argon2-cffi makes is Argon2id already, and costs more than is asked for: it stays.
        let ours =
            if name == "argon2-cffi" { "$argon2id$v=19$m=65536," } else { "$argon2id$v=19$m=19456,t=2,p=1$" };
        assert!(hash.starts_with(ours), "{name}: {hash}");
    }
}

#[tokio::test]
async fn signing_keys_are_listed_rotated_and_revoked_beside_a_running_gate() {
    let application = Application::start().await;
    let gate = Gate::start(application.address).await;
    let published = async || {
        let answer = Client::new(gate.address).get("/.well-known/jwks.json").await.expect("the gate answers");
        let keys: Value = serde_json::from_str(&crate::client::text(&answer)).expect("JSON");
        let kids = keys["keys"].as_array().expect("a list").iter();
        kids.map(|key| key["kid"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    let listed = async || {
        let keys: Value =
            serde_json::from_str(&gate.cli(&["key", "list", "--format", "json"]).await).expect("JSON");
        keys.as_array().expect("a list").clone()
    };
    let before = published().await;
    assert_eq!(before.len(), 3, "ES256, RS256 and EdDSA");
    let keys = listed().await;
    assert!(keys.iter().all(|key| key["state"] == "active"), "{keys:?}");

    let said = gate.cli(&["key", "rotate", "--algorithm", "ES256", "--format", "json"]).await;
    let next: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&next[0]["state"], &next[0]["algorithm"]), (&json!("next"), &json!("ES256")));
    let after = published().await;
    assert_eq!(after.len(), 4);
    assert!(after.iter().any(|kid| next[0]["kid"] == kid.as_str()), "published before it signs");

    let leaked = keys.iter().find(|key| key["algorithm"] == "ES256").expect("a key");
    let leaked = leaked["kid"].as_str().expect("a name").to_owned();
    gate.cli(&["key", "revoke", &leaked]).await;
    assert!(!published().await.contains(&leaked));
    let now = listed().await;
    let signs = now.iter().find(|key| key["algorithm"] == "ES256" && key["state"] == "active");
    assert!(signs.is_some_and(|key| key["kid"] != leaked.as_str()), "{now:?}");

    let stopped = gate.kill().await;
    let gate = stopped.start_again().await;
    let answer = Client::new(gate.address).get("/.well-known/jwks.json").await.expect("the gate answers");
    let text = crate::client::text(&answer);
    assert!(!text.contains(&leaked), "gone for good");
    for key in &now {
        assert!(text.contains(key["kid"].as_str().expect("a name")), "the others outlive a crash");
    }
}
