//! Reading a ledger: all that an auditor needs, without the writer.

use std::collections::VecDeque;
use std::sync::Arc;

use gabion_model::{Event, Rng};

use crate::disclosure::{Disclosure, Form};
use crate::format::Header;
#[cfg(feature = "write")]
use crate::index::{Indexed, Indexes};
use crate::keys::{Keys, Opener};
use crate::personal::{NotRestored, Personal, Subjects};
use crate::scan::{self, Backward, Durable, Forward, Found};
use crate::tenants::{self, TenantTag};
use crate::{Damage, Order, Position, Query, ReadError, Record, SegmentId, SegmentSource};

/// A ledger as it was at one moment.
#[derive(Debug, Clone)]
pub struct Reader {
    source: Arc<dyn SegmentSource>,
    /// None when the ledger holds no segment.
    durable: Option<Durable>,
    opener: Opener,
    #[cfg(feature = "write")]
    indexes: Option<Arc<Indexes>>,
}

impl Reader {
    /// Opens a ledger that no writer of this process has open: a copy, a backup, a stopped gate's. A
    /// torn tail of the last segment is left out. What is sealed can be checked and not read; see
    /// [`with_keys`](Self::with_keys).
    pub fn open(source: Arc<dyn SegmentSource>) -> Result<Self, ReadError> {
        let last = scan::last(&*source, &scan::list(&source)?)?;
        let durable = last.found.map(|(header, tail)| Durable {
            segment: header.segment,
            end: tail.end,
            next: tail.next,
        });
        Ok(Self {
            source,
            durable,
            opener: Opener::default(),
            #[cfg(feature = "write")]
            indexes: None,
        })
    }

    #[cfg(feature = "write")]
    pub(crate) const fn up_to(
        source: Arc<dyn SegmentSource>,
        durable: Option<Durable>,
        opener: Opener,
    ) -> Self {
        Self { source, durable, opener, indexes: None }
    }

    /// Searches with these.
    #[cfg(feature = "write")]
    #[must_use]
    pub(crate) fn with_indexes(mut self, indexes: Option<Arc<Indexes>>) -> Self {
        self.indexes = indexes;
        self
    }

    #[cfg(feature = "write")]
    pub(crate) const fn source(&self) -> &Arc<dyn SegmentSource> {
        &self.source
    }

    #[cfg(feature = "write")]
    pub(crate) const fn durable(&self) -> Option<Durable> {
        self.durable
    }

    #[cfg(feature = "write")]
    pub(crate) fn index_key(&self, segment: SegmentId) -> Result<gabion_vault::IndexKey, ReadError> {
        self.opener.index_key(&*self.source, segment)
    }

    /// Opens sealed records with these.
    #[must_use]
    pub fn with_keys(mut self, keys: Arc<Keys>) -> Self {
        self.opener = Opener::new(Some(keys), None);
        self
    }

    /// The same, and personal data with the keys of accounts.
    #[must_use]
    pub fn with_subjects(mut self, keys: Arc<Keys>, subjects: Arc<dyn Subjects>, rng: Arc<dyn Rng>) -> Self {
        self.opener = Opener::new(Some(keys), Some(Personal::new(subjects, rng)));
        self
    }

    /// Whether any segment is sealed, so that reading needs a key.
    pub fn is_sealed(&self) -> Result<bool, ReadError> {
        for segment in scan::list(&self.source)?.into_iter().rev() {
            if self.durable.is_some_and(|durable| segment <= durable.segment)
                && scan::read_header(&*self.source, segment)?.sealed.is_some()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The last record.
    #[must_use]
    pub fn last(&self) -> Option<Position> {
        self.durable.and_then(|durable| durable.next.previous())
    }

    /// The records that fit the query, read as they are asked for.
    #[must_use]
    pub fn search(&self, query: Query) -> Search {
        let left = query.limit.unwrap_or(usize::MAX);
        Search { reader: self.clone(), query, left, walk: Walk::Unbegun }
    }

    /// The bytes of one record, as they are stored and the tree has them; none when it is not there.
    pub fn payload(&self, record: Position) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.found(record)?.map(|found| found.payload))
    }

    /// One record; none when it is not there.
    pub fn record(&self, record: Position) -> Result<Option<Record>, ReadError> {
        self.found(record)?.map(|found| self.decode(found)).transpose()
    }

