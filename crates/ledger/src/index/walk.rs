//! Walking over the records that may fit a query: by the index where there is one, over all of them where there is none.

use std::collections::VecDeque;
use std::sync::Arc;

use super::build::BLOCK;
use super::file::{Block, Opened};
use super::lists::Bits;
use super::words::Wanted;
use super::{Fault, Indexes};
use crate::format::{Frame, Header, MAX_FRAME};
use crate::reader::{in_time, misses};
use crate::scan::{self, Backward, Forward, Found};
use crate::{Order, Position, Query, ReadError, Reader, SegmentId};

/// A search by index. Hands out candidates: whether they fit is the caller's to say.
#[derive(Debug)]
pub(crate) struct Indexed {
    indexes: Arc<Indexes>,
    wanted: Wanted,
    newest_first: bool,
    /// Segments not yet entered, in the order they are.
    todo: VecDeque<SegmentId>,
    /// The header of the segment that was entered before, when the newest come first.
    behind: Option<Header>,
    /// What is left of the segment that was entered.
    pieces: VecDeque<Piece>,
    current: Option<(Piece, Walk)>,
}

/// Records of one segment, from `first` and before `next`; their bytes begin at `start`.
#[derive(Debug)]
struct Piece {
    header: Header,
    first: Position,
    next: Position,
    start: u64,
    /// Where they end; none when it has to be looked for.
    end: Option<u64>,
    picks: Option<Picks>,
    /// The last one that was handed out.
    handed: Option<Position>,
}

/// Candidates of a piece.
#[derive(Debug)]
struct Picks {
    blocks: Blocks,
    /// Numbers of blocks that have any, in the order they are looked at.
    numbers: VecDeque<u32>,
    some: Bits,
    found: VecDeque<Found>,
}

#[derive(Debug)]
enum Blocks {
    File(Arc<Opened>),
    Memory(Vec<Block>, u64),
}

#[derive(Debug)]
enum Walk {
    Backward(Backward),
    Forward(Forward, u64),
    Picks,
}

#[derive(Debug)]
enum Stop {
    Read(ReadError),
    Fault(Fault),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Indexed {
    /// None when an index does not help with this query.
    pub(crate) fn begin(
        indexes: &Arc<Indexes>,
        reader: &Reader,
        query: &Query,
    ) -> Result<Option<Self>, ReadError> {
        let (Some(wanted), Some(durable)) = (Wanted::of(query), reader.durable()) else { return Ok(None) };
        let mut segments = scan::list(reader.source())?;
        segments.retain(|segment| *segment <= durable.segment);
        let newest_first = query.order == Order::NewestFirst;
        if newest_first {
            segments.reverse();
        }
        let (indexes, todo) = (Arc::clone(indexes), segments.into());
        let pieces = VecDeque::new();
        Ok(Some(Self { indexes, wanted, newest_first, todo, behind: None, pieces, current: None }))
    }

    /// The next candidate; none at the end.
    pub(crate) fn next(&mut self, reader: &Reader, query: &Query) -> Result<Option<Found>, ReadError> {
        loop {
            if self.current.is_none() {
                let Some(piece) = self.next_piece(reader, query)? else { return Ok(None) };
                let walk = piece.walk(reader, self.newest_first)?;
                self.current = Some((piece, walk));
            }
            let Some((piece, walk)) = &mut self.current else { return Ok(None) };
            match piece.next(walk, reader, query, self.newest_first) {
                Ok(Some(found)) => {
                    piece.handed = Some(found.position);
                    return Ok(Some(found));
                }
                Ok(None) => self.current = None,
                Err(Stop::Read(error)) => return Err(error),
                Err(Stop::Fault(fault)) => {
                    self.indexes.distrust(piece.header.segment, &fault);
                    piece.picks = None;
                    *walk = piece.walk(reader, self.newest_first)?;
                }
            }
        }
    }

    fn next_piece(&mut self, reader: &Reader, query: &Query) -> Result<Option<Piece>, ReadError> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Ok(Some(piece));
            }
            let (Some(segment), Some(durable)) = (self.todo.pop_front(), reader.durable()) else {
                return Ok(None);
            };
            let header = scan::read_header(&**reader.source(), segment)?;
            let behind = match self.todo.front() {
                _ if segment == durable.segment => None,
                _ if self.newest_first => self.behind,
                Some(next) => Some(scan::read_header(&**reader.source(), *next)?),
                None => None,
            };
            self.behind = Some(header);
            let next = behind.map_or(durable.next, |behind| behind.first);
            if next <= header.first || behind.is_some_and(|behind| misses(query, &behind)) {
                continue;
            }
            let end = behind.is_none().then_some(durable.end);
            self.enter(reader, header, next, end);
        }
    }

    /// The pieces of a segment: what an index knows of it, and what none does.
    fn enter(&mut self, reader: &Reader, header: Header, next: Position, end: Option<u64>) {
        let start = header.size() as u64;
        let whole = Piece { header, first: header.first, next, start, end, picks: None, handed: None };
        let opened = end.is_none().then(|| self.indexes.opened(reader, &header, next)).flatten();
        if let Some(opened) = opened {
            match opened.candidates(&self.wanted) {
                Ok(some) => {
                    let picks = Picks::of(Blocks::File(opened), some, self.newest_first);
                    self.pieces.push_back(Piece { picks: Some(picks), ..whole });
                    return;
                }
                Err(fault) => self.indexes.distrust(header.segment, &fault),
            }
        }
        let growing = self.indexes.growing();
        let Some(growing) = growing.as_ref().filter(|growing| growing.header.segment == header.segment)
        else {
            self.pieces.push_back(whole);
            return;
        };
        let some = growing.candidates(&self.wanted);
        let blocks = Blocks::Memory(growing.blocks.clone(), growing.end);
        let picks = Some(Picks::of(blocks, some, self.newest_first));
        // The reader may be older than the index, or newer.
        let known = growing.next.min(next);
        let indexed_end = if growing.next <= next { Some(growing.end) } else { end };
        let rest = Piece { first: known, start: growing.end, picks: None, handed: None, ..whole };
        let (first, handed) = (header.first, None);
        let indexed = Piece { header, first, next: known, start, end: indexed_end, picks, handed };
        let mut pieces = [Some(indexed), (known < next).then_some(rest)];
        if self.newest_first {
            pieces.reverse();
        }
        self.pieces.extend(pieces.into_iter().flatten());
    }
}

