//! How the target speaks TLS (CWE-326, CWE-327, CWE-319; RFC 9325): by the first two messages of a handshake, written by hand, since
//! no library says what must not be said any more.
//!
//! Control: what every server of today speaks is agreed on. Negative twin: suites that nothing has must be refused; whoever
//! agrees to them answers anything.
//!
//! `ssl-3`, `tls-1.0`, `tls-1.1`: that version is agreed on where nothing newer is offered. `no-encryption`, `anonymous`, `export`,
//! `rc4`, `des`: such a suite is agreed on. `no-secrecy`: one by which a key that is stolen later opens what was recorded.
//! `compression`: contents are compressed before they are encrypted. Each is proven by the server's choice, twice.
//!
//! What the target shows is judged by itself, whether or not the run believes it ([`super::certificate`]): `certificate`, `issuer`,
//! `name`, `key`, `signature`.
//!
//! `clear`: for a target at port 443, port 80 of the same host answers with a page and does not lead to `https`.

use std::time::Duration;

use gabion_model::outbound::BoxFuture;
use gabion_model::{Severity, random};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::{Attack, Phase, certificate};
use crate::field::Field;
use crate::handshake::{Agreed, Hello, Reply};
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Request, WireError};

pub(super) struct Tls;

pub(super) const ID: &str = "tls";

