//! The end of the ledger being written: opening, appending, rotating, and what to do when the disk
//! does not.
//!
//! A batch is acknowledged after its `sync`. When appending fails, what was appended is cut off again
//! and the segment goes on. When cutting or syncing fails it is unknown what the disk holds, so the
//! segment is left as it is and the next batch begins a new one, whose first number makes whatever
//! follows in the old one void (see `format`).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gabion_model::{Rng, Timestamp, random};
use gabion_vault::{RecordKey, SegmentKey};

use crate::format::{
    CLASS_EVENT, CLASS_SEALED, CLASS_TENANT_CHECKPOINT, CLASS_TENANT_EVENT, CLASS_TENANT_SEALED,
    FRAME_OVERHEAD, Frame, HEADER_SIZE, Header, SEALED_HEADER_SIZE, Span,
};
use crate::keys::{KeyError, Opener};
use crate::retention::Retention;
use crate::scan::{self, Durable};
use crate::tenants::TenantTag;
use crate::{
    Cut, LedgerError, OpenError, Position, ReadError, Recovery, SegmentId, SegmentSource, SegmentStorage,
    Settings,
};

/// An encoded event that waits for its number.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) time: Timestamp,
    /// JSON; once it was appended, the bytes as they are stored.
    pub(crate) payload: Vec<u8>,
    pub(crate) shape: Shape,
}

/// What an entry is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// An event, and whose.
    Event(Option<TenantTag>),
    /// The text of a tenant's checkpoint, which is not sealed.
    TenantCheckpoint,
}

impl Shape {
    const fn tag(&self) -> &[u8] {
        match self {
            Self::Event(Some(tag)) => &tag.0,
            Self::Event(None) | Self::TenantCheckpoint => &[],
        }
    }
}

/// With what records are sealed.
#[derive(Debug)]
pub(crate) struct Sealing {
    pub(crate) opener: Opener,
    pub(crate) rng: Arc<dyn Rng>,
}

#[derive(Debug)]
pub(crate) struct Tail {
    storage: Arc<dyn SegmentStorage>,
    limits: Limits,
    /// Every segment but the open one, ascending.
    closed: Vec<Closed>,
    open: Option<Open>,
    /// The number and the span of the last segment there was, when none is open.
    last: (SegmentId, Span),
    next: Position,
    /// None: records are written in the clear (`format`, version 1).
    sealing: Option<Sealing>,
    /// Goes into the key of every record. Another one after every failed write, because the positions are used again.
    run: u32,
    /// How many records others have read that must have them before they are removed.
    read: Vec<Arc<AtomicU64>>,
    /// Asked before a segment is removed.
    pub(crate) retention: Option<Arc<Retention>>,
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    segment: u64,
    total: Option<u64>,
    keep: Option<Duration>,
}

#[derive(Debug)]
struct Closed {
    segment: SegmentId,
    size: u64,
    latest: Timestamp,
    /// Of the first record behind it.
    end: Position,
}

/// The segment being written. All its `size` bytes are durable between two calls.
#[derive(Debug)]
struct Open {
    segment: SegmentId,
    first: Position,
    begun: Timestamp,
    size: u64,
    span: Span,
    /// Of the segment before, as its header says.
    previous: Span,
    /// None in version 1.
    key: Option<SegmentKey>,
    /// Bytes of its header.
    header: u64,
}

impl Open {
    fn close(self, end: Position) -> Closed {
        Closed { segment: self.segment, size: self.size, latest: self.span.latest, end }
    }
}

/// At least so many segments are begun while events are kept.
const SEGMENTS_IN_KEEP: u32 = 8;
/// The part of `max_size`, one in so many, that refusals leave to acts.
const KEPT_FOR_ACTS: u64 = 16;

impl Tail {
    pub(crate) fn open(
        storage: Arc<dyn SegmentStorage>,
        settings: &Settings,
        sealing: Option<Sealing>,
    ) -> Result<(Self, Recovery), OpenError> {
        let source: Arc<dyn SegmentSource> = Arc::<dyn SegmentStorage>::clone(&storage);
        let mut segments = scan::list(&source)?;
        let last = scan::last(&*storage, &segments)?;
        let mut recovery = Recovery::default();
        for (segment, bytes) in last.headless {
            storage.remove(segment)?;
            segments.pop();
            recovery.cuts.push(Cut { segment, offset: 0, bytes });
        }
        let mut open = None;
        let mut next = Position(1);
        if let Some((header, tail)) = last.found {
            let segment = header.segment;
            if tail.torn > 0 {
                storage.truncate(segment, tail.end)?;
                recovery.cuts.push(Cut { segment, offset: tail.end, bytes: tail.torn });
            }
            // A killed process may have left intact frames that no disk has seen yet.
            storage.sync(segment)?;
            next = tail.next;
            open = Some(Open {
                segment,
                first: header.first,
                begun: header.begun,
                size: tail.end,
                span: tail.span,
                previous: header.previous,
                key: key_of(&header, sealing.as_ref()).map_err(ReadError::Key)?,
                header: header.size() as u64,
            });
            segments.pop();
        }
        let mut closed = Vec::new();
        for segment in segments {
            // Whoever cannot read what is there may not write behind it: a wrong key is noticed now, not in a year.
            key_of(&scan::read_header(&*storage, segment)?, sealing.as_ref()).map_err(ReadError::Key)?;
            let size = storage.size(segment)?;
            closed.push(Closed { segment, size, latest: Timestamp::default(), end: next });
        }
        let behind =
            closed.iter().skip(1).map(|closed| closed.segment).chain(open.as_ref().map(|open| open.segment));
        let behind: Vec<_> = behind.collect();
        for (closed, behind) in closed.iter_mut().zip(behind) {
            let header = scan::read_header(&*storage, behind)?;
            (closed.latest, closed.end) = (header.previous.latest, header.first);
        }
        recovery.last = next.previous();
        let limits = Limits {
            segment: settings.segment_size.bytes(),
            total: settings.max_size.map(|size| size.bytes()),
            keep: settings.keep.map(|keep| keep.as_duration()),
        };
        let run = new_run(sealing.as_ref());
        let last = (SegmentId(0), Span::EMPTY);
        let (read, retention) = (Vec::new(), None);
        Ok((Self { storage, limits, closed, open, last, next, sealing, run, read, retention }, recovery))
    }

