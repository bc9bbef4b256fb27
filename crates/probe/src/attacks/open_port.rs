//! Which TCP ports of the target's host are open, what answers there, and whether it lets anybody in (CWE-200, CWE-306).
//!
//! Only on demand (`target.ports`), only the host of the target at the address that was judged, never through a proxy.
//!
//! 1. Each port is connected to, a few at a time. What speaks first is read; what does not is asked in HTTP.
//! 2. **Open** (informational): a port that takes connections, with what it is by its first words.
//! 3. **A database or a control socket without a lock** (high), proven by one harmless read that a stranger is not given
//!    elsewhere: Redis and Memcached by their count of keys, MongoDB by the names of its databases, Elasticsearch by its list of
//!    indices, etcd by its version of the store, Docker by its list of containers. **Twin**: the same words with a command or a path
//!    that is made up are refused; where they are not, whatever is there answers anything.
//!
//! Control: the port of the target itself is open.

use std::io;
use std::time::Duration;

use gabion_egress::Stream;
use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::{Attack, Phase};
use crate::field::Field;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct OpenPort;

const ID: &str = "open-port";
/// Ports that are connected to at once.
const AT_ONCE: usize = 8;
/// How long a connection, and a word, is waited for.
const CONNECT: Duration = Duration::from_millis(1_500);
const WORD: Duration = Duration::from_millis(1_500);
/// How much is read.
const READ: usize = 16 << 10;

/// Ports that services usually have, and those services.
pub(crate) const USUAL: &[(u16, &str)] = &[
    (21, "FTP"),
    (22, "SSH"),
    (23, "Telnet"),
    (25, "SMTP"),
    (80, "HTTP"),
    (111, "RPC"),
    (139, "SMB"),
    (389, "LDAP"),
    (443, "HTTPS"),
    (445, "SMB"),
    (873, "rsync"),
    (1433, "SQL Server"),
    (1521, "Oracle"),
    (2049, "NFS"),
    (2181, "ZooKeeper"),
    (2375, "Docker"),
    (2379, "etcd"),
    (3000, "HTTP"),
    (3306, "MySQL"),
    (3389, "RDP"),
    (4369, "Erlang"),
    (5000, "HTTP"),
    (5005, "Java debugger"),
    (5432, "PostgreSQL"),
    (5601, "Kibana"),
    (5672, "AMQP"),
    (5900, "VNC"),
    (5984, "CouchDB"),
    (6379, "Redis"),
    (8000, "HTTP"),
    (8080, "HTTP"),
    (8443, "HTTPS"),
    (8500, "Consul"),
    (8888, "HTTP"),
    (9000, "HTTP"),
    (9090, "Prometheus"),
    (9092, "Kafka"),
    (9200, "Elasticsearch"),
    (9229, "Node.js debugger"),
    (10250, "kubelet"),
    (11211, "Memcached"),
    (15672, "RabbitMQ"),
    (27017, "MongoDB"),
];

