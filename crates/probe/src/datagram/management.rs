//! Services by which machines are kept: the time (RFC 5905), SNMP (RFC 3416), the port mapper of RPC (RFC 1833).

use gabion_model::Severity;

use super::ber::{self, Values};
use super::{Ask, Bytes, Hole, Nonce, Service, part, visible, word};

pub(super) static NTP: Service = Service {
    name: "NTP",
    ports: &[123],
    hello: Ask {
        says: "the time",
        write: |nonce| {
            let mut all = vec![0; 40];
            if let Some(first) = all.first_mut() {
                // Version 4, a client.
                *first = 0x23;
            }
            all.extend_from_slice(part(nonce, 0, 8));
            all
        },
        read: |nonce, bytes| {
            let mut rest = Bytes(bytes);
            let head = rest.take(4)?;
            let (mode, stratum) = (head.first()? & 7, *head.get(1)?);
            rest.take(20)?;
            // What the client sent comes back as the origin.
            let same = rest.take(8)? == part(nonce, 0, 8);
            rest.take(16)?;
            (mode == 4 && same).then(|| format!("stratum {stratum}"))
        },
    },
    holes: &[
        Hole {
            aspect: "monlist",
            says: "it tells anybody who asked it before, and sends much for little to whoever a sender claims to be",
            ask: Ask { says: "mode 7, MON_GETLIST_1", write: |_| seven(42), read: listed },
            twin: Ask { says: "mode 7, a made-up request", write: |_| seven(251), read: listed },
            severity: Severity::Medium,
        },
        Hole {
            aspect: "variables",
            says: "it tells anybody its version and its system",
            ask: Ask { says: "mode 6, read variables", write: |nonce| six(nonce, 2), read: variables },
            twin: Ask { says: "mode 6, a made-up operation", write: |nonce| six(nonce, 29), read: variables },
            severity: Severity::Low,
        },
    ],
    exposed: Severity::Informational,
    any_port: false,
};

fn seven(request: u8) -> Vec<u8> {
    vec![0x17, 0, 3, request, 0, 0, 0, 0]
}

fn listed(_nonce: &Nonce, bytes: &[u8]) -> Option<String> {
    let [first, _, 3, 42 | 251, high, low, ..] = bytes else { return None };
    let (problem, count) = (high >> 4, u16::from_be_bytes([high & 0x0f, *low]));
    (first & 0x87 == 0x87 && problem == 0 && count > 0).then(|| format!("{count} machines"))
}

fn six(nonce: &Nonce, operation: u8) -> Vec<u8> {
    let mut all = vec![0x16, operation];
    all.extend_from_slice(part(nonce, 0, 2));
    all.extend_from_slice(&[0; 8]);
    all
}

fn variables(nonce: &Nonce, bytes: &[u8]) -> Option<String> {
    let mut rest = Bytes(bytes);
    let (first, second) = (rest.byte()?, rest.byte()?);
    let same = rest.take(2)? == part(nonce, 0, 2);
    rest.take(6)?;
    let count = usize::from(rest.short()?);
    let text = rest.take(count)?;
    let told = first & 7 == 6 && second & 0xc0 == 0x80 && text.contains(&b'=');
    (told && same).then(|| visible(text))
}

pub(super) static SNMP: Service = Service {
    name: "SNMP",
    ports: &[161],
    hello: Ask {
        says: "version 3, who are you",
        write: |nonce| {
            let security = ber::of(
                ber::SEQUENCE,
                &[
                    ber::tagged(ber::TEXT, b""),
                    ber::number(0),
                    ber::number(0),
                    ber::tagged(ber::TEXT, b""),
                    ber::tagged(ber::TEXT, b""),
                    ber::tagged(ber::TEXT, b""),
                ],
            );
            let get = ber::of(
                0xa0,
                &[ber::number(id(nonce)), ber::number(0), ber::number(0), ber::of(ber::SEQUENCE, &[])],
            );
            let scope =
                ber::of(ber::SEQUENCE, &[ber::tagged(ber::TEXT, b""), ber::tagged(ber::TEXT, b""), get]);
            let head = ber::of(
                ber::SEQUENCE,
                &[
                    ber::number(id(nonce)),
                    ber::number(65_507),
                    ber::tagged(ber::TEXT, b"\x04"),
                    ber::number(3),
                ],
            );
            let security = ber::tagged(ber::TEXT, &security);
            ber::of(ber::SEQUENCE, &[ber::number(3), head, security, scope])
        },
        read: |nonce, bytes| {
            let mut message = Values(Values(bytes).tagged(ber::SEQUENCE)?);
            let version = message.number()?;
            let mut head = Values(message.tagged(ber::SEQUENCE)?);
            let same = head.number()? == id(nonce);
            head.number()?;
            // A question wants a report; an answer wants nothing.
            let asks = head.tagged(ber::TEXT)?.first().is_none_or(|flags| flags & 4 != 0);
            (version == 3 && same && !asks).then(|| "version 3".to_owned())
        },
    },
    holes: &[Hole {
        aspect: "public",
        says: "it is read with the community `public`: processes, addresses, connections, and whatever else the machine tells",
        ask: Ask {
            says: "get sysDescr.0, community public",
            write: |nonce| get(nonce, b"public"),
            read: |nonce, bytes| described(nonce, bytes, b"public"),
        },
        twin: Ask {
            says: "get sysDescr.0, a made-up community",
            write: |nonce| get(nonce, word(nonce).as_bytes()),
            read: |nonce, bytes| described(nonce, bytes, word(nonce).as_bytes()),
        },
        severity: Severity::High,
    }],
    exposed: Severity::Low,
    any_port: false,
};

