//! The listener of a run: what the target fetches on somebody's word arrives here, and that is the proof.
//!
//! It listens on the address by which the target reaches this machine, on a free port. Each test puts a word of its own into
//! the addresses it gives away; a request that names the word came from there and from nowhere else. What is read is bounded
//! in size, number and time, and nothing of it is ever executed.
//!
//! With a zone of its own ([`NameServer`]) it is also told who asks for names in it: what resolves and cannot connect is met by that.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gabion_model::Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::listen::serve;
use crate::name_server::{NameServer, Zone};

/// A listener that runs. Dropping it ends it.
#[derive(Debug)]
pub struct Catch {
    /// The address and port that the target is told.
    address: SocketAddr,
    shared: Arc<Shared>,
    names: Option<NameServer>,
    task: JoinHandle<()>,
}

/// Something that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    pub peer: SocketAddr,
    /// Request line and fields.
    pub head: String,
    pub body: Vec<u8>,
}

#[derive(Debug, Default)]
struct Shared {
    hits: Mutex<Vec<Hit>>,
    /// What is answered to who names a word.
    told: Mutex<BTreeMap<String, String>>,
    arrived: Notify,
}

/// The most that is kept of one request, in bytes.
const KEPT: usize = 16 << 10;
/// The most requests that are kept.
const MOST: usize = 1_000;
/// How long one connection may take.
const PATIENCE: Duration = Duration::from_secs(3);

impl Catch {
    /// Begins to listen where the target can reach it: at `named`, or at the address from which the target is reached.
    ///
    /// # Errors
    /// When there is no such address here.
    pub async fn start(target: SocketAddr, named: Option<IpAddr>) -> io::Result<Self> {
        let own = match named {
            Some(address) => address,
            None if target.ip().to_canonical().is_loopback() => Ipv4Addr::LOCALHOST.into(),
            None => towards(target)?,
        };
        let listener = match TcpListener::bind((own, 0)).await {
            Ok(listener) => listener,
            // It is named by an address that is translated on the way.
            Err(_) if named.is_some() => TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await?,
            Err(error) => return Err(error),
        };
        let address = SocketAddr::new(own, listener.local_addr()?.port());
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let task = tokio::spawn(serve(listener, PATIENCE, move |stream, peer| {
            let shared = Arc::clone(&own);
            async move { take(stream, peer, &shared).await }
        }));
        Ok(Self { address, shared, names: None, task })
    }

    /// Answers for a zone as well: every name in it is where the listener is.
    ///
    /// # Errors
    /// When the address is taken, or none of this machine, or the zone has no name.
    pub async fn answer_for(&mut self, at: SocketAddr, zone: &str) -> io::Result<()> {
        let zone = Zone::new(zone, self.address.ip()).ok_or(io::ErrorKind::InvalidInput)?;
        self.names = Some(NameServer::start(at, zone).await?);
        Ok(())
    }

    /// The name server, where there is one.
    #[must_use]
    pub const fn names(&self) -> Option<&NameServer> {
        self.names.as_ref()
    }

    /// Where it is, for the target.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A word that nobody guesses.
    #[must_use]
    pub fn word(rng: &dyn Rng) -> String {
        let bytes = gabion_model::random::bytes::<12>(rng);
        format!("gx{}", gabion_vault::encoding::hex_encode(&bytes))
    }

    /// An address that names a word.
    #[must_use]
    pub fn url(&self, word: &str) -> String {
        format!("http://{}/{word}", self.address)
    }

    /// An address that names a word, by a name that nobody else has; nothing without a name server.
    #[must_use]
    pub fn url_by_name(&self, word: &str) -> Option<String> {
        let name = self.names.as_ref()?.name(word);
        Some(format!("http://{name}:{}/{word}", self.address.port()))
    }