impl Piece {
    fn walk(&self, reader: &Reader, newest_first: bool) -> Result<Walk, ReadError> {
        if self.picks.is_some() {
            return Ok(Walk::Picks);
        }
        let end = match self.end {
            Some(end) => end,
            None => scan::end_of(&**reader.source(), &self.header, self.next)?,
        };
        Ok(if newest_first {
            Walk::Backward(Backward::new(&Header { first: self.first, ..self.header }, end, self.next))
        } else {
            Walk::Forward(Forward::at(self.header.segment, self.start, self.first), end)
        })
    }

    fn next(
        &mut self,
        walk: &mut Walk,
        reader: &Reader,
        query: &Query,
        newest_first: bool,
    ) -> Result<Option<Found>, Stop> {
        let segment = self.header.segment;
        let handed = self.handed;
        let is_new = |position| match handed {
            Some(handed) if newest_first => position < handed,
            Some(handed) => position > handed,
            None => true,
        };
        let source = &**reader.source();
        match walk {
            Walk::Picks => self.pick(reader, query, newest_first),
            Walk::Backward(walk) => {
                while let Some((offset, frame)) = walk.previous(source)? {
                    if in_time(query, frame.time) && is_new(frame.position) {
                        return Ok(Some(found(segment, offset, &frame)));
                    }
                }
                Ok(None)
            }
            Walk::Forward(walk, end) => {
                while walk.expected < self.next {
                    let offset = walk.offset;
                    let Some(frame) = walk.next(source, *end)? else { break };
                    if in_time(query, frame.time) && is_new(frame.position) {
                        return Ok(Some(found(segment, offset, &frame)));
                    }
                }
                Ok(None)
            }
        }
    }

    /// The next candidate that the index names.
    fn pick(&mut self, reader: &Reader, query: &Query, newest_first: bool) -> Result<Option<Found>, Stop> {
        let Some(picks) = &mut self.picks else { return Ok(None) };
        loop {
            if let Some(found) = picks.found.pop_front() {
                return Ok(Some(found));
            }
            let Some(number) = picks.numbers.pop_front() else { return Ok(None) };
            let (block, end) = picks.blocks.block(number)?;
            if block.misses(query) {
                continue;
            }
            let first = self.header.first.0.saturating_add(u64::from(number) * u64::from(BLOCK));
            let bytes = read_block(reader, self.header.segment, block.offset, end)?;
            let (mut rest, mut offset) = (&*bytes, block.offset);
            let bits = picks.some.block(number);
            for (at, position) in (0..BLOCK).zip(first..) {
                if rest.is_empty() {
                    break;
                }
                let frame = Frame::decode(rest).map_err(|_| NOWHERE)?;
                if frame.position.0 != position {
                    return Err(NOWHERE.into());
                }
                let wanted = bits >> at & 1 == 1 && frame.position < self.next && in_time(query, frame.time);
                if wanted {
                    picks.found.push_back(found(self.header.segment, offset, &frame));
                }
                offset = offset.saturating_add(frame.size() as u64);
                rest = rest.get(frame.size()..).unwrap_or_default();
            }
            if !rest.is_empty() {
                return Err(NOWHERE.into());
            }
            if newest_first {
                picks.found.make_contiguous().reverse();
            }
        }
    }
}

const NOWHERE: Fault = Fault::Malformed("a block is not where it says");

impl Picks {
    fn of(blocks: Blocks, some: Bits, newest_first: bool) -> Self {
        let mut numbers: VecDeque<u32> = some.blocks().collect();
        if newest_first {
            numbers.make_contiguous().reverse();
        }
        Self { blocks, numbers, some, found: VecDeque::new() }
    }
}

impl Blocks {
    /// The block, and where it ends.
    fn block(&self, number: u32) -> Result<(Block, u64), Fault> {
        match self {
            Self::File(opened) => opened.block(number),
            Self::Memory(blocks, end) => {
                let at = number as usize;
                let block = blocks.get(at).ok_or(NOWHERE)?;
                Ok((*block, blocks.get(at.saturating_add(1)).map_or(*end, |next| next.offset)))
            }
        }
    }
}

fn read_block(reader: &Reader, segment: SegmentId, offset: u64, end: u64) -> Result<Vec<u8>, Stop> {
    let length = end.checked_sub(offset).and_then(|length| usize::try_from(length).ok());
    let length = length.filter(|length| (1..=BLOCK as usize * MAX_FRAME).contains(length)).ok_or(NOWHERE)?;
    let mut bytes = vec![0; length];
    let count = reader.source().read(segment, offset, &mut bytes);
    let count = count.map_err(|source| ReadError::Io { segment, source })?;
    if count == length { Ok(bytes) } else { Err(NOWHERE.into()) }
}

fn found(segment: SegmentId, offset: u64, frame: &Frame<'_>) -> Found {
    let (position, time, class) = (frame.position, frame.time, frame.class);
    Found { segment, offset, position, time, class, payload: frame.payload.to_vec() }
}
