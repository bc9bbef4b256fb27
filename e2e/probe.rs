//! `gabion probe` attacks the gate itself: sign-in, account pages, OAuth, the console, its API and what answers proxies that ask who
//! somebody is. It finds nothing, and it did look.

use std::fs;
use std::process::Output;

use serde_json::Value;

use crate::application::Application;
use crate::gate::{self, Gate};

const CAROL: &str = "seven-lanterns-over-the-harbour";
const DAVE: &str = "nine-kettles-under-the-valley";
/// Nothing answers there, and nothing is sent there.
const CALLBACK: &str = "https://shop.example/cb";
const ADMIN: &str = "two-anvils-beside-the-ridge";

/// What came to a verdict of its own.
const LOOKED: &[&str] = &[
    "missing-login",
    "authentication-bypass",
    "csrf",
    "headers",
    "login-rate",
    "mass-assignment",
    "session-cookies",
    "session-end",
    "session-identifiers",
    "sql-injection",
    "verbose-errors",
    "xss-reflected",
];

/// A gate with two people and an administrator, and the facts of it.
async fn gate(application: &Application) -> Gate {
    // The probe is not the proxy that may ask who somebody is.
    let more = "[provider.registration]\nmode = \"open\"\n\n[forward_auth]\ndialects = [\"nginx\"]\n\n\
                [checks.client_address]\ntrusted_proxies = [\"127.0.0.9\"]\n\n\
                [checks.rate.profiles.site]\nrequests = 2000\nper = \"1s\"\n";
    let gate = Gate::start_with(application.address, more).await;
    let link = gate.administrator_link().await;
    gate.accept(&link, ADMIN).await;
    gate.add_account("carol", CAROL).await;
    gate.add_account("dave", DAVE).await;
    for client in ["shop", "stall"] {
        let who = ["client", "add", client, "--id", client, "--public", "--redirect-uri", CALLBACK];
        let what = ["--grant", "authorization_code", "--scope", "openid", "--scope", "profile"];
        gate.cli(&[&who[..], &what].concat()).await;
    }
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../schema/openapi.json");
    fs::copy(schema, gate.directory().join("api.json")).expect("the document of the API");
    // The gate opens an incident on what is done to it here, and reads all of that again for each answer about it.
    let mut facts = format!(
        "[target]\nurl = \"http://{}\"\nlevel = \"destructive\"\nopenapi = [\"api.json\"]\n\
         start = [\"/.gabion/account\", \"/.gabion/forward-auth/nginx\", \"/.well-known/openid-configuration\", \
         \"/.gabion/oauth/device\", \"/.gabion/oauth/userinfo\"]\n\
         spare = [\"/.gabion/api/v1/incidents/\"]\n\n\
         [oauth]\nclient = \"shop\"\nother = \"stall\"\nredirect = \"{CALLBACK}\"\nscope = \"openid profile\"\n\
         identity = \"carol\"\n\n[limits]\nrate = 1000\n",
        gate.address
    );
    let people = [("carol", CAROL, "member"), ("dave", DAVE, "member"), ("admin", ADMIN, "administrator")];
    for (name, password, role) in people {
        facts.push_str(&format!(
            "\n[[identities]]\nname = \"{name}\"\npassword = \"{password}\"\nrole = \"{role}\"\n"
        ));
    }
    fs::write(gate.directory().join("probe.toml"), facts).expect("the facts are written");
    gate
}

async fn probe(gate: &Gate, arguments: &[&str]) -> Output {
    let mut command = gate::command(gate.directory());
    command.arg("probe").args(arguments).output().await.expect("gabion runs")
}

#[tokio::test]
async fn the_gate_stands_its_own_attacks() {
    let application = Application::start().await;
    let gate = gate(&application).await;
    // The document is of the API alone: pages stand in no contract.
    let output = probe(&gate, &["--format", "json", "--fail-on", "low", "--skip", "inventory"]).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{told}"));
    let findings = report["findings"].as_array().expect("a list");
    assert!(findings.iter().all(|one| one["verdict"] == "tentative"), "{findings:#?}");
    // It was let in, and each of these did attack.
    assert!(report["people"].as_array().expect("people").iter().all(|one| one["signed_in"] != false));
    let looked = |test: &str| report["tests"][test]["verdicts"]["passed"].as_u64() > Some(0);
    let left: Vec<&str> = LOOKED.iter().copied().filter(|test| !looked(test)).collect();
    assert!(left.is_empty(), "{left:?}: {:#}", report["outcomes"]);
    let met = |start: &str| {
        let operations = report["operations"].as_array().expect("operations");
        operations.iter().any(|one| one.to_string().contains(start))
    };
    for start in [
        "/.gabion/account",
        "/.gabion/api/v1",
        "/.gabion/forward-auth",
        "/.gabion/login",
        "/.gabion/oauth/device",
        "/.gabion/oauth/userinfo",
    ] {
        assert!(met(start), "{start}");
    }
}

/// Codes and tokens of the gate: the client of the facts gets them as it should, and nobody gets them otherwise.
#[tokio::test]
async fn codes_and_tokens_of_the_gate_go_to_whom_they_belong() {
    let application = Application::start().await;
    let gate = gate(&application).await;
    let output = probe(&gate, &["--format", "json", "--only", "oauth", "--fail-on", "low"]).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{told}"));
    let outcomes = report["outcomes"].as_array().expect("outcomes");
    let aspects = ["state", "replay", "no-pkce", "plain", "verifier", "client", "redirect", "scope"];
    for aspect in aspects {
        let passed =
            |one: &Value| one["test"] == "oauth" && one["aspect"] == aspect && one["verdict"] == "passed";
        assert!(outcomes.iter().any(passed), "{aspect}: {outcomes:#?}");
    }
    assert_eq!(report["findings"], serde_json::json!([]));
}

/// What the probe does to the gate is told where the gate tells it: an administrator of the facts is asked, and nobody names the place.
#[tokio::test]
async fn attacks_on_the_gate_are_looked_for_among_its_alerts() {
    let application = Application::start().await;
    let gate = gate(&application).await;
    let file = gate.directory().join("probe.toml");
    let facts = fs::read_to_string(&file).expect("the facts") + "\n[monitoring]\nwithin = \"20s\"\n";
    fs::write(&file, facts).expect("the facts are written");
    let output = probe(&gate, &["--format", "json", "--only", "monitoring", "--fail-on", "low"]).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{told}"));
    let outcomes = report["outcomes"].as_array().expect("outcomes");
    let verdict = |aspect: &str| {
        let own = outcomes.iter().find(|one| one["test"] == "monitoring" && one["aspect"] == aspect);
        own.and_then(|one| one["verdict"].as_str()).unwrap_or("nothing")
    };
    // Ordinary requests ring nobody.
    assert_eq!(verdict("alert-noise"), "passed", "{outcomes:#?}");
    // Which attacks ring from a network that people sign in from, and whether one is bad enough for an incident, is the gate's own to
    // say: that they were looked for counts.
    for aspect in ["alert-sign-in", "alert-payload"] {
        assert!(matches!(verdict(aspect), "passed" | "tentative"), "{aspect}: {outcomes:#?}");
    }
    assert!(matches!(verdict("incident"), "passed" | "inconclusive"), "{outcomes:#?}");
}
