//! The second wall: every connection of the browser goes through here (SOCKS 5, RFC 1928), and only those to hosts
//! and ports of the scope are dialled.
//!
//! The browser is told to use this as its proxy for everything, loopback included, and to resolve no name. So what
//! the interception of requests does not see (WebSockets, preconnects, reports, whatever a page finds) ends here.
//! A host and port is open when the scope allowed a URL there, or allows its root. The browser's own debugging port
//! is never open.

use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use url::Url;

use crate::limits::cut;
use crate::scope::{Scope, Verdict};

/// Connections at once; Chromium opens at most 256 itself.
const CONNECTIONS: usize = 512;
/// Refused places that are kept.
const REFUSED: usize = 200;
/// Open places that are kept.
const OPEN: usize = 2_000;
const HANDSHAKE: Duration = Duration::from_secs(10);
const DIAL: Duration = Duration::from_secs(10);

/// Reply codes of RFC 1928 §6.
const GRANTED: u8 = 0;
const NOT_ALLOWED: u8 = 2;
const UNREACHABLE: u8 = 4;
const UNSUPPORTED: u8 = 7;

/// The listening side, closed when dropped.
#[derive(Debug)]
pub(crate) struct Wall {
    gate: Arc<Gate>,
    address: SocketAddr,
    task: AbortHandle,
}

#[derive(Debug)]
struct Gate {
    scope: Arc<dyn Scope>,
    /// Names that are dialled at an address of the caller's.
    names: Vec<(String, IpAddr)>,
    open: Mutex<HashSet<(String, u16)>>,
    refused: Mutex<Vec<String>>,
    /// The debugging port, once it is known.
    forbidden: AtomicU16,
}