    /// Nothing is removed by age that one of these has not read yet: how many records each has.
    pub(crate) fn keep_until(&mut self, read: Vec<Arc<AtomicU64>>) {
        self.read = read;
    }

    /// How far the ledger is durable; none while it holds nothing.
    pub(crate) fn durable(&self) -> Option<Durable> {
        let open = self.open.as_ref()?;
        Some(Durable { segment: open.segment, end: open.size, next: self.next })
    }

    /// Appends the entries and makes them durable; the number of the first. Their payloads are those that are stored
    /// then. After an error none of them is recorded.
    pub(crate) fn append(&mut self, entries: &mut [Entry], now: Timestamp) -> Result<Position, LedgerError> {
        let first = self.next;
        let needed = entries.iter().map(|entry| self.size_of(entry)).fold(0, u64::saturating_add);
        let run = self.run;
        let open = self.make_room(needed, now)?;
        let mut bytes = Vec::with_capacity(usize::try_from(needed).unwrap_or_default());
        let mut span = Span::EMPTY;
        let mut position = first;
        for entry in entries {
            let mut class = match entry.shape {
                Shape::Event(None) => CLASS_EVENT,
                Shape::Event(Some(_)) => CLASS_TENANT_EVENT,
                Shape::TenantCheckpoint => CLASS_TENANT_CHECKPOINT,
            };
            if let (Some(key), Shape::Event(tenant)) = (&open.key, entry.shape) {
                class = if tenant.is_some() { CLASS_TENANT_SEALED } else { CLASS_SEALED } | run << 8;
                let sealed = key.record(position.0, run).seal(position.0, &entry.payload);
                entry.payload = sealed.map_err(|error| LedgerError::Io(Arc::new(io::Error::other(error))))?;
            }
            if let Shape::Event(Some(tag)) = entry.shape {
                entry.payload.splice(0..0, tag.0);
            }
            let payload = &entry.payload;
            Frame { position, mark: first, time: entry.time, class, payload }.encode(&mut bytes);
            span.include(entry.time);
            position = position.next();
        }
        let (segment, size) = (open.segment, open.size);
        let storage = Arc::clone(&self.storage);
        // Whatever fails from here on, the keys of these positions have been used.
        self.run = new_run(self.sealing.as_ref());
        if let Err(error) = append_all(&*storage, segment, &bytes) {
            match storage.truncate(segment, size) {
                Ok(()) => {}
                Err(_) => self.abandon(),
            }
            return Err(refused(error));
        }
        if let Err(error) = storage.sync(segment) {
            self.abandon();
            // Only to free the space: what this leaves behind is void either way.
            let _ = storage.truncate(segment, size);
            return Err(refused(error));
        }
        if let Some(open) = &mut self.open {
            open.size = size.saturating_add(bytes.len() as u64);
            open.span.include(span.earliest);
            open.span.include(span.latest);
        }
        (self.next, self.run) = (position, run);
        Ok(first)
    }

    /// The bytes the entry takes in a segment.
    pub(crate) fn size_of(&self, entry: &Entry) -> u64 {
        let sealed = if self.sealing.is_some() { RecordKey::OVERHEAD } else { 0 };
        (FRAME_OVERHEAD + sealed + entry.shape.tag().len() + entry.payload.len()) as u64
    }

    /// Whether refusals may take so many bytes. Anybody can be refused, as often as they like: if
    /// refusals could take the last of the space, a stranger could stop whatever must be on record to
    /// happen.
    pub(crate) fn has_room_for_refusals(&mut self, bytes: u64, now: Timestamp) -> bool {
        let Some(total) = self.limits.total else { return true };
        let most = total.saturating_sub(total / KEPT_FOR_ACTS);
        let fits = |tail: &Self| tail.total().saturating_add(bytes) <= most;
        if !fits(self) {
            self.expire(now);
        }
        fits(self)
    }

