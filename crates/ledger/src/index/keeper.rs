//! The thread that makes indexes: of the segment that grows as it grows, of the others where they are missing. It follows
//! what is durable, and nobody waits for it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use tokio::sync::watch;

use super::Indexes;
use super::build::{Builder, Entry};
use crate::format::Header;
use crate::keys::Opener;
use crate::scan::{self, Durable, Forward, Found};
use crate::{Position, ReadError, Reader, SegmentId, SegmentSource};

/// Records that are read before they are added: who searches waits for no more.
const STEP: usize = 256;

/// Follows the ledger until its writer has ended.
pub(crate) fn keep(
    indexes: &Indexes,
    source: &Arc<dyn SegmentSource>,
    opener: &Opener,
    mut durable: watch::Receiver<Option<Durable>>,
) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    let mut missing = Missing::default();
    while durable.has_changed().is_ok() {
        let now = *durable.borrow_and_update();
        if let Some(now) = now
            && missing.step(indexes, &Reader::up_to(Arc::clone(source), Some(now), opener.clone()), now)
        {
            continue;
        }
        runtime.block_on(async {
            tokio::select! {
                // That it ended is seen above.
                _ = durable.changed() => {}
                () = indexes.wanted.notified() => {}
            }
        });
    }
}

/// Makes everything that is missing at this moment.
pub(crate) fn catch_up(
    indexes: &Indexes,
    source: &Arc<dyn SegmentSource>,
    opener: &Opener,
    now: Option<Durable>,
) {
    let Some(now) = now else { return };
    let mut missing = Missing::default();
    while missing.step(indexes, &Reader::up_to(Arc::clone(source), Some(now), opener.clone()), now) {}
}

/// Finished segments that have no index, the newest last.
#[derive(Default)]
struct Missing {
    segments: Vec<(Header, Position)>,
    /// The segment that grew when they were looked for. They are looked for again when another one does, so that what
    /// cannot be made is tried now and then and not all the time.
    at: Option<SegmentId>,
}

impl Missing {
    /// Goes on with the segment that grows, then with one that is missing; whether there is more to do.
    fn step(&mut self, indexes: &Indexes, reader: &Reader, now: Durable) -> bool {
        let _alone = indexes.making.lock().unwrap_or_else(PoisonError::into_inner);
        let work = Work { indexes, reader, now };
        // What cannot be read is told to whoever searches for it.
        let report = |result: Result<(), ReadError>| {
            result.unwrap_or_else(|error| tracing::warn!(%error, "ledger index not made"));
        };
        report(work.grow());
        if self.at != Some(now.segment) || indexes.asked.swap(false, Ordering::SeqCst) {
            self.at = Some(now.segment);
            match work.missing() {
                Ok(missing) => self.segments = missing,
                Err(error) => report(Err(error)),
            }
        }
        let Some((header, next)) = self.segments.pop() else { return false };
        report(work.make(&header, next));
        true
    }
}

struct Work<'a> {
    indexes: &'a Indexes,
    reader: &'a Reader,
    now: Durable,
}

