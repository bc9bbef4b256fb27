//! Writing messages from their parts, framed by what is known about the body.

use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::{HeaderName, Response, StatusCode, Version, request, response};

use crate::h1::framing::Framing;
use crate::h1::head::is_hop_by_hop;

/// Writes a request's head. `framing` is `None` for a request that has no body and needs no length.
/// `upgrade` keeps the two fields of an admitted WebSocket handshake.
pub(crate) fn request(out: &mut Vec<u8>, head: &request::Parts, framing: Option<Framing>, upgrade: bool) {
    out.extend_from_slice(head.method.as_str().as_bytes());
    out.push(b' ');
    match head.uri.path_and_query() {
        Some(target) => out.extend_from_slice(target.as_str().as_bytes()),
        None => out.push(b'/'),
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in &head.headers {
        // Whether to continue was for us to answer; the body follows at once.
        if !is_hop_by_hop(name) && *name != header::EXPECT {
            field(out, name, value.as_bytes());
        }
    }
    if upgrade {
        out.extend_from_slice(b"connection: upgrade\r\nupgrade: websocket\r\n");
    }
    if let Some(framing) = framing {
        self::framing(out, framing);
    }
    out.extend_from_slice(b"\r\n");
}

/// How an answer goes out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// Of the request.
    pub(crate) version: Version,
    /// `None` for answers without a body, whose `Content-Length`, if any, is a mere statement.
    pub(crate) framing: Option<Framing>,
    pub(crate) keep_alive: bool,
}

/// Writes an answer's head, with `date` where the upstream gave none.
pub(crate) fn response(out: &mut Vec<u8>, head: &response::Parts, manner: Manner, date: Option<&[u8]>) {
    status_line(out, head.status);
    for (name, value) in &head.headers {
        let stated = *name == header::CONTENT_LENGTH && manner.framing.is_none();
        if stated || !is_hop_by_hop(name) {
            field(out, name, value.as_bytes());
        }
    }
    if let Some(date) = date
        && !head.headers.contains_key(header::DATE)
    {
        out.extend_from_slice(b"date: ");
        out.extend_from_slice(date);
        out.extend_from_slice(b"\r\n");
    }
    if let Some(framing) = manner.framing {
        self::framing(out, framing);
    }
    if !manner.keep_alive {
        out.extend_from_slice(b"connection: close\r\n");
    } else if manner.version == Version::HTTP_10 {
        out.extend_from_slice(b"connection: keep-alive\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes the head of a 101 answer to an admitted WebSocket handshake.
pub(crate) fn switching_protocols(out: &mut Vec<u8>, headers: &HeaderMap) {
    status_line(out, StatusCode::SWITCHING_PROTOCOLS);
    for (name, value) in headers {
        if !is_hop_by_hop(name) {
            field(out, name, value.as_bytes());
        }
    }
    out.extend_from_slice(b"connection: upgrade\r\nupgrade: websocket\r\n\r\n");
}

/// A small answer of our own as one piece, for a connection that is closed after it.
pub(crate) fn whole(answer: Response<Bytes>) -> Vec<u8> {
    let (head, body) = answer.into_parts();
    let mut out = Vec::with_capacity(1024);
    let framing = Some(Framing::Length(body.len() as u64));
    let manner = Manner { version: Version::HTTP_11, framing, keep_alive: false };
    response(&mut out, &head, manner, None);
    out.extend_from_slice(&body);
    out
}

pub(crate) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
pub(crate) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Writes one chunk. An empty one would end the body, so it is left out.
pub(crate) fn chunk(out: &mut Vec<u8>, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    let mut digits = [0u8; 16];
    let mut rest = data.len();
    let mut used: usize = 0;
    for digit in digits.iter_mut().rev() {
        let nibble = u8::try_from(rest & 15).unwrap_or(0);
        *digit = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
        used = used.saturating_add(1);
        rest >>= 4;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len().saturating_sub(used)..).unwrap_or_default());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

fn framing(out: &mut Vec<u8>, framing: Framing) {
    match framing {
        Framing::Length(length) => {
            out.extend_from_slice(b"content-length: ");
            decimal(out, length);
            out.extend_from_slice(b"\r\n");
        }
        Framing::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Framing::UntilClose => {}
    }
}

fn field(out: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    out.reserve(name.as_str().len().saturating_add(value.len()).saturating_add(4));
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn status_line(out: &mut Vec<u8>, status: StatusCode) {
    if status == StatusCode::OK {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or("Status").as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn decimal(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut used: usize = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
        used = used.saturating_add(1);
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len().saturating_sub(used)..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_written_as_the_standard_library_does(value: u64, length in 1usize..70_000) {
            let mut out = Vec::new();
            decimal(&mut out, value);
            prop_assert_eq!(out, value.to_string().into_bytes());

            let data = vec![b'x'; length];
            let mut out = Vec::new();
            chunk(&mut out, &data);
            let prefix = format!("{length:x}\r\n");
            prop_assert!(out.starts_with(prefix.as_bytes()));
            prop_assert_eq!(out.len(), prefix.len() + length + 2);
        }
    }

    #[test]
    fn an_empty_chunk_does_not_end_the_body() {
        let mut out = Vec::new();
        chunk(&mut out, b"");
        assert_eq!(out, b"");
    }
}
