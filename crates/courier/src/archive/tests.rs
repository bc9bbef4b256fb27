//! Archives that are honest, away, slow, wrong or lying, on loopback and in a directory.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use gabion_ledger::hold::Holds;
use gabion_ledger::{
    MemorySegments, MemoryTree, Protection, Query, Seal, SegmentSource, SegmentStorage, Settings,
};
use gabion_model::{ByteSize, ManualClock, MemoryDocuments, Period, Secret};
use gabion_tlog::note::Purpose;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

fn key() -> SigningKey {
    SigningKey::new("gate.example/ledger", Purpose::Log, &Secret::new([1; 32])).unwrap()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// As S3.
    Honest,
    /// Says yes and keeps nothing.
    Forgets,
    Hangs,
    /// Sends a body without an end.
    Floods,
    /// Answers with this status.
    Says(u16),
    /// Sends elsewhere.
    Redirects,
    /// Ends in the middle of what it gives back.
    Cuts,
    /// Gives back everything with one byte changed.
    Changes,
    /// Gives back everything with more behind it.
    Adds,
    /// Says nothing of HTTP.
    Nonsense,
}

const MANNERS: &[Manner] = &[
    Manner::Forgets,
    Manner::Hangs,
    Manner::Floods,
    Manner::Says(403),
    Manner::Says(404),
    Manner::Says(409),
    Manner::Says(500),
    Manner::Says(503),
    Manner::Redirects,
    Manner::Cuts,
    Manner::Changes,
    Manner::Adds,
    Manner::Nonsense,
];

/// A bucket on loopback.
#[derive(Clone)]
struct Server {
    address: SocketAddr,
    manner: Arc<Mutex<Manner>>,
    objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// Requests that replaced an object.
    replaced: Arc<Mutex<u64>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let manner = Arc::new(Mutex::new(Manner::Honest));
        let server = Self { address, manner, objects: Arc::default(), replaced: Arc::default() };
        let own = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.serve(stream).await });
            }
        });
        server
    }

    async fn serve(&self, mut stream: tokio::net::TcpStream) -> Option<()> {
        let mut bytes = Vec::new();
        let (head, at) = loop {
            let mut part = [0; 65_536];
            let count = stream.read(&mut part).await.ok().filter(|count| *count > 0)?;
            bytes.extend_from_slice(&part[..count]);
            if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
                break (String::from_utf8(bytes[..at].to_vec()).ok()?, at + 4);
            }
        };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        while bytes.len() < at + length.unwrap_or(0) {
            let mut part = [0; 65_536];
            let count = stream.read(&mut part).await.ok().filter(|count| *count > 0)?;
            bytes.extend_from_slice(&part[..count]);
        }
        let body = bytes[at..].to_vec();
        let mut words = head.split(' ');
        let (method, path) = (words.next()?, words.next()?);
        assert!(head.contains("authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{head}");
        let manner = *self.manner.lock().unwrap();
        let (status, mut answer) = self.answer(method, path, &head, body, manner);
        let mut more = String::new();
        match manner {
            Manner::Hangs => {
                let _ = stream.read(&mut [0; 1]).await;
                return None;
            }
            Manner::Floods => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
                while stream
                    .write_all(format!("10000\r\n{}\r\n", "x".repeat(65_536)).as_bytes())
                    .await
                    .is_ok()
                {}
                return None;
            }
            Manner::Nonsense => {
                let _ = stream.write_all(b"\0\0\0\0 hello\r\n\r\n").await;
                return None;
            }
            Manner::Redirects => more = format!("location: http://{}/elsewhere\r\n", self.address),
            Manner::Changes if method == "GET" => answer.iter_mut().take(1).for_each(|byte| *byte ^= 1),
            Manner::Adds if method == "GET" => answer.push(0),
            _ => {}
        }
        let length = answer.len();
        let head = format!("HTTP/1.1 {status} Whatever\r\n{more}content-length: {length}\r\n\r\n");
        let _ = stream.write_all(head.as_bytes()).await;
        let sent = if manner == Manner::Cuts { length / 2 } else { length };
        let _ = stream.write_all(&answer[..sent]).await;
        Some(())
    }

    fn answer(&self, method: &str, path: &str, head: &str, body: Vec<u8>, manner: Manner) -> (u16, Vec<u8>) {
        match manner {
            Manner::Says(status) => return (status, b"<Error><Code>NoLuck</Code></Error>".to_vec()),
            Manner::Redirects => return (307, Vec::new()),
            Manner::Forgets if method == "PUT" => return (200, Vec::new()),
            _ => {}
        }
        let mut objects = self.objects.lock().unwrap();
        if let Some((_, query)) = path.split_once("?list-type=2") {
            let after = query.split("start-after=").nth(1).unwrap_or_default().replace("%2F", "/");
            let keys = objects.keys().filter_map(|key| key.strip_prefix("/ledger/"));
            let fits = |key: &&str| key.starts_with("one/manifests/") && **key > *after;
            let keys: String = keys.filter(fits).take(2).map(|key| format!("<Key>{key}</Key>")).collect();
            return (200, keys.into_bytes());
        }
        match method {
            "PUT" if objects.contains_key(path) => {
                if !head.contains("if-none-match: *") {
                    *self.replaced.lock().unwrap() += 1;
                }
                (412, Vec::new())
            }
            "PUT" => {
                objects.insert(path.to_owned(), body);
                (200, Vec::new())
            }
            _ => objects.get(path).map_or((404, Vec::new()), |object| (200, object.clone())),
        }
    }

    fn becomes(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    fn settings(&self, secret: &std::path::Path) -> ArchiveSettings {
        ArchiveSettings {
            endpoint: Some(format!("http://{}", self.address)),
            bucket: Some("ledger".to_owned()),
            prefix: "one".to_owned(),
            access_key_id: Some("AKIDEXAMPLE".to_owned()),
            secret_key_file: Some(secret.to_owned()),
            timeout: Period::from_secs(4),
            alarm: Period::from_secs(10),
            ..ArchiveSettings::default()
        }
    }
}