    /// One record for somebody who has no key: its stored bytes, and the key of this record alone. None when it is not
    /// there.
    pub fn disclose(&self, record: Position) -> Result<Option<Disclosure>, ReadError> {
        let Some(found) = self.found(record)? else { return Ok(None) };
        self.disclosed(found).map(Some)
    }

    fn disclosed(&self, found: Found) -> Result<Disclosure, ReadError> {
        let key = self.opener.key(&*self.source, &found)?;
        let form = if tenants::carried(found.class, &found.payload).is_some() {
            Form::TenantCheckpoint
        } else if tenants::tagged(found.class, &found.payload).is_some() {
            Form::OfTenant(found.position)
        } else {
            Form::OfNode
        };
        Ok(Disclosure { form, key, stored: found.payload })
    }

    /// A tenant's records, oldest first, each as [`disclose`](Self::disclose) has it. Reads everything.
    ///
    /// # Errors
    /// When the segments cannot be read.
    pub fn of_tenant(&self, tenant: TenantTag) -> Result<OfTenant, ReadError> {
        Ok(OfTenant { walk: Forwards::begin(self, None)?, reader: self.clone(), tenant })
    }

    fn found(&self, record: Position) -> Result<Option<Found>, ReadError> {
        if record.0 == 0 || self.last().is_none_or(|last| record > last) {
            return Ok(None);
        }
        let found = Forwards::begin(self, Some(record))?.next(self)?;
        Ok(found.filter(|found| found.position == record))
    }

    /// The event of a frame.
    pub(crate) fn decode(&self, found: Found) -> Result<Record, ReadError> {
        let position = found.position;
        let (segment, offset) = (found.segment, found.offset);
        if let Some(text) = tenants::carried(found.class, &found.payload) {
            let event = std::str::from_utf8(text).ok().and_then(|text| tenants::event(text, found.time));
            return event
                .map(|event| Record { position, event })
                .ok_or_else(|| found.unknown("a tenant's checkpoint".to_owned()));
        }
        let tag = tenants::tagged(found.class, &found.payload).map(|(tag, _)| tag);
        let json = self.opener.open(&*self.source, found)?;
        match serde_json::from_slice::<Event>(&json) {
            Ok(event) if event.tenant.as_ref().map(TenantTag::of) != tag => {
                Err(ReadError::Corrupted { segment, offset, reason: Damage::Tenant })
            }
            Ok(mut event) => match self.opener.restore(&json, &mut event) {
                Ok(()) => Ok(Record { position, event }),
                Err(NotRestored::Damaged) => {
                    Err(ReadError::Corrupted { segment, offset, reason: Damage::Personal })
                }
                Err(NotRestored::Store(error)) => Err(ReadError::Personal(error)),
            },
            Err(error) => Err(ReadError::Unknown { segment, offset, reason: error.to_string() }),
        }
    }

    /// The last `count` records, oldest first.
    pub fn tail(&self, count: usize) -> Result<Vec<Record>, ReadError> {
        let newest = Query { limit: Some(count), ..Query::default() };
        let mut records = self.search(newest).collect::<Result<Vec<_>, _>>()?;
        records.reverse();
        Ok(records)
    }

    /// Reads everything and checks every byte of it; how many records there are.
    pub fn verify(&self) -> Result<u64, ReadError> {
        let mut walk = Forwards::begin(self, None)?;
        let mut count = 0;
        while walk.next(self)?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

/// A tenant's records; see [`Reader::of_tenant`].
#[derive(Debug)]
pub struct OfTenant {
    reader: Reader,
    walk: Forwards,
    tenant: TenantTag,
}

impl Iterator for OfTenant {
    type Item = Result<(Position, Disclosure), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let found = match self.walk.next(&self.reader) {
                Ok(found) => found?,
                Err(error) => return Some(Err(error)),
            };
            if tenants::tagged(found.class, &found.payload).is_some_and(|(tag, _)| tag == self.tenant) {
                let position = found.position;
                return Some(self.reader.disclosed(found).map(|disclosed| (position, disclosed)));
            }
        }
    }
}

/// The answers to a search. Ends after an error, except after [`ReadError::Unknown`].
#[derive(Debug)]
pub struct Search {
    reader: Reader,
    query: Query,
    left: usize,
    walk: Walk,
}

#[derive(Debug)]
enum Walk {
    Unbegun,
    Forwards(Forwards),
    Backwards(Backwards),
    #[cfg(feature = "write")]
    Indexed(Box<Indexed>),
    Ended,
}

