//! What the demo sends letters and messages to: a mail server and a receiver of signed webhooks, on loopback, that keep what
//! they get.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gabion_model::{Clock as _, SystemClock};
use gabion_vault::webhook::{Key, Scheme, verify};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::failure::Failure;

/// Both servers; they end with this.
#[derive(Debug)]
pub(super) struct Receivers {
    pub(super) mail: SocketAddr,
    pub(super) hook: SocketAddr,
    /// The key of the webhook, as its file has it.
    pub(super) secret: String,
    got: Arc<Mutex<Got>>,
    tasks: [JoinHandle<()>; 2],
}

#[derive(Debug, Default)]
struct Got {
    /// Whole letters.
    letters: Vec<String>,
    /// Events of messages whose signature was right.
    events: Vec<Value>,
    /// Alerts, from messages whose signature was right.
    alerts: Vec<Value>,
    /// Messages whose signature was not.
    unsigned: usize,
}

impl Receivers {
    pub(super) async fn start(secret: String) -> Result<Self, Failure> {
        let cannot =
            |error: std::io::Error| Failure::new("the demo's receivers do not start").because(&error);
        let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let (mail, hook) = (bind().await.map_err(cannot)?, bind().await.map_err(cannot)?);
        let addresses = (mail.local_addr().map_err(cannot)?, hook.local_addr().map_err(cannot)?);
        let key =
            Key::parse(&Scheme::Standard, &secret).map_err(|_| Failure::new("the demo's key is none"))?;
        let (got, keys) = (Arc::<Mutex<Got>>::default(), Arc::new(vec![key]));
        let (letters, messages) = (Arc::clone(&got), Arc::clone(&got));
        let tasks = [
            tokio::spawn(async move {
                while let Ok((stream, _)) = mail.accept().await {
                    let got = Arc::clone(&letters);
                    tokio::spawn(async move {
                        if let Ok(letter) = take_letter(stream).await {
                            locked(&got).letters.extend(letter);
                        }
                    });
                }
            }),
            tokio::spawn(async move {
                while let Ok((stream, _)) = hook.accept().await {
                    let (got, keys) = (Arc::clone(&messages), Arc::clone(&keys));
                    tokio::spawn(async move {
                        let _ = take_message(stream, &got, &keys).await;
                    });
                }
            }),
        ];
        Ok(Self { mail: addresses.0, hook: addresses.1, secret, got, tasks })
    }

    /// The subject of the first letter with these words, once it is there.
    pub(super) async fn letter(&self, words: &str) -> Option<String> {
        self.wait(|got| {
            let letter = got.letters.iter().find(|letter| letter.contains(words))?;
            let subject = letter.lines().find_map(|line| line.strip_prefix("Subject: "))?;
            Some(subject.to_owned())
        })
        .await
    }

    /// The first event of this OCSF class that came with a right signature, and none came with a wrong one.
    pub(super) async fn event(&self, class: u64) -> Option<Value> {
        self.wait(|got| {
            let found = got.events.iter().find(|event| event["class_uid"].as_u64() == Some(class));
            found.filter(|_| got.unsigned == 0).cloned()
        })
        .await
    }

    /// The first message about an alert of this rule that came with a right signature, and none came with a wrong one.
    pub(super) async fn alert(&self, rule: &str) -> Option<Value> {
        self.wait(|got| {
            let of_rule =
                |message: &&Value| message.pointer("/data/alert/rule").is_some_and(|known| known == rule);
            let found = got.alerts.iter().find(of_rule);
            found.filter(|_| got.unsigned == 0).cloned()
        })
        .await
    }

    async fn wait<T>(&self, find: impl Fn(&Got) -> Option<T>) -> Option<T> {
        for _ in 0..TRIES {
            if let Some(found) = find(&locked(&self.got)) {
                return Some(found);
            }
            tokio::time::sleep(PAUSE).await;
        }
        None
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

fn locked(got: &Mutex<Got>) -> std::sync::MutexGuard<'_, Got> {
    got.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As much of SMTP (RFC 5321) as a sender needs; the letters of one connection.
async fn take_letter(stream: TcpStream) -> std::io::Result<Vec<String>> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut letters = Vec::new();
    writer.write_all(b"220 demo\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await?;
                let mut letter = String::new();
                while let Some(line) = lines.next_line().await? {
                    if line == "." || letter.len() > LONGEST {
                        break;
                    }
                    letter.push_str(&line);
                    letter.push('\n');
                }
                letters.push(letter);
                writer.write_all(b"250 taken\r\n").await?;
            }
            "QUIT" => {
                writer.write_all(b"221 bye\r\n").await?;
                break;
            }
            _ => writer.write_all(b"250 ok\r\n").await?,
        }
    }
    Ok(letters)
}

/// One message over HTTP/1.1; taken when its signature is right.
async fn take_message(stream: TcpStream, got: &Mutex<Got>, keys: &[Key]) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let (mut fields, mut length, mut line) = (Vec::<(String, String)>::new(), 0_usize, String::new());
        loop {
            line.clear();
            if reader.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let field = line.trim_end();
            if field.is_empty() {
                break;
            }
            if let Some((name, value)) = field.split_once(':') {
                let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
                if name == "content-length" {
                    length = value.parse().unwrap_or(0);
                }
                fields.push((name, value));
            }
        }
        let mut body = vec![0; length.min(LONGEST)];
        reader.read_exact(&mut body).await?;
        let values = |wanted: &str| {
            fields.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_bytes()).collect()
        };
        let now = SystemClock.now().as_secs();
        let is_signed = verify(&Scheme::Standard, keys, values, &body, now, 300).is_ok();
        {
            let mut got = locked(got);
            if is_signed {
                let message: Value = serde_json::from_slice(&body).unwrap_or_default();
                match message.get("events").and_then(Value::as_array) {
                    Some(events) => got.events.extend(events.iter().cloned()),
                    None => got.alerts.push(message),
                }
            } else {
                got.unsigned += 1;
            }
        }
        let answer = if is_signed {
            "HTTP/1.1 204 No Content\r\n\r\n"
        } else {
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
        };
        writer.write_all(answer.as_bytes()).await?;
    }
}

const LONGEST: usize = 16 << 20;
/// Together a minute: nothing waits so long when all is well.
const TRIES: usize = 600;
const PAUSE: Duration = Duration::from_millis(100);
