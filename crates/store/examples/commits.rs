//! How many durable writes a second the database takes, by the number of threads that write.
//!
//! `cargo run --release -p gabion-store --example commits [FOLDER]`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use gabion_identity::storage::{AccountChange, AccountStorage};
use gabion_identity::{Account, Accounts, NewAccount, SessionSettings, Sessions};
use gabion_model::Timestamp;
use gabion_model::random::SeededRng;
use gabion_store::sqlite::Database;
use std::sync::Arc;

#[expect(clippy::print_stdout, reason = "the table is what the example is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let path = folder.join(format!("commits-{}.db", std::process::id()));
    let database = Database::open(&path)?;
    let (now, rng) = (Timestamp::from_secs(1_800_000_000), SeededRng::new(1));
    let sessions = Sessions::open(Arc::new(database.clone()), &SessionSettings::default(), now)?;
    let accounts = Accounts::new(Arc::new(database.clone()), sessions);
    let made: Vec<Account> = (0..64)
        .map(|own| Ok(accounts.create(NewAccount::person(format!("a-{own}").parse()?), now, &rng)?))
        .collect::<Result<_, Box<dyn std::error::Error>>>()?;
    for threads in [1, 4, 16, 64] {
        let each = measure(&database, made.get(..threads).unwrap_or_default());
        println!("{threads:3} threads: {each:7.0} commits/s");
    }
    for ending in ["", "-wal", "-shm"] {
        let mut side = path.clone().into_os_string();
        side.push(ending);
        let _ = std::fs::remove_file(side);
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "what is measured is time")]
fn measure(database: &Database, accounts: &[Account]) -> f64 {
    let begun = Instant::now();
    let done: u32 = std::thread::scope(|scope| {
        let threads: Vec<_> = accounts
            .iter()
            .map(|account| {
                scope.spawn(move || {
                    let mut done = 0;
                    while begun.elapsed() < ROUND {
                        let change = AccountChange::Personal {
                            personal: Box::default(),
                            now: Timestamp::from_micros(done.into()),
                        };
                        if database.update(&account.id, &change).is_ok() {
                            done += 1;
                        }
                    }
                    done
                })
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).sum()
    });
    f64::from(done) / begun.elapsed().as_secs_f64()
}

const ROUND: Duration = Duration::from_secs(2);
