//! The head of a message: what httparse accepts, minus what two readers could understand differently.

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes, BytesMut};
use http::header::{self, Entry};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http::{request, response};

use crate::h1::framing::Framing;

/// A request's head and what it says about the connection.
#[derive(Debug)]
pub(crate) struct RequestHead {
    pub(crate) parts: request::Parts,
    pub(crate) framing: Framing,
    pub(crate) keep_alive: bool,
    /// `Expect: 100-continue`: the client waits for a word before it sends its body.
    pub(crate) expects_continue: bool,
}

/// An answer's head, without the fields that concern only the connection it came on.
#[derive(Debug)]
pub(crate) struct ResponseHead {
    pub(crate) parts: response::Parts,
    pub(crate) framing: Framing,
    pub(crate) keep_alive: bool,
    /// The protocol of a 101 answer.
    pub(crate) upgrade: Option<HeaderValue>,
    /// What was read behind the head.
    pub(crate) rest: Bytes,
}

/// Why the bytes are not a head. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeadFault {
    /// A line ends with LF alone: RFC 9112 section 2.2 lets a recipient accept it, so readers differ.
    #[error("a line ends without a carriage return")]
    BareLineFeed,
    /// Section 6.3: both framings in one message is an attack or a bug.
    #[error("content-length beside transfer-encoding")]
    ContentLengthAndTransferEncoding,
    #[error("content-length twice")]
    ContentLengthTwice,
    #[error("content-length is not a number")]
    ContentLengthNotANumber,
    #[error("a field is malformed")]
    Field,
    #[error("the method is malformed")]
    Method,
    #[error("the status line is malformed")]
    Status,
    #[error("the request target is malformed")]
    Target,
    #[error("the head is too long")]
    TooLong,
    #[error("too many fields")]
    TooManyFields,
    /// HTTP/1.0 has no transfer codings; whoever sends one anyway is read in two ways.
    #[error("transfer-encoding in a message of HTTP/1.0")]
    TransferEncodingInOldVersion,
    #[error("transfer-encoding twice")]
    TransferEncodingTwice,
    /// Only `chunked` is a framing that every reader understands alike.
    #[error("a transfer-encoding other than chunked")]
    UnknownTransferEncoding,
    #[error("the version is not HTTP/1.0 or HTTP/1.1")]
    Version,
}

impl HeadFault {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::TooLong | Self::TooManyFields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::UnknownTransferEncoding => StatusCode::NOT_IMPLEMENTED,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// Takes a request's head from the front of `buffer`; `None` until it is there whole. `seen` remembers
/// between calls how far was looked already.
pub(crate) fn request(buffer: &mut BytesMut, seen: &mut usize) -> Result<Option<RequestHead>, HeadFault> {
    // Empty lines before a request are passed over (RFC 9112 section 2.2). They go as they come: kept, they
    // would be read again with whatever follows, and no limit would be reached.
    while buffer.starts_with(b"\r\n") {
        buffer.advance(2);
        *seen = 0;
    }
    if buffer.starts_with(b"\n") {
        return Err(HeadFault::BareLineFeed);
    }
    if buffer.is_empty() || !may_be_whole(buffer, seen, MAX_REQUEST_HEAD)? {
        return Ok(None);
    }
    let bytes = buffer.split().freeze();
    let mut space = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut read = httparse::Request::new(&mut []);
    let parsed = httparse::ParserConfig::default()
        .parse_request_with_uninit_headers(&mut read, &bytes, &mut space)
        .map_err(fault)?;
    let httparse::Status::Complete(length) = parsed else {
        if bytes.len() > MAX_REQUEST_HEAD {
            return Err(HeadFault::TooLong);
        }
        *buffer = BytesMut::from(bytes);
        return Ok(None);
    };
    *seen = 0;
    if length > MAX_REQUEST_HEAD {
        return Err(HeadFault::TooLong);
    }
    buffer.extend_from_slice(bytes.get(length..).unwrap_or_default());
    refuse_bare_line_feeds(bytes.get(..length).unwrap_or_default())?;

    let version = version(read.version)?;
    let method = read.method.ok_or(HeadFault::Method)?;
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| HeadFault::Method)?;
    let target = read.path.ok_or(HeadFault::Target)?;
    // `http` drops a fragment silently; a request never carries one (RFC 9112 section 3.2).
    if target.bytes().any(|byte| byte == b'#' || !byte.is_ascii()) {
        return Err(HeadFault::Target);
    }
    let target = Uri::from_maybe_shared(bytes.slice_ref(target.as_bytes())).map_err(|_| HeadFault::Target)?;