impl Attack for OpenPort {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Look
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

/// What was found at one port.
struct Found {
    port: u16,
    /// What it is, and its first words.
    service: String,
    words: String,
    /// What was asked and answered without a lock, and how a made-up thing was refused.
    read: Option<(String, String, String)>,
}

async fn run(field: &Field) -> Result<(), WireError> {
    let ports = field.facts.target.ports.list();
    if ports.is_empty() {
        field.not_tested(ID, "nobody asked for it; hint: `target.ports = true`");
        return Ok(());
    }
    if field.facts.target.proxy.is_some() {
        field.not_tested(ID, "ports are not looked at through a proxy");
        return Ok(());
    }
    let own = field.wire.origin().port();
    if field.wire.reach(own, CONNECT).await?.is_err() {
        field.say(Outcome::new(ID, "", Verdict::Inconclusive, "the target's own port takes no connection"));
        return Ok(());
    }
    let ports: Vec<u16> = ports.into_iter().filter(|port| *port != own).collect();
    let mut open = 0_usize;
    for some in ports.chunks(AT_ONCE) {
        let looks = some.iter().map(|port| look(field, *port));
        for found in futures_util::future::join_all(looks).await {
            let Some(found) = found? else { continue };
            open = open.saturating_add(1);
            say(field, &found);
        }
    }
    if open == 0 {
        let says = format!("none of {} ports takes connections beside that of the target", ports.len());
        field.say(Outcome::new(ID, "", Verdict::Passed, says));
    }
    Ok(())
}

fn say(field: &Field, found: &Found) {
    let place = format!("TCP {}", found.port);
    let host = field.wire.origin().host();
    let shown = |sent: &str, got: &str| {
        let request = Request::new("TCP", &format!("{host}:{} {sent}", found.port));
        Exchange {
            who: "anonymous".to_owned(),
            request,
            status: 0,
            answer: got.chars().take(1_000).collect(),
        }
    };
    let service = &found.service;
    match &found.read {
        Some((sent, got, twin)) => {
            let says = format!("{service} lets anybody in: it answered `{sent}`");
            let proof = Proof::new(shown(sent, got), got.chars().take(200).collect::<String>())
                .twin(shown("a made-up question", twin));
            let outcome =
                Outcome::new(ID, &place, Verdict::Proven, says).aspect("no-lock").severity(Severity::High);
            field.say(outcome.proof(proof));
        }
        None => {
            let says = format!("it takes connections: {service}");
            let proof = Proof::new(shown("connect", &found.words), service.clone());
            field.say(Outcome::new(ID, &place, Verdict::Proven, says).aspect("open").proof(proof));
        }
    }
}

async fn look(field: &Field, port: u16) -> Result<Option<Found>, WireError> {
    let Ok(mut stream) = field.wire.reach(port, CONNECT).await? else { return Ok(None) };
    let first = words(&mut *stream).await;
    drop(stream);
    let usual = USUAL.iter().find(|(own, _)| *own == port).map(|(_, name)| *name);
    let named = by_words(&first);
    let mut found = Found {
        port,
        service: match (named, usual) {
            (Some(named), _) => format!(
                "{named} (`{}`)",
                first.lines().next().unwrap_or_default().chars().take(80).collect::<String>()
            ),
            (None, Some(usual)) => format!("what usually is {usual}"),
            (None, None) => "something that does not say what it is".to_owned(),
        },
        words: first.clone(),
        read: None,
    };
    // What speaks first is none of those that are asked.
    if first.is_empty() {
        for question in QUESTIONS {
            if let Some((service, read)) = ask(field, port, question).await? {
                found.service = service;
                found.read = read;
                break;
            }
        }
    }
    Ok(Some(found))
}

/// A service by what it says first.
fn by_words(first: &str) -> Option<&'static str> {
    let begins = [
        ("SSH-", "SSH"),
        ("220 ", "FTP or SMTP"),
        ("220-", "FTP or SMTP"),
        ("+OK", "POP3"),
        ("* OK", "IMAP"),
        ("RFB ", "VNC"),
        ("@RSYNCD", "rsync"),
        ("AMQP", "AMQP"),
    ];
    if let Some((_, name)) = begins.iter().find(|(begin, _)| first.starts_with(begin)) {
        return Some(name);
    }
    (first.contains("mysql_native_password") || first.contains("caching_sha2_password")).then_some("MySQL")
}

/// What is asked, how its answer is known, and what a made-up question is.
struct Question {
    service: &'static str,
    /// Known by the answer to this.
    hello: &'static [u8],
    knows: fn(&str) -> bool,
    /// What only somebody who was let in reads.
    read: &'static [u8],
    reads: fn(&str) -> bool,
    /// As people write it.
    says: &'static str,
    twin: &'static [u8],
}