#[derive(Debug, Default)]
struct MemoryProgress(Mutex<Option<String>>);

impl ArchiveProgress for MemoryProgress {
    fn read(&self) -> io::Result<Option<String>> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn write(&self, line: &str) -> io::Result<()> {
        *self.0.lock().unwrap() = Some(line.to_owned());
        Ok(())
    }
}

/// A sealed ledger with small segments, and what copies it.
struct World {
    ledger: Ledger,
    segments: Arc<MemorySegments>,
    tree: Arc<MemoryTree>,
    clock: Arc<ManualClock>,
    retention: Arc<Retention>,
    progress: Arc<MemoryProgress>,
    board: ArchiveBoard,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_000_000)));
        let (segments, tree) = (Arc::new(MemorySegments::new()), Arc::new(MemoryTree::new()));
        let holds = Arc::new(Holds::open(Arc::new(MemoryDocuments::default())).unwrap());
        let source = Arc::clone(&segments) as Arc<dyn SegmentSource>;
        let retention = Arc::new(Retention::new(holds, source, true));
        let seal = Seal { key: key(), storage: Arc::clone(&tree) as Arc<dyn TreeStorage> };
        let settings = Settings {
            segment_size: ByteSize::new(64 << 10),
            keep: Some(Period::from_secs(86_400)),
            ..Settings::default()
        };
        let retained = Some(Arc::clone(&retention));
        let protection = Protection { seal: Some(seal), records: None, retention: retained };
        let storage = Arc::clone(&segments) as Arc<dyn SegmentStorage>;
        let own = Arc::clone(&clock) as Arc<dyn Clock>;
        let ledger = Ledger::open_protected(storage, &settings, own, protection).unwrap().0;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "wJalrXUtnFEMI\n").unwrap();
        let (progress, board) = (Arc::default(), ArchiveBoard::default());
        Self { ledger, segments, tree, clock, retention, progress, board, folder }
    }

    fn task(&self, settings: &ArchiveSettings) -> Task {
        let archived = Archived {
            ledger: self.ledger.clone(),
            tree: Arc::clone(&self.tree) as Arc<dyn TreeStorage>,
            key: key(),
            retention: Arc::clone(&self.retention),
            progress: Arc::clone(&self.progress) as Arc<dyn ArchiveProgress>,
            board: self.board.clone(),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            pace: Pace::default(),
        };
        Task::new(settings, archived).unwrap()
    }

    fn settings(&self, server: &Server) -> ArchiveSettings {
        server.settings(&self.folder.path().join("secret"))
    }

    /// Records until there are so many finished segments more, and lets all of it be sealed.
    async fn record(&self, more: usize) {
        // The first one is not finished either.
        let before = self.segments.list().unwrap().len().max(1);
        let mut number = 0;
        while self.segments.list().unwrap().len() < before + more {
            let mut event = Event::new(
                self.clock.now(),
                EventKind::Configuration,
                "something",
                Actor::Gate,
                Outcome::Success,
                ControlId::LEDGER_RETENTION,
            );
            event.reason = Some("x".repeat(900));
            self.ledger.record(event).await.unwrap();
            number += 1;
            assert!(number < 10_000);
        }
        // What is sealed while the clock moves is not sealed again before the clock has moved on.
        self.ledger.flush().await.unwrap();
        self.clock.advance(Duration::from_secs(2));
        self.ledger.flush().await.unwrap();
    }

    fn actions(&self, action: &str) -> usize {
        let query = Query { action: Some(action.to_owned()), ..Query::default() };
        self.ledger.search(query).count()
    }

    fn archived(&self) -> u64 {
        self.board.standing().unwrap().segment.map_or(0, |segment| segment.0)
    }

    async fn reader(&self, settings: &ArchiveSettings) -> ArchiveReader {
        ArchiveReader::open(settings, Arc::clone(&self.clock) as Arc<dyn Clock>).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_archived_is_verified_and_fetched() {
    let (world, server) = (World::new(), Server::start().await);
    let settings = world.settings(&server);
    world.record(3).await;
    let mut task = world.task(&settings);
    task.round().await.unwrap();
    assert_eq!(world.archived(), 3);
    // Another start goes on behind it.
    world.record(2).await;
    let mut task = world.task(&settings);
    task.round().await.unwrap();
    assert_eq!(world.archived(), 5);
    assert_eq!(world.actions("ledger.archive"), 5);

    let reader = world.reader(&settings).await;
    let listed = reader.list().await.unwrap();
    assert_eq!(listed.len(), 5);
    let verified = reader.verify(key().verifying(), |_, _| {}).await.unwrap();
    assert_eq!((verified.segments, verified.first), (5, Position(1)));
    assert!(verified.tiles > 5);

    let into = world.folder.path().join("fetched");
    let all = reader.fetch(Range::default(), &into, key().verifying(), |_| {}).await.unwrap();
    assert_eq!((all.segments, all.last), (5, verified.last));
    assert_eq!(std::fs::read(into.join("tree/checkpoint")).unwrap(), listed[4].checkpoint.as_bytes());
    // Once more: everything is there and the same.
    reader.fetch(Range::default(), &into, key().verifying(), |_| {}).await.unwrap();
    std::fs::write(into.join(SegmentId(2).file_name()), "something else").unwrap();
    let error = reader.fetch(Range::default(), &into, key().verifying(), |_| {}).await.unwrap_err();
    assert!(matches!(error, ArchiveError::InTheWay(_)), "{error}");

    let middle = Range { first: Some(listed[1].last), last: Some(listed[2].first) };
    let into = world.folder.path().join("middle");
    let some = reader.fetch(middle, &into, key().verifying(), |_| {}).await.unwrap();
    assert_eq!((some.segments, some.first, some.last), (2, listed[1].first, listed[2].last));
    let other = SigningKey::new("gate.example/ledger", Purpose::Log, &Secret::new([2; 32])).unwrap();
    let error = reader.verify(other.verifying(), |_, _| {}).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Manifest { .. }), "{error}");
    assert_eq!(*server.replaced.lock().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_in_an_archive_is_found() {
    let (world, server) = (World::new(), Server::start().await);
    let settings = world.settings(&server);
    world.record(3).await;
    world.task(&settings).round().await.unwrap();
    let reader = world.reader(&settings).await;
    let names: Vec<String> = server.objects.lock().unwrap().keys().cloned().collect();
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        let whole = server.objects.lock().unwrap()[&name].clone();
        for damage in 0..4 {
            let mut changed = whole.clone();
            match damage {
                0 => drop(changed.pop()),
                1 => changed.push(b' '),
                2 => changed[whole.len() / 2] ^= 4,
                _ => changed.clear(),
            }
            // White space behind JSON says nothing.
            if damage < 2 && name.contains("manifests") {
                continue;
            }
            server.objects.lock().unwrap().insert(name.clone(), changed);
            let verified = reader.verify(key().verifying(), |_, _| {}).await;
            assert!(verified.is_err(), "{name} {damage}");
        }
        server.objects.lock().unwrap().remove(&name);
        let verified = reader.verify(key().verifying(), |_, _| {}).await;
        // Without its first or its last manifest it is a shorter archive, and says so; a gap it may not have.
        let shorter = name.contains("manifests") && !name.ends_with("2.json");
        assert_eq!(verified.is_ok(), shorter, "{name}");
        server.objects.lock().unwrap().insert(name, whole);
    }
    reader.verify(key().verifying(), |_, _| {}).await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whatever an archive does, the ledger records, nothing is removed here, nothing there is replaced; and when it is itself
    /// again, everything is copied.
    #[test]
    fn a_hostile_archive_costs_nobody_anything_but_its_copy(
        manners in prop::collection::vec(prop::sample::select(MANNERS), 1..4), before: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let (world, server) = (World::new(), Server::start().await);
            let settings = world.settings(&server);
            let mut task = world.task(&settings);
            world.record(1).await;
            if before {
                task.round().await.unwrap();
            }
            let archived = world.archived();
            world.record(1).await;
            for manner in manners {
                server.becomes(manner);
                prop_assert!(task.turn().await, "{:?}", manner);
                prop_assert_eq!(world.archived(), archived);
                // All of it is older than `keep`; only what is in the archive goes.
                world.clock.advance(Duration::from_secs(3 * 86_400));
                world.record(1).await;
                let first = world.segments.list().unwrap()[0].0;
                prop_assert!(first <= archived + 1, "{:?}: {}", manner, first);
                prop_assert_eq!(world.ledger.status(), gabion_ledger::Status::Ready);
            }
            server.becomes(Manner::Honest);
            prop_assert!(!task.turn().await, "{:?}", world.board.standing());
            prop_assert_eq!(world.board.standing().unwrap().waiting, 0);
            prop_assert_eq!(*server.replaced.lock().unwrap(), 0);
            world.reader(&settings).await.verify(key().verifying(), |_, _| {}).await.unwrap();
            Ok(())
        })?;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_away_is_told_of_once_and_when_it_is_back() {
    let (world, server) = (World::new(), Server::start().await);
    let mut task = world.task(&world.settings(&server));
    world.record(1).await;
    server.becomes(Manner::Says(503));
    for _ in 0..3 {
        assert!(task.turn().await);
        world.clock.advance(Duration::from_secs(11));
    }
    assert_eq!(world.actions("ledger.archive.missing"), 1);
    let failing = world.board.standing().unwrap().failing.unwrap();
    assert_eq!(failing, "it answered with status 503 (NoLuck)");
    server.becomes(Manner::Honest);
    assert!(!task.turn().await);
    assert_eq!(world.actions("ledger.archive.back"), 1);
    assert_eq!(world.actions("ledger.archive.contradicts"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_ledger_in_the_same_place_is_never_touched() {
    let (world, other, server) = (World::new(), World::new(), Server::start().await);
    other.record(1).await;
    other.clock.advance(Duration::from_secs(1));
    other.task(&other.settings(&server)).round().await.unwrap();
    let before = server.objects.lock().unwrap().clone();
    // Of other records.
    world.clock.advance(Duration::from_secs(77));
    world.record(1).await;
    let mut task = world.task(&world.settings(&server));
    for _ in 0..2 {
        assert!(task.turn().await);
    }
    assert_eq!(*server.objects.lock().unwrap(), before);
    assert_eq!(world.actions("ledger.archive.contradicts"), 1, "told once");
    assert_eq!(world.archived(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_interrupted_goes_on_and_a_lost_place_is_found_again() {
    let (world, server) = (World::new(), Server::start().await);
    let settings = world.settings(&server);
    world.record(2).await;
    world.task(&settings).round().await.unwrap();
    // As a crash before the manifest, and whoever removed a copy and tiles, leave it.
    for lost in ["manifests/00000000000000000002.json", "00000000000000000001.segment", "tree/tile/0"] {
        server.objects.lock().unwrap().retain(|name, _| !name.contains(lost));
    }
    *world.progress.0.lock().unwrap() = None;
    world.task(&settings).round().await.unwrap();
    assert_eq!(world.archived(), 2);
    world.reader(&settings).await.verify(key().verifying(), |_, _| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_was_changed_here_is_not_archived() {
    let (world, server) = (World::new(), Server::start().await);
    world.record(1).await;
    let mut bytes = world.segments.bytes(SegmentId::FIRST);
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    world.segments.put(SegmentId::FIRST, bytes);
    assert!(world.task(&world.settings(&server)).turn().await);
    assert_eq!(server.objects.lock().unwrap().len(), 0);
    assert_eq!(world.actions("ledger.archive.contradicts"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_an_archive_as_well() {
    let world = World::new();
    let directory = world.folder.path().join("archive");
    let settings = ArchiveSettings { directory: Some(directory.clone()), ..ArchiveSettings::default() };
    world.record(2).await;
    world.task(&settings).round().await.unwrap();
    let reader = world.reader(&settings).await;
    let verified = reader.verify(key().verifying(), |_, _| {}).await.unwrap();
    assert_eq!(verified.segments, 2);
    // What somebody else put there stays.
    std::fs::write(directory.join(SegmentId(3).file_name()), "not ours").unwrap();
    world.record(1).await;
    assert!(world.task(&settings).turn().await);
    assert_eq!(std::fs::read(directory.join(SegmentId(3).file_name())).unwrap(), b"not ours");
    assert_eq!(world.archived(), 2);
}
