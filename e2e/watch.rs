//! Detection from outside: attacks and what looks like them, driven through the gate.

use std::collections::BTreeSet;
use std::fs;

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use tokio::process::Command;

use crate::application::Application;
use crate::client::Client;
use crate::gate::{Gate, command};

/// The tests come from many addresses, as behind a proxy, and may try passwords more often than people do.
const BEHIND_A_PROXY: &str =
    "[checks.client_address]\ntrusted_proxies = [\"127.0.0.0/8\"]\n\n[login]\nfailures_per_account = 12\n";

async fn sign_in(gate: &Gate, from: &str, name: &str, password: &str) -> u16 {
    let form = format!("name={name}&password={password}");
    let request = Request::post("/.gabion/login")
        .header("x-forwarded-for", from)
        .header("origin", format!("http://{}", gate.address))
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = Client::new(gate.address).send(request, Bytes::from(form)).await.expect("the gate answers");
    answer.status().as_u16()
}

async fn get(gate: &Gate, from: &str, path: &str) -> u16 {
    let request = Request::get(path).header("x-forwarded-for", from);
    let answer = Client::new(gate.address).send(request, Bytes::new()).await.expect("the gate answers");
    answer.status().as_u16()
}

/// Rule and network of everything that rang. Two canaries say when all before them was looked at: the second is asked
/// for when the first is on record, and with it everything that was refused before it.
async fn rang(gate: &Gate, round: u8) -> BTreeSet<(String, String)> {
    for step in 1..=2 {
        get(gate, &format!("10.{round}.{step}.1"), "/canary-of-the-test").await;
        gate.said(|text| text.contains(&format!("network=10.{round}.{step}.0/24"))).await;
    }
    let search = ["ledger", "search", "--kind", "alert", "--limit", "1000", "--format", "json"];
    pairs(&gate.cli(&search).await, |alert| {
        (alert["resource"].clone(), alert["metadata"]["group.network"].clone())
    })
}

fn pairs(lines: &str, read: impl Fn(&Value) -> (Value, Value)) -> BTreeSet<(String, String)> {
    let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let alerts = lines.lines().map(|line| read(&serde_json::from_str(line).expect("JSON")));
    let all = alerts.map(|(rule, network)| (text(rule), text(network)));
    all.filter(|(rule, _)| rule != "canary-address").collect()
}

fn expected(pairs: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    pairs.iter().map(|(rule, network)| ((*rule).to_owned(), (*network).to_owned())).collect()
}

#[tokio::test]
async fn stolen_passwords_that_are_tried_ring_and_forgotten_ones_do_not() {
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, BEHIND_A_PROXY).await;
    let password = "a long enough password 7";
    for name in ["ann", "bob", "cid", "dan"] {
        gate.add_account(name, password).await;
    }
    let right = password.replace(' ', "+");

    // People: a wrong password or two, a name from elsewhere, and then the right one.
    for (name, from) in [("ann", "198.51.100.1"), ("bob", "198.51.100.2"), ("cid", "203.0.113.1")] {
        assert_eq!(sign_in(&gate, from, name, "mistyped-once").await, 403);
        assert_eq!(sign_in(&gate, from, "ann.old.name", "mistyped-once").await, 403);
        assert_eq!(sign_in(&gate, from, name, &right).await, 303);
    }
    assert_eq!(rang(&gate, 1).await, expected(&[]));

    // A list of names from elsewhere, and one of them has an account.
    for name in ["x1", "x2", "x3", "x4", "x5"] {
        assert_eq!(sign_in(&gate, "192.0.2.1", name, "Summer2026").await, 403);
    }
    assert_eq!(sign_in(&gate, "192.0.2.2", "dan", &right).await, 303);
    // One password for everybody, from another network.
    for name in ["ann", "bob", "cid", "dan"] {
        assert_eq!(sign_in(&gate, "192.0.3.1", name, "Summer2026").await, 403);
    }
    // And one account from everywhere, until it opens.
    for network in 4..=8 {
        assert_eq!(sign_in(&gate, &format!("192.0.{network}.1"), "ann", "guess").await, 403);
    }
    assert_eq!(sign_in(&gate, "192.0.9.1", "ann", &right).await, 303);
    let all = expected(&[
        ("credential-stuffing", "192.0.2.0/24"),
        ("credential-stuffing-succeeded", "192.0.2.0/24"),
        ("password-spraying", "192.0.3.0/24"),
        ("brute-force-account", ""),
        ("brute-force-distributed", ""),
        ("guessed-password", ""),
    ]);
    assert_eq!(rang(&gate, 2).await, all);
    assert!(!gate.output().contains("Summer2026"), "what was typed is nowhere");

    // The record tells the same again, and a gate that was killed does not ring twice.
    let replayed = gate.cli(&["watch", "replay", "--format", "json"]).await;
    let replayed = pairs(&replayed, |alert| {
        let group = alert["group"].as_array().into_iter().flatten();
        let network = group.filter(|pair| pair[0] == "network").map(|pair| pair[1].clone()).next();
        (alert["name"].clone(), network.unwrap_or_default())
    });
    assert_eq!(replayed, all);
    let gate = gate.kill().await.start_again().await;
    rang(&gate, 3).await;
    let records =
        gate.cli(&["ledger", "search", "--kind", "alert", "--limit", "1000", "--format", "json"]).await;
    let stuffing = records.lines().filter(|line| line.contains("\"credential-stuffing\"")).count();
    assert_eq!(stuffing, 1, "{records}");
}