const QUESTIONS: &[Question] = &[
    Question {
        service: "Redis",
        hello: b"*1\r\n$4\r\nPING\r\n",
        knows: |text| text.starts_with("+PONG") || text.starts_with("-NOAUTH") || text.starts_with("-DENIED"),
        read: b"*1\r\n$6\r\nDBSIZE\r\n",
        reads: |text| text.starts_with(':'),
        says: "DBSIZE",
        twin: b"*1\r\n$8\r\nGXNOTHNG\r\n",
    },
    Question {
        service: "Memcached",
        hello: b"version\r\n",
        knows: |text| text.starts_with("VERSION "),
        read: b"stats items\r\n",
        reads: |text| text.contains("END\r\n"),
        says: "stats items",
        twin: b"gxnothing\r\n",
    },
    Question {
        service: "MongoDB",
        hello: MONGO_HELLO,
        knows: |text| text.contains("maxWireVersion"),
        read: MONGO_LIST,
        reads: |text| text.contains("databases") && text.contains("sizeOnDisk"),
        says: "listDatabases",
        twin: MONGO_NOTHING,
    },
    Question {
        service: "Elasticsearch",
        hello: b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        knows: |text| text.contains("lucene_version"),
        read: b"GET /_cat/indices?format=json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        reads: |text| text.starts_with("HTTP/1.1 200") && body_of(text).is_some_and(|body| body.is_array()),
        says: "GET /_cat/indices",
        twin: b"GET /_cat/gxnothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    },
    Question {
        service: "Docker",
        hello: b"GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        knows: |text| text.contains("\"ApiVersion\"") && text.contains("\"MinAPIVersion\""),
        read: b"GET /containers/json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        reads: |text| text.starts_with("HTTP/1.1 200") && body_of(text).is_some_and(|body| body.is_array()),
        says: "GET /containers/json",
        twin: b"GET /gxnothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    },
    Question {
        service: "etcd",
        hello: b"GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        knows: |text| text.contains("\"etcdserver\""),
        read: b"POST /v3/kv/range HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 51\r\nConnection: close\r\n\r\n{\"key\":\"AA==\",\"range_end\":\"AA==\",\"count_only\":true}",
        reads: |text| text.starts_with("HTTP/1.1 200") && text.contains("\"revision\""),
        says: "POST /v3/kv/range",
        twin: b"GET /v3/gxnothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    },
    Question {
        service: "HTTP",
        hello: b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        knows: |text| text.starts_with("HTTP/1."),
        read: b"",
        reads: |_| false,
        says: "",
        twin: b"",
    },
];

/// `OP_MSG` (13) with one document: length, id, answer to, what; no flags, one section.
const MONGO_HELLO: &[u8] = b"\x34\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x1f\0\0\0\x10hello\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0";
const MONGO_LIST: &[u8] = b"\x3c\0\0\0\x02\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x27\0\0\0\x10listDatabases\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0";
const MONGO_NOTHING: &[u8] = b"\x38\0\0\0\x03\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x23\0\0\0\x10gxnothing\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0";

fn body_of(text: &str) -> Option<Value> {
    let (_, body) = text.split_once("\r\n\r\n")?;
    // The sizes of chunks stand on lines of their own.
    let body = body.find(['[', '{']).and_then(|at| body.get(at..)).unwrap_or(body);
    serde_json::Deserializer::from_str(body).into_iter::<Value>().next()?.ok()
}

/// The service, and what it let a stranger read; nothing where it is another one.
type Known = (String, Option<(String, String, String)>);

async fn ask(field: &Field, port: u16, question: &Question) -> Result<Option<Known>, WireError> {
    let Some(hello) = once(field, port, question.hello).await? else { return Ok(None) };
    if !(question.knows)(&hello) {
        return Ok(None);
    }
    let mut service = question.service.to_owned();
    if service == "HTTP"
        && let Ok(Some((status, heads, _))) = Answer::head(hello.as_bytes())
    {
        let server = heads.iter().find(|(name, _)| name.eq_ignore_ascii_case("server"));
        let named = server.map_or_else(String::new, |(_, value)| format!(", `{value}`"));
        service = format!("HTTP ({status}{named})");
    }
    if question.read.is_empty() {
        return Ok(Some((service, None)));
    }
    let (first, second) = (once(field, port, question.read).await?, once(field, port, question.read).await?);
    let twin = once(field, port, question.twin).await?.unwrap_or_default();
    let let_in = |text: &Option<String>| text.as_ref().is_some_and(|text| (question.reads)(text));
    let read = (let_in(&first) && let_in(&second) && !(question.reads)(&twin))
        .then(|| (question.says.to_owned(), second.unwrap_or_default(), twin));
    Ok(Some((service, read)))
}

async fn once(field: &Field, port: u16, sent: &[u8]) -> Result<Option<String>, WireError> {
    let Ok(mut stream) = field.wire.reach(port, CONNECT).await? else { return Ok(None) };
    let wrote: io::Result<()> = async {
        stream.write_all(sent).await?;
        stream.flush().await
    }
    .await;
    Ok(match wrote {
        Ok(()) => Some(words(&mut *stream).await),
        Err(_) => None,
    })
}

/// What comes within a moment: until it pauses.
async fn words(stream: &mut dyn Stream) -> String {
    let mut out = Vec::new();
    let mut patience = WORD;
    while out.len() < READ {
        let mut piece = vec![0; 4 << 10];
        match timeout(patience, stream.read(&mut piece)).await {
            Ok(Ok(read)) if read > 0 => out.extend(piece.into_iter().take(read)),
            _ => break,
        }
        patience = Duration::from_millis(150);
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_as_long_as_they_say() {
        for message in [MONGO_HELLO, MONGO_LIST, MONGO_NOTHING] {
            assert_eq!(usize::from(message[0]), message.len());
            assert_eq!(usize::from(message[21]), message.len() - 21);
        }
        let etcd = QUESTIONS.iter().find(|question| question.service == "etcd").unwrap();
        let text = std::str::from_utf8(etcd.read).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{}", body.len());
    }

    #[test]
    fn services_are_known_by_their_words() {
        assert_eq!(by_words("SSH-2.0-OpenSSH_9.2"), Some("SSH"));
        assert_eq!(by_words("hello"), None);
        assert_eq!(body_of("HTTP/1.1 200 OK\r\n\r\n2\r\n[]\r\n0\r\n"), Some(serde_json::json!([])));
    }
}
