//! Walking over the frames of segments, forwards and backwards, in chunks.

use std::io;
use std::sync::Arc;

use crate::format::{Frame, Header, MAX_FRAME, SEALED_HEADER_SIZE};
use crate::{Damage, Position, ReadError, SegmentId, SegmentSource};

/// How far the ledger is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Durable {
    /// The last segment.
    pub(crate) segment: SegmentId,
    /// Its intact bytes.
    pub(crate) end: u64,
    /// The number of the next frame.
    pub(crate) next: Position,
}

/// One frame with its place, its payload owned.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) segment: SegmentId,
    pub(crate) offset: u64,
    pub(crate) position: Position,
    /// When the event happened, as the frame says.
    pub(crate) time: gabion_model::Timestamp,
    pub(crate) class: u32,
    pub(crate) payload: Vec<u8>,
}

/// Bytes read at once. More than a frame has.
const CHUNK: usize = 256 << 10;
const _: () = assert!(CHUNK > MAX_FRAME, "a frame must fit into a chunk");

/// Forwards through one segment.
#[derive(Debug)]
pub(crate) struct Forward {
    pub(crate) segment: SegmentId,
    /// Where the next frame begins.
    pub(crate) offset: u64,
    /// The number the next frame has to have.
    pub(crate) expected: Position,
    /// Bytes of the segment from `base`.
    buffer: Vec<u8>,
    base: u64,
}

impl Forward {
    pub(crate) fn new(header: &Header) -> Self {
        let offset = header.size() as u64;
        Self { segment: header.segment, offset, expected: header.first, buffer: Vec::new(), base: offset }
    }

    /// From the record numbered `expected`, which begins at `offset`.
    #[cfg(feature = "write")]
    pub(crate) const fn at(segment: SegmentId, offset: u64, expected: Position) -> Self {
        Self { segment, offset, expected, buffer: Vec::new(), base: offset }
    }

    /// The next frame, read no further than `end` (a size of the segment). None exactly at `end`.
    pub(crate) fn next(
        &mut self,
        source: &dyn SegmentSource,
        end: u64,
    ) -> Result<Option<Frame<'_>>, ReadError> {
        if self.offset >= end {
            return Ok(None);
        }
        self.fill(source, end)?;
        let (segment, offset, expected) = (self.segment, self.offset, self.expected);
        let damaged = |reason| ReadError::Corrupted { segment, offset, reason };
        let frame = Frame::decode(window(&self.buffer, self.base, offset, end)).map_err(damaged)?;
        if frame.position != expected {
            return Err(damaged(Damage::Sequence));
        }
        self.offset = offset.saturating_add(frame.size() as u64);
        self.expected = expected.next();
        Ok(Some(frame))
    }

    /// Makes the buffer hold the frame at `offset`, or everything up to `end`.
    fn fill(&mut self, source: &dyn SegmentSource, end: u64) -> Result<(), ReadError> {
        let buffered = self.base.saturating_add(self.buffer.len() as u64);
        let have = buffered.saturating_sub(self.offset);
        let whole = have >= MAX_FRAME as u64
            || buffered >= end
            || Frame::decode(window(&self.buffer, self.base, self.offset, end)).is_ok();
        if whole && self.offset >= self.base && have > 0 {
            return Ok(());
        }
        let wanted = usize::try_from(end.saturating_sub(self.offset)).unwrap_or(CHUNK).min(CHUNK);
        self.base = self.offset;
        read_into(source, self.segment, self.offset, wanted, &mut self.buffer)
    }
}

/// The buffered bytes from `offset`, not beyond `end`.
fn window(buffer: &[u8], base: u64, offset: u64, end: u64) -> &[u8] {
    let start = usize::try_from(offset.saturating_sub(base)).unwrap_or(usize::MAX);
    let rest = buffer.get(start..).unwrap_or_default();
    let most = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
    rest.get(..most).unwrap_or(rest)
}

/// Backwards through one segment, from a known end.
#[derive(Debug)]
pub(crate) struct Backward {
    segment: SegmentId,
    first: Position,
    /// Where the first frame begins.
    begin: u64,
    /// The number behind the frame that ends at `end`.
    next: Position,
    end: u64,
    buffer: Vec<u8>,
    base: u64,
}

impl Backward {
    pub(crate) const fn new(header: &Header, end: u64, next: Position) -> Self {
        let (segment, first, begin) = (header.segment, header.first, header.size() as u64);
        Self { segment, first, begin, next, end, buffer: Vec::new(), base: end }
    }

