//! Incidents from outside: an attack that opens one, the people who work on it, and what an auditor is given.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::application::Application;
use crate::client::Client;
use crate::clients::python;
use crate::gate::{Gate, command};
use crate::mail::Sink;

const PASSWORD: &str = "a long enough password 7";
const REVIEW: &str = "summary = \"\"\"bob reused a password\"\"\"\ncause = \"no second factor\"\n\n\
    [[actions]]\nwhat = \"require factors\"\nowner = \"ann\"\ndue = \"2099-12-24\"\n";

/// One try at the sign-in from an address.
async fn sign_in(gate: &Gate, from: &str, name: &str, password: &str) -> u16 {
    let form = format!("name={name}&password={}", password.replace(' ', "+"));
    let request = Request::post("/.gabion/login")
        .header("x-forwarded-for", from)
        .header("origin", format!("http://{}", gate.address))
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = Client::new(gate.address).send(request, Bytes::from(form)).await.expect("the gate answers");
    answer.status().as_u16()
}

async fn incident(gate: &Gate, arguments: &[&str]) -> String {
    gate.cli(&[&["incident"], arguments].concat()).await
}

/// A command that must be refused; what it said.
async fn refused(directory: &Path, arguments: &[&str]) -> String {
    let output = command(directory).arg("incident").args(arguments).output().await.expect("gabion runs");
    assert!(!output.status.success(), "{arguments:?} was done: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[tokio::test]
async fn from_stolen_passwords_to_the_review() {
    let mut sink = Sink::start("starttls").await;
    let application = Application::start().await;
    let more = format!(
        "[checks.client_address]\ntrusted_proxies = [\"127.0.0.0/8\"]\n\n\
         [incidents]\nletters_to = [\"security@example.net\"]\norganisation = \"Example\"\n\n{}",
        sink.settings("starttls")
    );
    let gate = Gate::start_with(application.address, &more).await;
    gate.add_account("bob", PASSWORD).await;
    for number in 10..20 {
        assert_eq!(
            sign_in(&gate, &format!("203.0.113.{number}"), &format!("x{number}"), "Sommer2026").await,
            403
        );
    }
    assert_eq!(sign_in(&gate, "203.0.113.9", "bob", PASSWORD).await, 303);

    let letter = sink.letter().await;
    assert!(letter["text"].as_str().expect("a text").contains("gabion incident show 1"), "{letter}");
    let list = json(&incident(&gate, &["list", "--format", "json"]).await);
    assert_eq!((list[0]["id"].as_u64(), list[0]["class"].as_str()), (Some(1), Some("P0")), "{list}");
    let shown = incident(&gate, &["show", "INC-1"]).await;
    for words in [
        "Nobody looks after it yet",
        "Next",
        "end-entered-sessions --target NAME",
        "block-network --target 203.0.113.0/24",
    ] {
        assert!(shown.contains(words), "no `{words}` in {shown}");
    }

    // What people do, by the command line.
    incident(&gate, &["ack", "1"]).await;
    incident(&gate, &["assign", "1", "ann", "--role", "commander"]).await;
    incident(&gate, &["note", "1", "<script>alert(1)</script>"]).await;
    incident(&gate, &["do", "1", "end-entered-sessions", "--target", "bob"]).await;
    // Blocked from the incident, with what takes it back; taken back, and blocked again for the rest of the story.
    incident(&gate, &["do", "1", "block-network", "--target", "203.0.113.0/24"]).await;
    let blocked = incident(&gate, &["show", "1"]).await;
    assert!(blocked.contains("--action lift --target 203.0.113.0/24"), "{blocked}");
    assert_eq!(sign_in(&gate, "203.0.113.77", "bob", PASSWORD).await, 403);
    incident(&gate, &["do", "1", "--action", "lift", "--target", "203.0.113.0/24"]).await;
    assert_eq!(sign_in(&gate, "203.0.113.77", "bob", PASSWORD).await, 303);
    incident(&gate, &["do", "1", "--action", "block-network", "--target", "203.0.113.0/24"]).await;
    assert_eq!(sign_in(&gate, "203.0.113.77", "bob", PASSWORD).await, 403);
    let measures = json(&gate.cli(&["respond", "list", "--format", "json"]).await);
    assert!(measures.to_string().contains("\"INC-1\""), "{measures}");
    let mut failing = command(gate.directory());
    failing.args(["incident", "do", "1", "--action", "disable-account", "--target", "nobody"]);
    let failed = failing.output().await.expect("gabion runs");
    assert_eq!(failed.status.code(), Some(1));
    incident(&gate, &["do", "1", "refuse-leaked-passwords", "--skip", "is done already"]).await;
    incident(&gate, &["move", "1", "contained"]).await;
    incident(&gate, &["notify", "1", "--regime", "gdpr", "--aware", "now", "--fact", "people=1"]).await;
    let draft = incident(&gate, &["notify", "1", "gdpr-33"]).await;
    assert!(
        draft.contains("From: Example") && draft.contains("[missing: what may follow for people]"),
        "{draft}"
    );

    // Evidence: records, a file, and neither a link nor a pipe nor one without an end.
    let folder = gate.directory();
    fs::write(folder.join("capture.log"), vec![7; 300_000]).expect("writes");
    std::os::unix::fs::symlink("/etc/passwd", folder.join("link")).expect("links");
    assert!(Command::new("mkfifo").arg(folder.join("pipe")).status().await.expect("runs").success());
    fs::write(folder.join("large"), vec![7; (8 << 20) + 1]).expect("writes");
    for (file, words) in
        [("link", "symbolic link"), ("pipe", "is no file"), ("large", "more than 8388608 bytes")]
    {
        let said = refused(folder, &["evidence", "add", "1", file]).await;
        assert!(said.contains(words), "{file}: {said}");
    }
    let added = json(&incident(&gate, &["evidence", "add", "1", "capture.log", "--format", "json"]).await);
    assert_eq!(added["item"]["bytes"].as_u64(), Some(300_000));
    let taken = json(&incident(&gate, &["evidence", "collect", "1", "--format", "json"]).await);
    assert!(taken["item"]["records"].as_u64() > Some(10), "{taken}");
    incident(&gate, &["evidence", "export", "1", "pack.json", "--purpose", "the auditor"]).await;
    let key = gate.cli(&["ledger", "key"]).await;
    let verify = ["incident", "evidence", "verify", "pack.json", "--key", key.trim()];
    let verified = gate.cli(&verify).await;
    assert!(verified.contains("verified") && verified.contains("the auditor"), "{verified}");
    let pack = fs::read_to_string(folder.join("pack.json")).expect("reads");
    fs::write(folder.join("pack.json"), pack.replace("the auditor", "the Auditor")).expect("writes");
    let said = refused(folder, &verify[1..]).await;
    assert!(said.contains("is not the one the ledger has"), "{said}");

    // It does not close before the law is served and the review is there.
    assert!(refused(folder, &["close", "1", "over"]).await.contains("closes with a review"));
    fs::write(folder.join("review.toml"), REVIEW).expect("writes");
    incident(&gate, &["review", "1", "--file", "review.toml"]).await;
    assert!(refused(folder, &["close", "1", "over"]).await.contains("the supervisory authority"));
    incident(&gate, &["notify", "1", "gdpr-33", "--sent", "by the portal, no. 7"]).await;
    incident(&gate, &["notify", "1", "gdpr-34", "--waive", "no high risk"]).await;
    incident(&gate, &["close", "1", "bob has a new password"]).await;

    // What is handed out.
    let report = json(&incident(&gate, &["report", "1", "--format", "json"]).await);
    assert_eq!(
        (report["state"].as_str(), report["agrees"].as_str()),
        (Some("closed"), Some("yes")),
        "{report}"
    );
    let page = incident(&gate, &["report", "1", "--format", "html"]).await;
    assert!(page.contains("<svg ") && page.contains("&lt;script&gt;alert(1)") && !page.contains("<script"));
    let markdown = incident(&gate, &["report", "1"]).await;
    assert!(markdown.contains("## Timeline") && markdown.contains("block-network"), "{markdown}");
    let bundle = incident(&gate, &["report", "1", "--format", "stix"]).await;
    let patterns = stix(&bundle).await;
    assert!(patterns.contains("[ipv4-addr:value = '203.0.113.0/24']"), "{patterns}");
    let metrics = json(&incident(&gate, &["metrics", "--format", "json"]).await);
    assert_eq!(metrics["classes"]["P0"]["resolve"]["count"].as_u64(), Some(1), "{metrics}");
    let ledger = gate.cli(&["ledger", "verify", "--key", key.trim()]).await;
    assert!(ledger.contains("verified"));

    // After a crash everything is there, the alert opens nothing twice, and it still agrees with the ledger.
    let gate = gate.kill().await.start_again().await;
    incident(&gate, &["open", "After the start", "--class", "p3"]).await;
    let all = json(&incident(&gate, &["list", "--all", "--format", "json"]).await);
    assert_eq!(all.as_array().map(Vec::len), Some(2), "{all}");
    let report = json(&incident(&gate, &["report", "1", "--format", "json"]).await);
    assert_eq!(report["agrees"].as_str(), Some("yes"));
}

/// The patterns of a bundle's indicators, read by a library others wrote.
async fn stix(bundle: &str) -> String {
    let mut reader = python("stix_validate.py", &[]);
    let mut process = reader
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python runs");
    let mut input = process.stdin.take().expect("a pipe");
    input.write_all(bundle.as_bytes()).await.expect("writes");
    drop(input);
    let output = process.wait_with_output().await.expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{bundle}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn the_demo_tells_its_story_and_all_of_it_happened() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut demo = command(folder.path());
    let output = demo.args(["demo", "--incident", "--port", "0", "--format", "json"]).output().await;
    let output = output.expect("gabion runs");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    let story = json(&stdout);
    let steps: Vec<_> =
        story["steps"].as_array().expect("steps").iter().map(|step| step["id"].as_str()).collect();
    let all = [
        "day", "attack", "alert", "block", "told", "incident", "letter", "message", "response", "evidence",
        "proof", "ledger",
    ];
    assert_eq!(steps, all.map(Some));
}

/// Every file below a folder that holds the bytes.
fn holding(folder: &Path, bytes: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(holding(&path, bytes));
        } else if path.is_file() {
            let content = fs::read(&path).expect("a file");
            if content.windows(bytes.len()).any(|part| part.eq_ignore_ascii_case(bytes.as_bytes())) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

/// Asks again while the ledger's checkpoint is still to be written.
async fn once_sealed(gate: &Gate, arguments: &[&str]) {
    for _ in 0..100 {
        let output = command(gate.directory()).arg("incident").args(arguments).output().await;
        let output = output.expect("gabion runs");
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            return;
        }
        assert!(said.contains("checkpoint is not written yet"), "{arguments:?}: {said}");
    }
    panic!("the ledger is never sealed");
}

async fn verified(gate: &Gate, pack: &str, key: &str) -> Value {
    let asked = ["incident", "evidence", "verify", pack, "--key", key.trim(), "--format", "json"];
    json(&gate.cli(&asked).await)
}

#[tokio::test]
async fn who_is_erased_is_erased_from_incidents_and_the_evidence_still_verifies() {
    let application = Application::start().await;
    let more = "[checks.client_address]\ntrusted_proxies = [\"127.0.0.0/8\"]\n";
    let gate = Gate::start_with(application.address, more).await;
    let (name, email, address) = ("roberta-vance", "rv1961@mail.example", "198.51.100.77");
    gate.add_account(name, PASSWORD).await;
    gate.add_account("ann", PASSWORD).await;
    gate.cli(&["user", "email", name, email, "--verified"]).await;
    assert_eq!(sign_in(&gate, address, name, PASSWORD).await, 303);

    let subjects = [format!("account:{name}"), format!("address:{address}")];
    let title = format!("A session of {name} was stolen");
    incident(&gate, &["open", &title, "--class", "p2"]).await;
    incident(&gate, &["subject", "1", &subjects[0], &subjects[1]]).await;
    incident(&gate, &["note", "1", &format!("called {email}, from {address}; at home all day")]).await;
    incident(&gate, &["note", "1", "the proxy was restarted"]).await;
    incident(&gate, &["assign", "1", name, "--role", "scribe"]).await;
    let folder = gate.directory();
    fs::write(folder.join("proxy.log"), format!("{address} {name} GET /\n")).expect("writes");
    fs::write(folder.join("notes.txt"), "nobody in particular\n").expect("writes");
    for file in ["proxy.log", "notes.txt"] {
        incident(&gate, &["evidence", "add", "1", file]).await;
    }
    once_sealed(&gate, &["evidence", "collect", "1"]).await;
    once_sealed(&gate, &["evidence", "export", "1", "before.json", "--purpose", "the police"]).await;
    let key = gate.cli(&["ledger", "key"]).await;
    let before = verified(&gate, "before.json", &key).await;
    assert_eq!(
        (before["title"].as_str(), before["evidence"].as_array().map(Vec::len)),
        (Some(&*title), Some(3))
    );
    let shown = incident(&gate, &["show", "1"]).await;
    assert!(shown.contains(name) && shown.contains(email), "{shown}");
    let data = folder.join("data");
    for text in [email, address] {
        let found = holding(&data, text);
        assert!(found.iter().all(|file| file.contains("gabion.db")), "{text}: {found:?}");
    }

    gate.cli(&["user", "erase", name]).await;
    for text in [name, email, address] {
        assert_eq!(holding(&data, text), [""; 0], "{text}");
    }
    let shown = incident(&gate, &["show", "1"]).await;
    assert!(shown.contains("erased:") && shown.contains("the proxy was restarted"), "{shown}");
    assert!(!shown.contains(name) && !shown.contains(address), "{shown}");
    incident(&gate, &["note", "1", &format!("{name} asked to be forgotten")]).await;
    assert_eq!(holding(&data, name), [""; 0], "what was erased is not written down again");
    let report = json(&incident(&gate, &["report", "1", "--format", "json"]).await);
    assert_eq!(report["agrees"].as_str(), Some("yes"), "{report}");
    once_sealed(&gate, &["evidence", "export", "1", "after.json", "--purpose", "the court"]).await;
    let after = verified(&gate, "after.json", &key).await;
    assert_eq!(after["erased"], serde_json::json!([1]), "{after}");
    assert_eq!(after["steps"].as_u64(), before["steps"].as_u64().map(|steps| steps + 2), "{after}");
    let pack = fs::read_to_string(folder.join("after.json")).expect("reads");
    assert!(!pack.contains(name) && !pack.contains(address));
    // What left before is as it was.
    assert_eq!(verified(&gate, "before.json", &key).await, before);
    gate.cli(&["ledger", "verify", "--key", key.trim()]).await;
}
