//! One connection in HTTP/1.1: a request out, an answer in, both under bounds.

use std::io;
use std::time::Duration;

use gabion_egress::Stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};

use super::answer::{Answer, BODY, decoded};
use super::request::Request;

/// Bytes both ways, and what was read beyond the last answer.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    pending: Vec<u8>,
    /// The body so far: it stands when the rest does not come.
    body: Vec<u8>,
    /// How many answers came over it.
    pub(crate) answered: usize,
}

/// How an exchange ended.
pub(crate) struct Exchanged {
    pub(crate) answer: Answer,
    /// Whether the connection can take another request.
    pub(crate) reusable: bool,
}

/// The longest head of an answer, in bytes.
const HEAD: usize = 64 << 10;
/// Interim answers (RFC 9110, section 15.2) before the final one.
const INTERIM: usize = 8;

impl Connection {
    pub(crate) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, pending: Vec::new(), body: Vec::new(), answered: 0 }
    }

    /// A stream from which something was read already.
    pub(crate) fn begun(stream: Box<dyn Stream>, pending: Vec<u8>) -> Self {
        Self { pending, ..Self::new(stream) }
    }

    /// Sends a request and reads its answer; who waits bounds the time.
    pub(crate) async fn exchange(&mut self, request: &Request, bytes: &[u8]) -> io::Result<Exchanged> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await?;
        self.answer(request).await
    }

    /// Reads the answer to a request that was sent.
    pub(crate) async fn answer(&mut self, request: &Request) -> io::Result<Exchanged> {
        let sent = Instant::now();
        let (status, headers) = self.head().await?;
        let field = |name: &str| {
            let own =
                headers.iter().filter(move |(own, _): &&(String, String)| own.eq_ignore_ascii_case(name));
            own.map(|(_, value)| value.to_ascii_lowercase()).collect::<Vec<_>>()
        };
        let bodiless = request.method == "HEAD" || matches!(status, 100..200 | 204 | 304);
        let chunked = field("transfer-encoding").iter().any(|value| value.ends_with("chunked"));
        let length = field("content-length").first().and_then(|value| value.trim().parse::<u64>().ok());
        let closing = field("connection").iter().any(|value| value.contains("close"));
        let endless = field("content-type").iter().any(|value| {
            value.starts_with("text/event-stream") || value.starts_with("multipart/x-mixed-replace")
        });
        self.body.clear();
        let reading = async {
            if bodiless {
                Ok((false, true))
            } else if chunked {
                self.chunked().await
            } else if let Some(length) = length {
                self.counted(length).await
            } else {
                self.rest().await
            }
        };
        let (mut cut, ended) = match timeout(if endless { GLANCE } else { STALL }, reading).await {
            Ok(read) => read?,
            // It goes on and on: what came until now is the answer.
            Err(_) => (true, false),
        };
        let body = std::mem::take(&mut self.body);
        let (body, bomb) = decoded(body, &field("content-encoding").join(","));
        cut |= bomb;
        self.answered = self.answered.saturating_add(1);
        // More than was announced would be taken for the next answer.
        let reusable = ended && !cut && !closing && self.pending.is_empty() && status != 101;
        Ok(Exchanged { answer: Answer { status, headers, body, cut, elapsed: sent.elapsed() }, reusable })
    }

    /// Asks a proxy for a tunnel (RFC 9110, section 9.3.6), and gives the stream that leads through it.
    pub(crate) async fn tunnel(mut self, authority: &str) -> io::Result<Box<dyn Stream>> {
        let ask = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        self.stream.write_all(ask.as_bytes()).await?;
        self.stream.flush().await?;
        let (status, _) = self.head().await?;
        if !matches!(status, 200..300) {
            return Err(broken(format!("the proxy answered {status}")));
        }
        Ok(self.stream)
    }

    async fn head(&mut self) -> io::Result<(u16, Vec<(String, String)>)> {
        let mut interim = 0;
        loop {
            match Answer::head(&self.pending).map_err(broken)? {
                Some((status, headers, taken)) => {
                    self.pending.drain(..taken.min(self.pending.len()));
                    if matches!(status, 100 | 102..200) && interim < INTERIM {
                        interim += 1;
                        continue;
                    }
                    return Ok((status, headers));
                }
                None if self.pending.len() > HEAD => return Err(broken("its head is longer than 64 KiB")),
                None => {
                    if self.more().await? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
            }
        }
    }

    async fn more(&mut self) -> io::Result<usize> {
        self.stream.read_buf(&mut self.pending).await
    }

    /// A body of a known length; what is past the bound is left where it is. Says whether it was cut and whether it ended.
    async fn counted(&mut self, length: u64) -> io::Result<(bool, bool)> {
        let room = BODY.saturating_sub(self.body.len());
        let wanted = usize::try_from(length).unwrap_or(usize::MAX);
        let mut left = wanted.min(room);
        loop {
            let taken = left.min(self.pending.len());
            self.body.extend(self.pending.drain(..taken));
            left = left.saturating_sub(taken);
            if left == 0 {
                return Ok((wanted > room, true));
            }
            // Shorter than it said it was.
            if self.more().await? == 0 {
                return Ok((false, false));
            }
        }
    }

    /// A body that ends with the connection.
    async fn rest(&mut self) -> io::Result<(bool, bool)> {
        loop {
            self.body.append(&mut self.pending);
            if self.body.len() > BODY {
                self.body.truncate(BODY);
                return Ok((true, false));
            }
            match self.more().await {
                Ok(0) => return Ok((false, false)),
                Ok(_) => {}
                // Closed without a goodbye: what came stands.
                Err(_) if !self.body.is_empty() => return Ok((false, false)),
                Err(error) => return Err(error),
            }
        }
    }

    async fn chunked(&mut self) -> io::Result<(bool, bool)> {
        loop {
            let Some(line) = self.line().await? else { return Ok((false, false)) };
            let size = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
            let size = std::str::from_utf8(size).ok().and_then(|text| u64::from_str_radix(text, 16).ok());
            let Some(size) = size else { return Err(broken("a chunk without a size")) };
            if size == 0 {
                while let Some(trailer) = self.line().await? {
                    if trailer.is_empty() {
                        return Ok((false, true));
                    }
                }
                return Ok((false, false));
            }
            let (cut, whole) = self.counted(size).await?;
            if cut || !whole || self.line().await?.is_none() {
                return Ok((cut, false));
            }
        }
    }

    /// A line without its end; nothing where the stream ends before it.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.pending) {
                let mut line: Vec<u8> = self.pending.drain(..=at).collect();
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(Some(line));
            }
            if self.pending.len() > HEAD {
                return Err(broken("a line longer than 64 KiB"));
            }
            if self.more().await? == 0 {
                return Ok(None);
            }
        }
    }
}

fn broken(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// How long a body may take once its head is there.
pub(crate) const STALL: Duration = Duration::from_secs(5);
/// How long is listened to what never ends.
pub(crate) const GLANCE: Duration = Duration::from_millis(300);

/// How long one exchange may take, unless who asks says otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
