//! Services that keep things: Memcached, files by TFTP (RFC 1350), directories (RFC 4511), the browser of SQL Server, things by CoAP
//! (RFC 7252) and UPnP.

use gabion_model::Severity;

use super::ber::{self, Values};
use super::{Ask, Bytes, Hole, Nonce, Service, part, visible, word};

pub(super) static MEMCACHED: Service = Service {
    name: "Memcached",
    ports: &[11211],
    hello: Ask {
        says: "version",
        write: |nonce| framed(nonce, "version"),
        read: |nonce, bytes| begins(nonce, bytes, b"VERSION "),
    },
    holes: &[Hole {
        aspect: "no-lock",
        says: "anybody reads what it keeps, and has it send much to whoever a sender claims to be",
        ask: Ask {
            says: "stats",
            write: |nonce| framed(nonce, "stats"),
            read: |nonce, bytes| begins(nonce, bytes, b"STAT "),
        },
        twin: Ask {
            says: "a made-up command",
            write: |nonce| framed(nonce, "gxstats"),
            read: |nonce, bytes| begins(nonce, bytes, b"STAT "),
        },
        severity: Severity::Critical,
    }],
    exposed: Severity::High,
    any_port: false,
};

/// One datagram of one, with its number.
fn framed(nonce: &Nonce, command: &str) -> Vec<u8> {
    let mut all = part(nonce, 0, 2).to_vec();
    all.extend_from_slice(b"\0\0\0\x01\0\0");
    all.extend_from_slice(command.as_bytes());
    all.extend_from_slice(b"\r\n");
    all
}

fn begins(nonce: &Nonce, bytes: &[u8], with: &[u8]) -> Option<String> {
    let mut rest = Bytes(bytes);
    let same = rest.take(2)? == part(nonce, 0, 2);
    rest.take(6)?;
    (same && rest.0.starts_with(with)).then(|| visible(rest.0))
}

pub(super) static TFTP: Service = Service {
    name: "TFTP",
    ports: &[69],
    hello: Ask {
        says: "read a file that is not there",
        write: |nonce| [b"\0\x01", word(nonce).as_bytes(), b"\0octet\0"].concat(),
        read: |_, bytes| {
            let mut rest = Bytes(bytes);
            let (kind, code) = (rest.short()?, rest.short()?);
            // An error with its text, or the first piece of a file.
            match kind {
                5 if rest.0.last() == Some(&0) && code <= 8 => {
                    Some(format!("error {code}: {}", visible(rest.0)))
                }
                3 if code == 1 => Some("it has a file of any name".to_owned()),
                _ => None,
            }
        },
    },
    holes: &[],
    exposed: Severity::Medium,
    any_port: true,
};

pub(super) static LDAP: Service = Service {
    name: "LDAP",
    ports: &[389],
    hello: Ask {
        says: "the root of the directory",
        write: |nonce| {
            let wanted = ber::of(ber::SEQUENCE, &[ber::tagged(ber::TEXT, b"namingContexts")]);
            let search = [
                ber::tagged(ber::TEXT, b""),
                ber::tagged(0x0a, b"\0"),
                ber::tagged(0x0a, b"\0"),
                ber::number(1),
                ber::number(2),
                ber::tagged(0x01, b"\0"),
                ber::tagged(0x87, b"objectClass"),
                wanted,
            ];
            ber::of(ber::SEQUENCE, &[ber::number(id(nonce)), ber::of(0x63, &search)])
        },
        read: |nonce, bytes| {
            let mut message = Values(Values(bytes).tagged(ber::SEQUENCE)?);
            let same = message.number()? == id(nonce);
            let (tag, content) = message.any()?;
            let mut content = Values(content);
            match tag {
                0x64 if same => {
                    content.tagged(ber::TEXT)?;
                    let contexts = content.tagged(ber::SEQUENCE)?;
                    Some(format!("the root: {}", visible(contexts)))
                }
                0x65 if same => Some("the end of a search".to_owned()),
                _ => None,
            }
        },
    },
    holes: &[],
    exposed: Severity::Medium,
    any_port: false,
};

