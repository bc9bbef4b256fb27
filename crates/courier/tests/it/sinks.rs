//! Sinks against real servers on loopback that behave, and that do not.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gabion_courier::{Cursors, Pace, SinkSettings, Sinks, sink_problems};
use gabion_ledger::{Ledger, Position};
use gabion_model::random::SeededRng;
use gabion_model::{Actor, Clock as _, ControlId, Event, EventKind, Outcome, SystemClock};
use gabion_vault::tls::{LocalCa, VERSIONS, provider};
use gabion_vault::webhook::{Key, Scheme, sign};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PATIENCE: Duration = Duration::from_secs(60);

/// Positions in memory, with every one that was kept.
#[derive(Debug, Default)]
struct Kept(Mutex<BTreeMap<String, Vec<u64>>>, watch::Sender<()>);

impl Cursors for Kept {
    fn read(&self, sink: &str) -> io::Result<Option<Position>> {
        Ok(self.0.lock().unwrap().get(sink).and_then(|all| all.last().copied()).map(Position))
    }

    fn write(&self, sink: &str, delivered: Position) -> io::Result<()> {
        self.0.lock().unwrap().entry(sink.to_owned()).or_default().push(delivered.0);
        self.1.send_replace(());
        Ok(())
    }
}

impl Kept {
    fn of(&self, sink: &str) -> u64 {
        self.0.lock().unwrap().get(sink).and_then(|all| all.last().copied()).unwrap_or(0)
    }

    async fn reaches(&self, sink: &str, position: u64) {
        let mut changed = self.1.subscribe();
        let wait = async {
            while self.of(sink) < position {
                changed.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the sink delivers");
    }
}

struct World {
    ledger: Ledger,
    kept: Arc<Kept>,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let ledger = Ledger::in_memory(Arc::new(SystemClock));
        Self { ledger, kept: Arc::default(), folder: tempfile::tempdir().unwrap() }
    }

    async fn record(&self, count: u64) -> u64 {
        let mut last = 0;
        for number in 0..count {
            let kind = EventKind::Application;
            let (actor, control) = (Actor::Anonymous, ControlId::LEDGER_SHIPPING);
            let mut event = Event::new(SystemClock.now(), kind, "a.b", actor, Outcome::Success, control);
            event.resource = format!("/{number}\n<13>1 forged");
            last = self.ledger.record(event).await.unwrap().0;
        }
        last
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Sinks of a configuration, started.
    fn start(&self, sinks: &[(&str, Value)]) -> Sinks {
        let sinks = self.open(sinks);
        let cursors: Arc<dyn Cursors> = self.kept.clone();
        sinks.start(&self.ledger, &cursors);
        sinks
    }

    fn open(&self, sinks: &[(&str, Value)]) -> Sinks {
        let sinks = settings(sinks);
        assert_eq!(sink_problems(&sinks), []);
        let pace = Pace {
            linger: Duration::from_millis(5),
            first: Duration::from_millis(5),
            longest: Duration::from_millis(20),
        };
        let rng = Arc::new(SeededRng::new(1));
        Sinks::new(&sinks, ("0.1.0", "gate-1"), Arc::new(SystemClock), rng, pace).unwrap()
    }

    fn secret(&self) -> String {
        fs::write(self.path("key"), format!("{KEY}\n")).unwrap();
        self.path("key")
    }
}

fn settings(sinks: &[(&str, Value)]) -> BTreeMap<String, SinkSettings> {
    let read =
        |(name, value): &(&str, Value)| ((*name).to_owned(), serde_json::from_value(value.clone()).unwrap());
    sinks.iter().map(read).collect()
}

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

/// What arrived at a webhook: head and body.
type Arrived = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Answers the messages with these bytes one after another, with the last for ever.
async fn receiver(answers: Vec<Vec<u8>>) -> (String, Arrived) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let arrived = Arrived::default();
    let all = Arc::clone(&arrived);
    tokio::spawn(async move {
        let mut answers = answers.into_iter().peekable();
        while let Ok((mut stream, _)) = listener.accept().await {
            let (head, body) = read_message(&mut stream).await;
            all.lock().unwrap().push((head, body));
            let answer = answers.peek().cloned().unwrap();
            if answers.len() > 1 {
                answers.next();
            }
            let _ = stream.write_all(&answer).await;
        }
    });
    (url, arrived)
}

async fn read_message(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(bytes).unwrap().to_ascii_lowercase();
    let mut body = vec![0; field(&head, "content-length").parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    (head, body)
}

fn field(head: &str, name: &str) -> String {
    let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in {head}")).to_owned()
}

fn status(status: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
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
        let chain = CertificateDer::pem_slice_iter(issued.chain_pem.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(issued.key_pem.expose().as_bytes()).unwrap();
        let tls = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
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
    ]);
    let mut paths: Vec<_> = sink_problems(&sinks).into_iter().map(|problem| problem.path).collect();
    paths.sort();
    assert_eq!(
        paths,
        ["", "a.path", "b.ca_file", "b.url", "c.server", "c.timeout", "d.format", "d.url", "e.path"]
    );
}
