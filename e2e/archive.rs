//! The ledger's archive in a server of others that speaks as S3 does and verifies every signature (moto); what leaves this
//! machine by age is there, comes back, and is still what was signed.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use bytes::Bytes;
use gabion_ledger::SegmentId;
use gabion_ledger::format::Header;
use gabion_model::Timestamp;
use gabion_verifier::{Files, log_key, trust, whole};
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::application::Application;
use crate::client::{Client, text};
use crate::clients::python;
use crate::gate::{Gate, PATIENCE, command};

/// A bucket `ledger`. Ends with the value.
struct Bucket {
    folder: TempDir,
    endpoint: String,
    id: String,
    _process: Child,
}

impl Bucket {
    async fn start() -> Self {
        let mut server = python("s3_server.py", &["ledger"]);
        let server = server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = server.spawn().expect("Python runs");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it starts");
        let line = line.expect("a line").expect("it runs; `cargo xtask test clients`");
        let said: Value = serde_json::from_str(&line).expect("JSON");
        let word = |name: &str| said[name].as_str().expect("a word").to_owned();
        let folder = TempDir::new().expect("a temporary directory");
        fs::write(folder.path().join("secret"), word("secret")).expect("written");
        Self { folder, endpoint: word("endpoint"), id: word("id"), _process: process }
    }

    fn settings(&self) -> String {
        let (endpoint, id) = (&self.endpoint, &self.id);
        format!(
            "[log]\nlevel = \"info\"\n\n[ledger]\nsegment_size = \"64KiB\"\nkeep = \"1d\"\n\n\
             [ledger.archive]\nendpoint = \"{endpoint}\"\nbucket = \"ledger\"\nprefix = \"gates/one\"\n\
             access_key_id = \"{id}\"\nsecret_key_file = {:?}\n",
            self.folder.path().join("secret")
        )
    }
}

struct Shop {
    gate: Gate,
    key: String,
}

impl Shop {
    async fn open(gate: Gate) -> Self {
        gate.cli(&["service-account", "add", "shop"]).await;
        let made = ["api-key", "create", "--account", "shop", "--scope", "gabion:events", "--format", "json"];
        let made: Value = serde_json::from_str(&gate.cli(&made).await).expect("JSON");
        Self { gate, key: made["key"].as_str().expect("a key").to_owned() }
    }

    /// Lets the shop say so much that a segment is full.
    async fn fill_a_segment(&self) {
        let before = newest(&segments(&self.gate));
        for number in 0..200 {
            let metadata: serde_json::Map<_, _> = ["a", "b", "c", "d", "e", "f"]
                .map(|key| (key.to_owned(), json!("x".repeat(250))))
                .into_iter()
                .collect();
            let event = json!({ "action": "order.made", "outcome": "success", "resource": format!("/orders/{number}"), "metadata": metadata });
            let request = Request::post("/.gabion/api/v1/events")
                .header("authorization", format!("Bearer {}", self.key))
                .header("content-type", "application/json");
            let answer = Client::new(self.gate.address).send(request, Bytes::from(event.to_string())).await;
            let answer = answer.expect("the gate answers");
            assert_eq!(answer.status(), StatusCode::CREATED, "{}", text(&answer));
            if newest(&segments(&self.gate)) > before {
                return;
            }
        }
        panic!("no segment is full");
    }
}

fn data(gate: &Gate) -> PathBuf {
    gate.directory().join("data/ledger")
}

fn segments(gate: &Gate) -> Vec<SegmentId> {
    segments_in(&data(gate))
}

fn segments_in(directory: &Path) -> Vec<SegmentId> {
    let names = fs::read_dir(directory).expect("a directory");
    let mut segments: Vec<_> = names
        .filter_map(|entry| SegmentId::from_file_name(entry.expect("an entry").file_name().to_str()?))
        .collect();
    segments.sort_unstable();
    segments
}

fn newest(segments: &[SegmentId]) -> SegmentId {
    *segments.last().expect("a segment")
}

/// Makes the finished segments of a stopped gate two days old: their times stand in the header of the segment behind them.
fn age(ledger: &Path) {
    for segment in segments_in(ledger).into_iter().skip(1) {
        let path = ledger.join(segment.file_name());
        let bytes = fs::read(&path).expect("a segment");
        let mut header = Header::decode(&bytes).expect("a header");
        let two_days = |at: Timestamp| Timestamp::from_micros(at.as_micros() - 2 * 86_400 * 1_000_000);
        header.previous.earliest = two_days(header.previous.earliest);
        header.previous.latest = two_days(header.previous.latest);
        let file = fs::OpenOptions::new().write(true).open(&path).expect("it opens");
        file.write_all_at(&header.encode(), 0).expect("it is written");
    }
}

