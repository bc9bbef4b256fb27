//! Which services of the target's host answer by UDP, and what they give to anybody (CWE-200, CWE-306, CWE-406).
//!
//! Only on demand (`target.ports = true`, or `target.udp_ports`), only the host of the target at the address that was judged, never
//! through a proxy.
//!
//! 1. A port that a service usually has is asked in that protocol: one question that is true to it ([`crate::datagram`]), with a
//!    random number that the answer must repeat. Another port is asked in all of them, at once.
//! 2. **Open** (informational; more at an address of the internet, where answers to forged senders are weapons): what answered, and
//!    what it said.
//! 3. **What must be given to nobody**, proven by having got it twice: names of the whole internet (open resolver), SNMP by the
//!    community `public`, Memcached, who asked for the time before (monlist), programs of RPC, resources of CoAP, a shared secret
//!    of RADIUS that documents show. **Twin**: the same with something made up; where that is given as well, whatever is there
//!    answers anything, and nothing is said.
//!
//! Control of a pass: the service answered its own question, or the host said of every port that nothing listens there. Silence is
//! no closed port: a filter is silent, and so are many services to strangers. It is said, and is no pass.

use std::io;
use std::time::Duration;

use gabion_egress::Datagram;
use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;
use gabion_model::random;

use super::{Attack, Phase};
use crate::control::Control;
use crate::datagram::{Ask, Hole, Nonce, SERVICES, Service};
use crate::field::Field;
use crate::scope::is_near;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Request, WireError};

pub(super) struct UdpService;

const ID: &str = "udp-service";
/// Questions that are waited for at once.
const AT_ONCE: usize = 64;
const PATIENCE: Duration = Duration::from_millis(1_200);

