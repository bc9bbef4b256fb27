//! Where the application's letters arrive: a small server of SMTP (RFC 5321) on this machine, for tests of resets by mail.
//!
//! It takes every letter for everybody, believes every name and password, and keeps what it reads in memory, under bounds in
//! size, number and time. Nothing is sent on.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gabion_vault::encoding::base64_decode;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::listen::serve;

/// A server that runs. Dropping it ends it.
#[derive(Debug)]
pub struct MailSink {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// A letter: to whom, and the texts in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub to: Vec<String>,
    /// Its parts without their heads, decoded, one after the other.
    pub text: String,
}

#[derive(Debug, Default)]
struct Shared {
    letters: Mutex<Vec<Letter>>,
    arrived: Notify,
}

/// The longest letter, in bytes.
const LONGEST: usize = 256 << 10;
/// The longest line of a command, in bytes.
const LINE: u64 = 4 << 10;
const MOST: usize = 500;
const PATIENCE: Duration = Duration::from_secs(30);
/// Parts of parts that are looked into.
const DEEPEST: usize = 4;

impl MailSink {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the address is taken, or none of this machine.
    pub async fn start(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let task = tokio::spawn(serve(listener, PATIENCE, move |stream, _| {
            let shared = Arc::clone(&own);
            async move { take(stream, &shared).await }
        }));
        Ok(Self { address, shared, task })
    }

    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Letters to an address, the oldest first.
    #[must_use]
    pub fn letters(&self, to: &str) -> Vec<Letter> {
        let theirs = |letter: &&Letter| letter.to.iter().any(|own| own.eq_ignore_ascii_case(to));
        lock(&self.shared.letters).iter().filter(theirs).cloned().collect()
    }

    /// The letter to an address after so many, now or within a time.
    pub async fn wait(&self, to: &str, after: usize, within: Duration) -> Option<Letter> {
        let arrives = async {
            loop {
                let arrived = self.shared.arrived.notified();
                if let Some(letter) = self.letters(to).into_iter().nth(after) {
                    return letter;
                }
                arrived.await;
            }
        };
        timeout(within, arrives).await.ok()
    }
}

impl Drop for MailSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"220 probe ESMTP\r\n").await?;
    let mut to: Vec<String> = Vec::new();
    loop {
        let Some(line) = line(&mut stream, LINE).await? else { return Ok(()) };
        let line = String::from_utf8_lossy(&line).into_owned();
        let verb = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "EHLO" => b"250-probe\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 262144\r\n",
            "AUTH" => {
                authenticate(&mut stream, &line).await?;
                b"235 2.7.0 believed\r\n"
            }
            "MAIL" => {
                to.clear();
                b"250 2.1.0 go on\r\n"
            }
            "RCPT" if to.len() < 100 => {
                to.extend(
                    line.split_once('<').and_then(|(_, rest)| Some(rest.split_once('>')?.0.to_owned())),
                );
                b"250 2.1.5 go on\r\n"
            }
            "DATA" => {
                stream.get_mut().write_all(b"354 end with a dot\r\n").await?;
                let Some(bytes) = letter(&mut stream).await? else { return Ok(()) };
                keep(shared, std::mem::take(&mut to), &bytes);
                b"250 2.0.0 taken\r\n"
            }
            "HELO" | "RSET" | "NOOP" => b"250 2.0.0 yes\r\n",
            "QUIT" => {
                stream.get_mut().write_all(b"221 2.0.0 bye\r\n").await?;
                return Ok(());
            }
            _ => b"502 5.5.1 no\r\n",
        };
        stream.get_mut().write_all(answer).await?;
    }
}