async fn refused(directory: &Path, arguments: &[&str]) -> String {
    let output = command(directory).args(arguments).output().await.expect("gabion runs");
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn what_leaves_by_age_is_in_the_archive_and_comes_back() {
    let (application, bucket) = (Application::start().await, Bucket::start().await);
    let gate = Gate::start_with(application.address, &bucket.settings()).await;
    let shop = Shop::open(gate).await;
    shop.fill_a_segment().await;
    shop.fill_a_segment().await;
    let archived = |text: &str| text.matches("ledger segment archived").count() >= 2;
    shop.gate.said(archived).await;
    let standing: Value =
        serde_json::from_str(&shop.gate.cli(&["ledger", "status", "--format", "json"]).await).expect("JSON");
    assert_eq!((&standing["archive"]["segment"], &standing["archive"]["waiting"]), (&json!(2), &json!(0)));
    assert!(shop.gate.metric("gabion_ledger_archived_records").await > 2.0);
    assert!((shop.gate.metric("gabion_ledger_archive_failing").await - 0.0).abs() < f64::EPSILON);
    let listed: Value =
        serde_json::from_str(&shop.gate.cli(&["ledger", "archive", "list", "--format", "json"]).await)
            .expect("JSON");
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    let verified = shop.gate.cli(&["ledger", "archive", "verify"]).await;
    assert!(verified.contains("2 segments with the records 1 to"), "{verified}");

    // Two days later, with a hold on the first record.
    let hold = ["ledger", "hold", "add", "case-7", "--reason", "a letter from a court", "--last", "1"];
    shop.gate.cli(&hold).await;
    let Shop { gate, key } = shop;
    let stopped = gate.terminate().await;
    age(&stopped.data().join("ledger"));
    let shop = Shop { gate: stopped.start_again().await, key };
    shop.fill_a_segment().await;
    assert!(segments(&shop.gate).contains(&SegmentId(1)), "it is held");
    shop.gate.cli(&["ledger", "hold", "remove", "case-7"]).await;
    shop.fill_a_segment().await;
    let left = segments(&shop.gate);
    assert!(!left.contains(&SegmentId(1)) && !left.contains(&SegmentId(2)), "{left:?}");
    shop.gate.said(|text| text.matches("ledger segment archived").count() >= 2).await;
    shop.gate.cli(&["ledger", "verify"]).await;

    // And back.
    let fetched = shop.gate.directory().join("fetched");
    let into = fetched.to_str().expect("a path");
    shop.gate.cli(&["ledger", "archive", "fetch", into]).await;
    assert_eq!(segments_in(&fetched)[..2], [SegmentId(1), SegmentId(2)]);
    let key = shop.gate.cli(&["ledger", "key"]).await;
    let trust = trust(log_key(key.trim()).expect("a key"), &[], None).expect("trust");
    let files = Files::open(&fetched).expect("a ledger");
    let verdict = whole(&files, &trust, None, &[], |_, _| {}).expect("what was signed");
    assert_eq!((verdict.verified.first.0, verdict.verified.behind), (1, 0));
    let found =
        ["ledger", "search", "--action", "order.made", "--resource", "/orders/0", "--directory", into];
    let found = shop.gate.cli(&found).await;
    assert!(found.contains("order.made") && found.contains("shop"), "{found}");
}

#[tokio::test]
async fn a_hold_keeps_personal_data_from_being_erased() {
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, "").await;
    for name in ["bob", "eve"] {
        gate.add_account(name, crate::oauth::PASSWORD).await;
    }
    gate.cli(&["ledger", "hold", "add", "case-bob", "--reason", "a lawsuit", "--principal", "bob"]).await;
    let said = refused(gate.directory(), &["user", "erase", "bob"]).await;
    assert!(said.contains("the legal hold `case-bob` keeps it"), "{said}");
    let people = gate.cli(&["user", "list"]).await;
    assert!(people.contains("bob"), "the account is still there: {people}");
    gate.cli(&["user", "erase", "eve"]).await;

    // Removed all the same, it can be erased when the hold has ended, and not before.
    gate.cli(&["user", "remove", "bob"]).await;
    let said = refused(gate.directory(), &["ledger", "erase", "bob"]).await;
    assert!(said.contains("case-bob"), "{said}");
    let listed = gate.cli(&["ledger", "hold", "list"]).await;
    assert!(listed.contains("records of bob") && listed.contains("a lawsuit"), "{listed}");
    gate.cli(&["ledger", "hold", "remove", "case-bob"]).await;
    gate.cli(&["ledger", "erase", "bob"]).await;
    let acts = gate.cli(&["ledger", "search", "--action", "ledger.hold.add", "--format", "json"]).await;
    assert!(!acts.contains("\"bob\"") && acts.contains("erased"), "{acts}");

    // A hold on everything holds everybody.
    gate.add_account("ann", crate::oauth::PASSWORD).await;
    gate.cli(&["ledger", "hold", "add", "all", "--reason", "an audit"]).await;
    let said = refused(gate.directory(), &["user", "erase", "ann"]).await;
    assert!(said.contains("the legal hold `all` keeps it"), "{said}");
    for wrong in [
        &["ledger", "hold", "add", "all", "--reason", "twice"][..],
        &["ledger", "hold", "add", "Case 1", "--reason", "a name"][..],
        &["ledger", "hold", "add", "x", "--reason", " "][..],
        &["ledger", "hold", "add", "x", "--reason", "y", "--principal", "nobody-at-all"][..],
        &["ledger", "hold", "add", "x", "--reason", "y", "--since", "yesterday"][..],
        &["ledger", "hold", "add", "x", "--reason", "y", "--first", "3", "--last", "2"][..],
        &["ledger", "hold", "remove", "x"][..],
    ] {
        refused(gate.directory(), wrong).await;
    }
    assert_eq!(
        gate.cli(&["ledger", "hold", "list", "--format", "json"]).await.matches("\"name\"").count(),
        1
    );
}
