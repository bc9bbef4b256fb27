//! Services that begin something longer: IKE (RFC 7296), OpenVPN, QUIC (RFC 9000), RADIUS (RFC 2865), SIP (RFC 3261), STUN (RFC 8489);
//! and the echo (RFC 862).

use gabion_model::Severity;
use gabion_vault::md5;

use super::{Ask, Bytes, Hole, Nonce, Service, part, visible, word};

pub(super) static IKE: Service = Service {
    name: "IKE",
    ports: &[500],
    hello: Ask {
        says: "IKE_SA_INIT",
        write: |nonce| {
            let association = association();
            let mut exchange = vec![0, 14, 0, 0];
            // A public value of the group of 2048 bits; nobody has its secret.
            exchange.extend(nonce.iter().cycle().take(256));
            let payloads = [payload(34, &association), payload(40, &exchange), payload(0, &nonce.repeat(2))];
            let payloads = payloads.concat();
            let mut all = part(nonce, 0, 8).to_vec();
            all.extend_from_slice(&[0; 8]);
            // A security association comes first; version 2.0, the first exchange, from the initiator, number 0.
            all.extend_from_slice(&[33, 0x20, 34, 0x08, 0, 0, 0, 0]);
            let length = u32::try_from(payloads.len().saturating_add(28)).unwrap_or_default();
            all.extend_from_slice(&length.to_be_bytes());
            all.extend(payloads);
            all
        },
        read: |nonce, bytes| {
            let mut rest = Bytes(bytes);
            let same = rest.take(8)? == part(nonce, 0, 8);
            rest.take(9)?;
            let (version, exchange, flags) = (rest.byte()?, rest.byte()?, rest.byte()?);
            let answers = version >> 4 == 2 && exchange == 34 && flags & 0x20 != 0;
            (same && answers).then(|| "version 2".to_owned())
        },
    },
    holes: &[],
    exposed: Severity::Informational,
    any_port: false,
};

fn payload(next: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len().saturating_add(4)).unwrap_or_default();
    [&[next, 0], &length.to_be_bytes()[..], content].concat()
}

/// One proposal: AES-CBC of 256 bits, HMAC with SHA-256 twice, the group of 2048 bits.
fn association() -> Vec<u8> {
    let transforms: [&[u8]; 4] = [
        &[3, 0, 0, 12, 1, 0, 0, 12, 0x80, 0x0e, 1, 0],
        &[3, 0, 0, 8, 2, 0, 0, 5],
        &[3, 0, 0, 8, 3, 0, 0, 12],
        &[0, 0, 0, 8, 4, 0, 0, 14],
    ];
    let transforms = transforms.concat();
    let length = u16::try_from(transforms.len().saturating_add(8)).unwrap_or_default();
    [&[0, 0], &length.to_be_bytes()[..], &[1, 1, 0, 4], &transforms].concat()
}

pub(super) static OPENVPN: Service = Service {
    name: "OpenVPN",
    ports: &[1194],
    hello: Ask {
        says: "hard reset of a client",
        write: |nonce| [b"\x38", part(nonce, 0, 8), b"\0\0\0\0\0"].concat(),
        read: |nonce, bytes| {
            let answers = bytes.first().is_some_and(|first| first >> 3 == 8);
            let named = bytes.windows(8).any(|window| window == part(nonce, 0, 8));
            (answers && named).then(|| "it begins with whoever asks, without a key before".to_owned())
        },
    },
    holes: &[],
    exposed: Severity::Informational,
    any_port: false,
};

pub(super) static QUIC: Service = Service {
    name: "QUIC",
    ports: &[443],
    hello: Ask {
        says: "a version that nobody has",
        write: |nonce| {
            let mut all = vec![0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8];
            all.extend_from_slice(part(nonce, 0, 8));
            all.push(8);
            all.extend_from_slice(part(nonce, 8, 8));
            // Nothing shorter is answered (RFC 9000, section 14.1).
            all.resize(1_200, 0);
            all
        },
        read: |nonce, bytes| {
            let mut rest = Bytes(bytes);
            let (first, version) = (rest.byte()?, rest.long()?);
            let to = rest.byte()?;
            let to = rest.take(usize::from(to))?;
            let from = rest.byte()?;
            let from = rest.take(usize::from(from))?;
            let named = to == part(nonce, 8, 8) && from == part(nonce, 0, 8);
            if first < 0x80 || version != 0 || !named || rest.0.is_empty() {
                return None;
            }
            let mut versions = Vec::new();
            while let (Some(version), true) = (rest.long(), versions.len() < 8) {
                versions.push(if version == 1 { "1".to_owned() } else { format!("{version:#010x}") });
            }
            Some(format!("versions {}", versions.join(", ")))
        },
    },
    holes: &[],
    exposed: Severity::Informational,
    any_port: false,
};

