//! Our own tests named after the modules of the OpenID conformance plans (`conformance/oidc/modules.toml`),
//! against the real binary.

use std::collections::BTreeSet;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::application::Application;
use crate::clients;
use crate::gate::{Gate, binary};

const PASSWORD: &str = "boulders in a wire basket";
const LIST: &str = include_str!("../conformance/oidc/modules.toml");

/// How many modules each plan has.
const PLANS: [(&str, usize); 5] =
    [("basic", 38), ("config", 1), ("dynamic", 23), ("rp-initiated-logout", 11), ("back-channel-logout", 2)];

struct Module {
    name: &'static str,
    plans: Vec<&'static str>,
    /// A test elsewhere.
    test: Option<&'static str>,
    /// Why there is none.
    excluded: Option<&'static str>,
}

fn listed() -> Vec<Module> {
    let module = |entry: &'static str| {
        let value = |key: &str| {
            entry.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
        };
        let plans = value("plan").expect("a plan").split(", ").collect();
        Module {
            name: value("name").expect("a name"),
            plans,
            test: value("test"),
            excluded: value("excluded"),
        }
    };
    LIST.split("[[module]]").skip(1).map(module).collect()
}

#[test]
fn the_plans_are_complete() {
    let modules = listed();
    let names: BTreeSet<_> = modules.iter().map(|module| module.name).collect();
    assert_eq!(names.len(), modules.len(), "each module stands there once");
    for (plan, count) in PLANS {
        let of = modules.iter().filter(|module| module.plans.contains(&plan)).count();
        assert_eq!(of, count, "{plan}");
    }
    for Module { name, plans, test, excluded } in &modules {
        let known = |plan: &&str| *plan == "beyond" || PLANS.iter().any(|(known, _)| known == plan);
        assert!(plans.iter().all(known), "{name}: {plans:?}");
        assert!(test.is_none() || excluded.is_none(), "{name} has a test or a reason");
        assert!(excluded.is_none_or(|reason| reason.len() > 20), "{name} is excluded without a reason");
    }
}

#[tokio::test]
async fn every_module_that_is_not_excluded_passes() {
    let application = Application::start().await;
    // For the listener of the back channel: free now, and nobody else asks for it.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let told = format!("http://127.0.0.1:{port}/logout");
    // More people sign in from one address here than anywhere else.
    let more = format!(
        "[provider.registration]\nmode = \"open\"\n\n[egress]\nallow = [\"127.0.0.1:{port}\"]\n\n\
         [checks.rate.profiles.login]\nrequests = 10000\nper = \"1m\"\n"
    );
    let gate = Gate::start_with(application.address, &more).await;
    for name in ["ada", "eve"] {
        gate.add_account(name, PASSWORD).await;
    }
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
    let (binary, directory) = (binary(), gate.directory());
    let paths = [&*binary, directory].map(|path| path.to_str().expect("UTF-8"));
    let arguments = [&[origin.as_str(), "ada", PASSWORD, made.as_str(), port.as_str()][..], &paths].concat();
    let said = clients::run(&mut clients::node("oidc_modules.mjs", &arguments)).await;
    let passed: BTreeSet<&str> = said.lines().collect();
    let here = |module: &&Module| module.test.is_none() && module.excluded.is_none();
    let listed = listed();
    let tested: BTreeSet<&str> = listed.iter().filter(here).map(|module| module.name).collect();
    assert_eq!(passed, tested, "the list and the tests are the same");
}
