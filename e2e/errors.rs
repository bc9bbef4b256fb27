//! What goes wrong behind the gate, grouped, from the first failure to the regression, over a restart and a `kill -9`.

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::client::{Client, text};
use crate::gate::Gate;

/// An application all of whose answers say that it failed; what was asked for is in its words.
async fn failing() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while !seen.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { return };
                    seen.push(byte);
                }
                let status = if seen.starts_with(b"GET /public/slow") { "503 No" } else { "500 Oops" };
                let answer = format!(
                    "HTTP/1.1 {status}\r\nx-release: shop@2\r\ncontent-length: 7\r\nconnection: close\r\n\r\nhunter2"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

async fn ask(gate: &Gate, path: &str) -> StatusCode {
    let mut client = Client::new(gate.address);
    client.send(Request::get(path), Bytes::new()).await.expect("the gate answers").status()
}

async fn make_key(gate: &Gate, account: &str, scope: &str) -> String {
    let made = ["api-key", "create", "--account", account, "--scope", scope, "--format", "json"];
    let made: Value = serde_json::from_str(&gate.cli(&made).await).expect("JSON");
    made["key"].as_str().expect("a key").to_owned()
}

async fn groups(gate: &Gate) -> Vec<Value> {
    let listed = gate.cli(&["errors", "list", "--all", "--format", "json"]).await;
    serde_json::from_str(&listed).expect("JSON")
}

/// The groups, once they are so.
async fn until(gate: &Gate, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let wait = async {
        loop {
            let groups = groups(gate).await;
            if is_so(&groups) {
                return groups;
            }
        }
    };
    tokio::time::timeout(crate::gate::PATIENCE, wait).await.expect("it is grouped")
}

fn of_status(groups: &[Value], status: u16) -> Option<&Value> {
    groups.iter().find(|group| group["status"] == status)
}

#[tokio::test]
async fn failures_are_one_group_a_kind_from_the_first_to_the_regression() {
    let more = "[errors]\nrelease = \"shop@1\"\nrelease_header = \"x-release\"\n\
                [[routes]]\npath = \"/public/orders/{id}\"\naccess = \"public\"\nupstream = \"app\"\n";
    let gate = Gate::start_with(failing().await, more).await;
    for number in 0..7 {
        assert_eq!(ask(&gate, &format!("/public/orders/{number}?token=hunter2")).await, 500);
    }
    assert_eq!(ask(&gate, "/public/slow").await, 503);
    let seen =
        until(&gate, |groups| groups.iter().filter_map(|group| group["count"].as_u64()).sum::<u64>() == 8)
            .await;
    assert_eq!(seen.len(), 2, "{seen:?}");
    let group = of_status(&seen, 500).expect("a group");
    assert_eq!(
        (&group["route"], &group["method"], &group["upstream"]),
        (&json!("/public/orders/{id}"), &json!("GET"), &json!("app"))
    );
    assert_eq!(
        (&group["count"], &group["state"], &group["last_release"]),
        (&json!(7), &json!("open"), &json!("shop@2"))
    );
    let fingerprint = group["fingerprint"].as_str().expect("a fingerprint").to_owned();
    let shown = gate.cli(&["errors", "show", &fingerprint[..8]]).await;
    assert!(shown.contains("GET /public/orders/{id} 500") && !shown.contains("hunter2"), "{shown}");

    gate.cli(&["errors", "resolve", &fingerprint]).await;
    let listed: Vec<Value> =
        serde_json::from_str(&gate.cli(&["errors", "list", "--format", "json"]).await).expect("JSON");
    assert_eq!(listed.len(), 1, "what is resolved is not listed");
    // Over a restart, and over a crash.
    let gate = gate.terminate().await.start_again().await;
    assert_eq!(groups(&gate).await.len(), 2);
    assert_eq!(ask(&gate, "/public/orders/9").await, 500);
    let seen =
        until(&gate, |groups| of_status(groups, 500).is_some_and(|group| group["regressions"] == 1)).await;
    let group = of_status(&seen, 500).expect("a group");
    assert_eq!((&group["count"], &group["state"]), (&json!(8), &json!("open")));
    gate.cli(&["errors", "resolve", &fingerprint]).await;
    let gate = gate.kill().await.start_again().await;
    assert_eq!(of_status(&groups(&gate).await, 500).expect("a group")["state"], "resolved");

    let stopped = gate.terminate().await;
    let gate = stopped.start_again().await;
    let exported = gate.cli(&["ledger", "export", "--kind", "error", "--format", "json"]).await;
    let events: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let count = |action: &str| -> u64 {
        let of = events
            .iter()
            .filter(|event| event["action"] == action && event["resource"] == "/public/orders/{id}");
        of.map(|event| event["count"].as_u64().unwrap_or(1)).sum()
    };
    assert_eq!((count("error.new"), count("error.seen"), count("error.regressed")), (1, 6, 1), "{exported}");
    assert!(events.iter().all(|event| event["metadata"]["fingerprint"].is_string()));
    assert!(!exported.contains("hunter2"), "{exported}");
    let acts = gate.cli(&["ledger", "export", "--format", "json"]).await;
    assert!(acts.contains("error.resolve"), "resolving is on record");
}

#[tokio::test]
async fn an_upstream_that_is_away_and_an_exception_are_groups_of_their_own() {
    let away = format!("127.0.0.1:{}", Gate::free_port()).parse().expect("an address");
    let gate = Gate::start_with(away, "").await;
    assert!(ask(&gate, "/public/x").await.is_server_error());
    gate.cli(&["service-account", "add", "shop"]).await;
    gate.cli(&["service-account", "add", "boss", "--role", "administrator"]).await;
    let key = make_key(&gate, "shop", "gabion:events").await;
    for (number, line) in [(7, 81), (8, 90)] {
        let event = json!({
            "action": "order.failed", "outcome": "failure", "metadata": {
                "exception.type": "ValueError",
                "exception.message": format!("no order {number}"),
                "exception.stacktrace": format!("File \"/srv/orders.py\", line {line}, in show\nValueError: no order {number}"),
                "service.name": "shop", "service.version": "shop@3", "http.route": "/orders/{id}",
            },
        });
        let request = Request::post("/.gabion/api/v1/events")
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json");
        let answer = Client::new(gate.address).send(request, Bytes::from(event.to_string())).await;
        assert_eq!(answer.expect("the gate answers").status(), 201);
    }
    let seen = until(&gate, |groups| {
        groups.iter().any(|group| group["exception"] == "ValueError" && group["count"] == 2)
    })
    .await;
    assert_eq!(seen.len(), 2, "{seen:?}");
    let exception = seen.iter().find(|group| group["exception"] == "ValueError").expect("a group");
    assert_eq!(exception["frames"], json!(["File \"/srv/orders.py\", line #, in show"]));
    assert_eq!(
        (&exception["title"], &exception["last_release"]),
        (&json!("ValueError in /orders/{id}"), &json!("shop@3"))
    );
    let refused = seen.iter().find(|group| group["exception"].is_null()).expect("a group");
    assert!(refused["cause"].is_string(), "the gate itself said it: {refused}");

    // The API says the same, to those who may.
    let api = |method: &str, path: String, key: &str| {
        let request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
        let address = gate.address;
        async move {
            let answer = Client::new(address).send(request, Bytes::new()).await.expect("the gate answers");
            (answer.status(), serde_json::from_str::<Value>(&text(&answer)).unwrap_or_default())
        }
    };
    let fingerprint = exception["fingerprint"].as_str().expect("a text");
    let base = "/.gabion/api/v1/errors";
    assert_eq!(api("GET", base.to_owned(), &key).await.0, StatusCode::FORBIDDEN);
    let key = make_key(&gate, "boss", "gabion:admin").await;
    let (status, page) = api("GET", base.to_owned(), &key).await;
    assert_eq!((status, &page["total"]), (StatusCode::OK, &json!(2)), "{page}");
    let (status, one) = api("POST", format!("{base}/{fingerprint}/resolve"), &key).await;
    assert_eq!((status, &one["state"]), (StatusCode::OK, &json!("resolved")), "{one}");
    assert_eq!(api("GET", format!("{base}/{fingerprint}"), &key).await.1["state"], "resolved");
    assert_eq!(api("GET", format!("{base}/none"), &key).await.0, StatusCode::NOT_FOUND);
    assert_eq!(api("GET", base.to_owned(), "gab_live_made_up").await.0, StatusCode::UNAUTHORIZED);
}