    /// An open segment that may take so many bytes.
    fn make_room(&mut self, bytes: u64, now: Timestamp) -> Result<&mut Open, LedgerError> {
        let limits = self.limits;
        let sealed = self.sealing.is_some();
        let segment_full = |open: &Open| {
            // Of a former version, in the clear.
            if sealed != open.key.is_some() {
                return true;
            }
            let large = open.size.saturating_add(bytes) > limits.segment;
            // Segments are removed whole: where few events come they must not grow old first.
            let age = now.saturating_since(open.begun);
            let aged = limits.keep.is_some_and(|keep| age > keep / SEGMENTS_IN_KEEP);
            open.size > open.header && (large || aged)
        };
        let rotate = self.open.as_ref().is_none_or(segment_full);
        let needed = if rotate { bytes.saturating_add(header_size(sealed)) } else { bytes };
        if let Some(total) = self.limits.total
            && self.total().saturating_add(needed) > total
        {
            self.expire(now);
            if self.total().saturating_add(needed) > total {
                return Err(LedgerError::Full);
            }
        }
        if rotate {
            self.rotate(now).map_err(refused)?;
            self.expire(now);
        }
        self.open.as_mut().ok_or(LedgerError::Closed)
    }

    fn rotate(&mut self, now: Timestamp) -> io::Result<()> {
        let (last, previous) = self.open.as_ref().map_or(self.last, |open| (open.segment, open.span));
        let (segment, first) = (last.next(), self.next);
        let (mut key, mut sealed) = (None, None);
        if let Some(Sealing { opener, rng }) = &self.sealing {
            let new = SegmentKey::generate(&**rng);
            let keys = opener.keys().ok_or_else(|| io::Error::other(KeyError::Missing(segment)))?;
            sealed = Some(keys.wrap(segment, first, &new, &**rng)?);
            key = Some(new);
        }
        let header = Header { segment, first, begun: now, previous, sealed };
        self.storage.create(segment, &header.encode())?;
        if let Some(open) = self.open.take() {
            self.closed.push(open.close(first));
        }
        let size = header.size() as u64;
        let span = Span::EMPTY;
        self.open = Some(Open { segment, first, begun: now, size, span, previous, key, header: size });
        Ok(())
    }

    /// Leaves the open segment: what it holds behind its durable bytes is unknown.
    fn abandon(&mut self) {
        let Some(open) = self.open.take() else { return };
        if open.first == self.next {
            // It holds nothing that counts: the next attempt replaces it.
            self.last = (SegmentId(open.segment.0.saturating_sub(1)), open.previous);
            return;
        }
        self.last = (open.segment, open.span);
        self.closed.push(open.close(self.next));
    }

    fn total(&self) -> u64 {
        let closed = self.closed.iter().map(|closed| closed.size);
        closed.chain(self.open.as_ref().map(|open| open.size)).fold(0, u64::saturating_add)
    }

    /// Removes the segments whose events are all older than the setting `keep`.
    fn expire(&mut self, now: Timestamp) {
        let Some(keep) = self.limits.keep else { return };
        let read = self.read.iter().map(|read| read.load(Ordering::Acquire)).min().unwrap_or(u64::MAX);
        let retention = self.retention.as_deref();
        let may_go = |closed: &&Closed| {
            now.saturating_since(closed.latest) > keep
                && closed.end.0 <= read.saturating_add(1)
                && retention.is_none_or(|retention| retention.may_remove(closed.segment))
        };
        let old = self.closed.iter().take_while(may_go).count();
        for closed in self.closed.drain(..old).collect::<Vec<_>>() {
            match self.storage.remove(closed.segment) {
                Ok(()) => tracing::info!(segment = closed.segment.0, "ledger segment expired"),
                Err(error) => {
                    tracing::warn!(segment = closed.segment.0, %error, "ledger segment not removed");
                    self.closed.insert(0, closed);
                    return;
                }
            }
        }
    }
}

/// The key of a segment that is there; none when it is in the clear.
fn key_of(header: &Header, sealing: Option<&Sealing>) -> Result<Option<SegmentKey>, KeyError> {
    match (sealing.and_then(|sealing| sealing.opener.keys()), &header.sealed) {
        (_, None) => Ok(None),
        (None, Some(_)) => Err(KeyError::Missing(header.segment)),
        (Some(keys), Some(_)) => keys.unwrap(header),
    }
}

/// A number for the keys of what is written next.
fn new_run(sealing: Option<&Sealing>) -> u32 {
    sealing.map_or(0, |sealing| u32::from_le_bytes(random::bytes(&*sealing.rng)) >> 8)
}

const fn header_size(sealed: bool) -> u64 {
    if sealed { SEALED_HEADER_SIZE as u64 } else { HEADER_SIZE as u64 }
}

fn append_all(storage: &dyn SegmentStorage, segment: SegmentId, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let taken = storage.append(segment, bytes)?;
        if taken == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(taken..).unwrap_or_default();
    }
    Ok(())
}

fn refused(error: io::Error) -> LedgerError {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    match error.kind() {
        FileTooLarge | QuotaExceeded | StorageFull => LedgerError::Full,
        _ => LedgerError::Io(Arc::new(error)),
    }
}
