//! Signed messages: made by the libraries of those who send them, and ours verified by them.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::application::Application;
use crate::clients::{node, run};
use crate::gate::{Gate, cli};

/// A pair of Ed25519: the seed, its PKCS#8, and the public half, all of RFC 8032, 7.1, test 1.
const SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const PUBLIC: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const PKCS8: &str = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
const STANDARD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const STRIPE: &str = "whsec_stripe_secret_of_the_shop_new";
const STRIPE_OLD: &str = "whsec_stripe_secret_of_the_shop_old";
const GITHUB: &str = "It's a Secret to Everybody";
const SLACK: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const CUSTOM: &str = "a secret of forty-two bytes";

/// `[webhooks]` and its secrets in files.
fn senders(secrets: &TempDir) -> String {
    let file = |name: &str, text: &str| {
        let path = secrets.path().join(name);
        fs::write(&path, format!("{text}\n")).expect("a secret is written");
        format!("{{ file = {path:?} }}")
    };
    let mut text = String::new();
    for (name, scheme, keys, more) in [
        ("standard", "standard", file("standard", STANDARD), ""),
        ("pair", "standard", file("pair", &format!("whpk_{PUBLIC}")), ""),
        ("stripe", "stripe", format!("{}, {}", file("new", STRIPE), file("old", STRIPE_OLD)), ""),
        ("github", "github", file("github", GITHUB), ""),
        ("slack", "slack", file("slack", SLACK), ""),
        (
            "custom",
            "custom",
            file("custom", CUSTOM),
            "header = \"X-Signature\"\nprefix = \"sha512=\"\nencoding = \"base64\"\nalgorithm = \"sha512\"\n\
             signed = \"{timestamp}\\n{body}\"\ntimestamp_header = \"X-Time\"\n",
        ),
    ] {
        text.push_str(&format!("[webhooks.{name}]\nscheme = \"{scheme}\"\nsecrets = [{keys}]\n{more}\n"));
        text.push_str(&format!(
            "[[routes]]\npath = \"/hooks/{name}\"\nmethods = [\"POST\"]\naccess = \"public\"\nupstream = \"app\"\nwebhook = \"{name}\"\n\n"
        ));
    }
    text
}

#[tokio::test]
async fn messages_of_the_senders_own_libraries_pass_once_and_nothing_else_does() {
    let application = Application::start().await;
    let secrets = TempDir::new().expect("a directory");
    let gate = Gate::start_with(application.address, &senders(&secrets)).await;
    let keys = json!({
        "standard": STANDARD, "pairPkcs8": PKCS8, "stripe": STRIPE, "stripeOld": STRIPE_OLD,
        "github": GITHUB, "slack": SLACK, "custom": CUSTOM,
    });
    let address = format!("http://{}", gate.address);
    let said = run(&mut node("webhooks.mjs", &[&address, &keys.to_string()])).await;
    let rows: Value = serde_json::from_str(&said).expect("JSON");
    let expected =
        json!({ "good": 200, "echoed": true, "again": 409, "otherBody": 403, "old": 403, "unsigned": 403 });
    let rows = rows.as_object().expect("rows");
    assert_eq!(rows.len(), 7, "{said}");
    for (name, row) in rows {
        assert_eq!(row, &expected, "{name}");
    }
    assert_eq!(application.served(), 7, "only the good ones arrived");
    for secret in [STANDARD, STRIPE, GITHUB, SLACK, CUSTOM] {
        assert!(!gate.output().contains(secret), "a secret is in no log");
    }
}

#[tokio::test]
async fn what_the_gate_signs_is_verified_by_the_senders_own_libraries_and_by_itself() {
    let directory = TempDir::new().expect("a directory");
    let config =
        senders(&directory).replace(&format!("{:?}", directory.path().join("pair")), "\"pair-secret\"");
    fs::write(directory.path().join("pair-secret"), format!("whsk_{SEED}")).expect("written");
    fs::write(directory.path().join("gabion.toml"), config).expect("written");
    let body = "{ \"order\": 1 }";
    fs::write(directory.path().join("body.json"), body).expect("written");
    for (name, secret) in
        [("standard", STANDARD), ("pair", PUBLIC), ("stripe", STRIPE), ("github", GITHUB), ("slack", SLACK)]
    {
        let fields = cli(directory.path(), &["webhook", "sign", name, "body.json"]).await;
        let pairs: Vec<(&str, &str)> = fields.lines().filter_map(|line| line.split_once(": ")).collect();
        let map: serde_json::Map<String, Value> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let fields_json = Value::from(map).to_string();
        let said = run(&mut node("webhooks_verify.mjs", &[name, secret, &fields_json, body])).await;
        assert_eq!(said.trim(), "verified", "{name}");
        let mut arguments = vec!["webhook", "verify", name, "body.json", "--format", "json"];
        for line in fields.lines() {
            arguments.extend(["--header", line]);
        }
        let verified: Value = serde_json::from_str(&cli(directory.path(), &arguments).await).expect("JSON");
        assert_eq!(verified["sender"], json!(name));
    }
}
