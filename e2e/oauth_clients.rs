//! Applications written by others sign people in at the real binary: `openid-client` (npm) in every way it
//! knows, `oauth4webapi` (npm) beside it with what must not work, `authlib` (PyPI) as another language's opinion.

use std::fs;

use serde_json::{Value, json};

use crate::application::Application;
use crate::clients;
use crate::gate::Gate;

const PASSWORD: &str = "boulders in a wire basket";
const WEB: &str = "https://app.example/cb";

/// A gate with a person and applications of every kind; what they were given.
async fn gate(application: &Application) -> (Gate, Value) {
    let more = "[provider.scopes.orders]\ndescription = \"Read the orders\"\n\n\
                [provider.registration]\nmode = \"open\"\n";
    let gate = Gate::start_with(application.address, more).await;
    gate.add_account("ada", PASSWORD).await;
    let key: Value =
        serde_json::from_str(&clients::run(&mut clients::node("make_key.mjs", &[])).await).expect("a key");
    let set = gate.directory().join("jwks.json");
    fs::write(&set, key["set"].to_string()).expect("the key set is written");
    let set = set.to_str().expect("UTF-8").to_owned();
    let mut made = json!({});
    let rows: &[(&str, &[&str])] = &[
        ("web", &["--redirect-uri", WEB, "--post-logout-redirect-uri", "https://app.example/out"]),
        ("native", &["--redirect-uri", "http://127.0.0.1/cb", "--public", "--native"]),
        ("batch", &["--grant", "client_credentials", "--scope", "orders"]),
        ("device", &["--grant", "device_code", "--grant", "refresh_token", "--public"]),
        ("signing", &["--redirect-uri", WEB, "--authentication", "private_key_jwt", "--jwks-file", &set]),
    ];
    for (id, arguments) in rows {
        let mut all = vec!["client", "add", *id, "--id", *id, "--format", "json"];
        all.extend_from_slice(arguments);
        let client: Value = serde_json::from_str(&gate.cli(&all).await).expect("a client");
        made[*id] = json!({ "client_id": client["id"], "client_secret": client["client_secret"] });
    }
    made["signing"]["key"] = key["private"].clone();
    made["signing"]["kid"] = key["kid"].clone();
    (gate, made)
}

#[tokio::test]
async fn openid_client_signs_in_every_way_it_knows() {
    let application = Application::start().await;
    let (gate, registered) = gate(&application).await;
    let origin = format!("http://{}", gate.address);
    let registered = registered.to_string();
    let arguments = [origin.as_str(), "ada", PASSWORD, registered.as_str()];
    let said = clients::run(&mut clients::node("openid_client.mjs", &arguments)).await;
    for step in
        ["private_key_jwt", "DPoP", "client credentials", "device, denied", "dynamic registration", "logout"]
    {
        assert!(said.contains(step), "{said}");
    }
}

#[tokio::test]
async fn oauth4webapi_signs_in_and_is_refused_what_it_may_not() {
    let application = Application::start().await;
    let (gate, registered) = gate(&application).await;
    let origin = format!("http://{}", gate.address);
    let registered = registered.to_string();
    let arguments = [origin.as_str(), "ada", PASSWORD, registered.as_str()];
    let said = clients::run(&mut clients::node("oauth4webapi.mjs", &arguments)).await;
    for step in ["a verified access token", "private_key_jwt refused", "DPoP", "device", "wrong client"] {
        assert!(said.contains(step), "{said}");
    }
}

#[tokio::test]
async fn authlib_signs_in() {
    let application = Application::start().await;
    let (gate, registered) = gate(&application).await;
    let origin = format!("http://{}", gate.address);
    let secret = registered["web"]["client_secret"].as_str().expect("a secret").to_owned();
    let arguments = [origin.as_str(), "ada", PASSWORD, "web", secret.as_str()];
    let said = clients::run(&mut clients::python("authlib_client.py", &arguments)).await;
    assert!(said.contains("authlib signed in ada"), "{said}");
}
