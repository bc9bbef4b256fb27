//! People sign in with another provider: the real `oidc-provider` on loopback, which the gate may reach
//! only because its exact address is allowed.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use crate::application::Application;
use crate::client::Client;
use crate::clients;
use crate::gate::{Gate, PATIENCE};

const PASSWORD: &str = "boulders in a wire basket";
const SECRET: &str = "planted-federation-secret-5d0c";

/// The provider and the browser, which end with the test.
struct Script {
    _process: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    issuer: String,
}

impl Script {
    async fn start() -> Self {
        let mut process = clients::node("relying_party.mjs", &[])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let stdin = process.stdin.take().expect("a pipe");
        let lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let mut script = Self { _process: process, stdin, lines, issuer: String::new() };
        script.issuer = script.said().await["issuer"].as_str().expect("an address").to_owned();
        script
    }

    async fn said(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await.expect("it says something");
        serde_json::from_str(&line.expect("reads").expect("it runs")).expect("JSON")
    }
}

/// A gate that knows the provider, and may reach `allowed`.
async fn gate(application: &Application, issuer: &str, allowed: &str) -> Gate {
    let folder = tempfile::tempdir().expect("a temporary directory").keep();
    let secret = folder.join("client-secret");
    std::fs::write(&secret, format!("{SECRET}\n")).expect("writes");
    let more = format!(
        "[egress]\nallow = [{allowed}]\n\n[federation.op]\nissuer = \"{issuer}\"\nclient_id = \"gabion\"\n\
         client_secret_file = {secret:?}\ndisplay_name = \"Other Place\"\nprovisioning = \"create\"\n\
         upstream_logout = \"perform\"\n"
    );
    Gate::start_with(application.address, &more).await
}

#[tokio::test]
async fn people_sign_in_with_oidc_provider() {
    let mut script = Script::start().await;
    let application = Application::start().await;
    let authority = script.issuer.trim_start_matches("http://").to_owned();
    let gate = gate(&application, &script.issuer, &format!("\"{authority}\"")).await;
    gate.add_account("bob", PASSWORD).await;
    let page = Client::new(gate.address).navigate("/.gabion/login").await.expect("the gate answers");
    let page = crate::client::text(&page);
    assert!(page.contains("Continue with Other Place"), "{page}");
    let line = format!("http://{} bob {}\n", gate.address, PASSWORD.replace(' ', "+"));
    // The script splits at spaces; the password is sent as a form would write it.
    script.stdin.write_all(line.as_bytes()).await.expect("it reads");

    let unknown = script.said().await;
    assert_eq!(unknown["unknown"], "/.gabion/federation/choose", "{unknown}");
    assert_eq!(unknown["names"], true);
    let created = script.said().await;
    assert_eq!((&created["created"], &created["at"]), (&200.into(), &"/hello".into()), "{created}");
    assert!(created["body"].as_str().expect("a text").contains("identity=true"), "{created}");
    let again = script.said().await;
    assert_eq!((&again["again"], &again["at"]), (&200.into(), &"/hello".into()), "{again}");
    let replayed = script.said().await;
    assert_eq!((&replayed["replayed"], &replayed["elsewhere"]), (&400.into(), &400.into()), "{replayed}");
    let linked = script.said().await;
    assert_eq!((&linked["linked"], &linked["names"]), (&200.into(), &true.into()), "{linked}");
    let signed_in = script.said().await;
    assert_eq!(signed_in["signedInAs"], true, "{signed_in}");
    let out = script.said().await;
    assert_eq!((&out["afterLogout"], &out["others"]), (&401.into(), &200.into()), "{out}");
    let out = script.said().await;
    assert_eq!((&out["out"], &out["at"]), (&200.into(), &"/.gabion/logout".into()), "{out}");
    assert_eq!(out["said"], true, "{out}");
    assert_eq!(script.said().await["askedAnew"], true, "the provider's session ended, too");
    assert!(!gate.output().contains(SECRET), "the secret is written nowhere");
}

/// A provider on this machine that is not allowed is not reached, and the log says what to do.
#[tokio::test]
async fn a_provider_inside_is_reached_only_when_allowed() {
    let script = Script::start().await;
    let application = Application::start().await;
    let gate = gate(&application, &script.issuer, "").await;
    let mut client = Client::new(gate.address);
    let answer = client.navigate("/.gabion/federation/op/start").await.expect("the gate answers");
    assert_eq!(answer.status(), 502);
    let login = client.navigate("/.gabion/login").await.expect("the gate answers");
    assert_eq!(login.status(), 200, "the sign-in page stays usable");
    let output = gate.output();
    assert!(output.contains("egress.allow"), "{output}");
}