#[tokio::test]
async fn sweeps_and_scanners_ring_and_broken_pages_do_not() {
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, BEHIND_A_PROXY).await;
    let stopped = gate.terminate().await;
    stopped.reconfigure("path = \"/*\"", "path = \"/app/*\"");
    let gate = stopped.start_again().await;

    // A page that asks again and again for pictures that are gone, and one whose session ended.
    for _ in 0..10 {
        for picture in 0..4 {
            assert_eq!(get(&gate, "198.51.100.1", &format!("/old-{picture}.png")).await, 404);
        }
    }
    for call in 0..40 {
        assert_eq!(get(&gate, "203.0.113.1", &format!("/app/call-{call}")).await, 401);
    }
    assert_eq!(rang(&gate, 1).await, expected(&[]));

    for name in 0..15 {
        assert_eq!(get(&gate, "192.0.2.1", &format!("/backup-{name}")).await, 404);
    }
    for path in ["/.env", "/.git/config", "/wp-login.php"] {
        assert_eq!(get(&gate, "192.0.3.1", path).await, 404);
    }
    let all = expected(&[("enumeration", "192.0.2.0/24"), ("scanner-paths", "192.0.3.0/24")]);
    assert_eq!(rang(&gate, 2).await, all);
}

const OWN: &str = "title: Our own\nid: our-own\nlevel: high\nlogsource: {product: gabion, category: refusal}\n\
    detection:\n  selection: {resource|startswith: /vault}\n  condition: selection\n";

async fn hang_up(gate: &Gate) {
    let status =
        Command::new("kill").args(["-HUP", &gate.pid().to_string()]).status().await.expect("kill runs");
    assert!(status.success());
}

#[tokio::test]
async fn rules_of_ones_own_ring_and_broken_ones_are_not_taken_over() {
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, "").await;
    let rules = gate.directory().join("detections");
    fs::create_dir(&rules).expect("a folder");
    fs::write(rules.join("own.yml"), OWN).expect("a file");
    let stopped = gate.terminate().await;
    stopped.reconfigure("[upstreams.app]", "[watch]\ndirectory = \"detections\"\n\n[upstreams.app]");
    let gate = stopped.start_again().await;
    Client::new(gate.address).get("/vault/1").await.expect("answers");
    gate.said(|text| text.contains("rule=\"our-own\"")).await;

    fs::write(rules.join("broken.yml"), OWN.replace("our-own", "other").replace("resource|", "resorce|"))
        .expect("a file");
    hang_up(&gate).await;
    gate.said(|text| text.contains("configuration not reloaded")).await;
    let said = gate.output();
    assert!(said.contains("broken.yml:") && said.contains("events have no field `resorce`"), "{said}");
    Client::new(gate.address).get("/vault/2").await.expect("answers");
    gate.said(|text| text.matches("rule=\"our-own\"").count() == 2).await;

    let stopped = gate.terminate().await;
    let folder = stopped.data().parent().expect("a folder").to_owned();
    let refused = command(&folder).args(["run"]).output().await.expect("gabion runs");
    assert_eq!(refused.status.code(), Some(2), "a broken rule stops the start");
    let checked = command(&folder).args(["watch", "check"]).output().await.expect("gabion runs");
    assert_eq!(checked.status.code(), Some(2));

    fs::remove_file(folder.join("detections/broken.yml")).expect("removed");
    stopped.reconfigure("[watch]\n", "[watch]\nmode = \"dry_run\"\n");
    let gate = stopped.start_again().await;
    Client::new(gate.address).get("/vault/3").await.expect("answers");
    gate.said(|text| text.contains("dry_run=true")).await;
    let recorded = gate.cli(&["ledger", "search", "--kind", "alert", "--format", "json"]).await;
    assert_eq!(recorded.lines().count(), 2, "a dry run records nothing: {recorded}");
}