impl Wall {
    pub(crate) async fn build(scope: Arc<dyn Scope>, names: Vec<(String, IpAddr)>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let names = names.into_iter().map(|(name, ip)| (plain(&name), ip)).collect();
        let gate = Arc::new(Gate {
            scope,
            names,
            open: Mutex::default(),
            refused: Mutex::default(),
            forbidden: AtomicU16::new(0),
        });
        let task = tokio::spawn(listen(listener, Arc::clone(&gate))).abort_handle();
        Ok(Self { gate, address, task })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// No connection leads to this port of this machine.
    pub(crate) fn forbid(&self, port: u16) {
        self.gate.forbidden.store(port, Ordering::Relaxed);
    }

    /// The scope allowed `url`: its host and port are open.
    pub(crate) fn open(&self, url: &str) {
        let Some(place) = place(url) else { return };
        let mut open = self.gate.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() < OPEN {
            open.insert(place);
        }
    }

    /// Where the browser wanted to connect and was not let, as `host:port`, each once.
    pub(crate) fn refused(&self) -> Vec<String> {
        self.gate.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Wall {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Gate {
    fn allows(&self, host: &str, port: u16) -> bool {
        let known =
            self.open.lock().unwrap_or_else(PoisonError::into_inner).contains(&(host.to_owned(), port));
        known
            || ["http", "https", "ws", "wss"].iter().any(|scheme| {
                let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
                Url::parse(&format!("{scheme}://{host}:{port}/"))
                    .is_ok_and(|url| self.scope.judge(url.as_str()) == Verdict::Allow)
            })
    }

    fn refuse(&self, host: &str, port: u16) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let place = format!("{}:{port}", cut(host, 255));
        if refused.len() < REFUSED && !refused.contains(&place) {
            refused.push(place);
        }
    }

    async fn dial(&self, host: &str, port: u16) -> Result<TcpStream, u8> {
        if !self.allows(host, port) {
            self.refuse(host, port);
            return Err(NOT_ALLOWED);
        }
        let addresses: Vec<IpAddr> = if let Ok(ip) = host.parse() {
            vec![ip]
        } else if let Some((_, ip)) = self.names.iter().find(|(name, _)| name == host) {
            vec![*ip]
        } else if host == "localhost" || host.ends_with(".localhost") {
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
        } else {
            let found = tokio::time::timeout(DIAL, tokio::net::lookup_host((host, port))).await;
            let Ok(Ok(found)) = found else { return Err(UNREACHABLE) };
            found.map(|address| address.ip()).take(8).collect()
        };
        let forbidden = self.forbidden.load(Ordering::Relaxed);
        for ip in addresses {
            let plain = ip.to_canonical();
            if (plain.is_loopback() || plain.is_unspecified()) && port == forbidden {
                self.refuse(host, port);
                return Err(NOT_ALLOWED);
            }
            #[expect(clippy::disallowed_methods, reason = "the browser's only way out, judged by the scope")]
            let dialled = tokio::time::timeout(DIAL, TcpStream::connect((ip, port))).await;
            if let Ok(Ok(stream)) = dialled {
                return Ok(stream);
            }
        }
        Err(UNREACHABLE)
    }
}

async fn listen(listener: TcpListener, gate: Arc<Gate>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                if connections.len() < CONNECTIONS {
                    let gate = Arc::clone(&gate);
                    connections.spawn(async move {
                        // A connection that breaks concerns the page alone, which sees it.
                        let _ended = serve(stream, &gate).await;
                    });
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(mut stream: TcpStream, gate: &Gate) -> io::Result<()> {
    let asked = tokio::time::timeout(HANDSHAKE, handshake(&mut stream)).await;
    let dialled = match asked.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? {
        Some((host, port)) => gate.dial(&host, port).await,
        None => Err(UNSUPPORTED),
    };
    let code = dialled.as_ref().map_or_else(|code| *code, |_| GRANTED);
    // The bound address means nothing to a browser.
    stream.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    if let Ok(mut there) = dialled {
        there.set_nodelay(true)?;
        stream.set_nodelay(true)?;
        copy_bidirectional(&mut stream, &mut there).await?;
    }
    Ok(())
}

/// Which host and port is asked for; nothing when it is asked in a way nobody here asks.
async fn handshake(stream: &mut TcpStream) -> io::Result<Option<(String, u16)>> {
    let version = stream.read_u8().await?;
    let methods = stream.read_u8().await?;
    let mut offered = vec![0; usize::from(methods)];
    stream.read_exact(&mut offered).await?;
    if version != 5 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    stream.write_all(&[5, 0]).await?;
    let mut head = [0_u8; 4];
    stream.read_exact(&mut head).await?;
    let [_, command, _, kind] = head;
    let host = match kind {
        1 => {
            let mut ip = [0_u8; 4];
            stream.read_exact(&mut ip).await?;
            Ipv4Addr::from(ip).to_string()
        }
        3 => {
            let length = stream.read_u8().await?;
            let mut name = vec![0; usize::from(length)];
            stream.read_exact(&mut name).await?;
            plain(&String::from_utf8_lossy(&name))
        }
        4 => {
            let mut ip = [0_u8; 16];
            stream.read_exact(&mut ip).await?;
            Ipv6Addr::from(ip).to_string()
        }
        _ => return Ok(None),
    };
    let port = stream.read_u16().await?;
    Ok((command == 1).then_some((host, port)))
}

/// The host as it is compared: lower case, no brackets, no final dot.
fn plain(host: &str) -> String {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn place(url: &str) -> Option<(String, u16)> {
    let url = Url::parse(url).ok()?;
    Some((plain(url.host_str()?), url.port_or_known_default()?))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the other side of the wall is a socket of this machine")]
mod tests {
    use super::*;

    async fn ask(wall: &Wall, request: &[u8]) -> (u8, TcpStream) {
        let mut stream = TcpStream::connect(wall.address()).await.unwrap();
        stream.write_all(&[5, 1, 0]).await.unwrap();
        let mut chosen = [9; 2];
        stream.read_exact(&mut chosen).await.unwrap();
        assert_eq!(chosen, [5, 0]);
        stream.write_all(request).await.unwrap();
        let mut reply = [9; 10];
        stream.read_exact(&mut reply).await.unwrap();
        (reply[1], stream)
    }

    fn by_name(name: &str, port: u16) -> Vec<u8> {
        let mut request = vec![5, 1, 0, 3, name.len() as u8];
        request.extend(name.as_bytes());
        request.extend(port.to_be_bytes());
        request
    }

    async fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.write_all(b"here").await.unwrap();
            }
        });
        port
    }

    #[tokio::test]
    async fn what_the_scope_has_is_dialled_and_nothing_else() {
        let port = echo().await;
        let other = echo().await;
        let root = format!("http://victim.test:{port}/");
        let scope = move |url: &str| if url == root { Verdict::Allow } else { Verdict::Refuse };
        let names = vec![("Victim.test".to_owned(), IpAddr::from(Ipv4Addr::LOCALHOST))];
        let wall = Wall::build(Arc::new(scope), names).await.unwrap();
        let (code, mut stream) = ask(&wall, &by_name("VICTIM.test.", port)).await;
        assert_eq!(code, GRANTED);
        let mut said = [0; 4];
        stream.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"here");
        assert_eq!(ask(&wall, &by_name("victim.test", other)).await.0, NOT_ALLOWED);
        assert_eq!(ask(&wall, &by_name("127.0.0.1", port)).await.0, NOT_ALLOWED);
        assert_eq!(wall.refused(), [format!("victim.test:{other}"), format!("127.0.0.1:{port}")]);
        wall.open(&format!("http://127.0.0.1:{port}/deep"));
        let mut numbers = vec![5, 1, 0, 1, 127, 0, 0, 1];
        numbers.extend(port.to_be_bytes());
        assert_eq!(ask(&wall, &numbers).await.0, GRANTED);
        // Neither UDP nor listening.
        numbers[1] = 3;
        assert_eq!(ask(&wall, &numbers).await.0, UNSUPPORTED);
    }

    #[tokio::test]
    async fn the_debugging_port_is_never_open() {
        let port = echo().await;
        let wall = Wall::build(Arc::new(|_: &str| Verdict::Allow), Vec::new()).await.unwrap();
        wall.forbid(port);
        assert_eq!(ask(&wall, &by_name("localhost", port)).await.0, NOT_ALLOWED);
        assert_eq!(ask(&wall, &by_name("x.localhost", port)).await.0, NOT_ALLOWED);
        let mut six = vec![5, 1, 0, 4];
        six.extend(Ipv6Addr::LOCALHOST.octets());
        six.extend(port.to_be_bytes());
        assert_eq!(ask(&wall, &six).await.0, NOT_ALLOWED);
        six.splice(4..20, Ipv4Addr::LOCALHOST.to_ipv6_mapped().octets());
        assert_eq!(ask(&wall, &six).await.0, NOT_ALLOWED);
    }

    #[tokio::test]
    async fn noise_is_hung_up_on() {
        let wall = Wall::build(Arc::new(|_: &str| Verdict::Allow), Vec::new()).await.unwrap();
        let mut stream = TcpStream::connect(wall.address()).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _either = stream.read_to_end(&mut rest).await;
        assert_eq!(rest, b"");
    }
}