    /// Who came for the word or asked for its name, in one line, now or within a time.
    pub async fn met(&self, word: &str, within: Duration) -> Option<String> {
        let fetched = async {
            let hit = self.wait(word, within).await?;
            Some(hit.head.lines().next().unwrap_or_default().chars().take(200).collect())
        };
        let Some(names) = &self.names else { return fetched.await };
        let asked = async {
            let asked = names.wait(word, within).await?;
            Some(format!("DNS {} {}", asked.kind, asked.name))
        };
        tokio::select! {
            biased;
            Some(line) = fetched => Some(line),
            Some(line) = asked => Some(line),
            else => None,
        }
    }

    /// Who names the word gets this text.
    pub fn tell(&self, word: &str, text: &str) {
        let mut told = lock(&self.shared.told);
        if told.len() < MOST {
            told.insert(word.to_owned(), text.to_owned());
        }
    }

    /// What arrived and names the word.
    #[must_use]
    pub fn hits(&self, word: &str) -> Vec<Hit> {
        lock(&self.shared.hits).iter().filter(|hit| hit.head.contains(word)).cloned().collect()
    }

    /// The first that names the word, now or within a time.
    pub async fn wait(&self, word: &str, within: Duration) -> Option<Hit> {
        let arrives = async {
            loop {
                let arrived = self.shared.arrived.notified();
                if let Some(hit) = self.hits(word).into_iter().next() {
                    return hit;
                }
                arrived.await;
            }
        };
        timeout(within, arrives).await.ok()
    }
}

impl Drop for Catch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The address of this machine from which another is reached. Nothing is sent.
fn towards(target: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr =
        if target.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { std::net::Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(target)?;
    Ok(socket.local_addr()?.ip())
}

async fn take(mut stream: TcpStream, peer: SocketAddr, shared: &Shared) -> io::Result<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
            break at;
        }
        if bytes.len() >= KEPT || stream.read_buf(&mut bytes).await? == 0 {
            break bytes.len();
        }
    };
    let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .unwrap_or(0)
        .min(KEPT);
    let begin = end.saturating_add(4);
    while bytes.len() < begin.saturating_add(length) && stream.read_buf(&mut bytes).await? != 0 {}
    let body = bytes.get(begin..).unwrap_or_default();
    let body = body.get(..length).unwrap_or(body).to_vec();
    let text = lock(&shared.told)
        .iter()
        .find(|(word, _)| head.contains(word.as_str()))
        .map(|(_, text)| text.clone());
    if !head.is_empty() {
        let mut hits = lock(&shared.hits);
        if hits.len() < MOST {
            hits.push(Hit { peer, head, body });
        }
    }
    shared.arrived.notify_waiters();
    let text = text.unwrap_or_else(|| "ok".to_owned());
    let kind = if text.starts_with('<') { "text/html" } else { "text/plain" };
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use gabion_egress::{Dial as _, TcpDial};
    use gabion_model::random::SeededRng;

    use super::*;

    async fn caught() -> Catch {
        Catch::start(SocketAddr::from(([127, 0, 0, 1], 80)), None).await.unwrap()
    }

    async fn send(catch: &Catch, bytes: &[u8]) -> String {
        let mut stream = TcpDial.dial(catch.address()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn what_names_the_word_is_kept_and_told() {
        let catch = caught().await;
        let word = Catch::word(&SeededRng::new(1));
        let other = Catch::word(&SeededRng::new(2));
        catch.tell(&word, "the inside");
        let request = format!("POST /{word}?a HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcdef");
        assert!(send(&catch, request.as_bytes()).await.ends_with("the inside"));
        let hit = catch.wait(&word, Duration::from_secs(5)).await.unwrap();
        assert!(hit.head.starts_with("POST /gx") && hit.body == b"abc", "{hit:?}");
        assert!(catch.hits(&other).is_empty());
    }

    #[tokio::test]
    async fn what_has_no_end_is_cut() {
        let catch = caught().await;
        send(&catch, &vec![b'a'; 64 << 10]).await;
        assert!(lock(&catch.shared.hits).iter().all(|hit| hit.head.len() <= 2 * KEPT));
        assert!(send(&catch, b"\x16\x03\x01\x00\r\n\r\n").await.starts_with("HTTP/1.1 200"));
    }
}
