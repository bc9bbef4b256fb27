//! Secrets are planted wherever a secret can stand in a request, then everything the gate wrote is
//! searched for them: its output, the ledger, every file of its data directory.

use std::path::Path;

use bytes::Bytes;
use http::Request;

use crate::application::Application;
use crate::client::Client;
use crate::gate::Gate;

const PASSWORD: &str = "planted-password-9f3a61";
const WRONG_PASSWORD: &str = "planted-wrong-password-77c0";
const QUERY: &str = "planted-query-token-b81d";
const BEARER: &str = "planted-bearer-token-5e2f";
const COOKIE: &str = "planted-cookie-value-c4d9";
const BODY: &str = "planted-body-secret-18aa";
const HEADER: &str = "planted-api-key-e0b7";

#[tokio::test]
async fn no_secret_reaches_the_ledger_the_log_or_the_disk() {
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, "[log]\naccess = \"stderr\"\n").await;
    let link = gate.administrator_link().await;
    let token = link.split_once("token=").expect("the link holds a token").1.to_owned();
    gate.accept(&link, PASSWORD).await;
    gate.add_account("alice@example.com", PASSWORD).await;

    let mut person = Client::new(gate.address);
    assert!(!person.sign_in("alice@example.com", WRONG_PASSWORD).await.expect("the gate answers"));
    assert!(
        !person.sign_in(WRONG_PASSWORD, PASSWORD).await.expect("the gate answers"),
        "a password typed into the wrong field"
    );
    assert!(person.sign_in("alice@example.com", PASSWORD).await.expect("the gate answers"));
    let ticket = person.cookie().expect("a session").split_once('=').expect("name and value").1.to_owned();

    for client in [&mut Client::new(gate.address), &mut person] {
        for path in ["/orders", "/public/page", "/undeclared/%2e%2e/x", "/.gabion/unknown"] {
            let request = Request::post(format!("{path}?token={QUERY}"))
                .header("authorization", format!("Bearer {BEARER}"))
                .header("cookie", format!("session={COOKIE}"))
                .header("x-api-key", HEADER)
                .header("origin", "https://evil.example");
            client.send(request, Bytes::from_static(BODY.as_bytes())).await.expect("the gate answers");
        }
    }
    let answer = person.submit("/.gabion/logout", &[]).await.expect("the gate answers");
    assert!(answer.status().is_redirection() || answer.status().is_success());

    let found = gate.cli(&["ledger", "search", "--format", "json"]).await;
    let output = gate.output();
    let stopped = gate.terminate().await;

    let planted = [PASSWORD, WRONG_PASSWORD, QUERY, BEARER, COOKIE, BODY, HEADER, &ticket];
    for secret in planted {
        assert!(!found.contains(secret), "`{secret}` is in the ledger");
        assert!(!output.contains(secret), "`{secret}` is in the output");
    }
    // The one-time link was printed for its receiver; it is nowhere else.
    assert!(!found.contains(&token));
    let mut files = 0;
    search(&stopped.data(), &mut |path, bytes| {
        files += 1;
        for secret in planted.iter().copied().chain([token.as_str()]) {
            let hit = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!hit, "`{secret}` is in {}", path.display());
        }
    });
    assert!(files >= 2, "the data directory was searched");
    assert!(found.contains("login"), "the ledger holds what happened: {found}");
}

fn search(folder: &Path, visit: &mut impl FnMut(&Path, &[u8])) {
    for entry in std::fs::read_dir(folder).expect("reads").flatten() {
        let path = entry.path();
        match entry.metadata() {
            Ok(about) if about.is_dir() => search(&path, visit),
            Ok(about) if about.is_file() => visit(&path, &std::fs::read(&path).expect("reads")),
            _ => {}
        }
    }
}
