//! Rounds with witnesses that are honest, away, slow or lying, on loopback.

use std::net::SocketAddr;

use gabion_ledger::{MemorySegments, MemoryTree, Order, Protection, Query, Seal, Settings};
use gabion_model::ManualClock;
use gabion_tlog::note::Purpose;
use gabion_tlog::{SigningKey, cosignature};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

fn key(name: &str, purpose: Purpose, seed: u8) -> SigningKey {
    SigningKey::new(name, purpose, &Secret::new([seed; 32])).unwrap()
}

fn log() -> SigningKey {
    key("gate.example/ledger", Purpose::Log, 1)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Cosigns what continues what it knows, as `gabion_witness` does.
    Honest,
    Hangs,
    Floods,
    /// Signs the checkpoint of another log.
    OtherOrigin,
    /// Signs with a key nobody knows.
    OtherKey,
    /// Answers with a status and a body.
    Says(u16, &'static str),
    /// Names another size each time.
    Wavers,
}

/// A server on loopback that behaves so; what it was asked, in order, and the size it cosigned last.
struct Server {
    address: SocketAddr,
    manner: Arc<Mutex<Manner>>,
    asked: Arc<Mutex<Vec<AddCheckpoint>>>,
    known: Arc<Mutex<u64>>,
}

impl Server {
    async fn start(seed: u8, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Self {
            address,
            manner: Arc::new(Mutex::new(manner)),
            asked: Arc::default(),
            known: Arc::default(),
        };
        let (manner, asked, known) =
            (Arc::clone(&server.manner), Arc::clone(&server.asked), Arc::clone(&server.known));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (manner, asked, known) =
                    (*manner.lock().unwrap(), Arc::clone(&asked), Arc::clone(&known));
                tokio::spawn(async move {
                    let mut bytes = Vec::new();
                    let body = loop {
                        let mut part = [0; 4096];
                        let count = stream.read(&mut part).await.unwrap_or(0);
                        bytes.extend_from_slice(&part[..count]);
                        let text = String::from_utf8_lossy(&bytes).into_owned();
                        if let Some((head, body)) = text.split_once("\r\n\r\n") {
                            assert!(head.starts_with("POST /w/add-checkpoint HTTP/1.1\r\n"), "{head}");
                            let length = head.to_lowercase();
                            let length = length.split("content-length: ").nth(1).unwrap();
                            if body.len() >= length.lines().next().unwrap().parse().unwrap() {
                                break body.to_owned();
                            }
                        }
                        if count == 0 {
                            return;
                        }
                    };
                    let request = AddCheckpoint::parse(body.as_bytes()).unwrap();
                    asked.lock().unwrap().push(request.clone());
                    let own = key(&format!("w.example/{seed}"), Purpose::Witness, seed);
                    let line = |key: &SigningKey, text: &str| {
                        format!("{}\n", cosignature::cosign(text, 1_700_000_000, key).unwrap())
                    };
                    let text = &request.checkpoint.text;
                    let (status, answer) = match manner {
                        Manner::Honest => {
                            let mut known = known.lock().unwrap();
                            let size = text.lines().nth(1).unwrap().parse().unwrap();
                            if *known == request.old {
                                *known = size;
                                (200, line(&own, text))
                            } else {
                                (409, format!("{known}\n"))
                            }
                        }
                        Manner::Hangs => {
                            // For as long as the other side waits.
                            let _ = stream.read(&mut [0; 1]).await;
                            return;
                        }
                        Manner::Floods => (200, line(&own, text).repeat(500)),
                        Manner::OtherOrigin => {
                            (200, line(&own, &text.replace("gate.example", "evil.example")))
                        }
                        Manner::OtherKey => (200, line(&key("w.example/9", Purpose::Witness, 9), text)),
                        Manner::Says(status, body) => (status, body.to_owned()),
                        Manner::Wavers => (409, format!("{}\n", 1 - request.old)),
                    };
                    let length = answer.len();
                    let head = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {length}\r\n\r\n");
                    let _ = stream.write_all(format!("{head}{answer}").as_bytes()).await;
                });
            }
        });
        server
    }

    fn settings(&self, seed: u8) -> WitnessSettings {
        WitnessSettings {
            url: format!("http://{}/w/", self.address),
            key: key(&format!("w.example/{seed}"), Purpose::Witness, seed).verifying().to_string(),
            ca_file: None,
        }
    }

    fn becomes(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }
}

struct World {
    task: Task,
    tree: Arc<MemoryTree>,
    clock: Arc<ManualClock>,
}