impl Attack for Tls {
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

/// Something that must not be agreed on.
struct Weak {
    aspect: &'static str,
    /// `TLS 1.0`.
    what: &'static str,
    /// What is offered at most.
    version: u16,
    suites: &'static [u16],
    compression: bool,
    severity: Severity,
    why: &'static str,
}

/// Suites of the time of TLS 1.0.
const OLD: &[u16] =
    &[0xc00a, 0xc014, 0x0039, 0xc009, 0xc013, 0x0033, 0x0035, 0x002f, 0x000a, 0xc012, 0x0016, 0x0005, 0x0004];
/// Suites of TLS 1.3 and the good ones of TLS 1.2, and behind them old ones.
const ALL: &[u16] = &[
    0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009e, 0x009f, 0xc023, 0xc027,
    0x009c, 0x009d, 0xc00a, 0xc014, 0xc009, 0xc013, 0x0035, 0x002f,
];
/// Without those of TLS 1.3.
const SECOND: &[u16] = &[
    0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009e, 0x009f, 0xc023, 0xc027, 0xc00a, 0xc014, 0xc009,
    0xc013, 0x009c, 0x009d, 0x0035, 0x002f, 0x000a,
];
/// For nobody but those who agree to use them.
const NONE: &[u16] = &[0xfef0, 0xfef1, 0xfef2];

const fn suites(aspect: &'static str, what: &'static str, suites: &'static [u16], why: &'static str) -> Weak {
    Weak { aspect, what, version: 0x0303, suites, compression: false, severity: Severity::High, why }
}

const fn version(aspect: &'static str, what: &'static str, version: u16, severity: Severity) -> Weak {
    let why = "its hashes and its padding are broken, and no browser speaks it";
    Weak { aspect, what, version, suites: OLD, compression: false, severity, why }
}

const WEAK: &[Weak] = &[
    version("ssl-3", "SSL 3.0", 0x0300, Severity::High),
    version("tls-1.0", "TLS 1.0", 0x0301, Severity::Medium),
    version("tls-1.1", "TLS 1.1", 0x0302, Severity::Medium),
    suites(
        "no-encryption",
        "a suite without encryption",
        &[0x0001, 0x0002, 0x003b, 0xc006, 0xc010],
        "whoever listens reads",
    ),
    suites(
        "anonymous",
        "a suite without a certificate",
        &[0x0018, 0x001b, 0x0034, 0x003a, 0x006c, 0x006d, 0x00a6, 0x00a7, 0xc017, 0xc018, 0xc019],
        "anybody can be the server",
    ),
    suites(
        "export",
        "a suite with keys of 40 bits",
        &[0x0003, 0x0006, 0x0008, 0x000b, 0x000e, 0x0011, 0x0014, 0x0017, 0x0019, 0x0062, 0x0064],
        "its keys are found in minutes",
    ),
    suites(
        "rc4",
        "a suite with RC4",
        &[0x0004, 0x0005, 0xc007, 0xc011],
        "what is sent often is read (RFC 7465)",
    ),
    Weak {
        severity: Severity::Medium,
        ..suites(
            "des",
            "a suite with DES or 3DES",
            &[0x0009, 0x000c, 0x0012, 0x0015, 0x001a, 0x000a, 0x000d, 0x0010, 0x0013, 0x0016, 0xc008, 0xc012],
            "its blocks are so short that a long connection repeats them (RFC 7465, SWEET32)",
        )
    },
    Weak {
        severity: Severity::Low,
        ..suites(
            "no-secrecy",
            "a suite without forward secrecy",
            &[0x009c, 0x009d, 0x003c, 0x003d, 0x002f, 0x0035, 0x0041, 0x0084, 0x0096],
            "a key that is stolen later opens all that was recorded before",
        )
    },
    Weak {
        aspect: "compression",
        what: "compression",
        version: 0x0303,
        suites: SECOND,
        compression: true,
        severity: Severity::Medium,
        why: "lengths tell what is inside",
    },
];

pub(super) const CONNECT: Duration = Duration::from_secs(4);

async fn run(field: &Field) -> Result<(), WireError> {
    let origin = field.wire.origin();
    if !origin.is_tls() {
        field.not_tested(ID, "the target is not asked by `https`");
        return Ok(());
    }
    if field.facts.target.proxy.is_some() {
        field.not_tested(ID, "a handshake is not looked at through a proxy");
        return Ok(());
    }
    let any = Hello { version: 0x0303, newest: true, suites: ALL, compression: false, name: name(field) };
    let control = ask(field, &any, false).await?;
    let twin = ask(field, &Hello { newest: false, suites: NONE, ..any }, false).await?;
    if !matches!(control, Reply::Agreed(_)) || matches!(twin, Reply::Agreed(_)) {
        let says = "what every server speaks is not agreed on, or what nothing speaks is";
        field.say(Outcome::new(ID, "", Verdict::Inconclusive, says));
        return Ok(());
    }
    let mut found = false;
    for weak in WEAK {
        found |= attack(field, weak, &any, &twin).await?;
    }
    if !found {
        field.say(Outcome::new(
            ID,
            "",
            Verdict::Passed,
            "no broken version and no broken suite is agreed on",
        ));
    }
    certificate::judge(field).await?;
    if origin.port() == 443 {
        clear(field).await?;
    }
    Ok(())
}

/// The name that a certificate is chosen by; none for an address.
fn name(field: &Field) -> &str {
    let host = field.wire.origin().host();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
    if address { "" } else { host }
}

async fn ask(field: &Field, hello: &Hello<'_>, certificate: bool) -> Result<Reply, WireError> {
    let port = field.wire.origin().port();
    let Ok(stream) = field.wire.reach(port, CONNECT).await? else { return Ok(Reply::Nothing) };
    let random = random::bytes::<32>(&*field.rng);
    Ok(hello.ask(stream, &random, certificate).await)
}

fn shown(field: &Field, what: &str, reply: &Reply) -> Exchange {
    let origin = field.wire.origin();
    let answer = match reply {
        Reply::Agreed(Agreed { version, suite, compression, .. }) => format!(
            "ServerHello: version {version:#06x}, suite {suite:#06x}, compression {}",
            if *compression { "on" } else { "off" }
        ),
        Reply::Refused(Some(alert)) => format!("alert {alert}"),
        Reply::Refused(None) => "the connection was closed".to_owned(),
        Reply::Nothing => "no answer".to_owned(),
    };
    let request = Request::new("TLS", &format!("{}:{} ClientHello: {what}", origin.host(), origin.port()));
    Exchange { who: "anonymous".to_owned(), request, status: 0, answer }
}

async fn attack(field: &Field, weak: &Weak, any: &Hello<'_>, twin: &Reply) -> Result<bool, WireError> {
    let Weak { version, suites, compression, .. } = *weak;
    let hello = Hello { version, newest: false, suites, compression, name: any.name };
    let holds = |reply: &Reply| match reply {
        Reply::Agreed(agreed) => {
            suites.contains(&agreed.suite)
                && agreed.compression == compression
                && agreed.version <= version
                // A version by itself is meant only where nothing newer was offered.
                && (version == 0x0303 || agreed.version == version)
        }
        Reply::Refused(_) | Reply::Nothing => false,
    };
    let first = ask(field, &hello, false).await?;
    if !holds(&first) || !holds(&ask(field, &hello, false).await?) {
        return Ok(false);
    }
    let says = format!("{} is agreed on: {}", weak.what, weak.why);
    let evidence = "the server chose it, and refused what nothing speaks";
    let proof = Proof::new(shown(field, weak.what, &first), evidence).twin(shown(
        field,
        "suites that nothing has",
        twin,
    ));
    let outcome = Outcome::new(ID, "", Verdict::Proven, says).aspect(weak.aspect).severity(weak.severity);
    field.say(outcome.proof(proof));
    Ok(true)
}

/// The most that is read of an answer in clear, in bytes.
const HEAD: u64 = 8 << 10;

/// Whether port 80 leads to `https`, and serves nothing.
async fn clear(field: &Field) -> Result<(), WireError> {
    let host = field.wire.origin().host();
    let Ok(mut stream) = field.wire.reach(80, CONNECT).await? else {
        let says = "nothing answers without TLS at port 80";
        field.say(Outcome::new(ID, "", Verdict::Passed, says).aspect("clear"));
        return Ok(());
    };
    let request = Request::new("HTTP", &format!("http://{host}/"));
    let asked = async {
        let text =
            format!("GET / HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n");
        stream.write_all(text.as_bytes()).await.ok()?;
        stream.flush().await.ok()?;
        let mut bytes = Vec::new();
        stream.take(HEAD).read_to_end(&mut bytes).await.ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = timeout(CONNECT, asked).await.ok().flatten().unwrap_or_default();
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let status: u16 = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let to = head.lines().filter_map(|line| line.split_once(':'));
    let to = to.clone().find(|(name, _)| name.eq_ignore_ascii_case("location"));
    let to = to.map(|(_, value)| value.trim().to_ascii_lowercase()).unwrap_or_default();
    let outcome = match status {
        200..=299 => {
            let says = format!("`http://{host}/` is served without TLS, and leads nowhere else");
            let exchange = Exchange { who: "anonymous".to_owned(), request, status, answer: head.to_owned() };
            let proof = Proof::new(exchange, format!("the status is {status}"));
            Outcome::new(ID, "", Verdict::Proven, says).proof(proof)
        }
        301 | 302 | 303 | 307 | 308 if to.starts_with("http://") => {
            let says = format!("`http://{host}/` leads on to another address without TLS");
            let exchange = Exchange { who: "anonymous".to_owned(), request, status, answer: head.to_owned() };
            Outcome::new(ID, "", Verdict::Tentative, says)
                .proof(Proof::new(exchange, format!("it leads to `{to}`")))
        }
        0 => Outcome::new(ID, "", Verdict::Inconclusive, "port 80 does not speak HTTP"),
        _ => Outcome::new(ID, "", Verdict::Passed, "without TLS nothing is served"),
    };
    field.say(outcome.aspect("clear"));
    Ok(())
}