impl Attack for UdpService {
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

/// A question to a port.
struct Turn {
    port: u16,
    service: &'static Service,
    ask: &'static Ask,
    hole: Option<&'static Hole>,
}

/// What came of it.
enum Came {
    /// What it says, and its bytes.
    Answer(String, Vec<u8>),
    /// Something that is no answer to that question.
    Other,
    Closed,
    Silence,
}

async fn run(field: &Field) -> Result<(), WireError> {
    let ports = field.facts.target.udp_ports();
    if ports.is_empty() {
        field.not_tested(ID, "nobody asked for it; hint: `target.ports = true`, or `target.udp_ports`");
        return Ok(());
    }
    if field.facts.target.proxy.is_some() {
        field.not_tested(ID, "ports are not looked at through a proxy");
        return Ok(());
    }
    let turns: Vec<Turn> = ports.iter().flat_map(|port| turns(*port)).collect();
    let mut came = Vec::new();
    for some in turns.chunks(AT_ONCE) {
        let asked = some.iter().map(|turn| ask(field, turn.port, turn.service, turn.ask));
        for one in futures_util::future::join_all(asked).await {
            came.push(one?);
        }
    }
    let mut others = Vec::new();
    for port in &ports {
        let own: Vec<(&Turn, &Came)> =
            turns.iter().zip(&came).filter(|(turn, _)| turn.port == *port).collect();
        if !answered(field, *port, &own).await? {
            others.push((*port, own));
        }
    }
    let closed = others.iter().filter(|(_, own)| own.iter().any(|(_, came)| matches!(came, Came::Closed)));
    let (closed, all) = (closed.count(), others.len());
    if all == 0 {
        return Ok(());
    }
    let outcome = if closed == all {
        let says = format!("the host says of {all} ports that nothing listens there");
        let control = Control::new("its own word for each port (ICMP), and no silence");
        Outcome::new(ID, "", Verdict::Passed, says).control(control)
    } else {
        let says = format!(
            "{} of {} ports say nothing, which is no word of being closed; of {closed} the host says that nothing listens there",
            all.saturating_sub(closed),
            ports.len()
        );
        Outcome::new(ID, "", Verdict::Inconclusive, says)
    };
    field.say(outcome.aspect("silent"));
    Ok(())
}

/// What a port is asked: in the protocol it usually has, or in all of them.
fn turns(port: u16) -> Vec<Turn> {
    let usual = SERVICES.iter().find(|service| service.ports.contains(&port));
    let own = SERVICES.iter().filter(|service| usual.is_none_or(|usual| std::ptr::eq(*usual, **service)));
    own.flat_map(|service| {
        service.asks().map(|(ask, hole)| Turn { port, service, ask, hole }).collect::<Vec<_>>()
    })
    .collect()
}

/// Says what a port answered; whether it did.
async fn answered(field: &Field, port: u16, own: &[(&Turn, &Came)]) -> Result<bool, WireError> {
    let place = format!("UDP {port}");
    let known = own.iter().find_map(|(turn, came)| match came {
        Came::Answer(says, bytes) => Some((*turn, says, bytes)),
        Came::Other | Came::Closed | Came::Silence => None,
    });
    let Some((turn, says, bytes)) = known else {
        let any = own.iter().any(|(_, came)| matches!(came, Came::Other));
        if any {
            let says = "something answers, in no protocol that is known here";
            field.say(Outcome::new(ID, &place, Verdict::Tentative, says).aspect("open"));
        }
        return Ok(any);
    };
    let service = turn.service;
    let proof = Proof::new(shown(field, port, turn.ask.says, bytes), says.clone());
    let outcome = Outcome::new(ID, &place, Verdict::Proven, format!("{} answers: {says}", service.name));
    let severity = if is_far(field) { service.exposed } else { Severity::Informational };
    field.say(outcome.aspect("open").severity(severity).proof(proof));
    let holes = own.iter().filter(|(turn, _)| std::ptr::eq(turn.service, service));
    for (turn, came) in holes {
        let Some(hole) = turn.hole else { continue };
        judge(field, port, service, hole, came).await?;
    }
    Ok(true)
}

async fn judge(
    field: &Field,
    port: u16,
    service: &'static Service,
    hole: &'static Hole,
    first: &Came,
) -> Result<(), WireError> {
    let place = format!("UDP {port}");
    let Came::Answer(..) = first else {
        let says = format!("{}: `{}` is not given to a stranger", service.name, hole.ask.says);
        let control = Control::new(format!("it answered a question of {} a moment before", service.name));
        field.say(Outcome::new(ID, &place, Verdict::Passed, says).aspect(hole.aspect).control(control));
        return Ok(());
    };
    let again = ask(field, port, service, &hole.ask).await?;
    let twin = ask(field, port, service, &hole.twin).await?;
    let outcome = match (again, twin) {
        (_, Came::Answer(..)) => {
            let says = format!("`{}` is answered in the same way", hole.twin.says);
            Outcome::new(ID, &place, Verdict::Inconclusive, says)
        }
        (Came::Answer(says, bytes), _) => {
            let proof = Proof::new(shown(field, port, hole.ask.says, &bytes), says).twin(shown(
                field,
                port,
                hole.twin.says,
                b"",
            ));
            let severity = if is_far(field) { hole.severity } else { less(hole.severity) };
            let says = format!("{}: {}", service.name, hole.says);
            Outcome::new(ID, &place, Verdict::Proven, says).severity(severity).proof(proof)
        }
        _ => {
            let says = format!("`{}` was answered once, and not a second time", hole.ask.says);
            Outcome::new(ID, &place, Verdict::Inconclusive, says)
        }
    };
    field.say(outcome.aspect(hole.aspect));
    Ok(())
}

fn is_far(field: &Field) -> bool {
    field.wire.addresses().first().is_some_and(|address| !is_near(address.ip()))
}

/// Where neighbours alone ask.
const fn less(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium | Severity::Low => Severity::Low,
        Severity::Informational => Severity::Informational,
    }
}

async fn ask(field: &Field, port: u16, service: &Service, ask: &Ask) -> Result<Came, WireError> {
    let nonce: Nonce = random::bytes::<16>(&*field.rng);
    let bytes = (ask.write)(&nonce);
    let question = Datagram { bytes: &bytes, patience: PATIENCE, any_port: service.any_port };
    Ok(match field.wire.ask(port, question).await? {
        Ok(answers) => {
            let read = answers.iter().find_map(|bytes| Some(((ask.read)(&nonce, bytes)?, bytes)));
            match read {
                Some((says, bytes)) => Came::Answer(says, bytes.clone()),
                None if answers.is_empty() => Came::Silence,
                None => Came::Other,
            }
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Came::Closed,
        Err(_) => Came::Silence,
    })
}

fn shown(field: &Field, port: u16, sent: &str, got: &[u8]) -> Exchange {
    let host = field.wire.origin().host();
    let answer: String = String::from_utf8_lossy(got)
        .chars()
        .map(|letter| if letter.is_control() && letter != '\n' { '.' } else { letter })
        .take(1_000)
        .collect();
    let answer = if got.is_empty() { "nothing of that kind".to_owned() } else { answer };
    Exchange {
        who: "anonymous".to_owned(),
        request: Request::new("UDP", &format!("{host}:{port} {sent}")),
        status: 0,
        answer,
    }
}