fn id(nonce: &Nonce) -> u32 {
    u32::from(Bytes(nonce).short().unwrap_or_default())
}

pub(super) static SQL_SERVER: Service = Service {
    name: "SQL Server Browser",
    ports: &[1434],
    hello: Ask {
        says: "which instances",
        write: |_| vec![3],
        read: |_, bytes| {
            let mut rest = Bytes(bytes);
            let first = rest.byte()?;
            let length = usize::from(u16::from_le_bytes(rest.take(2)?.try_into().ok()?));
            let text = rest.take(length)?;
            (first == 5 && text.starts_with(b"ServerName;")).then(|| visible(text))
        },
    },
    holes: &[],
    exposed: Severity::Medium,
    any_port: false,
};

pub(super) static COAP: Service = Service {
    name: "CoAP",
    ports: &[5683],
    hello: Ask {
        says: "ping",
        write: |nonce| [b"\x40\0", part(nonce, 0, 2)].concat(),
        read: |nonce, bytes| {
            // It is reset, by its number (RFC 7252, section 4.3).
            (bytes == [b"\x70\0", part(nonce, 0, 2)].concat()).then(|| "reset".to_owned())
        },
    },
    holes: &[Hole {
        aspect: "resources",
        says: "it shows anybody what it has, and nothing is encrypted",
        ask: Ask {
            says: "GET /.well-known/core",
            write: |nonce| resource(nonce, &[b".well-known", b"core"]),
            read: content,
        },
        twin: Ask {
            says: "GET of something made up",
            write: |nonce| resource(nonce, &[word(nonce).as_bytes()]),
            read: content,
        },
        severity: Severity::Medium,
    }],
    exposed: Severity::Low,
    any_port: false,
};

fn resource(nonce: &Nonce, path: &[&[u8]]) -> Vec<u8> {
    // Version 1, to be confirmed, a token of four bytes, GET.
    let mut all = vec![0x44, 1];
    all.extend_from_slice(part(nonce, 0, 2));
    all.extend_from_slice(part(nonce, 2, 4));
    for (at, segment) in path.iter().enumerate() {
        // Option 11, counted from the one before.
        let option: u8 = if at == 0 { 0xb0 } else { 0 };
        let length = u8::try_from(segment.len()).unwrap_or_default();
        match length {
            0..=12 => all.push(option | length),
            _ => all.extend_from_slice(&[option | 13, length.saturating_sub(13)]),
        }
        all.extend_from_slice(segment);
    }
    all
}

fn content(nonce: &Nonce, bytes: &[u8]) -> Option<String> {
    let mut rest = Bytes(bytes);
    let (first, code) = (rest.byte()?, rest.byte()?);
    rest.take(2)?;
    let same = rest.take(4)? == part(nonce, 2, 4);
    let at = rest.0.iter().position(|byte| *byte == 0xff)?;
    let text = rest.0.get(at.saturating_add(1)..)?;
    (same && first >> 6 == 1 && first & 0x0f == 4 && code == 0x45 && !text.is_empty()).then(|| visible(text))
}

pub(super) static SSDP: Service = Service {
    name: "SSDP",
    ports: &[1900],
    hello: Ask {
        says: "M-SEARCH upnp:rootdevice",
        write: |_| {
            b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: upnp:rootdevice\r\n\r\n".to_vec()
        },
        read: |_, bytes| {
            let text = String::from_utf8_lossy(bytes.get(..2_000).unwrap_or(bytes)).into_owned();
            let lines = text.lines().filter_map(|line| line.split_once(':'));
            let field = |name: &str| {
                lines.clone().find(|(own, _)| own.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value)
            };
            let found = text.starts_with("HTTP/1.1 200") && field("usn").is_some();
            let (server, place) =
                (field("server").unwrap_or_default(), field("location").unwrap_or_default());
            found.then(|| visible(format!("{} at {}", server.trim(), place.trim()).as_bytes()))
        },
    },
    holes: &[],
    exposed: Severity::Medium,
    any_port: true,
};
