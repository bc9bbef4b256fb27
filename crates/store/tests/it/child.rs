//! This test binary once more, as a process that records into a ledger until it is ended or full.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use gabion_ledger::{Ledger, LedgerError, Position, Query, Settings};
use gabion_model::{Actor, ByteSize, ControlId, Event, EventKind, ManualClock, Outcome, Timestamp};
use gabion_store::Directory;

pub(crate) const VARIABLE: &str = "GABION_TEST_DIRECTORY";

/// A ledger in files.
pub(crate) fn open(directory: &Directory) -> Ledger {
    let settings = Settings { segment_size: ByteSize::new(64 << 10), ..Settings::default() };
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(7)));
    Ledger::open(Arc::new(directory.segments().unwrap()), &settings, clock).unwrap().0
}

pub(crate) fn event(text: &str) -> Event {
    let (time, kind) = (Timestamp::from_secs(7), EventKind::Administration);
    let mut event = Event::new(
        time,
        kind,
        "test.recorded",
        Actor::Operator,
        Outcome::Success,
        ControlId::LEDGER_ADMIN_ACTS,
    );
    event.resource = text.to_owned();
    event
}

/// Position and text of every record, oldest first. Everything is intact.
pub(crate) fn recorded(ledger: &Ledger) -> Vec<(Position, String)> {
    let query = Query { order: gabion_ledger::Order::OldestFirst, ..Query::default() };
    let records = ledger.search(query).collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(ledger.reader().verify().unwrap(), records.len() as u64);
    records.into_iter().map(|record| (record.position, record.event.resource)).collect()
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// The command that runs [`child`] on a directory, behind a line of shell.
pub(crate) fn command(before: &str, directory: &Path) -> Command {
    command_of("child::child", before, directory)
}

/// The same of another test.
pub(crate) fn command_of(test: &str, before: &str, directory: &Path) -> Command {
    let mut command = Command::new("sh");
    let line = format!("{before} exec \"$0\" {test} --exact --nocapture --test-threads=1");
    command.arg("-c").arg(line).arg(std::env::current_exe().unwrap());
    command.env(VARIABLE, directory).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

/// The acknowledged records among the lines a child printed. The last line may be torn.
pub(crate) fn acknowledged(output: &str) -> Vec<(Position, String)> {
    let lines = output.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let records = lines.filter_map(|line| line.strip_prefix("recorded ")?.split_once(' '));
    records.map(|(position, text)| (Position(position.parse().unwrap()), text.to_owned())).collect()
}

/// Does its work in a child process only: four at a time record and say what was acknowledged.
#[test]
#[expect(clippy::disallowed_methods, reason = "how the parent process says where")]
fn child() {
    let Some(path) = std::env::var_os(VARIABLE) else { return };
    let directory = Directory::open(Path::new(&path)).unwrap();
    let ledger = open(&directory);
    // Begins a line of its own: the test runner has begun one.
    println!();
    let one = |task: u64| {
        let ledger = ledger.clone();
        async move {
            for round in 0.. {
                let text = format!("{}-{task}-{round}", std::process::id());
                match ledger.record(event(&text)).await {
                    Ok(position) => {
                        // One write for a line, so that a line is whole or missing.
                        let line = format!("recorded {position} {text}\n");
                        std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                    }
                    Err(LedgerError::Full) => return,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    };
    block_on(async { tokio::join!(one(0), one(1), one(2), one(3)) });
    println!("full");
}
