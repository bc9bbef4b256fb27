//! Whether a page of another site may open a WebSocket in a visitor's name (CWE-1385), and whether it asks for a login.
//!
//! 1. WebSockets are found where documents and pages name them, where a request is answered that it should be upgraded, and at
//!    the paths they usually have.
//! 2. Positive control: signed in, from the application's own origin, it opens (101) and says something; where it says
//!    nothing by itself it is sent a word.
//! 3. Cross-site: signed in, from a foreign origin, it says the same. Negative twin: without the session's cookie it does not
//!    open, or says something else: then it is the cookie that opens it, and a browser sends that along.
//! 4. Missing login: without anything it says the same as to somebody who is signed in, and a word of that person is in it.
//!
//! A cookie that says `SameSite=Lax` or `Strict` is not sent along: then it is worth a look only. A session that is a header
//! is nothing a foreign page has. A socket that says the same to everybody is for everybody.

use std::time::Duration;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;
use gabion_vault::encoding::base64_encode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::{Attack, Phase, usable};
use crate::control::Control;
use crate::field::Field;
use crate::matrix::Access;
use crate::session::SetCookie;
use crate::surface::is_spared;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct WebsocketAccess;

const ID: &str = "websocket-access";

impl Attack for WebsocketAccess {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Read
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    let Some(who) = field.signed_in().next() else {
        field.not_tested(ID, "nobody is signed in; hint: `[[identities]]`");
        return Ok(());
    };
    let mut tested = 0_usize;
    for path in places(field) {
        let own = field.wire.origin().base();
        let own = origin_of(&own);
        let Some(control) = usable(open(field, who, &path, &own).await)? else { continue };
        if control.answer.status != 101 {
            continue;
        }
        tested = tested.saturating_add(1);
        attack(field, who, &path, &control).await?;
    }
    if tested == 0 {
        field.not_tested(
            ID,
            "no WebSocket was found; hint: name it in the OpenAPI document with the answer 101",
        );
    }
    Ok(())
}

/// Paths where one may be, the surest first.
fn places(field: &Field) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    let upgraded = |known: &crate::field::Known| known.answer.status == 426;
    for (at, operation) in field.operations.iter().enumerate() {
        let path = operation.path.to_ascii_lowercase();
        let named = path.split(['/', '-', '_', '.']).any(|word| WORDS.contains(&word));
        let known = field.known_of(at).any(upgraded);
        if operation.method == "GET"
            && !operation.path.contains('{')
            && (operation.websocket || known || named)
        {
            paths.push(operation.path.clone());
        }
    }
    paths.extend(USUAL.iter().map(|path| (*path).to_owned()));
    let mut met = std::collections::BTreeSet::new();
    paths.retain(|path| met.insert(path.clone()) && !is_spared(field, path));
    paths.truncate(MOST);
    paths
}

const MOST: usize = 12;
const WORDS: &[&str] =
    &["ws", "wss", "websocket", "websockets", "socket", "sockets", "cable", "subscriptions"];
const USUAL: &[&str] = &["/ws", "/websocket", "/socket", "/cable", "/api/ws"];

