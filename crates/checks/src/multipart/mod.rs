//! `multipart/form-data` as it arrives: RFC 7578 over RFC 2046 §5.1, in one reading or none.
//!
//! What different parsers read differently is refused, and whoever passes a body on writes it anew
//! ([`write`]) under a boundary the sender could not know, so that nothing hides behind a delimiter that
//! only the application would see.
//!
//! 1. `Content-Type` stands once; its only parameters are one `boundary` of 1 to 70 characters of RFC 2046's
//!    `bchars` and perhaps `charset=utf-8`. `boundary*` and `boundary*0` (RFC 2231) are refused.
//! 2. Nothing stands before the first delimiter but one line end, and nothing after the last but one.
//! 3. A delimiter is `CRLF "--" boundary`, then `CRLF` or `--`. The boundary at the start of a line in any
//!    other form (after a bare LF or CR, with something behind it) is refused; in the middle of a line it is data.
//! 4. Part heads are bounded in bytes and fields; folded lines, control characters, bare line feeds and
//!    repeated fields are refused.
//! 5. `Content-Disposition: form-data` with one `name` is needed. `filename` and `filename*` stand at most once
//!    each; where both do, they must say the same. Names are UTF-8 without control characters.
//! 6. `Content-Transfer-Encoding` says `7bit`, `8bit` or `binary`, or is absent (RFC 7578 §4.7).
//! 7. A part is no `multipart` itself (RFC 7578 §4.3).
//! 8. A body without its last delimiter is refused.

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;

pub use boundary::Boundary;
pub use head::{Media, PartHead};

mod boundary;
mod head;
mod write;

/// How much a body may hold. What is over a bound ends the reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of one part's head.
    pub head: usize,
    /// Header fields of one part.
    pub fields: usize,
    /// Parts.
    pub parts: usize,
    /// Bytes of one part's content.
    pub part: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { head: 4 * 1024, fields: 8, parts: 200, part: u64::MAX }
    }
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A part begins.
    Part(PartHead),
    /// Some of its content; never empty.
    Data(Bytes),
    /// It has ended.
    PartEnd,
    /// The last delimiter.
    End,
}

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Violation {
    #[error("the boundary is missing or not one of RFC 2046")]
    Boundary,
    #[error("a part names a character set other than UTF-8")]
    Charset,
    #[error("the content type is not exactly one multipart/form-data")]
    ContentType,
    #[error("a line begins like a delimiter and is none")]
    DelimiterDoubtful,
    #[error("a part has no form-data disposition with one name")]
    Disposition,
    #[error("something follows the last delimiter")]
    Epilogue,
    #[error("a part's two file names differ")]
    FileNames,
    #[error("a part's header field is malformed")]
    Head,
    #[error("a part's header field is folded")]
    HeadFolded,
    #[error("a part's head is too long")]
    HeadTooLong,
    #[error("a part's name or file name is not plain UTF-8 text")]
    Name,
    #[error("a part is a multipart itself")]
    Nested,
    #[error("a part is too long")]
    PartTooLong,
    #[error("something precedes the first delimiter")]
    Preamble,
    #[error("a part's header field or parameter stands twice")]
    Repeated,
    #[error("too many parts")]
    TooManyParts,
    #[error("a part has a transfer encoding")]
    TransferEncoding,
    #[error("the last delimiter is missing")]
    Unfinished,
}

/// Reads a body piece by piece: [`feed`](Self::feed), then [`next`](Self::next) until it has nothing, and
/// [`finish`](Self::finish) at the end.
#[derive(Debug)]
pub struct Parser {
    delimiter: Finder<'static>,
    buffer: BytesMut,
    state: State,
    bounds: Bounds,
    parts: usize,
    /// Bytes given out of the present part.
    part: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first delimiter.
    Start,
    /// Behind a delimiter, which is whole only with what follows.
    Delimiter,
    Head,
    /// In a part of which so many bytes are known to hold no delimiter.
    Content,
    /// Behind the last delimiter.
    Epilogue,
    /// Behind the line end after it.
    Done,
    /// Nothing more will be read.
    Failed(Violation),
}

impl Parser {
    #[must_use]
    pub fn new(boundary: &Boundary, bounds: Bounds) -> Self {
        let delimiter = [b"--".as_slice(), boundary.as_bytes()].concat();
        Self {
            delimiter: Finder::new(&delimiter).into_owned(),
            buffer: BytesMut::new(),
            state: State::Start,
            bounds,
            parts: 0,
            part: 0,
        }
    }

    /// Takes the next bytes of the body.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !matches!(self.state, State::Failed(_)) {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// What comes next; `None` until more was fed.
    ///
    /// # Errors
    /// The first broken rule, from then on always.
    #[expect(clippy::should_implement_trait, reason = "`None` is no end: more may be fed")]
    pub fn next(&mut self) -> Result<Option<Event>, Violation> {
        let read = self.read();
        if let Err(violation) = read {
            self.buffer = BytesMut::new();
            self.state = State::Failed(violation);
        }
        read
    }

