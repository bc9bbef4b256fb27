//! Where a body ends: RFC 9112 section 6, without its lenient parts.

use bytes::{Bytes, BytesMut};

/// How the length of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Exactly so many bytes.
    Length(u64),
    Chunked,
    /// Only in answers: all until the connection closes.
    UntilClose,
}

/// Takes a body out of the bytes that follow a head.
#[derive(Debug)]
pub(crate) struct Decoder {
    state: State,
    /// Bytes of chunk sizes' extensions and trailers seen; they are dropped, but somebody sends them.
    overhead: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Length(u64),
    UntilClose,
    Chunk(u64),
    ChunkEnd,
    Size,
    Trailers,
    Done,
}

/// What the decoder made of the bytes so far.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    Data(Bytes),
    /// The body is complete; the buffer begins with the next message.
    End,
    /// More bytes are needed.
    Hungry,
}

/// Why the bytes are not a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyFault {
    #[error("a chunk does not end with CR LF")]
    ChunkEnd,
    #[error("a chunk size is not a hexadecimal number")]
    ChunkSize,
    #[error("a chunk extension has a forbidden character")]
    ChunkExtension,
    #[error("chunk extensions and trailers are too long")]
    Overhead,
    #[error("a trailer is malformed")]
    Trailer,
}

impl Framing {
    pub(crate) const EMPTY: Self = Self::Length(0);

    pub(crate) fn is_empty(self) -> bool {
        self == Self::EMPTY
    }
}

impl Decoder {
    pub(crate) fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Size,
            Framing::UntilClose => State::UntilClose,
        };
        Self { state, overhead: 0 }
    }

    /// Everything of the body was taken.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// May the stream end here? A cut body must not pass for a whole one.
    pub(crate) fn may_end(&self) -> bool {
        matches!(self.state, State::Done | State::UntilClose)
    }

    /// Bytes still to come, where that is known.
    pub(crate) fn remaining(&self) -> Option<u64> {
        match self.state {
            State::Length(length) => Some(length),
            State::Done => Some(0),
            _ => None,
        }
    }

    pub(crate) fn decode(&mut self, buffer: &mut BytesMut) -> Result<Decoded, BodyFault> {
        loop {
            match self.state {
                State::Done => return Ok(Decoded::End),
                State::UntilClose | State::Length(_) | State::Chunk(_) if buffer.is_empty() => {
                    return Ok(Decoded::Hungry);
                }
                State::UntilClose => return Ok(Decoded::Data(buffer.split().freeze())),
                State::Length(length) => {
                    let (data, left) = take(buffer, length);
                    self.state = if left == 0 { State::Done } else { State::Length(left) };
                    return Ok(Decoded::Data(data));
                }
                State::Chunk(length) => {
                    let (data, left) = take(buffer, length);
                    self.state = if left == 0 { State::ChunkEnd } else { State::Chunk(left) };
                    return Ok(Decoded::Data(data));
                }
                State::ChunkEnd => match &**buffer {
                    [] | [b'\r'] => return Ok(Decoded::Hungry),
                    [b'\r', b'\n', ..] => {
                        let _ = buffer.split_to(2);
                        self.state = State::Size;
                    }
                    _ => return Err(BodyFault::ChunkEnd),
                },
                State::Size => {
                    let Some(line) = self.line(buffer, SIZE_LINE)? else { return Ok(Decoded::Hungry) };
                    self.state = match chunk_size(&line)? {
                        0 => State::Trailers,
                        size => State::Chunk(size),
                    };
                }
                State::Trailers => {
                    let Some(line) = self.line(buffer, 2)? else { return Ok(Decoded::Hungry) };
                    if line.is_empty() {
                        self.state = State::Done;
                    } else if !is_field_line(&line) {
                        return Err(BodyFault::Trailer);
                    }
                }
            }
        }
    }

    /// The next line without its CR LF. What it takes beyond `free` bytes is overhead.
    fn line(&mut self, buffer: &mut BytesMut, free: usize) -> Result<Option<Bytes>, BodyFault> {
        let room = MAX_OVERHEAD.saturating_sub(self.overhead);
        let Some(end) = memchr::memchr(b'\n', buffer) else {
            let has_bare_return = buffer.iter().rev().skip(1).any(|byte| *byte == b'\r');
            return match buffer.len() > room.min(MAX_LINE) || has_bare_return {
                true => Err(BodyFault::Overhead),
                false => Ok(None),
            };
        };
        let line = buffer.split_to(end.saturating_add(1)).freeze();
        self.overhead = self.overhead.saturating_add(line.len().saturating_sub(free));
        if self.overhead > MAX_OVERHEAD || line.len() > MAX_LINE {
            return Err(BodyFault::Overhead);
        }
        match line.strip_suffix(b"\r\n") {
            Some(content) if !content.contains(&b'\r') => Ok(Some(line.slice(..content.len()))),
            _ => Err(BodyFault::ChunkEnd),
        }
    }
}

/// At most `length` bytes from the front, and how many of the length are then left.
fn take(buffer: &mut BytesMut, length: u64) -> (Bytes, u64) {
    let now = usize::try_from(length).map_or(buffer.len(), |length| length.min(buffer.len()));
    let data = buffer.split_to(now).freeze();
    (data, length.saturating_sub(now as u64))
}

/// `chunk-size [ chunk-ext ]`: hexadecimal digits, then nothing or what begins with `;`.
fn chunk_size(line: &[u8]) -> Result<u64, BodyFault> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let Some((size, extension)) = line.split_at_checked(digits) else { return Err(BodyFault::ChunkSize) };
    if size.is_empty() || size.len() > 16 {
        return Err(BodyFault::ChunkSize);
    }
    let value = std::str::from_utf8(size).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let blank = extension.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    match extension.get(blank..) {
        None | Some([]) if blank == 0 => {}
        Some([b';', rest @ ..]) if rest.iter().all(|byte| is_field_byte(*byte)) => {}
        Some([b';', ..]) => return Err(BodyFault::ChunkExtension),
        _ => return Err(BodyFault::ChunkSize),
    }
    // More than the range of a signed length helps nobody honest.
    value.filter(|size| *size <= i64::MAX as u64).ok_or(BodyFault::ChunkSize)
}

