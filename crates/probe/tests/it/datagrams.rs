//! Services by UDP beside the application: such that give away what they must not, and such that only look so.

use std::sync::Arc;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use gabion_model::Severity;
use gabion_probe::facts::Ports;
use gabion_probe::{Report, Verdict, run};
use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::NS;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use tokio::net::UdpSocket;

use crate::ground::{Silent, print, world};
use crate::surface::{Served, facts_of};

type Answers = fn(&[u8]) -> Vec<Vec<u8>>;

/// A server that answers each datagram so; at a port of its own for each, as TFTP does, where it is `elsewhere`.
async fn server(elsewhere: bool, answers: Answers) -> u16 {
    let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut room = vec![0; 4_096];
        while let Ok((read, from)) = socket.recv_from(&mut room).await {
            let own = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let socket = if elsewhere { &own } else { &*socket };
            for answer in answers(&room[..read]) {
                let _ = socket.send_to(&answer, from).await;
            }
        }
    });
    port
}

fn resolver(asked: &[u8], open: bool, careless: bool) -> Vec<Vec<u8>> {
    let Ok(mut message) = Message::from_vec(asked) else { return Vec::new() };
    if message.metadata.message_type != MessageType::Query {
        return Vec::new();
    }
    message.metadata.message_type = MessageType::Response;
    message.metadata.recursion_available = open;
    let Some(query) = message.queries.first().cloned() else { return Vec::new() };
    let root = query.query_type() == RecordType::NS && (query.query_class() == DNSClass::IN || careless);
    match (root, open) {
        (true, true) => {
            let server = NS(Name::from_ascii("a.root.example.").unwrap());
            message.add_answer(Record::from_rdata(Name::root(), 60, RData::NS(server)));
        }
        _ => message.metadata.response_code = ResponseCode::Refused,
    }
    vec![message.to_vec().unwrap()]
}

/// Answers with what the community that it is asked with gets.
fn agent(asked: &[u8], communities: &[&[u8]]) -> Vec<Vec<u8>> {
    // Short lengths only: version, community, get with its number.
    let [0x30, _, 2, 1, 1, 4, length, rest @ ..] = asked else { return Vec::new() };
    let Some((community, get)) = rest.split_at_checked(usize::from(*length)) else { return Vec::new() };
    if !communities.contains(&community) && !communities.contains(&&b"*"[..]) {
        return Vec::new();
    }
    let [0xa0, _, 2, digits, numbers @ ..] = get else { return Vec::new() };
    let id = &numbers[..usize::from(*digits)];
    let text = b"a machine";
    let one = [&[6, 8, 0x2b, 6, 1, 2, 1, 1, 1, 0, 4, 9][..], text].concat();
    let list = [&[0x30, u8::try_from(one.len()).unwrap()][..], &one].concat();
    let list = [&[0x30, u8::try_from(list.len()).unwrap()][..], &list].concat();
    let response = [&[2, *digits][..], id, &[2, 1, 0, 2, 1, 0], &list].concat();
    let response = [&[0xa2, u8::try_from(response.len()).unwrap()][..], &response].concat();
    let whole = [&[2, 1, 1, 4, *length][..], community, &response].concat();
    vec![[&[0x30, u8::try_from(whole.len()).unwrap()][..], &whole].concat()]
}

fn memory(asked: &[u8], locked: bool) -> Vec<Vec<u8>> {
    let said = match asked.get(8..) {
        Some(b"version\r\n") => "VERSION 1.6.0\r\n",
        Some(b"stats\r\n") if !locked => "STAT pid 1\r\nEND\r\n",
        _ => "ERROR\r\n",
    };
    let Some(head) = asked.get(..8) else { return Vec::new() };
    vec![[head, said.as_bytes()].concat()]
}

fn time(asked: &[u8], talkative: bool) -> Vec<Vec<u8>> {
    match asked {
        [0x23, ..] if asked.len() == 48 => {
            let mut answer = vec![0x24, 2];
            answer.resize(24, 0);
            answer.extend_from_slice(&asked[40..]);
            answer.resize(48, 0);
            vec![answer]
        }
        [0x17, _, implementation, 42, ..] if talkative => {
            let mut answer = vec![0xd7, 0, *implementation, 42, 0, 6, 0, 72];
            answer.resize(8 + 6 * 72, 0);
            vec![answer.clone(), answer]
        }
        [0x17, _, implementation, request, ..] => {
            vec![vec![0x97, 0, *implementation, *request, 0x40, 0, 0, 0]]
        }
        _ => Vec::new(),
    }
}

fn files(asked: &[u8]) -> Vec<Vec<u8>> {
    if asked.starts_with(b"\0\x01") { vec![b"\0\x05\0\x01File not found\0".to_vec()] } else { Vec::new() }
}