    let (mut parts, ()) = Request::new(()).into_parts();
    let mut connection = ConnectionFields::new(version);
    let mut expects_continue = false;
    parts.headers.reserve(read.headers.len().saturating_add(SPARE_FIELDS));
    for field in read.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| HeadFault::Field)?;
        let value = value(&bytes, field.value)?;
        connection.note(&name, &value)?;
        if name == header::EXPECT {
            expects_continue |= value.as_bytes().eq_ignore_ascii_case(b"100-continue");
        }
        parts.headers.append(name, value);
    }
    parts.method = method;
    parts.uri = target;
    parts.version = version;
    let framing = connection.framing()?.unwrap_or(Framing::EMPTY);
    Ok(Some(RequestHead { parts, framing, keep_alive: connection.keep_alive(), expects_continue }))
}

/// Takes an answer's head from the front of `buffer`. `method` is that of the request, which decides
/// whether there is a body. `buffer` is empty afterwards: what followed the head is in
/// [`ResponseHead::rest`], so that a body that came with it need not be copied.
pub(crate) fn response(
    buffer: &mut BytesMut,
    seen: &mut usize,
    method: &Method,
    limit: usize,
) -> Result<Option<ResponseHead>, HeadFault> {
    if !may_be_whole(buffer, seen, limit)? {
        return Ok(None);
    }
    let bytes = buffer.split().freeze();
    let mut space = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut read = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut read, &bytes, &mut space)
        .map_err(fault)?;
    let httparse::Status::Complete(length) = parsed else {
        if bytes.len() > limit {
            return Err(HeadFault::TooLong);
        }
        *buffer = BytesMut::from(bytes);
        return Ok(None);
    };
    *seen = 0;
    if length > limit {
        return Err(HeadFault::TooLong);
    }
    let rest = bytes.slice(length..);

    let version = version(read.version)?;
    let status = read.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(HeadFault::Status)?;
    let (mut parts, ()) = Response::new(()).into_parts();
    let mut connection = ConnectionFields::new(version);
    let mut upgrade = None;
    parts.headers.reserve(read.headers.len().saturating_add(SPARE_FIELDS));
    for field in read.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| HeadFault::Field)?;
        let value = value(&bytes, field.value)?;
        connection.note(&name, &value)?;
        if name == header::UPGRADE && status == StatusCode::SWITCHING_PROTOCOLS {
            upgrade = Some(value);
        } else if !is_hop_by_hop(&name) {
            parts.headers.append(name, value);
        }
    }
    connection.remove_nominated(&mut parts.headers);
    parts.status = status;
    let declared = connection.framing()?;
    let framing = if has_no_body(method, status) {
        // The length such an answer would have had is worth passing on, but for 204 (RFC 9110 8.6).
        if let (Some(Framing::Length(length)), true) = (declared, status != StatusCode::NO_CONTENT) {
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        Framing::EMPTY
    } else {
        declared.unwrap_or(Framing::UntilClose)
    };
    // What an application that takes HEAD for GET sends behind this head must not answer the next request.
    let may_follow = *method == Method::HEAD && declared.is_some_and(|declared| !declared.is_empty());
    let keep_alive = connection.keep_alive() && framing != Framing::UntilClose && !may_follow;
    Ok(Some(ResponseHead { parts, framing, keep_alive, upgrade, rest }))
}

/// Answers that end with their head, whatever their fields say (RFC 9112 section 6.3).
pub(crate) fn has_no_body(method: &Method, status: StatusCode) -> bool {
    *method == Method::HEAD
        || status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}

/// Fields that concern one connection only, and those that frame the body: written anew by whoever
/// writes the message.
pub(crate) fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "content-length"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// What a message's fields say about its connection and the length of its body.
#[derive(Debug)]
struct ConnectionFields {
    version: Version,
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    nominated: Vec<HeaderValue>,
}

impl ConnectionFields {
    fn new(version: Version) -> Self {
        Self { version, length: None, chunked: false, close: false, keep_alive: false, nominated: Vec::new() }
    }

    fn note(&mut self, name: &HeaderName, value: &HeaderValue) -> Result<(), HeadFault> {
        if *name == header::CONTENT_LENGTH {
            if self.length.is_some() {
                return Err(HeadFault::ContentLengthTwice);
            }
            self.length = Some(length(value.as_bytes())?);
        } else if *name == header::TRANSFER_ENCODING {
            if self.chunked {
                return Err(HeadFault::TransferEncodingTwice);
            }
            if self.version != Version::HTTP_11 {
                return Err(HeadFault::TransferEncodingInOldVersion);
            }
            if !value.as_bytes().eq_ignore_ascii_case(b"chunked") {
                return Err(HeadFault::UnknownTransferEncoding);
            }
            self.chunked = true;
        } else if *name == header::CONNECTION {
            let mut nominates = false;
            for token in value.as_bytes().split(|byte| *byte == b',') {
                let token = token.trim_ascii();
                if token.eq_ignore_ascii_case(b"close") {
                    self.close = true;
                } else if token.eq_ignore_ascii_case(b"keep-alive") {
                    self.keep_alive = true;
                } else {
                    nominates |= !token.is_empty();
                }
            }
            if nominates {
                self.nominated.push(value.clone());
            }
        }
        Ok(())
    }