fn is_field_line(line: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', line) else { return false };
    let (name, value) = line.split_at(colon);
    !name.is_empty()
        && name.iter().all(|byte| is_token_byte(*byte))
        && value.iter().all(|byte| is_field_byte(*byte))
}

/// `tchar` of RFC 9110 section 5.6.2.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A byte a field value may hold.
fn is_field_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// A chunk size of up to 8 digits is no overhead.
const SIZE_LINE: usize = 10;
/// Bytes of one chunk-size or trailer line.
const MAX_LINE: usize = 4 * 1024;
/// Bytes of extensions and trailers in one body.
const MAX_OVERHEAD: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode_all(framing: Framing, bytes: &[u8], step: usize) -> Result<(Vec<u8>, bool, usize), BodyFault> {
        let mut decoder = Decoder::new(framing);
        let (mut buffer, mut out) = (BytesMut::new(), Vec::new());
        let mut fed = 0;
        loop {
            match decoder.decode(&mut buffer)? {
                Decoded::Data(data) => out.extend_from_slice(&data),
                Decoded::End => return Ok((out, true, buffer.len() + bytes.len() - fed)),
                Decoded::Hungry if fed == bytes.len() => return Ok((out, false, 0)),
                Decoded::Hungry => {
                    let next = (fed + step).min(bytes.len());
                    buffer.extend_from_slice(&bytes[fed..next]);
                    fed = next;
                }
            }
        }
    }

    #[test]
    fn chunks_are_joined_and_the_rest_is_left() {
        let body = b"5;name=value\r\nhello\r\n1 ;x\r\n!\r\n0\r\nTrailer: dropped\r\n\r\nGET / HTTP/1.1";
        for step in 1..body.len() {
            let decoded = decode_all(Framing::Chunked, body, step);
            assert_eq!(decoded, Ok((b"hello!".to_vec(), true, 14)), "{step}");
        }
    }

    #[test]
    fn what_is_not_a_chunk_is_refused() {
        for wrong in [
            "0x5\r\nhello\r\n0\r\n\r\n",
            "+5\r\nhello\r\n0\r\n\r\n",
            "-5\r\nhello\r\n0\r\n\r\n",
            " 5\r\nhello\r\n0\r\n\r\n",
            "5 \r\nhello\r\n0\r\n\r\n",
            "5\nhello\r\n0\r\n\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhelloX\r\n0\r\n\r\n",
            "5\r\nhello\r\n0\r\n\n",
            "5;\rx\r\nhello\r\n0\r\n\r\n",
            "5;a\0b\r\nhello\r\n0\r\n\r\n",
            "5;a\nhello\r\n0\r\n\r\n",
            "\r\nhello\r\n0\r\n\r\n",
            "ffffffffffffffff\r\n",
            "10000000000000005\r\nhello\r\n0\r\n\r\n",
            "5_0\r\nhello\r\n0\r\n\r\n",
            "0\r\nno colon\r\n\r\n",
            "0\r\nname : value\r\n\r\n",
            "0\r\n: value\r\n\r\n",
        ] {
            for step in [1, 3, 64] {
                assert!(decode_all(Framing::Chunked, wrong.as_bytes(), step).is_err(), "{wrong:?} by {step}");
            }
        }
    }

    #[test]
    fn extensions_and_trailers_are_bounded() {
        let flood = format!("0\r\n{}", "a: b\r\n".repeat(100_000));
        assert_eq!(decode_all(Framing::Chunked, flood.as_bytes(), 4096), Err(BodyFault::Overhead));
        let flood = format!("1;{}", "a".repeat(100_000));
        assert_eq!(decode_all(Framing::Chunked, flood.as_bytes(), 4096), Err(BodyFault::Overhead));
        let flood = "1;a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n".repeat(10_000);
        assert_eq!(decode_all(Framing::Chunked, flood.as_bytes(), 4096), Err(BodyFault::Overhead));
    }

    proptest! {
        #[test]
        fn any_split_of_a_body_decodes_the_same(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..50), 0..10),
            step in 1usize..70,
        ) {
            let mut wire = Vec::new();
            for chunk in &chunks {
                wire.extend_from_slice(format!("{:X}\r\n", chunk.len()).as_bytes());
                wire.extend_from_slice(chunk);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\n\r\nrest");
            prop_assert_eq!(decode_all(Framing::Chunked, &wire, step), Ok((chunks.concat(), true, 4)));
        }

        #[test]
        fn a_counted_body_is_taken_exactly(body: Vec<u8>, rest in 0usize..20, step in 1usize..70) {
            let mut wire = body.clone();
            wire.extend(std::iter::repeat_n(b'x', rest));
            let decoded = decode_all(Framing::Length(body.len() as u64), &wire, step);
            prop_assert_eq!(decoded, Ok((body, true, rest)));
        }

        #[test]
        fn any_bytes_decode_or_are_refused_whatever_the_split(bytes: Vec<u8>, step in 1usize..9) {
            let whole = decode_all(Framing::Chunked, &bytes, usize::MAX / 2);
            let parts = decode_all(Framing::Chunked, &bytes, step);
            prop_assert_eq!(whole.is_err(), parts.is_err());
            if let (Ok(whole), Ok(parts)) = (whole, parts) {
                prop_assert_eq!(whole, parts);
            }
        }
    }
}