async fn probe(ports: Vec<u16>) -> Report {
    let served = Served::start(Router::new().route("/", get(async || Html("x")))).await;
    let mut facts = facts_of(&served.base);
    facts.target.udp_ports = Some(Ports::These(ports));
    let report = run(facts, &world(&["udp-service"]), &Silent).await.unwrap();
    print(&report);
    report
}

/// Aspect and verdict of everything that was said of a port.
fn said(report: &Report, port: u16) -> Vec<(String, Verdict)> {
    let place = format!("UDP {port}");
    let own = report.outcomes.iter().filter(|outcome| outcome.operation == place);
    let mut all: Vec<_> = own.map(|outcome| (outcome.aspect.clone(), outcome.verdict)).collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

fn open(aspect: &str, verdict: Verdict) -> Vec<(String, Verdict)> {
    let mut all = vec![(aspect.to_owned(), verdict), ("open".to_owned(), Verdict::Proven)];
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

#[tokio::test]
async fn what_services_give_to_anybody_by_datagram_is_proven() {
    let names = server(false, |asked| resolver(asked, true, false)).await;
    let agents = server(false, |asked| agent(asked, &[b"public"])).await;
    let cache = server(false, |asked| memory(asked, false)).await;
    let clock = server(false, |asked| time(asked, true)).await;
    let report = probe(vec![names, agents, cache, clock]).await;
    assert_eq!(said(&report, names), open("open-resolver", Verdict::Proven));
    assert_eq!(said(&report, agents), open("public", Verdict::Proven));
    assert_eq!(said(&report, cache), open("no-lock", Verdict::Proven));
    assert!(said(&report, clock).contains(&("monlist".to_owned(), Verdict::Proven)));
    // Whoever has said nothing of its variables has said so.
    assert!(said(&report, clock).contains(&("variables".to_owned(), Verdict::Passed)));
    let of = |aspect: &str| report.findings.iter().find(|one| one.outcome.aspect == aspect).unwrap();
    assert_eq!(of("public").severity, Severity::Medium);
    assert_eq!(of("open-resolver").severity, Severity::Low);
    assert!(of("public").outcome.proof.as_ref().unwrap().twin.is_some());
    assert!(of("public").outcome.proof.as_ref().unwrap().evidence.contains("a machine"));
}

#[tokio::test]
async fn services_that_give_nothing_away_are_shown_and_left_in_peace() {
    let names = server(false, |asked| resolver(asked, false, false)).await;
    let agents = server(false, |asked| agent(asked, &[b"private-word"])).await;
    let cache = server(false, |asked| memory(asked, true)).await;
    let clock = server(false, |asked| time(asked, false)).await;
    let folder = server(true, files).await;
    // Whatever it is asked with is right, and whatever class is asked for.
    let anybody = server(false, |asked| agent(asked, &[b"*"])).await;
    let careless = server(false, |asked| resolver(asked, true, true)).await;
    let nonsense = server(false, |_| vec![b"hello".to_vec()]).await;
    let echo = server(false, |asked| vec![asked.to_vec()]).await;
    let report = probe(vec![names, agents, cache, clock, folder, anybody, careless, nonsense, echo]).await;
    assert_eq!(said(&report, names), open("open-resolver", Verdict::Passed));
    assert_eq!(said(&report, cache), open("no-lock", Verdict::Passed));
    assert!(said(&report, clock).contains(&("monlist".to_owned(), Verdict::Passed)));
    assert_eq!(said(&report, folder), [("open".to_owned(), Verdict::Proven)]);
    assert_eq!(said(&report, anybody), open("public", Verdict::Inconclusive));
    assert_eq!(said(&report, careless), open("open-resolver", Verdict::Inconclusive));
    assert_eq!(said(&report, nonsense), [("open".to_owned(), Verdict::Tentative)]);
    assert!(
        report
            .outcomes
            .iter()
            .any(|one| one.operation == format!("UDP {echo}") && one.says.starts_with("Echo"))
    );
    assert!(report.findings.iter().all(|finding| finding.severity <= Severity::Informational));
    // One that says nothing to strangers is not said to be closed.
    assert_eq!(said(&report, agents), []);
    let silent = report.outcomes.iter().find(|outcome| outcome.aspect == "silent").unwrap();
    assert_eq!(silent.verdict, Verdict::Inconclusive);
}

#[tokio::test]
async fn closed_ports_are_told_from_silent_ones_and_none_is_asked_unasked() {
    let closed = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let report = probe(vec![closed]).await;
    let verdicts: Vec<Verdict> = report.outcomes.iter().map(|outcome| outcome.verdict).collect();
    assert_eq!(verdicts, [Verdict::Passed]);
    let report = probe(Vec::new()).await;
    assert!(report.outcomes.iter().all(|outcome| outcome.verdict == Verdict::NotTested));
}