impl Iterator for Search {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 {
            let record = match self.found() {
                Ok(Some(found)) => self.reader.decode(found),
                Ok(None) => break,
                Err(error) => Err(error),
            };
            match record {
                Ok(record) if self.query.matches(&record.event) => {
                    self.left -= 1;
                    return Some(Ok(record));
                }
                Ok(_) => {}
                Err(error) => {
                    if !matches!(error, ReadError::Unknown { .. }) {
                        self.left = 0;
                    }
                    return Some(Err(error));
                }
            }
        }
        self.walk = Walk::Ended;
        None
    }
}

impl Search {
    fn found(&mut self) -> Result<Option<Found>, ReadError> {
        #[cfg(feature = "write")]
        if matches!(self.walk, Walk::Unbegun)
            && let Some(indexes) = &self.reader.indexes
            && let Some(indexed) = Indexed::begin(indexes, &self.reader, &self.query)?
        {
            self.walk = Walk::Indexed(Box::new(indexed));
        }
        if matches!(self.walk, Walk::Unbegun) {
            self.walk = match self.query.order {
                Order::OldestFirst => Walk::Forwards(Forwards::begin(&self.reader, None)?),
                Order::NewestFirst => Walk::Backwards(Backwards::begin(&self.reader)?),
            };
        }
        match &mut self.walk {
            Walk::Forwards(walk) => walk.next_fitting(&self.reader, &self.query),
            Walk::Backwards(walk) => walk.next_fitting(&self.reader, &self.query),
            #[cfg(feature = "write")]
            Walk::Indexed(walk) => walk.next(&self.reader, &self.query),
            Walk::Unbegun | Walk::Ended => Ok(None),
        }
    }
}

/// Forwards through all segments.
#[derive(Debug)]
pub(crate) struct Forwards {
    /// None when there is no segment yet.
    current: Option<Forward>,
    /// Where the current one ends, once nothing is written to it any more.
    end: Option<u64>,
    /// The segment behind the current one, once it is known, and whose first number ends the current.
    behind: Option<Header>,
    /// Those behind it, as far as they were listed: a listing reads the whole directory.
    listed: VecDeque<SegmentId>,
}

impl Forwards {
    /// From the first record, or from the one numbered `from`.
    pub(crate) fn begin(reader: &Reader, from: Option<Position>) -> Result<Self, ReadError> {
        let mut walk = Self { current: None, end: None, behind: None, listed: VecDeque::new() };
        let Some(durable) = reader.durable else { return Ok(walk) };
        walk.listed = scan::list(&reader.source)?.into();
        walk.listed.retain(|segment| *segment <= durable.segment);
        if let Some(from) = from {
            // Segments are ascending, and so are their first numbers.
            let (mut before, mut beyond) = (0, walk.listed.len());
            while before < beyond {
                let middle = before.midpoint(beyond);
                let Some(segment) = walk.listed.get(middle) else { break };
                if scan::read_header(&*reader.source, *segment)?.first <= from {
                    before = middle.saturating_add(1);
                } else {
                    beyond = middle;
                }
            }
            walk.listed.drain(..before.saturating_sub(1));
        }
        if let Some(segment) = walk.listed.pop_front() {
            walk.current = Some(Forward::new(&scan::read_header(&*reader.source, segment)?));
        }
        while let (Some(current), Some(from)) = (&walk.current, from)
            && current.expected < from
            && walk.step(reader, |_| false)?.is_some()
        {}
        Ok(walk)
    }

    pub(crate) fn next(&mut self, reader: &Reader) -> Result<Option<Found>, ReadError> {
        Ok(self.step(reader, |_| true)?.flatten())
    }

    fn next_fitting(&mut self, reader: &Reader, query: &Query) -> Result<Option<Found>, ReadError> {
        loop {
            if let Some(behind) = self.behind(reader)?
                && misses(query, &behind)
                && let Some(current) = &mut self.current
                && current.segment < behind.segment
            {
                self.enter(&behind);
                continue;
            }
            match self.step(reader, |time| in_time(query, time))? {
                None => return Ok(None),
                Some(Some(found)) => return Ok(Some(found)),
                Some(None) => {}
            }
        }
    }

    fn enter(&mut self, header: &Header) {
        self.current = Some(Forward::new(header));
        (self.end, self.behind) = (None, None);
    }

