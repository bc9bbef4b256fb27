//! The compact form: one file, sorted, with a checksum, asked without being parsed as a whole.
//!
//! ```text
//! magic      8  "GABADV\0\x01": the last byte is the version of the form
//! checksum  32  SHA-256 of everything behind it
//! head          time of the fetch, source, advisories per ecosystem
//! table         packages in order: 4 bytes each, where its record begins
//! records       ecosystem, name, count, and that many advisories
//! ```

use std::sync::Arc;

use gabion_finding::Ecosystem;
use gabion_model::Severity;
use gabion_vault::sha256_of;

use super::bytes::{self, Reader};
use super::{Advisory, Entry, Event, Kind};
use crate::bounds;

const MAGIC: &[u8; 8] = b"GABADV\0\x01";
const HEAD: usize = 8 + 32;
const DAY: i64 = 86_400;

/// Advisories, ready to be asked. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Database {
    bytes: Arc<[u8]>,
    fetched: i64,
    source: String,
    covered: Vec<(Ecosystem, u64)>,
    /// Where the table begins, and how many packages it has.
    table: usize,
    packages: usize,
}

/// Bytes that are no database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    #[error("the checksum of the advisory database is wrong; fetch it again")]
    Checksum,
    #[error("this is no advisory database, or one of another version; build it again")]
    Form,
    #[error("the advisory database is larger than 2 GiB; leave out ecosystems that are not used")]
    Large,
}

pub(super) fn floor(ecosystem: Ecosystem) -> u8 {
    let at = Ecosystem::ALL.iter().position(|it| *it == ecosystem).unwrap_or_default();
    u8::try_from(at).unwrap_or_default()
}

impl Database {
    /// # Errors
    /// When the bytes are no database, are cut off, or were changed.
    pub fn read(bytes: impl Into<Arc<[u8]>>) -> Result<Self, DatabaseError> {
        let bytes: Arc<[u8]> = bytes.into();
        if bytes.len() > bounds::DATABASE {
            return Err(DatabaseError::Large);
        }
        let mut reader = Reader { rest: &bytes };
        if reader.take(8) != Some(MAGIC) {
            return Err(DatabaseError::Form);
        }
        let checksum = reader.take(32).ok_or(DatabaseError::Form)?;
        if checksum != sha256_of(&[reader.rest]) {
            return Err(DatabaseError::Checksum);
        }
        let head = Self::head(&mut reader).ok_or(DatabaseError::Form)?;
        let table = bytes.len() - reader.rest.len();
        let (fetched, source, covered, packages) = head;
        if packages.checked_mul(4).is_none_or(|size| size > reader.rest.len()) {
            return Err(DatabaseError::Form);
        }
        Ok(Self { fetched, source, covered, table, packages, bytes })
    }

    #[expect(clippy::type_complexity, reason = "used once, above")]
    fn head(reader: &mut Reader<'_>) -> Option<(i64, String, Vec<(Ecosystem, u64)>, usize)> {
        let fetched = i64::try_from(reader.number()?).ok()?;
        let source = reader.text()?.to_owned();
        let mut covered = Vec::new();
        for _ in 0..reader.count()? {
            let ecosystem = *Ecosystem::ALL.get(usize::from(reader.byte()?))?;
            covered.push((ecosystem, reader.number()?));
        }
        Some((fetched, source, covered, usize::try_from(reader.number()?).ok()?))
    }

    /// Entries in order of package and id.
    pub(super) fn write(entries: Vec<Entry>, source: &str, fetched: i64) -> Self {
        let mut covered: Vec<(Ecosystem, u64)> = Vec::new();
        let mut starts: Vec<u32> = Vec::new();
        let mut records: Vec<u8> = Vec::new();
        for group in
            entries.chunk_by(|one, other| (one.ecosystem, &one.name) == (other.ecosystem, &other.name))
        {
            let Some(first) = group.first() else { continue };
            match covered.last_mut() {
                Some((ecosystem, count)) if *ecosystem == first.ecosystem => *count += group.len() as u64,
                _ => covered.push((first.ecosystem, group.len() as u64)),
            }
            // What does not fit any more would make a database that cannot be read: far above what there is.
            starts.push(u32::try_from(records.len()).unwrap_or(u32::MAX));
            records.push(floor(first.ecosystem));
            bytes::text(&mut records, &first.name);
            bytes::number(&mut records, group.len() as u64);
            for entry in group {
                write(&mut records, &entry.advisory);
            }
        }
        let mut body = Vec::with_capacity(records.len() + starts.len() * 4 + 256);
        bytes::number(&mut body, u64::try_from(fetched).unwrap_or(0));
        bytes::text(&mut body, source);
        bytes::number(&mut body, covered.len() as u64);
        for (ecosystem, count) in &covered {
            body.push(floor(*ecosystem));
            bytes::number(&mut body, *count);
        }
        bytes::number(&mut body, starts.len() as u64);
        let table = HEAD + body.len();
        body.extend(starts.iter().flat_map(|start| start.to_le_bytes()));
        body.append(&mut records);
        let mut all = Vec::with_capacity(HEAD + body.len());
        all.extend_from_slice(MAGIC);
        all.extend_from_slice(&sha256_of(&[&body]));
        all.append(&mut body);
        Self {
            bytes: all.into(),
            fetched: fetched.max(0),
            source: source.to_owned(),
            covered,
            table,
            packages: starts.len(),
        }
    }