/// A line without its end; nothing at the end of the stream or where it is too long.
async fn line(stream: &mut BufReader<TcpStream>, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    stream.take(most).read_until(b'\n', &mut bytes).await?;
    if bytes.pop() != Some(b'\n') {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(Some(bytes))
}

async fn authenticate(stream: &mut BufReader<TcpStream>, asked: &str) -> io::Result<()> {
    let mut words = asked.split_whitespace().skip(1);
    let (kind, first) = (words.next().unwrap_or_default().to_ascii_uppercase(), words.next());
    let rounds = match (kind.as_str(), first) {
        ("LOGIN", None) => 2,
        ("LOGIN", Some(_)) | (_, None) => 1,
        _ => 0,
    };
    for _ in 0..rounds {
        stream.get_mut().write_all(b"334 \r\n").await?;
        line(stream, LINE).await?;
    }
    Ok(())
}

/// A letter up to its dot; nothing where it has no end or is too long.
async fn letter(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    loop {
        let Some(line) = line(stream, LONGEST as u64).await? else { return Ok(None) };
        if line == b"." {
            return Ok(Some(bytes));
        }
        let line = line.strip_prefix(b".").unwrap_or(&line);
        if bytes.len().saturating_add(line.len()) > LONGEST {
            return Ok(None);
        }
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
}

fn keep(shared: &Shared, to: Vec<String>, bytes: &[u8]) {
    let mut text = String::new();
    texts(&String::from_utf8_lossy(bytes), 0, &mut text);
    let mut letters = lock(&shared.letters);
    if letters.len() < MOST {
        letters.push(Letter { to, text });
    }
    drop(letters);
    shared.arrived.notify_waiters();
}

/// The texts of a part and of the parts in it (RFC 2045, RFC 2046).
fn texts(part: &str, depth: usize, out: &mut String) {
    let (head, body) = part.split_once("\n\n").unwrap_or(("", part));
    let head = head.replace("\n ", " ").replace("\n\t", " ");
    let field = |name: &str| {
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(own, _)| own.trim().eq_ignore_ascii_case(name))
            .map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let kind = field("content-type");
    let boundary = kind.to_ascii_lowercase().find("boundary=").and_then(|at| {
        let rest = kind.get(at.saturating_add("boundary=".len())..)?;
        let quoted = rest.strip_prefix('"').and_then(|rest| rest.split('"').next());
        Some(quoted.or_else(|| rest.split([';', ' ']).next()).unwrap_or_default().to_owned())
    });
    if let Some(boundary) = boundary.filter(|boundary| !boundary.is_empty() && depth < DEEPEST) {
        for inner in body.split(&format!("--{boundary}")).skip(1).take(20) {
            if !inner.starts_with("--") {
                texts(inner.trim_start_matches('\n'), depth.saturating_add(1), out);
            }
        }
        return;
    }
    let decoded = match field("content-transfer-encoding").to_ascii_lowercase().as_str() {
        "base64" => {
            let letters: String = body.chars().filter(|letter| !letter.is_whitespace()).collect();
            base64_decode(&letters).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).ok()
        }
        "quoted-printable" => Some(quoted_printable(body)),
        _ => None,
    };
    out.push_str(decoded.as_deref().unwrap_or(body));
    out.push('\n');
}

fn quoted_printable(text: &str) -> String {
    let text = text.replace("=\n", "");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()).filter(|_| *first == b'=') {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use gabion_egress::{Dial as _, TcpDial};

    use super::*;

    async fn say(sink: &MailSink, words: &str) -> String {
        let mut stream = TcpDial.dial(sink.address()).await.unwrap();
        stream.write_all(words.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn a_letter_is_taken_and_read() {
        let sink = MailSink::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let letter = "Subject: x\r\nContent-Type: multipart/alternative;\r\n boundary=\"b1\"\r\n\r\n--b1\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\nhttp://a/reset?token=3Dabc=\r\ndef\r\n..dot\r\n--b1\r\n\
            Content-Transfer-Encoding: base64\r\n\r\naGVs\r\nbG8=\r\n--b1--\r\n.\r\n";
        let answer = say(
            &sink,
            &format!("EHLO me\r\nAUTH LOGIN\r\nYQ==\r\nYQ==\r\nMAIL FROM:<a@b>\r\nRCPT TO:<Ann@example.com>\r\nDATA\r\n{letter}QUIT\r\n"),
        )
        .await;
        assert!(answer.ends_with("221 2.0.0 bye\r\n"), "{answer}");
        let letter = sink.wait("ann@example.com", 0, Duration::from_secs(5)).await.unwrap();
        assert!(letter.text.contains("token=abcdef\n.dot") && letter.text.contains("hello"), "{letter:?}");
        assert!(sink.letters("ben@example.com").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_letter_is_read(text in "(--b|Content-Type: multipart/mixed; boundary=b|=[0-9A-F]{2}|=|[ -~é]|\n){0,60}") {
            let mut out = String::new();
            texts(&text, 0, &mut out);
            proptest::prop_assert!(quoted_printable(&text).len() <= text.len().saturating_mul(3));
        }
    }

    #[tokio::test]
    async fn nonsense_and_what_has_no_end_is_left() {
        let sink = MailSink::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        assert!(say(&sink, "GET / HTTP/1.1\r\n\r\nQUIT\r\n").await.contains("502"));
        assert_eq!(say(&sink, &"x".repeat(8 << 10)).await, "220 probe ESMTP\r\n");
        let mut text = String::new();
        texts(&"Content-Type: multipart/mixed; boundary=b\n\n--b\n".repeat(50), 0, &mut text);
        texts("Content-Transfer-Encoding: quoted-printable\n\n=", 0, &mut text);
        assert!(text.ends_with("=\n"));
    }
}
