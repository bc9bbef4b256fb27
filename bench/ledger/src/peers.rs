//! What else makes events durable: batches of the same bytes, one after the other.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::load::{Took, event};
use crate::{Failure, Peer};

/// What a record takes in a segment: the JSON, the frame, and what sealing adds.
const OVERHEAD: usize = 40 + 48;

fn payloads(first: u64, count: usize) -> Result<Vec<Vec<u8>>, Failure> {
    (first..).take(count).map(|number| Ok(serde_json::to_vec(&event(number))?)).collect()
}

/// Writes batch after batch and times each: everybody in it waits for its end. Events are made outside of it.
fn timed(
    batch: usize,
    time: Duration,
    mut write: impl FnMut(&[Vec<u8>]) -> Result<(), Failure>,
) -> Result<Took, Failure> {
    let (mut waits, mut spent, mut number) = (Vec::new(), Duration::ZERO, 0);
    while spent < time {
        let payloads = payloads(number, batch)?;
        let begun = Instant::now();
        write(&payloads)?;
        let took = begun.elapsed();
        spent += took;
        number += batch as u64;
        waits.push(took.as_secs_f64() * 1e6);
    }
    Ok(Took::of(waits.len() * batch, spent, waits))
}

/// `write` and `fdatasync`: as fast as the disk is.
pub(crate) struct RawFile(File);

impl RawFile {
    pub(crate) fn new(folder: &Path) -> Result<Self, Failure> {
        Ok(Self(OpenOptions::new().create(true).append(true).open(folder.join("raw"))?))
    }
}

impl Peer for RawFile {
    fn name(&self) -> &'static str {
        "file"
    }

    fn run(&mut self, batch: usize, time: Duration) -> Result<Took, Failure> {
        timed(batch, time, |payloads| {
            let mut bytes = payloads.concat();
            bytes.resize(bytes.len() + OVERHEAD * payloads.len(), 0);
            self.0.write_all(&bytes)?;
            Ok(self.0.sync_data()?)
        })
    }
}

/// WAL, `synchronous = FULL`: a commit is on disk.
pub(crate) struct Sqlite(rusqlite::Connection);

impl Sqlite {
    pub(crate) fn new(folder: &Path) -> Result<Self, Failure> {
        let database = rusqlite::Connection::open(folder.join("sqlite.db"))?;
        database.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             CREATE TABLE events (position INTEGER PRIMARY KEY, event BLOB NOT NULL);",
        )?;
        Ok(Self(database))
    }
}

impl Peer for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn run(&mut self, batch: usize, time: Duration) -> Result<Took, Failure> {
        timed(batch, time, |payloads| {
            let transaction = self.0.transaction()?;
            {
                let mut insert = transaction.prepare_cached("INSERT INTO events (event) VALUES (?1)")?;
                for payload in payloads {
                    insert.execute([payload])?;
                }
            }
            Ok(transaction.commit()?)
        })
    }
}

/// A server of its own, as it comes: `fsync` and `synchronous_commit` are on.
pub(crate) struct Postgres {
    server: Child,
    client: Option<postgres::Client>,
}

impl Postgres {
    pub(crate) fn start(folder: &Path) -> Result<Self, Failure> {
        let programs = programs()?;
        let data = folder.join("postgres");
        std::fs::create_dir(&data)?;
        // It does not run as root; whoever is root gives it to the user that came with the package.
        let root = Command::new("id").arg("-u").output()?.stdout.starts_with(b"0\n");
        if root {
            run(Command::new("chown").arg("postgres").arg(&data))?;
            run(Command::new("chmod").arg("o+x").arg(folder))?;
        }
        let command = |program: &str| {
            let program = programs.join(program);
            if !root {
                return Command::new(program);
            }
            let mut command = Command::new("setpriv");
            command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]).arg(program);
            command
        };
        run(command("initdb").arg("-D").arg(&data).args(["-U", "bench", "-A", "trust"]).current_dir("/"))?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let server = command("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", ""])
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut own = Self { server, client: None };
        let address = format!("host=127.0.0.1 port={port} user=bench dbname=postgres");
        let begun = Instant::now();
        let mut client = loop {
            match postgres::Client::connect(&address, postgres::NoTls) {
                Ok(client) => break client,
                Err(error) if begun.elapsed() > Duration::from_secs(30) => return Err(error.into()),
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        };
        client.batch_execute("CREATE TABLE events (position BIGSERIAL PRIMARY KEY, event BYTEA NOT NULL)")?;
        own.client = Some(client);
        Ok(own)
    }
}

impl Peer for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    /// One statement for a batch, and so one commit and one round trip.
    fn run(&mut self, batch: usize, time: Duration) -> Result<Took, Failure> {
        let client = self.client.as_mut().ok_or("not connected")?;
        let insert = client.prepare("INSERT INTO events (event) SELECT unnest($1::bytea[])")?;
        timed(batch, time, |payloads| {
            client.execute(&insert, &[&payloads])?;
            Ok(())
        })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.client = None;
        // Orderly, so that it takes its children with it.
        let _ = Command::new("kill").args(["-INT", &self.server.id().to_string()]).status();
        let _ = self.server.wait();
    }
}

/// Where Debian puts them.
fn programs() -> Result<PathBuf, Failure> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map_err(|_| "it is not installed (Debian: `postgresql`)")?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|folder| folder.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().ok_or_else(|| "it is not installed (Debian: `postgresql`)".into())
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}
