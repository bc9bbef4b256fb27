//! Child processes that are measured: started on one core, read by `/proc`, ended with the bench.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Failure, http};

/// A server that runs until it is dropped.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `command` on `core` and waits for a first answer from `address`. Returns how long that took.
    pub(crate) fn start(
        command: &mut Command,
        core: &str,
        address: SocketAddr,
        log: &Path,
    ) -> Result<(Self, Duration), Failure> {
        let output = File::create(log)?;
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", core]).arg(command.get_program()).args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            pinned.current_dir(folder);
        }
        let start = now();
        let child = pinned.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).spawn()?;
        let mut server = Self { child, log: log.into() };
        while !http::answers(address) {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("{status} before it answered: {}", server.log()).into());
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("does not answer on {address}: {}", server.log()).into());
            }
            sleep(Duration::from_millis(1));
        }
        Ok((server, start.elapsed()))
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What it has said, once that holds `text`: a server may listen before it says so.
    pub(crate) fn log_with(&self, text: &str) -> Result<String, Failure> {
        let start = now();
        while start.elapsed() < PATIENCE {
            let log = self.log();
            if log.contains(text) {
                return Ok(log);
            }
            sleep(Duration::from_millis(10));
        }
        Err(format!("`{text}` was not said: {}", self.log()).into())
    }

    /// Processor time so far, of the process, its threads (those that ended too) and its children, in
    /// nanoseconds, to a hundredth of a second.
    pub(crate) fn cpu(&self) -> Result<u64, Failure> {
        let mut ticks = 0;
        for pid in family(self.child.id()) {
            let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
            // After the name, which may hold anything: user time is the 12th field, system time the 13th.
            let fields = text.rsplit_once(')').ok_or("no name in stat")?.1.split_whitespace();
            ticks += fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>();
        }
        Ok(ticks * NANOS_PER_TICK)
    }

    /// Memory that is its own, in bytes: shared pages count by their share.
    pub(crate) fn memory(&self) -> Result<u64, Failure> {
        let mut total = 0;
        for pid in family(self.child.id()) {
            let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
            let line =
                text.lines().find_map(|line| line.strip_prefix("Pss:")).ok_or("no Pss in smaps_rollup")?;
            let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
            total += kilobytes * 1024;
        }
        Ok(total)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM, so that nginx takes its workers along.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let start = now();
        while start.elapsed() < PATIENCE {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free now.
pub(crate) fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

#[expect(clippy::disallowed_methods, reason = "a bench is a client of what it measures")]
pub(crate) fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    TcpStream::connect(address)
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A process and its children.
fn family(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    std::iter::once(pid).chain(children.flat_map(family)).collect()
}

/// The kernel counts for user space in hundredths of a second.
const NANOS_PER_TICK: u64 = 10_000_000;
/// How long a server may take to start or end.
const PATIENCE: Duration = Duration::from_secs(20);
