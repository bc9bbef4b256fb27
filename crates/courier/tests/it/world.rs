//! A ledger, positions in memory, and receivers that answer what a test says.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gabion_courier::{Cursors, Pace, SinkSettings, Sinks, sink_problems};
use gabion_ledger::{Ledger, Position};
use gabion_model::random::SeededRng;
use gabion_model::{Actor, Clock as _, ControlId, Event, EventKind, Outcome, SystemClock};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Positions in memory, with every one that was kept.
#[derive(Debug, Default)]
pub(crate) struct Kept(pub(crate) Mutex<BTreeMap<String, Vec<u64>>>, pub(crate) watch::Sender<()>);

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
    pub(crate) fn of(&self, sink: &str) -> u64 {
        self.0.lock().unwrap().get(sink).and_then(|all| all.last().copied()).unwrap_or(0)
    }

    pub(crate) async fn reaches(&self, sink: &str, position: u64) {
        let mut changed = self.1.subscribe();
        let wait = async {
            while self.of(sink) < position {
                changed.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the sink delivers");
    }
}

pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) kept: Arc<Kept>,
    pub(crate) folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let ledger = Ledger::in_memory(Arc::new(SystemClock));
        Self { ledger, kept: Arc::default(), folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) async fn record(&self, count: u64) -> u64 {
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

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Sinks of a configuration, started.
    pub(crate) fn start(&self, sinks: &[(&str, Value)]) -> Sinks {
        let sinks = self.open(sinks);
        let cursors: Arc<dyn Cursors> = self.kept.clone();
        sinks.start(&self.ledger, &cursors);
        sinks
    }

    pub(crate) fn open(&self, sinks: &[(&str, Value)]) -> Sinks {
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

    pub(crate) fn secret(&self) -> String {
        self.file("key", KEY)
    }

    /// A file with one line.
    pub(crate) fn file(&self, name: &str, line: &str) -> String {
        fs::write(self.path(name), format!("{line}\n")).unwrap();
        self.path(name)
    }
}

pub(crate) fn settings(sinks: &[(&str, Value)]) -> BTreeMap<String, SinkSettings> {
    let read =
        |(name, value): &(&str, Value)| ((*name).to_owned(), serde_json::from_value(value.clone()).unwrap());
    sinks.iter().map(read).collect()
}

/// What arrived at a webhook: head and body.
pub(crate) type Arrived = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Answers the messages with these bytes one after another, with the last for ever.
pub(crate) async fn receiver(answers: Vec<Vec<u8>>) -> (String, Arrived) {
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

pub(crate) async fn read_message(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(bytes).unwrap().to_ascii_lowercase();
    let mut body = vec![0; field(&head, "content-length").parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    (head, body)
}

pub(crate) fn field(head: &str, name: &str) -> String {
    let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in {head}")).to_owned()
}

pub(crate) fn status(status: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
}