    /// What is kept in a file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The first 16 hexadecimal digits of it, for people and for caches.
    #[must_use]
    pub fn checksum(&self) -> String {
        self.bytes.iter().skip(8).take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// When it was fetched, in seconds since 1970.
    #[must_use]
    pub const fn fetched(&self) -> i64 {
        self.fetched
    }

    /// Where it is from, in the words of whoever built it.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whole days from the fetch to `now`, in seconds since 1970. A database from the future is as old as can be: one of the
    /// two clocks is wrong.
    #[must_use]
    pub fn age_days(&self, now: i64) -> u32 {
        if self.fetched > now.saturating_add(DAY) {
            return u32::MAX;
        }
        u32::try_from(now.saturating_sub(self.fetched).max(0) / DAY).unwrap_or(u32::MAX)
    }

    /// How many advisories it has per ecosystem. Of others it knows nothing, and nothing can be said by it.
    #[must_use]
    pub fn covered(&self) -> &[(Ecosystem, u64)] {
        &self.covered
    }

    #[must_use]
    pub fn advisories(&self) -> u64 {
        self.covered.iter().map(|(_, count)| count).sum()
    }

    #[must_use]
    pub fn covers(&self, ecosystem: Ecosystem) -> bool {
        self.covered.iter().any(|(it, count)| *it == ecosystem && *count > 0)
    }

    /// All that is known of a package, whatever its version. Names are as `name::normal` writes them.
    pub(crate) fn of(&self, ecosystem: Ecosystem, name: &str) -> Vec<Advisory> {
        let wanted = (floor(ecosystem), name.as_bytes());
        let (mut low, mut high) = (0, self.packages);
        while low < high {
            let middle = low + (high - low) / 2;
            let Some(mut reader) = self.record(middle) else { return Vec::new() };
            let Some((floor, name)) = reader.byte().zip(reader.text()) else { return Vec::new() };
            match (floor, name.as_bytes()).cmp(&wanted) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return all(&mut reader).unwrap_or_default(),
            }
        }
        Vec::new()
    }

    /// Everything it has.
    pub(super) fn entries(&self) -> Option<Vec<Entry>> {
        let mut out = Vec::new();
        for at in 0..self.packages {
            let mut reader = self.record(at)?;
            let ecosystem = *Ecosystem::ALL.get(usize::from(reader.byte()?))?;
            let name = reader.text()?.to_owned();
            let advisories = all(&mut reader)?.into_iter();
            out.extend(advisories.map(|advisory| Entry { ecosystem, name: name.clone(), advisory }));
        }
        Some(out)
    }

    fn record(&self, at: usize) -> Option<Reader<'_>> {
        let mut entry = Reader { rest: self.bytes.get(self.table + at * 4..)? };
        let start = usize::try_from(entry.fixed()?).ok()?;
        let records = self.table + self.packages * 4;
        Some(Reader { rest: self.bytes.get(records.checked_add(start)?..)? })
    }
}

fn write(out: &mut Vec<u8>, advisory: &Advisory) {
    bytes::text(out, &advisory.id);
    bytes::texts(out, &advisory.aliases);
    bytes::text(out, &advisory.summary);
    let severity = Severity::ALL.iter().position(|it| *it == advisory.severity).unwrap_or_default();
    let kind = match advisory.kind {
        Kind::Flaw => 0,
        Kind::Malicious => 1,
        Kind::Unmaintained => 2,
    };
    out.extend([kind, u8::try_from(severity).unwrap_or_default(), u8::from(advisory.exploited)]);
    bytes::number(out, advisory.epss.map_or(0, |it| u64::from(it) + 1));
    bytes::text(out, &advisory.score);
    bytes::number(out, advisory.ranges.len() as u64);
    for range in &advisory.ranges {
        bytes::number(out, range.len() as u64);
        for event in range {
            let (kind, version) = match event {
                Event::Introduced(version) => (0, version),
                Event::Fixed(version) => (1, version),
                Event::LastAffected(version) => (2, version),
            };
            out.push(kind);
            bytes::text(out, version);
        }
    }
    bytes::texts(out, &advisory.versions);
    bytes::texts(out, &advisory.symbols);
    bytes::text(out, &advisory.link);
    bytes::number(out, advisory.cwe.len() as u64);
    for cwe in &advisory.cwe {
        bytes::number(out, u64::from(*cwe));
    }
}

fn all(reader: &mut Reader<'_>) -> Option<Vec<Advisory>> {
    (0..reader.count()?).map(|_| one(reader)).collect()
}

fn one(reader: &mut Reader<'_>) -> Option<Advisory> {
    let id = reader.text()?.to_owned();
    let aliases = reader.texts()?;
    let summary = reader.text()?.to_owned();
    let kind = match reader.byte()? {
        0 => Kind::Flaw,
        1 => Kind::Malicious,
        2 => Kind::Unmaintained,
        _ => return None,
    };
    let severity = *Severity::ALL.get(usize::from(reader.byte()?))?;
    let exploited = reader.byte()? == 1;
    let epss = reader.number()?.checked_sub(1).and_then(|it| u16::try_from(it).ok());
    let score = reader.text()?.to_owned();
    let event = |reader: &mut Reader<'_>| {
        let kind = reader.byte()?;
        let version = reader.text()?.to_owned();
        match kind {
            0 => Some(Event::Introduced(version)),
            1 => Some(Event::Fixed(version)),
            2 => Some(Event::LastAffected(version)),
            _ => None,
        }
    };
    let mut ranges = Vec::new();
    for _ in 0..reader.count()? {
        ranges.push((0..reader.count()?).map(|_| event(reader)).collect::<Option<_>>()?);
    }
    let versions = reader.texts()?;
    let symbols = reader.texts()?;
    let link = reader.text()?.to_owned();
    let mut cwe = Vec::new();
    for _ in 0..reader.count()? {
        cwe.push(u16::try_from(reader.number()?).ok()?);
    }
    Some(Advisory {
        id,
        aliases,
        summary,
        kind,
        severity,
        score,
        ranges,
        versions,
        symbols,
        link,
        cwe,
        exploited,
        epss,
    })
}
