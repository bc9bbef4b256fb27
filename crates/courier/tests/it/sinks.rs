//! Sinks against real servers on loopback that behave, and that do not.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gabion_courier::{Cursors as _, sink_problems};
use gabion_ledger::Position;
use gabion_model::{Clock as _, SystemClock};
use gabion_vault::tls::LocalCa;
use gabion_vault::webhook::{Key, Scheme, sign};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::world::{KEY, PATIENCE, World, field, receiver, settings, status};

fn positions(lines: &str) -> Vec<u64> {
    let position = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["metadata"]["uid"].as_str().unwrap().parse().unwrap()
    };
    lines.lines().map(position).collect()
}

#[tokio::test]
async fn a_file_gets_every_record_once_in_order_over_restarts_and_moves() {
    let world = World::new();
    let path = world.path("events.jsonl");
    let sink = serde_json::json!({ "type": "file", "path": path, "from_start": true });
    world.record(3).await;
    let sinks = world.start(&[("file", sink.clone())]);
    let last = world.record(40).await;
    world.kept.reaches("file", last).await;
    sinks.close(PATIENCE).await;
    // Moved away while nobody looks, and torn by a crash.
    let first = fs::read_to_string(&path).unwrap();
    fs::rename(&path, world.path("events.1")).unwrap();
    fs::write(&path, "{\"torn").unwrap();
    world.record(7).await;
    let sinks = world.start(&[("file", sink)]);
    world.ledger.close().await.unwrap();
    sinks.close(PATIENCE).await;
    let second = fs::read_to_string(&path).unwrap();
    let second = second.strip_prefix("{\"torn\n").expect("what was torn is a line of its own");
    assert_eq!([positions(&first), positions(second)].concat(), (1..=50).collect::<Vec<_>>());
    assert_eq!(world.kept.of("file"), 50);
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(world.path("events.1")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_new_sink_begins_with_the_next_record_and_one_that_is_ahead_with_the_end() {
    let world = World::new();
    world.record(3).await;
    world.kept.write("ahead", Position(900)).unwrap();
    let file = |name: &str| serde_json::json!({ "type": "file", "path": world.path(name), "format": "cef" });
    let sinks = world.start(&[("new", file("new")), ("ahead", file("ahead"))]);
    for name in ["new", "ahead"] {
        let mut changed = world.kept.1.subscribe();
        while world.kept.of(name) != 3 {
            tokio::time::timeout(PATIENCE, changed.changed()).await.unwrap().unwrap();
        }
    }
    world.record(2).await;
    world.ledger.close().await.unwrap();
    sinks.close(PATIENCE).await;
    for name in ["new", "ahead"] {
        let lines = fs::read_to_string(world.path(name)).unwrap();
        assert_eq!(lines.lines().count(), 2, "{lines}");
        assert!(lines.starts_with("CEF:0|"), "{lines}");
    }
}

#[tokio::test]
async fn what_cannot_be_written_waits_and_the_others_go_on() {
    let world = World::new();
    fs::create_dir(world.path("taken")).unwrap();
    let file =
        |name: &str| serde_json::json!({ "type": "file", "path": world.path(name), "from_start": true });
    let sinks = world.start(&[("bad", file("taken")), ("good", file("good"))]);
    let last = world.record(5).await;
    world.kept.reaches("good", last).await;
    assert_eq!(world.kept.of("bad"), 0, "nothing was left out");
    fs::remove_dir(world.path("taken")).unwrap();
    world.kept.reaches("bad", last).await;
    world.ledger.close().await.unwrap();
    sinks.close(PATIENCE).await;
    assert!(sinks.standings().iter().all(|sink| sink.delivered == Some(Position(last))));
    assert_eq!(
        fs::read_to_string(world.path("taken")).unwrap(),
        fs::read_to_string(world.path("good")).unwrap()
    );
}

#[tokio::test]
async fn a_webhook_gets_every_record_signed_until_it_took_it() {
    let world = World::new();
    let taken = status("200 OK");
    let endless =
        format!("HTTP/1.1 200 OK\r\ncontent-length: 900000\r\n\r\n{}", "x".repeat(900_000)).into_bytes();
    let answers =
        vec![status("500 No"), b"nonsense".to_vec(), status("302 Elsewhere"), endless, Vec::new(), taken];
    let (url, arrived) = receiver(answers).await;
    let sink = serde_json::json!({ "type": "webhook", "url": url, "secret_file": world.secret(), "from_start": true });
    let last = world.record(30).await;
    let sinks = world.start(&[("hook", sink)]);
    world.kept.reaches("hook", last).await;
    sinks.close(PATIENCE).await;
    let arrived = arrived.lock().unwrap().clone();
    assert_eq!(arrived.len(), 6, "five tries failed");
    let key = [Key::parse(&Scheme::Standard, KEY).unwrap()];
    for (head, body) in &arrived {
        let fields: BTreeMap<_, _> =
            ["webhook-id", "webhook-timestamp"].map(|name| (name, field(head, name))).into();
        assert_eq!(fields["webhook-id"], "hook-1-30", "the same message keeps its id");
        assert!(head.contains("webhook-signature: v1,"), "{head}");
        let signed =
            sign(&Scheme::Standard, &key, "hook-1-30", fields["webhook-timestamp"].parse().unwrap(), body)
                .unwrap();
        let (_, signature) = signed.iter().find(|(name, _)| name == "webhook-signature").unwrap();
        assert!(head.contains(&signature.to_ascii_lowercase()), "{head}");
        let message: Value = serde_json::from_slice(body).unwrap();
        assert_eq!((&message["first"], &message["last"]), (&1.into(), &30.into()));
        assert_eq!(message["events"].as_array().unwrap().len(), 30);
        assert_eq!(message["events"][0]["class_uid"], 6003);
    }
    assert_eq!(world.kept.0.lock().unwrap()["hook"], [30], "kept when it was taken, and not before");
}

#[tokio::test]
async fn a_webhook_that_hangs_delays_neither_the_ledger_nor_the_end() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (accepted, mut seen) = watch::channel(0);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
            accepted.send_replace(held.len());
        }
    });
    let sink = serde_json::json!({
        "type": "webhook", "url": url, "secret_file": world.secret(), "from_start": true, "timeout": "1s",
    });
    let file = serde_json::json!({ "type": "file", "path": world.path("good"), "from_start": true });
    let sinks = world.start(&[("hook", sink), ("good", file)]);
    let last = world.record(200).await;
    world.kept.reaches("good", last).await;
    tokio::time::timeout(PATIENCE, seen.wait_for(|count| *count > 1)).await.unwrap().unwrap();
    assert_eq!(world.kept.of("hook"), 0);
    let standings = sinks.standings();
    let hook = standings.iter().find(|sink| sink.name == "hook").unwrap();
    assert_eq!((hook.delivered, hook.fails), (Some(Position(0)), true), "{hook:?}");
    sinks.close(Duration::from_millis(10)).await;
}