pub(super) static RADIUS: Service = Service {
    name: "RADIUS",
    ports: &[1812, 1645],
    hello: Ask {
        says: "Access-Request of nobody",
        write: access,
        read: |nonce, bytes| decided(nonce, bytes).map(|code| format!("code {code}")),
    },
    holes: &[Hole {
        aspect: "secret",
        says: "its answers are signed with a secret that documents show: whoever knows it signs anybody in",
        ask: Ask {
            says: "Access-Request, for the signature of the answer",
            write: access,
            read: |nonce, bytes| {
                let known = SECRETS.iter().find(|secret| signed(nonce, bytes, secret.as_bytes()))?;
                decided(nonce, bytes).map(|_| format!("the secret is `{known}`"))
            },
        },
        twin: Ask {
            says: "Access-Request, held against a made-up secret",
            write: access,
            read: |nonce, bytes| {
                decided(nonce, bytes)
                    .filter(|_| signed(nonce, bytes, word(nonce).as_bytes()))
                    .map(|_| String::new())
            },
        },
        severity: Severity::Critical,
    }],
    exposed: Severity::Medium,
    any_port: false,
};

/// Of the documents of servers and of clients.
const SECRETS: &[&str] = &["testing123", "secret", "radius", "cisco", "password"];

fn access(nonce: &Nonce) -> Vec<u8> {
    let name = word(nonce);
    let mut attributes = vec![1, u8::try_from(name.len().saturating_add(2)).unwrap_or_default()];
    attributes.extend_from_slice(name.as_bytes());
    // A password of sixteen bytes, which decrypts to nonsense.
    attributes.extend_from_slice(&[2, 18]);
    attributes.extend(nonce.iter().rev());
    attributes.extend_from_slice(b"\x20\x08gabion");
    let length = u16::try_from(attributes.len().saturating_add(20)).unwrap_or_default();
    let id = nonce.first().copied().unwrap_or_default();
    [&[1, id], &length.to_be_bytes()[..], nonce, &attributes].concat()
}

/// Accepted, refused or asked for more.
fn decided(nonce: &Nonce, bytes: &[u8]) -> Option<u8> {
    let mut rest = Bytes(bytes);
    let (code, id, length) = (rest.byte()?, rest.byte()?, usize::from(rest.short()?));
    let whole = (20..=bytes.len()).contains(&length);
    (whole && matches!(code, 2 | 3 | 11) && Some(&id) == nonce.first()).then_some(code)
}

/// Whether an answer is signed with a secret (RFC 2865, section 3).
fn signed(nonce: &Nonce, bytes: &[u8], secret: &[u8]) -> bool {
    let mut rest = Bytes(bytes);
    let (Some(head), Some(signature)) = (rest.take(4), rest.take(16)) else { return false };
    let length = head.get(2..4).and_then(|length| <[u8; 2]>::try_from(length).ok());
    let length = length.map_or(0, |length| usize::from(u16::from_be_bytes(length))).saturating_sub(20);
    let Some(attributes) = rest.take(length) else { return false };
    md5(&[head, nonce, attributes, secret].concat()) == signature
}

pub(super) static SIP: Service = Service {
    name: "SIP",
    ports: &[5060],
    hello: Ask {
        says: "OPTIONS",
        write: |nonce| {
            let word = word(nonce);
            format!(
                "OPTIONS sip:probe@localhost SIP/2.0\r\nVia: SIP/2.0/UDP localhost;branch=z9hG4bK{word};rport\r\n\
                 From: <sip:probe@localhost>;tag={word}\r\nTo: <sip:probe@localhost>\r\nCall-ID: {word}\r\n\
                 CSeq: 1 OPTIONS\r\nMax-Forwards: 0\r\nContent-Length: 0\r\n\r\n"
            )
            .into_bytes()
        },
        read: |nonce, bytes| {
            let text = String::from_utf8_lossy(bytes.get(..4_000).unwrap_or(bytes)).into_owned();
            let named = text.starts_with("SIP/2.0 ") && text.contains(&word(nonce));
            let is_server = |line: &&str| {
                let lower = line.to_ascii_lowercase();
                lower.starts_with("server:") || lower.starts_with("user-agent:")
            };
            let server = text.lines().find(is_server).unwrap_or_default();
            let first = text.lines().next().unwrap_or_default();
            named.then(|| visible(format!("{first} {server}").as_bytes()))
        },
    },
    holes: &[],
    exposed: Severity::Low,
    any_port: false,
};

pub(super) static STUN: Service = Service {
    name: "STUN",
    ports: &[3478],
    hello: Ask {
        says: "Binding",
        write: |nonce| [b"\0\x01\0\0\x21\x12\xa4\x42", part(nonce, 0, 12)].concat(),
        read: |nonce, bytes| {
            let mut rest = Bytes(bytes);
            let kind = rest.short()?;
            rest.take(2)?;
            let same = rest.long()? == 0x2112_a442 && rest.take(12)? == part(nonce, 0, 12);
            (same && matches!(kind, 0x0101 | 0x0111)).then(|| "Binding".to_owned())
        },
    },
    holes: &[],
    exposed: Severity::Informational,
    any_port: false,
};

pub(super) static ECHO: Service = Service {
    name: "Echo",
    ports: &[7],
    hello: Ask {
        says: "a text",
        write: |nonce| word(nonce).into_bytes(),
        read: |nonce, bytes| (bytes == word(nonce).as_bytes()).then(|| "the same text".to_owned()),
    },
    holes: &[],
    // Two of them keep each other busy for ever.
    exposed: Severity::Medium,
    any_port: false,
};
