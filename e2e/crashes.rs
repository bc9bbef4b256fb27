//! `kill -9` at random moments under load: while records are written, while a segment or a tile is begun, while a
//! checkpoint is signed, while the gate starts. Every record that was acknowledged is there afterwards, in its place; the
//! ledger verifies as it was left and after every start; and after an orderly stop its tree has exactly the files it should.
//!
//! A few kills here, as many as one likes with `cargo xtask soak ledger --kills 200`. The moments come from a seed, which
//! is printed when something is wrong. Nothing here waits for something to have happened: the waiting is the moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::application::Application;
use crate::client::{Client, text};
use crate::gate::{Gate, PATIENCE, command};

/// Kills where nobody asks for more.
const KILLS: u64 = 15;
/// Callers at one time.
const CALLERS: u64 = 6;

/// Small segments, so that many are begun, and no bound on how often a caller may ask.
const SETTINGS: &str =
    "[ledger]\nsegment_size = \"64KiB\"\n\n[checks.rate.profiles.events]\nrequests = 5000000\nper = \"1m\"\n";

/// What was acknowledged: the record's place and what stands there.
type Acknowledged = BTreeMap<u64, String>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_whenever_the_gate_is_killed() {
    let kills = asked("GABION_SOAK_KILLS").unwrap_or(KILLS);
    let seed = asked("GABION_SOAK_SEED").unwrap_or(1);
    let mut moments = Moments(seed);
    let application = Application::start().await;
    let mut gate = Gate::start_with(application.address, SETTINGS).await;
    gate.cli(&["service-account", "add", "shop"]).await;
    let made = ["api-key", "create", "--account", "shop", "--scope", "gabion:events", "--format", "json"];
    let made: Value = serde_json::from_str(&gate.cli(&made).await).expect("JSON");
    let key = made["key"].as_str().expect("a key").to_owned();

    let mut all = Acknowledged::new();
    for kill in 0..kills {
        let what = format!("kill {kill} of seed {seed}");
        let (sender, mut acknowledged) = unbounded_channel();
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            callers.spawn(record_on_and_on(
                gate.address,
                key.clone(),
                format!("{kill}-{caller}"),
                sender.clone(),
            ));
        }
        drop(sender);
        let mut new = Acknowledged::new();
        new.extend(tokio::time::timeout(PATIENCE, acknowledged.recv()).await.expect("in time"));
        tokio::time::sleep(Duration::from_micros(moments.below(1_500_000))).await;
        let stopped = gate.kill().await;
        while let Some(acknowledgement) = acknowledged.recv().await {
            new.extend([acknowledgement]);
        }
        callers.shutdown().await;
        let directory = stopped.data().parent().expect("a directory").to_owned();
        if moments.below(4) == 0 {
            killed_while_starting(&directory, Duration::from_micros(moments.below(300_000))).await;
        }

        verified(&directory, &what).await;
        gate = stopped.start_again().await;
        // Whatever came behind them was not acknowledged, and there is little of it.
        let count = (new.len() + 200).to_string();
        let newest = records(&gate.cli(&["ledger", "tail", "-n", &count, "--format", "json"]).await);
        found(&new, &newest, &what);
        all.extend(new);
        if kill % 10 == 9 {
            gate = in_order(gate, &what).await;
        }
    }
    let directory = gate.directory().to_owned();
    let exported = gate.cli(&["ledger", "export", "--kind", "application", "--format", "json"]).await;
    found(&all, &records(&exported), &format!("seed {seed}"));
    assert!(all.len() as u64 > kills, "there was load: {} records", all.len());
    verified(&directory, "a running gate").await;
    let gate = in_order(gate, "the end").await;
    gate.terminate().await;
}

/// Records as fast as the gate acknowledges, until it is gone.
async fn record_on_and_on(
    gate: SocketAddr,
    key: String,
    caller: String,
    acknowledged: UnboundedSender<(u64, String)>,
) {
    let mut client = Client::new(gate);
    for number in 0_u64.. {
        let resource = format!("/soak/{caller}/{number}");
        let event = json!({ "action": "soak.recorded", "outcome": "success", "resource": resource });
        let request = Request::post("/.gabion/api/v1/events")
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json");
        let Ok(answer) = client.send(request, Bytes::from(event.to_string())).await else { return };
        if !answer.status().is_success() {
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{}", text(&answer));
            continue;
        }
        let answer: Value = serde_json::from_str(&text(&answer)).expect("JSON");
        let position = answer["position"].as_u64().expect("a place");
        if acknowledged.send((position, resource)).is_err() {
            return;
        }
    }
}

/// A start that is killed: recovery is interrupted as well.
async fn killed_while_starting(directory: &Path, after: Duration) {
    let mut process = command(directory)
        .args(["run", "--config", "gabion.toml"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the gate starts");
    tokio::time::sleep(after).await;
    process.kill().await.expect("the process is killed");
}

/// The number of a tile as its path has it: groups of three digits, `x` before all but the last.
fn tile(number: u64) -> String {
    let (mut name, mut rest) = (format!("{:03}", number % 1000), number / 1000);
    while rest > 0 {
        name = format!("x{:03}/{name}", rest % 1000);
        rest /= 1000;
    }
    name
}

/// The ledger as it lies there is what was signed.
async fn verified(directory: &Path, what: &str) {
    let output = command(directory).args(["ledger", "verify"]).output().await.expect("gabion runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}, in {}: {told}", directory.display());
}

fn records(lines: &str) -> BTreeMap<u64, Value> {
    let all = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    all.map(|record| (record["position"].as_u64().expect("a number"), record)).collect()
}

fn found(acknowledged: &Acknowledged, records: &BTreeMap<u64, Value>, what: &str) {
    for (position, resource) in acknowledged {
        let there = records.get(position).map(|record| &record["resource"]);
        assert_eq!(there, Some(&json!(resource)), "{what}: record {position} was acknowledged");
    }
}

/// Stops the gate, looks at the files of its tree, and starts it again.
async fn in_order(gate: Gate, what: &str) -> Gate {
    let stopped = gate.terminate().await;
    let directory = stopped.data().join("ledger");
    let note = fs::read_to_string(directory.join("tree/checkpoint")).expect("a checkpoint");
    let size: u64 = note.lines().nth(1).and_then(|line| line.parse().ok()).expect("a size");
    let mut expected: BTreeSet<PathBuf> = ["checkpoint", "settled"].map(PathBuf::from).into();
    for level in 0..8_u32 {
        let (full, rest) = ((size >> (8 * level)) / 256, (size >> (8 * level)) % 256);
        expected.extend((0..full).map(|index| format!("tile/{level}/{}", tile(index)).into()));
        if rest > 0 {
            expected.insert(format!("tile/{level}/{}.p/{rest}", tile(full)).into());
        }
    }
    let tree = directory.join("tree");
    let there: BTreeSet<PathBuf> = files(&tree)
        .into_iter()
        .map(|path| path.strip_prefix(&tree).expect("it lies below").to_owned())
        .collect();
    assert_eq!(there, expected, "{what}: the files of a tree of {size}");
    // Of indexes anything may be left: they are a cache.
    let known = |path: &PathBuf| {
        let kept = [tree.clone(), directory.join("index"), directory.join("tenants")];
        kept.iter().any(|known| path.starts_with(known)) || is_segment(path)
    };
    let strange: Vec<_> = files(&directory).into_iter().filter(|path| !known(path)).collect();
    assert!(strange.is_empty(), "{what}: files nobody knows: {strange:?}");
    stopped.start_again().await
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "segment")
        && path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'))
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a readable directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
struct Moments(u64);

impl Moments {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