/// Scheme, host and port, as browsers write an origin.
fn origin_of(base: &str) -> String {
    base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

/// A handshake and what came after it.
struct Opened {
    request: Request,
    answer: Answer,
    /// The first thing that was said.
    heard: Option<String>,
}

/// How long a socket has for its first word.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// The most that is read of one socket, in bytes.
const READ: usize = 64 << 10;

async fn open(field: &Field, who: usize, path: &str, origin: &str) -> Result<Opened, WireError> {
    let key = base64_encode(&gabion_model::random::bytes::<16>(&*field.rng));
    let request = Request::get(path)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", &key)
        .header("Origin", origin);
    let request = field.person(who).session().apply(&request);
    let mut stream = field.wire.open(path).await?;
    stream.write_all(&field.wire.bytes(&request)).await?;
    stream.flush().await?;
    let mut bytes = Vec::new();
    let mut head = None;
    // The head comes at once or not at all; a word after it is waited for.
    while head.is_none() && bytes.len() < READ {
        let mut part = [0; 4096];
        let Ok(read) = timeout(PATIENCE, stream.read(&mut part)).await else { break };
        let read = read?;
        bytes.extend(part.iter().take(read));
        if read == 0 {
            break;
        }
        head = Answer::head(&bytes).map_err(|_| std::io::Error::from(std::io::ErrorKind::InvalidData))?;
    }
    let Some((status, headers, taken)) = head else {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    };
    let mut rest: Vec<u8> = bytes.into_iter().skip(taken).collect();
    let mut heard = None;
    if status == 101 {
        heard = hear(&mut *stream, &mut rest).await?;
        if heard.is_none() {
            let word = field.canary();
            stream.write_all(&said(&word)).await?;
            stream.flush().await?;
            // Every run has another word; what is compared must not have it.
            heard = hear(&mut *stream, &mut rest).await?.map(|text| text.replace(&word, ""));
        }
    }
    let body = heard.clone().unwrap_or_default().into_bytes();
    let answer = Answer { status, headers, body, cut: false, elapsed: Duration::ZERO };
    Ok(Opened { request, answer, heard })
}

/// The first text that is said within a moment.
async fn hear(
    stream: &mut dyn gabion_egress::Stream,
    rest: &mut Vec<u8>,
) -> Result<Option<String>, WireError> {
    loop {
        match frame(rest) {
            Some((1 | 2, payload, _)) => return Ok(Some(String::from_utf8_lossy(&payload).into_owned())),
            // A close.
            Some((8, ..)) => return Ok(None),
            Some((_, _, taken)) => {
                rest.drain(..taken.min(rest.len()));
                continue;
            }
            None => {}
        }
        let mut part = [0; 4096];
        match timeout(PATIENCE, stream.read(&mut part)).await {
            Ok(Ok(read)) if read > 0 && rest.len() < READ => rest.extend(part.iter().take(read)),
            _ => return Ok(None),
        }
    }
}

/// A whole frame at the beginning of some bytes (RFC 6455, section 5.2): its kind, what it holds and how long it is.
fn frame(bytes: &[u8]) -> Option<(u8, Vec<u8>, usize)> {
    let (first, second) = (bytes.first()?, bytes.get(1)?);
    let (length, from) = match second & 127 {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4_usize),
        127 => (usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?, 10),
        short => (usize::from(short), 2),
    };
    // A server masks nothing (section 5.1).
    let end = from.checked_add(length).filter(|_| second & 128 == 0)?;
    Some((first & 15, bytes.get(from..end)?.to_vec(), end))
}

/// A short text as a client sends it, masked with zeros.
fn said(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len().min(125)).unwrap_or(0);
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

