//! Load that follows a conversation: each connection sends its next request when it has the answer to
//! the one before, and may use what that said. Kept connections, one thread each, all on one core.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::Failure;
use super::process::{connect, now};

/// An answer as far as a conversation needs it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// One side of a conversation. Returning an error ends the bench.
pub(crate) trait Talker: Send {
    /// The next request, whole.
    fn ask(&mut self) -> Vec<u8>;
    fn hear(&mut self, answer: &Answer) -> Result<(), String>;
}

/// How much was said in how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spoken {
    pub(crate) exchanges: u64,
    pub(crate) seconds: f64,
}

impl Spoken {
    #[expect(clippy::cast_precision_loss, reason = "a count of requests is far below 2^53")]
    pub(crate) fn per_second(self) -> f64 {
        self.exchanges as f64 / self.seconds
    }
}

/// Lets every talker speak on a connection of its own for so long.
pub(crate) fn speak<T: Talker>(
    address: SocketAddr,
    talkers: &mut [T],
    duration: Duration,
) -> Result<Spoken, Failure> {
    let (over, ready) = (AtomicBool::new(false), Barrier::new(talkers.len() + 1));
    thread::scope(|scope| {
        let threads: Vec<_> = talkers
            .iter_mut()
            .map(|talker| {
                scope.spawn(|| {
                    let connection = connect(address).map_err(|error| error.to_string());
                    ready.wait();
                    converse(connection?, talker, &over)
                })
            })
            .collect();
        ready.wait();
        let start = now();
        thread::sleep(duration);
        over.store(true, Ordering::Relaxed);
        let mut exchanges = 0;
        for thread in threads {
            exchanges += thread.join().map_err(|_| "a talker panicked")??;
        }
        Ok(Spoken { exchanges, seconds: start.elapsed().as_secs_f64() })
    })
}

/// One request and its answer on a connection of their own.
pub(crate) fn once(address: SocketAddr, request: &[u8]) -> Result<Answer, Failure> {
    let mut connection = BufReader::new(connect(address)?);
    connection.get_mut().write_all(request)?;
    Ok(read(&mut connection)?)
}

/// Runs this process, and with it the load, on `core` from now on.
pub(crate) fn pin(core: &str) -> Result<(), Failure> {
    let done =
        Command::new("taskset").args(["-a", "-c", "-p", core, &std::process::id().to_string()]).output()?;
    if done.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&done.stderr).into_owned().into())
    }
}

fn converse(connection: TcpStream, talker: &mut impl Talker, over: &AtomicBool) -> Result<u64, String> {
    connection.set_nodelay(true).map_err(|error| error.to_string())?;
    connection.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
    let (mut connection, mut exchanges) = (BufReader::new(connection), 0);
    while !over.load(Ordering::Relaxed) {
        connection.get_mut().write_all(&talker.ask()).map_err(|error| error.to_string())?;
        talker.hear(&read(&mut connection).map_err(|error| error.to_string())?)?;
        exchanges += 1;
    }
    Ok(exchanges)
}

/// An answer with a `Content-Length`, which all answers of the gate itself have.
fn read(connection: &mut BufReader<TcpStream>) -> std::io::Result<Answer> {
    let (mut line, mut length, mut status) = (String::new(), 0, 0);
    loop {
        line.clear();
        if connection.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let text = line.trim_end();
        if text.is_empty() {
            break;
        }
        if status == 0 {
            status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        } else if let Some((name, value)) = text.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    Ok(Answer { status, body })
}

/// Longer than any answer takes on a machine that works.
const PATIENCE: Duration = Duration::from_secs(30);
