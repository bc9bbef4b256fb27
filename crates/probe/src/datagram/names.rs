//! Services that know names: DNS (RFC 1035), DNS of a network without a server (RFC 6762), NetBIOS (RFC 1002).

use gabion_model::Severity;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};

use super::{Ask, Bytes, Hole, Nonce, Service, part, visible};

pub(super) static DNS: Service = Service {
    name: "DNS",
    ports: &[53],
    hello: Ask {
        says: "version.bind TXT CH",
        write: |nonce| dns(nonce, "version.bind.", RecordType::TXT, DNSClass::CH, false),
        read: |nonce, bytes| {
            let message = answer(nonce, bytes)?;
            let texts = message.answers.iter().filter_map(|record| match &record.data {
                RData::TXT(text) => Some(visible(text.to_string().as_bytes())),
                _ => None,
            });
            let texts: Vec<String> = texts.take(2).collect();
            Some(format!("{} {}", message.metadata.response_code, texts.join(" ")).trim().to_owned())
        },
    },
    holes: &[Hole {
        aspect: "open-resolver",
        says: "it looks up names of the whole internet for anybody, and sends much for little to whoever a sender claims to be",
        ask: Ask {
            says: ". NS IN, recursion desired",
            write: |nonce| dns(nonce, ".", RecordType::NS, DNSClass::IN, true),
            read: resolved,
        },
        twin: Ask {
            says: ". NS of a class that nobody has",
            write: |nonce| dns(nonce, ".", RecordType::NS, DNSClass::Unknown(0xfef1), true),
            read: resolved,
        },
        severity: Severity::Medium,
    }],
    exposed: Severity::Informational,
    any_port: false,
};

pub(super) static MDNS: Service = Service {
    name: "mDNS",
    ports: &[5353],
    hello: Ask {
        says: "_services._dns-sd._udp.local PTR",
        write: |nonce| dns(nonce, "_services._dns-sd._udp.local.", RecordType::PTR, DNSClass::IN, false),
        read: |nonce, bytes| {
            let message = answer(nonce, bytes)?;
            let names = message.answers.iter().filter_map(|record| match &record.data {
                RData::PTR(name) => Some(visible(name.to_string().as_bytes())),
                _ => None,
            });
            let names: Vec<String> = names.take(8).collect();
            (!names.is_empty()).then(|| names.join(", "))
        },
    },
    holes: &[],
    exposed: Severity::Medium,
    any_port: false,
};

fn dns(nonce: &Nonce, name: &str, kind: RecordType, class: DNSClass, recursion: bool) -> Vec<u8> {
    let mut message = Message::new(id(nonce), MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = recursion;
    let mut query = Query::query(Name::from_ascii(name).unwrap_or_default(), kind);
    query.set_query_class(class);
    message.add_query(query);
    message.to_vec().unwrap_or_default()
}

fn id(nonce: &Nonce) -> u16 {
    Bytes(nonce).short().unwrap_or_default()
}

/// A message that answers.
fn answer(nonce: &Nonce, bytes: &[u8]) -> Option<Message> {
    let message = Message::from_vec(bytes).ok()?;
    let answers = message.metadata.message_type == MessageType::Response;
    (answers && message.metadata.id == id(nonce)).then_some(message)
}

/// What a server says that looked it up elsewhere.
fn resolved(nonce: &Nonce, bytes: &[u8]) -> Option<String> {
    let message = answer(nonce, bytes)?;
    let told =
        message.metadata.recursion_available && message.metadata.response_code == ResponseCode::NoError;
    let names = message.answers.iter().filter_map(|record| match &record.data {
        RData::NS(name) => Some(visible(name.to_string().as_bytes())),
        _ => None,
    });
    let names: Vec<String> = names.take(3).collect();
    (told && !names.is_empty()).then(|| format!("{} answers: {}", message.answers.len(), names.join(", ")))
}

pub(super) static NETBIOS: Service = Service {
    name: "NetBIOS",
    ports: &[137],
    hello: Ask {
        says: "node status",
        write: |nonce| {
            let mut all = part(nonce, 0, 2).to_vec();
            all.extend_from_slice(
                b"\0\0\0\x01\0\0\0\0\0\0\x20CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\x01",
            );
            all
        },
        read: |nonce, bytes| {
            let mut bytes = Bytes(bytes);
            let same = bytes.take(2)? == part(nonce, 0, 2);
            // It answers, one resource, and asks nothing back.
            let is_answer = bytes.short()? & 0x8000 != 0;
            bytes.take(8)?;
            bytes.take(34)?;
            let kind = bytes.short()?;
            bytes.take(8)?;
            let count = bytes.byte()?;
            let mut names = Vec::new();
            for _ in 0..count.min(16) {
                let Some(name) = bytes.take(15) else { break };
                names.push(visible(name));
                bytes.take(3)?;
            }
            (same && is_answer && kind == 0x21).then(|| names.join(", "))
        },
    },
    holes: &[],
    exposed: Severity::Medium,
    any_port: false,
};