async fn attack(field: &Field, who: usize, path: &str, control: &Opened) -> Result<(), WireError> {
    let id = format!("GET {path}");
    let opened = Control::shown(
        format!("`{}` opens it, and it speaks", field.person(who).name),
        field.evidence(who, &control.request, &control.answer),
    );
    let say = |verdict, says: &str, aspect: &str| {
        field.say(Outcome::new(ID, &id, verdict, says).aspect(aspect).control(opened.clone()));
    };
    let person = field.person(who);
    let Some(heard) = &control.heard else {
        say(Verdict::Inconclusive, "it opens and says nothing by which it could be compared", "");
        return Ok(());
    };
    let own = origin_of(&field.wire.origin().base());
    let Some(nobody) = usable(open(field, 0, path, &own).await)? else { return Ok(()) };
    let shown = |opened: &Opened, who: usize| field.evidence(who, &opened.request, &opened.answer);
    if nobody.answer.status == 101 && nobody.heard.as_ref() == Some(heard) {
        if !person.user.is_empty() && heard.contains(&person.user) {
            let says = "it tells people who did not sign in what it tells somebody who did";
            field.saw(&id, 0, Access::Violation, says);
            let proof =
                Proof::new(shown(&nobody, 0), format!("it says `{heard}`")).shown(shown(control, who));
            let outcome = Outcome::new(ID, &id, Verdict::Proven, says).aspect("anonymous");
            field.say(outcome.proof(proof).control(opened.clone()));
        } else {
            say(Verdict::Passed, "it says the same to everybody", "");
        }
        return Ok(());
    }
    field.saw(&id, 0, Access::Denied, format!("refused with {}", nobody.answer.status));
    say(Verdict::Passed, "it tells people who did not sign in nothing", "anonymous");
    if person.session().cookies.is_empty() {
        say(Verdict::NotTested, "no cookie signs people in: a foreign page has nothing to send along", "");
        return Ok(());
    }
    let mut allowed = None;
    for origin in [format!("https://{}.example", field.canary()), "null".to_owned(), suffixed(&own)] {
        let Some(foreign) = usable(open(field, who, path, &origin).await)? else { continue };
        if foreign.answer.status == 101 && foreign.heard.as_ref() == Some(heard) {
            allowed = Some((origin, foreign));
            break;
        }
    }
    let Some((origin, foreign)) = allowed else {
        say(Verdict::Passed, "pages of other origins are refused", "");
        return Ok(());
    };
    let guarded = person.login.as_ref().is_some_and(|(_, answer)| {
        let set: Vec<SetCookie> = answer.fields("set-cookie").filter_map(SetCookie::parse).collect();
        let strict = |cookie: &SetCookie| {
            cookie.attribute("samesite").is_some_and(|site| !site.eq_ignore_ascii_case("none"))
        };
        !set.is_empty() && set.iter().all(strict)
    });
    let says = format!("a page of `{origin}` opens it in the name of `{}`", person.name);
    let proof = Proof::new(shown(&foreign, who), format!("it says `{heard}`, as to a page of its own"))
        .twin(shown(&nobody, 0))
        .shown(shown(control, who));
    let outcome = if guarded {
        let says = format!("{says}, where a browser sends the cookie along; it has `SameSite`");
        Outcome::new(ID, &id, Verdict::Tentative, says).severity(Severity::Low)
    } else {
        field.saw(&id, who, Access::Violation, says.as_str());
        Outcome::new(ID, &id, Verdict::Proven, says)
    };
    field.say(outcome.proof(proof).control(opened));
    Ok(())
}

/// A foreign host that begins as the own one does, for whoever compares beginnings.
fn suffixed(own: &str) -> String {
    format!("{own}.example")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_under_bounds() {
        assert_eq!(frame(&[0x81, 2, b'h', b'i', 9]), Some((1, b"hi".to_vec(), 4)));
        let long = [&[0x82, 126, 0, 130], &[7; 130][..]].concat();
        assert_eq!(
            frame(&long).map(|(kind, payload, taken)| (kind, payload.len(), taken)),
            Some((2, 130, 134))
        );
        for broken in [
            &[][..],
            &[0x81],
            &[0x81, 5, b'h'],
            &[0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255],
            &[0x81, 0x82, 0, 0, 0, 0, 1, 1],
        ] {
            assert_eq!(frame(broken), None);
        }
        assert_eq!(said("a"), [0x81, 0x81, 0, 0, 0, 0, b'a']);
        assert_eq!(origin_of("http://127.0.0.1:1/app/"), "http://127.0.0.1:1");
    }

    proptest::proptest! {
        #[test]
        fn any_frame_is_read(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40)) {
            if let Some((kind, payload, taken)) = frame(&bytes) {
                proptest::prop_assert!(kind < 16 && taken >= 2 && taken <= bytes.len() && payload.len() < taken);
            }
        }
    }
}