/// How a log server ends a connection.
#[derive(Clone, Copy)]
enum End {
    Properly,
    WithoutAWord,
    Flooding,
}

struct LogServer {
    address: std::net::SocketAddr,
    frames: Arc<Mutex<Vec<String>>>,
}

impl LogServer {
    /// Ends the first connections in these ways, all others properly.
    async fn start(folder: &Path, ends: Vec<End>) -> Self {
        let now = SystemClock.now();
        let authority = LocalCa::create(now).unwrap();
        fs::write(folder.join("ca.pem"), authority.certificate_pem()).unwrap();
        let issued = authority.issue(&["localhost".to_owned(), "127.0.0.1".to_owned()], now).unwrap();
        let tls = issued.server().unwrap();
        let acceptor = TlsAcceptor::from(tls);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let frames = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&frames);
        tokio::spawn(async move {
            let mut ends = ends.into_iter();
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let end = ends.next().unwrap_or(End::Properly);
                let mut text = String::new();
                if stream.read_to_string(&mut text).await.is_err() {
                    continue;
                }
                match end {
                    End::Properly => {
                        all.lock().unwrap().extend(unframed(&text));
                        let _ = stream.shutdown().await;
                    }
                    End::WithoutAWord => {
                        let (mut tcp, _) = stream.into_inner();
                        let _ = tcp.shutdown().await;
                    }
                    End::Flooding => while stream.write_all(&[b'x'; 4096]).await.is_ok() {},
                }
            }
        });
        Self { address, frames }
    }
}