    fn framing(&self) -> Result<Option<Framing>, HeadFault> {
        match (self.length, self.chunked) {
            (Some(_), true) => Err(HeadFault::ContentLengthAndTransferEncoding),
            (None, true) => Ok(Some(Framing::Chunked)),
            (Some(length), false) => Ok(Some(Framing::Length(length))),
            (None, false) => Ok(None),
        }
    }

    fn keep_alive(&self) -> bool {
        !self.close && (self.version == Version::HTTP_11 || self.keep_alive)
    }

    /// Removes the fields `Connection` names (RFC 9110 section 7.6.1). They were rare enough to look up
    /// by name again.
    fn remove_nominated(&self, headers: &mut HeaderMap) {
        let values = self.nominated.iter().map(HeaderValue::as_bytes);
        for token in values.flat_map(|value| value.split(|byte| *byte == b',')) {
            if let Ok(name) = HeaderName::from_bytes(token.trim_ascii())
                && let Entry::Occupied(entry) = headers.entry(name)
            {
                entry.remove_entry_mult();
            }
        }
    }
}

/// Whether the end of the head may be in `buffer`: a head that trickles in is not parsed for every byte.
fn may_be_whole(buffer: &BytesMut, seen: &mut usize, limit: usize) -> Result<bool, HeadFault> {
    let fresh = buffer.get(seen.saturating_sub(3)..).unwrap_or_default();
    let found = *seen == 0
        || memchr::memchr_iter(b'\n', fresh).any(|at| {
            let after = fresh.get(at.saturating_add(1)..).unwrap_or_default();
            after.starts_with(b"\n") || after.starts_with(b"\r\n")
        });
    if !found && buffer.len() > limit {
        return Err(HeadFault::TooLong);
    }
    *seen = buffer.len();
    Ok(found)
}

fn refuse_bare_line_feeds(head: &[u8]) -> Result<(), HeadFault> {
    let bare = |at: usize| at.checked_sub(1).and_then(|before| head.get(before)) != Some(&b'\r');
    if memchr::memchr_iter(b'\n', head).any(bare) { Err(HeadFault::BareLineFeed) } else { Ok(()) }
}

fn value(head: &Bytes, value: &[u8]) -> Result<HeaderValue, HeadFault> {
    HeaderValue::from_maybe_shared(head.slice_ref(value)).map_err(|_| HeadFault::Field)
}

fn version(minor: Option<u8>) -> Result<Version, HeadFault> {
    match minor {
        Some(0) => Ok(Version::HTTP_10),
        Some(1) => Ok(Version::HTTP_11),
        _ => Err(HeadFault::Version),
    }
}

/// Digits only: no sign, no list, no blank inside.
fn length(digits: &[u8]) -> Result<u64, HeadFault> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(HeadFault::ContentLengthNotANumber);
    }
    let value = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u64>().ok());
    // More than the range of a signed length is read differently by many.
    value.filter(|length| *length <= i64::MAX as u64).ok_or(HeadFault::ContentLengthNotANumber)
}

fn fault(error: httparse::Error) -> HeadFault {
    match error {
        httparse::Error::HeaderName | httparse::Error::HeaderValue | httparse::Error::NewLine => {
            HeadFault::Field
        }
        httparse::Error::Status => HeadFault::Status,
        httparse::Error::Token => HeadFault::Target,
        httparse::Error::TooManyHeaders => HeadFault::TooManyFields,
        httparse::Error::Version => HeadFault::Version,
    }
}