impl World {
    fn new(witnesses: Vec<WitnessSettings>, quorum: usize) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_000_000)));
        let tree = Arc::new(MemoryTree::new());
        Self::of(witnesses, quorum, clock, tree, Arc::new(MemorySegments::new()))
    }

    fn of(
        witnesses: Vec<WitnessSettings>,
        quorum: usize,
        clock: Arc<ManualClock>,
        tree: Arc<MemoryTree>,
        segments: Arc<MemorySegments>,
    ) -> Self {
        let seal = Seal { key: log(), storage: Arc::clone(&tree) as Arc<dyn TreeStorage> };
        let protection = Protection { seal: Some(seal), ..Protection::default() };
        let settings = Settings { witnesses, witness_quorum: Some(quorum), ..Settings::default() };
        let (ledger, _) =
            Ledger::open_protected(segments, &settings, Arc::clone(&clock) as _, protection).unwrap();
        let witnessed = Witnessed {
            ledger,
            tree: Arc::clone(&tree) as Arc<dyn TreeStorage>,
            log: log().verifying().clone(),
            clock: Arc::clone(&clock) as _,
        };
        let of = |(index, one)| Arc::new(Witness::new(index, one, Period::from_secs(1)).unwrap());
        let witnesses: Vec<_> = settings.witnesses.iter().enumerate().map(of).collect();
        let keys = witnesses.iter().map(|witness| witness.key.clone()).collect();
        let figures =
            Figures { cosigned: AtomicU64::new(0), at: AtomicI64::new(i64::MIN), failing: AtomicU64::new(0) };
        let task = Task {
            witnesses,
            trust: Trust { log: log().verifying().clone(), witnesses: keys, quorum },
            every: Duration::from_secs(10),
            alarm: Duration::from_secs(600),
            begun: clock.now(),
            witnessed,
            figures: Arc::new(figures),
            waiting: None,
            missing: false,
        };
        Self { task, tree, clock }
    }

    /// Records one event; its checkpoint is there when this ends.
    async fn grow(&self) {
        let event = self.task.event("something", Outcome::Success);
        self.task.witnessed.ledger.record(event).await.unwrap();
        self.clock.advance(Duration::from_secs(2));
        self.task.witnessed.ledger.flush().await.unwrap();
        // The answer to a flush comes behind the signature of what was due.
        assert_eq!(self.signed(), self.task.witnessed.ledger.last().unwrap().0);
    }

    fn signed(&self) -> u64 {
        let note = Note::parse(&self.tree.checkpoint().unwrap().unwrap()).unwrap();
        Checkpoint::parse(&note.text).unwrap().size
    }

    async fn turn(&mut self) {
        self.task.round().await.unwrap();
        self.task.look().await;
    }

    fn cosigned(&self) -> Option<(u64, usize)> {
        let note = Note::parse(&self.tree.cosigned().unwrap()?).unwrap();
        Some((self.task.trust.open(&note).unwrap().size, self.task.trust.cosigners(&note)))
    }

    fn failing(&self) -> u64 {
        self.task.figures.failing.load(Ordering::Relaxed)
    }

    fn told(&self) -> Vec<String> {
        let query = Query { order: Order::OldestFirst, ..Query::default() };
        let events = self.task.witnessed.ledger.search(query).map(|record| record.unwrap().event);
        events.map(|event| event.action).filter(|action| action != "something").collect()
    }
}

#[tokio::test]
async fn each_new_checkpoint_is_cosigned_and_kept() {
    let (one, two) = (Server::start(2, Manner::Honest).await, Server::start(3, Manner::Honest).await);
    let mut world = World::new(vec![one.settings(2), two.settings(3)], 2);
    world.turn().await;
    assert_eq!(world.cosigned(), None, "nothing is there to be cosigned");
    for size in 1..4 {
        world.grow().await;
        world.turn().await;
        world.turn().await;
        assert_eq!(world.cosigned(), Some((size, 2)));
    }
    let asked: Vec<u64> = one.asked.lock().unwrap().iter().map(|request| request.old).collect();
    assert_eq!(asked, [0, 1, 2], "each checkpoint once, and from where it was");
    assert_eq!((world.failing(), world.told()), (0, vec![]));

    // A start later the gate has forgotten, and asks again from the size it is told.
    for witness in &world.task.witnesses {
        witness.state(|state| state.old = 0);
    }
    world.grow().await;
    world.turn().await;
    assert_eq!(world.cosigned(), Some((4, 2)));
    let asked: Vec<u64> = one.asked.lock().unwrap().iter().map(|request| request.old).collect();
    assert_eq!(asked, [0, 1, 2, 0, 3]);
}

#[tokio::test]
async fn a_witness_that_does_not_cosign_delays_nobody_else_and_counts_for_nothing() {
    for manner in [
        Manner::Hangs,
        Manner::Floods,
        Manner::OtherOrigin,
        Manner::OtherKey,
        Manner::Wavers,
        Manner::Says(200, ""),
        Manner::Says(200, "\u{2014} w.example/3 AAAA\n"),
        Manner::Says(200, "<html>\n\n\u{2014} w.example/3 AAAA\n"),
        Manner::Says(409, "many\n"),
        Manner::Says(302, ""),
        Manner::Says(404, ""),
        Manner::Says(500, ""),
    ] {
        let (honest, other) = (Server::start(2, Manner::Honest).await, Server::start(3, manner).await);
        let mut world = World::new(vec![honest.settings(2), other.settings(3)], 1);
        world.grow().await;
        world.turn().await;
        assert_eq!((world.cosigned(), world.failing()), (Some((1, 1)), 1), "{manner:?}");
        assert!(other.asked.lock().unwrap().len() <= 2, "{manner:?} is not asked for ever");

        // With both asked for, nothing is kept, and nothing is taken for the other's word.
        let mut strict = World::new(vec![honest.settings(2), other.settings(3)], 2);
        *honest.known.lock().unwrap() = 0;
        strict.grow().await;
        strict.turn().await;
        assert_eq!(strict.cosigned(), None, "{manner:?}");
        other.becomes(Manner::Honest);
        *other.known.lock().unwrap() = 0;
        strict.turn().await;
        assert_eq!((strict.cosigned(), strict.failing()), (Some((1, 2)), 0), "{manner:?} is over");
    }
}