/// RFC 5425, 4.3: `MSG-LEN SP SYSLOG-MSG`, one behind the other.
fn unframed(mut text: &str) -> Vec<String> {
    let mut frames = Vec::new();
    while !text.is_empty() {
        let (length, rest) = text.split_once(' ').unwrap();
        let (frame, rest) = rest.split_at(length.parse().unwrap());
        frames.push(frame.to_owned());
        text = rest;
    }
    frames
}

#[tokio::test]
async fn a_log_server_gets_every_record_by_tls_until_it_says_that_it_has_them() {
    let world = World::new();
    let ends = vec![End::WithoutAWord, End::Flooding];
    let server = LogServer::start(world.folder.path(), ends).await;
    let sink = serde_json::json!({
        "type": "syslog", "server": server.address.to_string(), "ca_file": world.path("ca.pem"), "from_start": true,
    });
    let last = world.record(25).await;
    let sinks = world.start(&[("logs", sink)]);
    world.kept.reaches("logs", last).await;
    world.record(1).await;
    world.ledger.close().await.unwrap();
    sinks.close(PATIENCE).await;
    let frames = server.frames.lock().unwrap().clone();
    assert_eq!(frames.len(), 26);
    for (index, frame) in frames.iter().enumerate() {
        assert!(frame.starts_with("<110>1 2") && frame.contains(" gate-1 gabion - a.b [meta "), "{frame}");
        assert!(!frame.contains('\n'), "{frame}");
        let event: Value = serde_json::from_str(frame.split_once("] ").unwrap().1).unwrap();
        assert_eq!(event["metadata"]["uid"], (index + 1).to_string());
    }
}

#[tokio::test]
async fn a_log_server_nobody_vouches_for_gets_nothing() {
    let world = World::new();
    let server = LogServer::start(world.folder.path(), Vec::new()).await;
    let own = serde_json::json!({ "type": "syslog", "server": server.address.to_string() });
    let sinks = world.open(&[("logs", own)]);
    let refused = sinks.test("logs").await.unwrap().unwrap_err();
    assert!(refused.to_string().contains("certificate"), "{refused}");
    assert!(server.frames.lock().unwrap().is_empty());
    let trusted = serde_json::json!({
        "type": "syslog", "server": server.address.to_string(), "ca_file": world.path("ca.pem"), "format": "cef",
    });
    world.open(&[("logs", trusted)]).test("logs").await.unwrap().unwrap();
    assert!(server.frames.lock().unwrap()[0].contains("sink.test"));
    assert!(world.open(&[]).test("logs").await.is_none());
}

#[test]
fn every_problem_of_a_sink_is_named() {
    let sinks = settings(&[
        ("a", serde_json::json!({ "type": "file" })),
        (
            "b",
            serde_json::json!({ "type": "file", "path": "x", "url": "https://a.example/", "ca_file": "c" }),
        ),
        ("c", serde_json::json!({ "type": "syslog", "server": "logs", "timeout": "2m" })),
        (
            "d",
            serde_json::json!({ "type": "webhook", "url": "http://siem.example/", "secret_file": "k", "format": "cef" }),
        ),
        ("e", serde_json::json!({ "type": "file", "path": "x" })),
        ("../f", serde_json::json!({ "type": "file", "path": "y" })),
        ("g", serde_json::json!({ "type": "otlp", "auth": "header", "format": "cef" })),
        ("h", serde_json::json!({ "type": "otlp", "url": "https://c.example/v1/logs", "secret_file": "k" })),
        (
            "i",
            serde_json::json!({ "type": "elasticsearch", "url": "https://c.example/?a", "index": "../_all", "severity": "low" }),
        ),
        ("j", serde_json::json!({ "type": "sentry", "url": "https://sentry.example/1", "encoding": "json" })),
        (
            "k",
            serde_json::json!({ "type": "otlp", "url": "https://c.example/", "auth": "header", "header": "Host", "secret_file": "k" }),
        ),
    ]);
    let mut paths: Vec<_> = sink_problems(&sinks).into_iter().map(|problem| problem.path).collect();
    paths.sort();
    assert_eq!(
        paths,
        [
            "",
            "a.path",
            "b.ca_file",
            "b.url",
            "c.server",
            "c.timeout",
            "d.format",
            "d.url",
            "e.path",
            "g.format",
            "g.header",
            "g.secret_file",
            "g.url",
            "h.secret_file",
            "i.index",
            "i.severity",
            "i.url",
            "j.encoding",
            "j.secret_file",
            "j.url",
            "k.header",
        ]
    );
}