    /// The body has ended. Everything fed must have been read.
    ///
    /// # Errors
    /// That it ended too early, or what was broken before.
    pub fn finish(&self) -> Result<(), Violation> {
        match self.state {
            State::Failed(violation) => Err(violation),
            // A lone CR is no line end.
            State::Epilogue | State::Done if self.buffer.is_empty() => Ok(()),
            State::Epilogue | State::Done => Err(Violation::Epilogue),
            _ => Err(Violation::Unfinished),
        }
    }

    fn read(&mut self) -> Result<Option<Event>, Violation> {
        loop {
            match self.state {
                State::Failed(violation) => return Err(violation),
                State::Start => {
                    if !self.start()? {
                        return Ok(None);
                    }
                }
                State::Delimiter => match self.buffer.get(..2) {
                    None if b"\r-".contains(self.buffer.first().unwrap_or(&b'\r')) => return Ok(None),
                    Some(b"\r\n") => {
                        let _ = self.buffer.split_to(2);
                        self.parts = self.parts.saturating_add(1);
                        if self.parts > self.bounds.parts {
                            return Err(Violation::TooManyParts);
                        }
                        self.state = State::Head;
                    }
                    Some(b"--") => {
                        let _ = self.buffer.split_to(2);
                        self.state = State::Epilogue;
                        return Ok(Some(Event::End));
                    }
                    _ => return Err(Violation::DelimiterDoubtful),
                },
                State::Head => {
                    let Some(head) = self.head()? else { return Ok(None) };
                    self.state = State::Content;
                    self.part = 0;
                    return Ok(Some(Event::Part(head)));
                }
                State::Content => return self.content(),
                State::Epilogue => match &*self.buffer {
                    b"" | b"\r" => return Ok(None),
                    b"\r\n" => {
                        self.buffer.clear();
                        self.state = State::Done;
                    }
                    _ => return Err(Violation::Epilogue),
                },
                State::Done if self.buffer.is_empty() => return Ok(None),
                State::Done => return Err(Violation::Epilogue),
            }
        }
    }

    /// Rule 2. True when the first delimiter was read.
    fn start(&mut self) -> Result<bool, Violation> {
        let skipped = if self.buffer.starts_with(b"\r") { 2 } else { 0 };
        let delimiter = self.delimiter.needle();
        let expected = [b"\r\n".get(..skipped).unwrap_or_default(), delimiter].concat();
        let there = self.buffer.len().min(expected.len());
        if self.buffer.get(..there) != expected.get(..there) {
            return Err(Violation::Preamble);
        }
        if there < expected.len() {
            return Ok(false);
        }
        let _ = self.buffer.split_to(expected.len());
        self.state = State::Delimiter;
        Ok(true)
    }

    /// Rule 4.
    fn head(&mut self) -> Result<Option<PartHead>, Violation> {
        if self.buffer.starts_with(b"\r\n") {
            return Err(Violation::Disposition);
        }
        let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") else {
            let is_too_long = self.buffer.len() > self.bounds.head.saturating_add(3);
            return if is_too_long { Err(Violation::HeadTooLong) } else { Ok(None) };
        };
        if end > self.bounds.head {
            return Err(Violation::HeadTooLong);
        }
        let bytes = self.buffer.split_to(end.saturating_add(4));
        head::parse(bytes.get(..end).unwrap_or_default(), self.bounds.fields).map(Some)
    }

    /// Rule 3.
    fn content(&mut self) -> Result<Option<Event>, Violation> {
        let length = self.delimiter.needle().len();
        let mut from = 0;
        while let Some(found) = self.buffer.get(from..).and_then(|rest| self.delimiter.find(rest)) {
            let at = from.saturating_add(found);
            let before = self.buffer.get(at.saturating_sub(2)..at).unwrap_or_default();
            if before == b"\r\n" {
                if at > 2 {
                    let data = self.buffer.split_to(at.saturating_sub(2));
                    return self.data(data.freeze()).map(Some);
                }
                let _ = self.buffer.split_to(at.saturating_add(length));
                self.state = State::Delimiter;
                return Ok(Some(Event::PartEnd));
            }
            // At the very start of a part the line end before it belongs to the head.
            let is_first = at == 0 && self.part == 0;
            if is_first || before.ends_with(b"\n") || before.ends_with(b"\r") {
                return Err(Violation::DelimiterDoubtful);
            }
            from = at.saturating_add(1);
        }
        // A delimiter may have begun, and what stands before it decides what it is.
        let safe = self.buffer.len().saturating_sub(length.saturating_add(1));
        if safe == 0 {
            return Ok(None);
        }
        let data = self.buffer.split_to(safe);
        self.data(data.freeze()).map(Some)
    }

    fn data(&mut self, data: Bytes) -> Result<Event, Violation> {
        self.part = self.part.saturating_add(data.len() as u64);
        if self.part > self.bounds.part { Err(Violation::PartTooLong) } else { Ok(Event::Data(data)) }
    }
}

#[cfg(test)]
mod tests;