/// A number of 31 bits.
fn id(nonce: &Nonce) -> u32 {
    Bytes(nonce).long().unwrap_or_default() & 0x7fff_ffff
}

fn get(nonce: &Nonce, community: &[u8]) -> Vec<u8> {
    // 1.3.6.1.2.1.1.1.0
    let name = ber::tagged(ber::NAME, &[0x2b, 6, 1, 2, 1, 1, 1, 0]);
    let one = ber::of(ber::SEQUENCE, &[name, ber::tagged(ber::NULL, b"")]);
    let names = ber::of(ber::SEQUENCE, &[one]);
    let get = ber::of(0xa0, &[ber::number(id(nonce)), ber::number(0), ber::number(0), names]);
    ber::of(ber::SEQUENCE, &[ber::number(1), ber::tagged(ber::TEXT, community), get])
}

fn described(nonce: &Nonce, bytes: &[u8], community: &[u8]) -> Option<String> {
    let mut message = Values(Values(bytes).tagged(ber::SEQUENCE)?);
    message.number()?;
    let same = message.tagged(ber::TEXT)? == community;
    let mut response = Values(message.tagged(0xa2)?);
    let own = response.number()? == id(nonce) && response.number()? == 0;
    response.number()?;
    let mut names = Values(response.tagged(ber::SEQUENCE)?);
    let mut one = Values(names.tagged(ber::SEQUENCE)?);
    one.tagged(ber::NAME)?;
    let text = one.tagged(ber::TEXT)?;
    (same && own).then(|| visible(text))
}

pub(super) static RPC: Service = Service {
    name: "RPC",
    ports: &[111],
    hello: Ask {
        says: "the port mapper, NULL",
        write: |nonce| call(nonce, 0),
        read: |nonce, bytes| accepted(nonce, bytes).map(|(state, _)| format!("accept state {state}")),
    },
    holes: &[Hole {
        aspect: "programs",
        says: "it tells anybody which programs listen where",
        ask: Ask { says: "the port mapper, DUMP", write: |nonce| call(nonce, 4), read: programs },
        twin: Ask {
            says: "the port mapper, a made-up procedure",
            write: |nonce| call(nonce, 251),
            read: programs,
        },
        severity: Severity::Medium,
    }],
    exposed: Severity::Low,
    any_port: false,
};

fn call(nonce: &Nonce, procedure: u32) -> Vec<u8> {
    let mut all = part(nonce, 0, 4).to_vec();
    // A call, of version 2, of program 100000 in version 2; nobody in particular calls.
    for word in [0, 2, 100_000, 2, procedure, 0, 0, 0, 0] {
        all.extend_from_slice(&u32::to_be_bytes(word));
    }
    all
}

/// The state of an answer, and what is behind it.
fn accepted<'a>(nonce: &Nonce, bytes: &'a [u8]) -> Option<(u32, Bytes<'a>)> {
    let mut rest = Bytes(bytes);
    let same = rest.take(4)? == part(nonce, 0, 4);
    let (reply, denied) = (rest.long()?, rest.long()?);
    rest.long()?;
    let length = usize::try_from(rest.long()?).ok()?;
    rest.take(length)?;
    let state = rest.long()?;
    (same && reply == 1 && denied == 0).then_some((state, rest))
}

fn programs(nonce: &Nonce, bytes: &[u8]) -> Option<String> {
    let (state, mut rest) = accepted(nonce, bytes)?;
    let mut all = Vec::new();
    while rest.long()? == 1 && all.len() < 16 {
        let (program, version, _, port) = (rest.long()?, rest.long()?, rest.long()?, rest.long()?);
        all.push(format!("{program} version {version} at {port}"));
    }
    (state == 0 && !all.is_empty()).then(|| all.join(", "))
}
