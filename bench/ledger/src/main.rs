//! The ledger beside a file that is written and synced, SQLite and PostgreSQL: durable events a second and how long one waits;
//! then what reading, recording and searching cost. Prints rows as JSON.
//!
//! Arguments: a folder on the disk to be measured; seconds of a round; rounds; then the numbers of events to search in.

mod cost;
mod load;
mod peers;
mod search;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use load::Took;

/// As in the gate.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn Error>;

/// What may write: one batch of so many events, over and over, for so long.
trait Peer {
    fn name(&self) -> &'static str;
    fn run(&mut self, batch: usize, time: Duration) -> Result<Took, Failure>;
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("name a folder")?);
    let time = Duration::from_secs_f64(arguments.next().ok_or("say how many seconds")?.parse()?);
    let rounds: usize = arguments.next().ok_or("say how many rounds")?.parse()?;
    let mut rows = Vec::new();
    append(&folder, time, rounds, &mut rows)?;
    cost::measure(&folder, &mut rows)?;
    for events in arguments {
        search::measure(&folder, events.parse()?, &mut rows)?;
    }
    println!("{}", serde_json::to_string_pretty(&rows)?);
    Ok(())
}

/// All of them take turns, in another order every round; the median of all rounds counts.
fn append(
    folder: &std::path::Path,
    time: Duration,
    rounds: usize,
    rows: &mut Vec<Value>,
) -> Result<(), Failure> {
    let mut peers: Vec<Box<dyn Peer>> = vec![
        Box::new(load::Gabion::new(folder)?),
        Box::new(peers::RawFile::new(folder)?),
        Box::new(peers::Sqlite::new(folder)?),
    ];
    match peers::Postgres::start(folder) {
        Ok(postgres) => peers.push(Box::new(postgres)),
        Err(error) => eprintln!("PostgreSQL is left out: {error}"),
    }
    for batch in [1, 64, 256] {
        let mut took: Vec<Vec<Took>> = peers.iter().map(|_| Vec::new()).collect();
        for round in 0..rounds {
            for turn in 0..peers.len() {
                let at = (turn + round) % peers.len();
                let figures = peers[at].run(batch, time)?;
                eprintln!("append-{batch} {:<9} {:>9.0}/s", peers[at].name(), figures.per_second);
                took[at].push(figures);
            }
        }
        let median = |at: usize, what: fn(&Took) -> f64| {
            let mut all: Vec<f64> = took[at].iter().map(what).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        for at in 1..peers.len() {
            let peer = peers[at].name();
            let figures: [(&str, &str, fn(&Took) -> f64); 3] = [
                ("", "/s", |took| took.per_second),
                ("-p50", "us", |took| took.p50),
                ("-p99", "us", |took| took.p99),
            ];
            for (suffix, unit, what) in figures {
                rows.push(row(
                    &format!("append-{batch}{suffix}"),
                    unit,
                    median(0, what),
                    peer,
                    median(at, what),
                ));
            }
        }
    }
    Ok(())
}

fn row(name: &str, unit: &str, ours: f64, peer_name: &str, peer: f64) -> Value {
    let ratio = if peer > 0.0 { ours / peer } else { 0.0 };
    eprintln!("{name:<22} {ours:>12.1} {unit:<4} {peer:>12.1} {peer_name:<9} {ratio:.2}");
    json!({ "name": name, "unit": unit, "ours": ours, "peer": peer, "peer_name": peer_name, "ratio": ratio })
}