#[tokio::test]
async fn silence_is_told_once_and_its_end_once() {
    let server = Server::start(2, Manner::Says(503, "")).await;
    let mut world = World::new(vec![server.settings(2)], 1);
    world.grow().await;
    world.turn().await;
    world.clock.advance(Duration::from_secs(599));
    world.turn().await;
    assert_eq!(world.told(), Vec::<String>::new());
    world.clock.advance(Duration::from_secs(1));
    for _ in 0..3 {
        world.turn().await;
        world.clock.advance(Duration::from_secs(700));
    }
    assert_eq!(world.told(), ["ledger.witness.missing"]);
    server.becomes(Manner::Honest);
    for _ in 0..3 {
        world.turn().await;
        world.clock.advance(Duration::from_secs(2));
        world.task.witnessed.ledger.flush().await.unwrap();
    }
    assert_eq!(world.told(), ["ledger.witness.missing", "ledger.witness.back"]);

    // Where nothing happens nothing waits, however long.
    world.turn().await;
    world.clock.advance(Duration::from_secs(90_000));
    world.turn().await;
    assert_eq!(world.told().len(), 2);
}

/// Somebody put a former copy back, or wrote the history anew: the witness knows better.
#[tokio::test]
async fn a_witness_that_contradicts_is_told_once_as_critical() {
    for (manner, words) in [
        (Manner::Says(409, "70\n"), "has cosigned 70 records, and there are 1"),
        (Manner::Says(409, "0\n"), "another history"),
        (Manner::Says(422, ""), "another history"),
    ] {
        let server = Server::start(2, manner).await;
        let mut world = World::new(vec![server.settings(2)], 1);
        world.grow().await;
        world.turn().await;
        world.turn().await;
        assert_eq!(world.told(), ["ledger.witness.contradicts"], "{manner:?}");
        let found = world.task.witnessed.ledger.tail(1).unwrap().remove(0).event;
        assert_eq!((found.severity, found.resource.as_str()), (Some(Severity::Critical), "w.example/2"));
        assert!(found.reason.unwrap().contains(words), "{manner:?}");
        assert_eq!(world.cosigned(), None);
    }
}

/// The gate does not start on less than what was cosigned, nor on something else, also with the right key.
#[tokio::test]
async fn a_ledger_that_is_not_what_was_cosigned_does_not_open() {
    let server = Server::start(2, Manner::Honest).await;
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_000_000)));
    let (tree, segments) = (Arc::new(MemoryTree::new()), Arc::new(MemorySegments::new()));
    let former = World::of(vec![server.settings(2)], 1, clock, Arc::clone(&tree), segments);
    let mut world = former;
    for _ in 0..3 {
        world.grow().await;
    }
    world.turn().await;
    assert_eq!(world.cosigned(), Some((3, 1)));
    let cosigned = tree.cosigned().unwrap().unwrap();

    let open = move |records: u64, later: i64| {
        let (tree, segments) = (Arc::new(MemoryTree::new()), Arc::new(MemorySegments::new()));
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_000_000 + later)));
        let open = |tree: &Arc<MemoryTree>| {
            let seal = Seal { key: log(), storage: Arc::clone(tree) as Arc<dyn TreeStorage> };
            let protection = Protection { seal: Some(seal), ..Protection::default() };
            Ledger::open_protected(
                Arc::clone(&segments) as _,
                &Settings::default(),
                Arc::clone(&clock) as _,
                protection,
            )
        };
        let (ledger, _) = open(&tree).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for _ in 0..records {
            let (kind, control) = (EventKind::Configuration, ControlId::LEDGER_TAMPER_EVIDENCE);
            let event = Event::new(clock.now(), kind, "something", Actor::Gate, Outcome::Success, control);
            runtime.block_on(ledger.record(event)).unwrap();
            clock.advance(Duration::from_secs(2));
        }
        runtime.block_on(ledger.close()).unwrap();
        tree.put_cosigned(&cosigned).unwrap();
        open(&tree).map(drop).map_err(|error| error.to_string())
    };
    let opened = tokio::task::spawn_blocking(move || [open(3, 0), open(4, 0), open(2, 0), open(3, 1)]);
    let [same, grown, shorter, other] = opened.await.unwrap();
    assert_eq!((same, grown), (Ok(()), Ok(())));
    assert_eq!(shorter, Err("the checkpoint says 3 records, and the ledger ends with 2".to_owned()));
    assert_eq!(other, Err("witnesses cosigned another history of the first 3 records".to_owned()));
}