impl Work<'_> {
    /// Finished segments without an index to be believed. Indexes of segments that are gone are removed.
    fn missing(&self) -> Result<Vec<(Header, Position)>, ReadError> {
        let segments = scan::list(self.reader.source())?;
        let mut missing = Vec::new();
        let mut before: Option<Header> = None;
        for segment in segments.iter().filter(|segment| **segment <= self.now.segment) {
            let header = scan::read_header(&**self.reader.source(), *segment)?;
            if let Some(before) = before
                && header.first > before.first
                && self.indexes.opened(self.reader, &before, header.first).is_none()
            {
                missing.push((before, header.first));
            }
            before = Some(header);
        }
        if let Ok(indexed) = self.indexes.storage.list() {
            let gone = indexed.into_iter().filter(|segment| segments.binary_search(segment).is_err());
            gone.for_each(|segment| self.indexes.forget(segment));
        }
        Ok(missing)
    }

    /// Adds what became durable to the index of the segment that grows.
    fn grow(&self) -> Result<(), ReadError> {
        let source = &**self.reader.source();
        loop {
            let at =
                self.indexes.growing().as_ref().map(|growing| (growing.segment(), growing.next, growing.end));
            let (segment, from) = match at {
                Some((segment, next, end)) if segment <= self.now.segment => (segment, Some((next, end))),
                _ => (self.now.segment, None),
            };
            let header = scan::read_header(source, segment);
            let Ok(header) = header else {
                // Removed by age, or begun anew.
                *self.indexes.growing() = None;
                header?;
                return Ok(());
            };
            let same = |growing: &Builder| {
                Header { sealed: None, ..growing.header } == Header { sealed: None, ..header }
            };
            let (next, end) = match from {
                Some(from) if self.indexes.growing().as_ref().is_some_and(same) => from,
                _ => {
                    *self.indexes.growing() = Some(Builder::new(header));
                    (header.first, header.size() as u64)
                }
            };
            let last = segment == self.now.segment;
            let until = if last { self.now.next } else { self.first_behind(segment)? };
            let reach = if last { self.now.end } else { scan::end_of(source, &header, until)? };
            self.read(segment, (next, end), (until, reach), |entries| {
                if let Some(growing) = &mut *self.indexes.growing() {
                    entries.iter().for_each(|entry| growing.add(entry));
                }
            })?;
            if last {
                return Ok(());
            }
            let finished = self.indexes.growing().take();
            if let Some(finished) = finished.filter(|finished| finished.next == until) {
                self.put(finished);
            }
        }
    }

    /// Makes the index of a finished segment.
    fn make(&self, header: &Header, next: Position) -> Result<(), ReadError> {
        let source = &**self.reader.source();
        let mut builder = Builder::new(*header);
        let made = self.indexes.generation.load(Ordering::SeqCst);
        let reach = scan::end_of(source, header, next)?;
        let from = (header.first, header.size() as u64);
        self.read(header.segment, from, (next, reach), |entries| {
            entries.iter().for_each(|entry| builder.add(entry));
        })?;
        // What was forgotten meanwhile may stand in it.
        if builder.next == next && self.indexes.generation.load(Ordering::SeqCst) == made {
            self.put(builder);
        }
        Ok(())
    }

    fn put(&self, builder: Builder) {
        let segment = builder.segment();
        let Ok(key) = self.reader.index_key(segment) else { return };
        let Some(bytes) = builder.finish(&key) else { return };
        match self.indexes.storage.put(segment, &bytes) {
            Ok(()) => tracing::debug!(segment = segment.0, bytes = bytes.len(), "ledger index made"),
            Err(error) => tracing::warn!(segment = segment.0, %error, "ledger index not written"),
        }
    }

    fn first_behind(&self, segment: SegmentId) -> Result<Position, ReadError> {
        let next = scan::list(self.reader.source())?.into_iter().find(|next| *next > segment);
        let header = next.map(|next| scan::read_header(&**self.reader.source(), next)).transpose()?;
        Ok(header.map_or(self.now.next, |header| header.first))
    }

    /// Reads records in portions, from a number and its place up to a number and its place.
    fn read(
        &self,
        segment: SegmentId,
        (next, start): (Position, u64),
        (until, end): (Position, u64),
        mut tell: impl FnMut(&[Entry]),
    ) -> Result<(), ReadError> {
        let source = &**self.reader.source();
        let mut walk = Forward::at(segment, start, next);
        let mut entries = Vec::with_capacity(STEP);
        while walk.expected < until {
            let offset = walk.offset;
            let Some(frame) = walk.next(source, end)? else { break };
            let (position, class, time) = (frame.position, frame.class, frame.time);
            let (frame_end, payload) = (offset.saturating_add(frame.size() as u64), frame.payload.to_vec());
            let found = Found { segment, offset, position, time, class, payload };
            let event = match self.reader.decode(found) {
                Ok(record) => Some(record.event),
                Err(ReadError::Unknown { .. }) => None,
                Err(error) => return Err(error),
            };
            entries.push(Entry { offset, end: frame_end, time, event });
            if entries.len() == STEP {
                tell(&entries);
                entries.clear();
            }
        }
        tell(&entries);
        Ok(())
    }
}