    /// The header of the segment behind the current one.
    fn behind(&mut self, reader: &Reader) -> Result<Option<Header>, ReadError> {
        let (Some(current), Some(durable)) = (&self.current, reader.durable) else { return Ok(None) };
        if self.behind.is_none() && current.segment < durable.segment {
            if self.listed.is_empty() {
                let mut listed = scan::list(&reader.source)?;
                listed.retain(|segment| *segment > current.segment);
                self.listed = listed.into();
            }
            let next = self.listed.pop_front();
            self.behind = next.map(|next| scan::read_header(&*reader.source, next)).transpose()?;
        }
        Ok(self.behind)
    }

    /// Where the current segment ends for a reader.
    fn end(&mut self, reader: &Reader, durable: Durable, segment: SegmentId) -> Result<u64, ReadError> {
        if segment == durable.segment {
            return Ok(durable.end);
        }
        match self.end {
            Some(end) => Ok(end),
            None => size(reader, segment).inspect(|end| self.end = Some(*end)),
        }
    }

    /// One frame on: none at the end, `Some(None)` when the frame is not `wanted`.
    fn step(
        &mut self,
        reader: &Reader,
        wanted: impl FnOnce(gabion_model::Timestamp) -> bool,
    ) -> Result<Option<Option<Found>>, ReadError> {
        let Some(durable) = reader.durable else { return Ok(None) };
        while let Some(behind) = self.behind(reader)?
            && self.current.as_ref().is_some_and(|current| current.expected >= behind.first)
        {
            self.enter(&behind);
        }
        let Some((segment, offset)) = self.current.as_ref().map(|current| (current.segment, current.offset))
        else {
            return Ok(None);
        };
        let end = self.end(reader, durable, segment)?;
        let Some(current) = &mut self.current else { return Ok(None) };
        match current.next(&*reader.source, end)? {
            Some(frame) => {
                let found = wanted(frame.time).then(|| Found {
                    segment,
                    offset,
                    position: frame.position,
                    time: frame.time,
                    class: frame.class,
                    payload: frame.payload.to_vec(),
                });
                Ok(Some(found))
            }
            None if segment == durable.segment => Ok(None),
            None => Err(ReadError::Corrupted { segment, offset, reason: Damage::Missing }),
        }
    }
}

/// Backwards through all segments.
#[derive(Debug)]
pub(crate) struct Backwards {
    /// Segments not yet entered, ascending.
    before: Vec<SegmentId>,
    current: Option<(Header, Backward)>,
}

impl Backwards {
    fn begin(reader: &Reader) -> Result<Self, ReadError> {
        let Some(durable) = reader.durable else { return Ok(Self { before: Vec::new(), current: None }) };
        let mut before = scan::list(&reader.source)?;
        before.retain(|segment| *segment < durable.segment);
        let header = scan::read_header(&*reader.source, durable.segment)?;
        let walk = Backward::new(&header, durable.end, durable.next);
        Ok(Self { before, current: Some((header, walk)) })
    }

    fn next_fitting(&mut self, reader: &Reader, query: &Query) -> Result<Option<Found>, ReadError> {
        while let Some((header, current)) = &mut self.current {
            let segment = header.segment;
            while let Some((offset, frame)) = current.previous(&*reader.source)? {
                if in_time(query, frame.time) {
                    let (position, time, class) = (frame.position, frame.time, frame.class);
                    let payload = frame.payload.to_vec();
                    return Ok(Some(Found { segment, offset, position, time, class, payload }));
                }
            }
            let mut behind = *header;
            self.current = None;
            while let Some(segment) = self.before.pop() {
                let header = scan::read_header(&*reader.source, segment)?;
                if misses(query, &behind) {
                    behind = header;
                    continue;
                }
                let end = scan::end_of(&*reader.source, &header, behind.first)?;
                self.current = Some((header, Backward::new(&header, end, behind.first)));
                break;
            }
        }
        Ok(None)
    }
}

/// Whether nothing in the segment before the one with this header can be in the query's time.
pub(crate) fn misses(query: &Query, behind: &Header) -> bool {
    query.since.is_some_and(|since| behind.previous.latest < since)
        || query.until.is_some_and(|until| behind.previous.earliest >= until)
}

pub(crate) fn in_time(query: &Query, time: gabion_model::Timestamp) -> bool {
    query.since.is_none_or(|since| time >= since) && query.until.is_none_or(|until| time < until)
}

fn size(reader: &Reader, segment: SegmentId) -> Result<u64, ReadError> {
    reader.source.size(segment).map_err(|source| ReadError::Io { segment, source })
}