/// Bytes a request's head may have at all; `checks.limits` draws the line the configuration asks for.
const MAX_REQUEST_HEAD: usize = 64 * 1024;
/// Fields a head may have at all.
const MAX_FIELDS: usize = 128;
/// Room for the fields the checks add.
const SPARE_FIELDS: usize = 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The outcome of reading `bytes` in steps: the target and framing, or the fault, or neither yet.
    fn read(bytes: &[u8], step: usize) -> Result<Option<(String, Framing, Vec<u8>)>, HeadFault> {
        let (mut buffer, mut seen) = (BytesMut::new(), 0);
        for part in bytes.chunks(step.max(1)) {
            buffer.extend_from_slice(part);
            if let Some(head) = request(&mut buffer, &mut seen)? {
                return Ok(Some((head.parts.uri.to_string(), head.framing, buffer.to_vec())));
            }
        }
        Ok(None)
    }

    #[test]
    fn a_head_that_trickles_in_is_the_same_head() {
        let bytes = b"POST /x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
        let whole = Some(("/x?y".to_owned(), Framing::Length(3), Vec::new()));
        for step in 1..bytes.len() {
            let Ok(Some((target, framing, rest))) = read(bytes, step) else { panic!("{step}") };
            assert_eq!(Some((target, framing, rest)), whole, "{step}");
        }
    }

    #[test]
    fn empty_lines_before_a_head_are_not_kept() {
        let (mut buffer, mut seen) = (BytesMut::new(), 0);
        for part in ["\r\n".repeat(100_000), "\r".to_owned(), "\n\r".to_owned()] {
            buffer.extend_from_slice(part.as_bytes());
            assert!(request(&mut buffer, &mut seen).unwrap().is_none());
            assert!(buffer.len() < 2);
        }
        buffer.extend_from_slice(b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(request(&mut buffer, &mut seen).unwrap().is_some());
        buffer.extend_from_slice(b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(request(&mut buffer, &mut seen).is_err());

        let (mut buffer, mut seen) = (BytesMut::from("\r\n".repeat(1000).as_bytes()), 0);
        assert!(response(&mut buffer, &mut seen, &Method::GET, 1000).is_err());
    }

    #[test]
    fn an_answer_to_head_or_304_has_no_body_whatever_it_says() {
        for (method, status) in [(Method::HEAD, 200), (Method::GET, 304), (Method::GET, 204)] {
            let bytes = format!("HTTP/1.1 {status} X\r\ncontent-length: 5\r\n\r\n");
            let (mut buffer, mut seen) = (BytesMut::from(bytes.as_bytes()), 0);
            let head = response(&mut buffer, &mut seen, &method, 1000).unwrap().unwrap();
            assert_eq!(head.framing, Framing::EMPTY);
            assert_eq!(head.parts.headers.contains_key(header::CONTENT_LENGTH), status != 204);
        }
    }

    fn answer(method: &Method, text: &str) -> ResponseHead {
        response(&mut BytesMut::from(text.as_bytes()), &mut 0, method, 1000).unwrap().unwrap()
    }

    #[test]
    fn a_connection_on_which_a_body_may_still_come_is_not_used_again() {
        let (some, none) =
            ("HTTP/1.1 200 X\r\ncontent-length: 5\r\n\r\n", "HTTP/1.1 200 X\r\ncontent-length: 0\r\n\r\n");
        assert!(!answer(&Method::HEAD, some).keep_alive);
        assert!(answer(&Method::HEAD, none).keep_alive && answer(&Method::GET, some).keep_alive);
    }

    #[test]
    fn every_nominated_field_stays_on_its_connection() {
        let text = "HTTP/1.1 200 X\r\nconnection: a, close\r\na: 1\r\nconnection: b\r\nb: 2\r\nc: 3\r\ncontent-length: 0\r\n\r\n";
        let head = answer(&Method::GET, text);
        let names: Vec<_> = head.parts.headers.keys().map(HeaderName::as_str).collect();
        assert_eq!((names, head.keep_alive), (vec!["c"], false));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, step in 1usize..9) {
            let _ = read(&bytes, step);
            let (mut buffer, mut seen) = (BytesMut::from(bytes.as_slice()), 0);
            let _ = response(&mut buffer, &mut seen, &Method::GET, 1000);
        }

        #[test]
        fn whatever_is_let_through_has_one_framing(
            lines in proptest::collection::vec(
                prop_oneof![
                    Just("Content-Length: 5"), Just("content-length: 6"), Just("Content-Length:5, 5"),
                    Just("Transfer-Encoding: chunked"), Just("transfer-encoding:identity"),
                    Just("Transfer-Encoding: chunked, chunked"), Just("Host: a"), Just("X: y"),
                ],
                0..5,
            ),
            version in 0u8..2,
        ) {
            let bytes = format!("POST / HTTP/1.{version}\r\n{}\r\n\r\n", lines.join("\r\n"));
            let bytes = bytes.replace("\r\n\r\n\r\n", "\r\n\r\n");
            let count = |start: &str| lines.iter().filter(|line| line.to_lowercase().starts_with(start)).count();
            let (lengths, codings) = (count("content-length"), count("transfer-encoding"));
            match read(bytes.as_bytes(), 1000) {
                Ok(Some((_, Framing::Chunked, _))) => prop_assert_eq!((lengths, codings, version), (0, 1, 1)),
                Ok(Some((_, Framing::Length(0), _))) => prop_assert_eq!((lengths, codings), (0, 0)),
                Ok(Some((_, _, _))) => prop_assert_eq!((lengths, codings), (1, 0)),
                Ok(None) => prop_assert!(false, "a whole head was not seen"),
                Err(_) => prop_assert!(lengths + codings > 0),
            }
        }
    }
}
