//! Our own tests named after the modules of the OpenID conformance plans (`conformance/oidc/modules.toml`),
//! against the real binary.

use std::collections::BTreeSet;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::application::Application;
use crate::clients;
use crate::gate::Gate;

const PASSWORD: &str = "boulders in a wire basket";
const LIST: &str = include_str!("../conformance/oidc/modules.toml");

/// The modules that are tested, and those that are excluded.
fn listed() -> (BTreeSet<&'static str>, BTreeSet<&'static str>) {
    let (mut tested, mut excluded) = (BTreeSet::new(), BTreeSet::new());
    for entry in LIST.split("[[module]]").skip(1) {
        let value = |key: &str| {
            entry.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
        };
        let name = value("name").expect("a name");
        assert!(value("plan").is_some(), "{name} is of a plan");
        let fresh = match value("excluded") {
            Some(reason) => !reason.is_empty() && excluded.insert(name),
            None => tested.insert(name),
        };
        assert!(fresh, "{name} stands there once, with a reason where it is excluded");
    }
    (tested, excluded)
}

#[tokio::test]
async fn every_module_that_is_not_excluded_passes() {
    let application = Application::start().await;
    // For the listener of the back channel: free now, and nobody else asks for it.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let told = format!("http://127.0.0.1:{port}/logout");
    let more =
        format!("[provider.registration]\nmode = \"open\"\n\n[egress]\nallow = [\"127.0.0.1:{port}\"]\n");
    let gate = Gate::start_with(application.address, &more).await;
    gate.add_account("ada", PASSWORD).await;
    let web =
        ["--redirect-uri", "https://app.example/cb", "--post-logout-redirect-uri", "https://app.example/out"];
    let scopes = ["openid", "profile", "email", "address", "phone", "offline_access"];
    let rows: &[(&str, &[&str])] = &[
        ("web", &[]),
        ("own", &["--first-party", "--redirect-uri", "https://app.example/cb?foo=bar"]),
        ("post", &["--authentication", "client_secret_post"]),
        ("told", &["--backchannel-logout-uri", &told]),
    ];
    let mut made = json!({});
    for (id, more) in rows {
        let mut arguments = vec!["client", "add", *id, "--id", *id, "--format", "json"];
        arguments.extend(web);
        arguments.extend(scopes.iter().flat_map(|scope| ["--scope", *scope]));
        arguments.extend_from_slice(more);
        let client: Value = serde_json::from_str(&gate.cli(&arguments).await).expect("a client");
        made[*id] = json!({ "client_id": client["id"], "client_secret": client["client_secret"] });
    }
    let (origin, made, port) = (format!("http://{}", gate.address), made.to_string(), port.to_string());
    let arguments = [origin.as_str(), "ada", PASSWORD, made.as_str(), port.as_str()];
    let said = clients::run(&mut clients::node("oidc_modules.mjs", &arguments)).await;
    let passed: BTreeSet<&str> = said.lines().collect();
    let (tested, excluded) = listed();
    assert_eq!(passed, tested, "the list and the tests are the same");
    assert!(tested.is_disjoint(&excluded));
}