    /// The frame before, and where it begins. None at the segment's begin.
    pub(crate) fn previous(
        &mut self,
        source: &dyn SegmentSource,
    ) -> Result<Option<(u64, Frame<'_>)>, ReadError> {
        if self.next <= self.first {
            return Ok(None);
        }
        let begin = self.begin;
        if self.end.saturating_sub(self.base) < MAX_FRAME as u64 && self.base > begin {
            let start = self.end.saturating_sub(CHUNK as u64).max(begin);
            let wanted = usize::try_from(self.end.saturating_sub(start)).unwrap_or(CHUNK);
            read_into(source, self.segment, start, wanted, &mut self.buffer)?;
            self.base = start;
        }
        let length = usize::try_from(self.end.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let (segment, end) = (self.segment, self.end);
        let damaged = |reason| ReadError::Corrupted { segment, offset: end, reason };
        let bytes = self.buffer.get(..length).ok_or_else(|| damaged(Damage::Short))?;
        let frame = Frame::decode_last(bytes).map_err(damaged)?;
        if frame.position.next() != self.next {
            return Err(damaged(Damage::Sequence));
        }
        self.next = frame.position;
        self.end = end.saturating_sub(frame.size() as u64);
        Ok(Some((self.end, frame)))
    }
}

/// Reads and checks the header of a segment.
pub(crate) fn read_header(source: &dyn SegmentSource, segment: SegmentId) -> Result<Header, ReadError> {
    let mut bytes = Vec::new();
    read_into(source, segment, 0, SEALED_HEADER_SIZE, &mut bytes)?;
    let header = Header::decode(&bytes)
        .and_then(|header| if header.segment == segment { Ok(header) } else { Err(Damage::Header) });
    header.map_err(|reason| ReadError::Corrupted { segment, offset: 0, reason })
}

/// Where the frames of a segment end that must hold every number below `next`.
pub(crate) fn end_of(source: &dyn SegmentSource, header: &Header, next: Position) -> Result<u64, ReadError> {
    let segment = header.segment;
    let size = source.size(segment).map_err(|source| ReadError::Io { segment, source })?;
    if next == header.first {
        return Ok(header.size() as u64);
    }
    // The usual case: nothing void behind the last frame.
    if matches!(Backward::new(header, size, next).previous(source), Ok(Some(_))) {
        return Ok(size);
    }
    let mut forward = Forward::new(header);
    while forward.expected < next {
        if forward.next(source, size)?.is_none() {
            let offset = forward.offset;
            return Err(ReadError::Corrupted { segment, offset, reason: Damage::Missing });
        }
    }
    Ok(forward.offset)
}

fn read_into(
    source: &dyn SegmentSource,
    segment: SegmentId,
    offset: u64,
    wanted: usize,
    buffer: &mut Vec<u8>,
) -> Result<(), ReadError> {
    buffer.clear();
    buffer.resize(wanted, 0);
    let count = source.read(segment, offset, buffer).map_err(|source| ReadError::Io { segment, source })?;
    buffer.truncate(count);
    Ok(())
}

/// Every segment, ascending.
pub(crate) fn list(source: &Arc<dyn SegmentSource>) -> Result<Vec<SegmentId>, ReadError> {
    source.list().map_err(ReadError::List)
}

/// Where a scan for the end of the last segment came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) end: u64,
    pub(crate) next: Position,
    /// Bytes behind the end: a torn write.
    pub(crate) torn: u64,
    pub(crate) span: crate::format::Span,
}

/// The last segment that has a header, where its frames end, and the segments behind it that a crash
/// left without a whole header (with their sizes).
pub(crate) struct Last {
    pub(crate) found: Option<(Header, Tail)>,
    #[cfg_attr(not(feature = "write"), expect(dead_code, reason = "who writes removes them"))]
    pub(crate) headless: Vec<(SegmentId, u64)>,
}

/// Finds the end of a ledger.
pub(crate) fn last(source: &dyn SegmentSource, segments: &[SegmentId]) -> Result<Last, ReadError> {
    let mut headless = Vec::new();
    for &segment in segments.iter().rev() {
        match read_header(source, segment) {
            Ok(header) => {
                let tail = tail_of(source, &header)?;
                return Ok(Last { found: Some((header, tail)), headless });
            }
            Err(error) => {
                let size = source.size(segment).map_err(|source| ReadError::Io { segment, source })?;
                // No frame fits behind the shorter header in so few bytes.
                if size > SEALED_HEADER_SIZE as u64 {
                    return Err(error);
                }
                headless.push((segment, size));
            }
        }
    }
    Ok(Last { found: None, headless })
}

/// Finds the end of the last segment: behind its last good frame. An error when what follows shows
/// that a bad frame had been durable.
fn tail_of(source: &dyn SegmentSource, header: &Header) -> Result<Tail, ReadError> {
    let segment = header.segment;
    let size = source.size(segment).map_err(|source| ReadError::Io { segment, source })?;
    let mut forward = Forward::new(header);
    let mut span = crate::format::Span::EMPTY;
    let damage = loop {
        match forward.next(source, size) {
            Ok(Some(frame)) => span.include(frame.time),
            Ok(None) => break None,
            Err(ReadError::Corrupted { reason, .. }) => break Some(reason),
            Err(error) => return Err(error),
        }
    };
    let (end, next) = (forward.offset, forward.expected);
    if let Some(reason) = damage
        && durable_behind(source, segment, end, size, next)
            .map_err(|source| ReadError::Io { segment, source })?
    {
        return Err(ReadError::Corrupted { segment, offset: end, reason });
    }
    Ok(Tail { end, next, torn: size.saturating_sub(end), span })
}

/// Whether a good frame behind `start` says that the frame numbered `bad` was durable.
fn durable_behind(
    source: &dyn SegmentSource,
    segment: SegmentId,
    start: u64,
    size: u64,
    bad: Position,
) -> io::Result<bool> {
    let mut buffer = vec![0; CHUNK];
    let mut base = start.saturating_add(1);
    while base < size {
        let count = source.read(segment, base, &mut buffer)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        // Numbers cannot have grown by more than the bytes in between allow.
        let most = bad.0.saturating_add(size.saturating_sub(start));
        for at in 0..count {
            let candidate = bytes.get(at..).unwrap_or_default();
            if let Some(number) = candidate.get(8..16).and_then(|number| number.first_chunk())
                && (bad.0..=most).contains(&u64::from_le_bytes(*number))
                && let Ok(frame) = Frame::decode(candidate)
                && frame.mark > bad
            {
                return Ok(true);
            }
        }
        if count < buffer.len() {
            break;
        }
        base = base.saturating_add((CHUNK - MAX_FRAME) as u64);
    }
    Ok(false)
}
