//! What is known of one file after it was read: in one form for what was just found and for what was kept.

use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use gabion_finding::{Ecosystem, FileReport, Place, Position, Span, Use, Verdict};
use gabion_vault::sha256;
use serde::{Deserialize, Serialize};

use crate::allow::Allow;
use crate::cache::{Reader, put};
use crate::walk::Stamp;

/// What the scan itself says of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Own {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) allows: Vec<Allow>,
    #[serde(default)]
    pub(crate) verdict: Verdict,
}

/// A file as bytes. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    /// What [`Row::decode`] reads.
    pub(crate) row: Arc<[u8]>,
    /// What each scanner must know of it when it looks at all files.
    pub(crate) facts: Arc<[Arc<[u8]>]>,
}

/// The head of a row and where the rest of it stands in its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) stamp: Stamp,
    pub(crate) hash: [u8; 32],
    pub(crate) lines: u32,
    pub(crate) own: Own,
    pub(crate) parts: Vec<Part>,
}

/// What one scanner said.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) verdict: Verdict,
    /// Of its facts.
    pub(crate) digest: [u8; 32],
    /// Of the packages it saw used.
    pub(crate) uses_digest: [u8; 32],
    uses: Range<usize>,
}

/// A use, without the path of its file.
#[derive(Serialize, Deserialize)]
struct KeptUse<'a> {
    ecosystem: Ecosystem,
    module: &'a str,
    symbol: Option<&'a str>,
    called: bool,
    start: Position,
    end: Position,
    span: Span,
}

impl Entry {
    /// Everything of a file; the facts are taken from the reports.
    pub(crate) fn new(
        stamp: Stamp,
        hash: [u8; 32],
        lines: u32,
        own: &Own,
        reports: &mut [FileReport],
    ) -> io::Result<Self> {
        let mut out = Vec::new();
        out.extend_from_slice(&stamp_bytes(stamp));
        out.extend_from_slice(&hash);
        out.extend_from_slice(&lines.to_le_bytes());
        put(&mut out, &json(own, &Own::default())?)?;
        let mut facts = Vec::with_capacity(reports.len());
        for report in reports {
            let uses = uses_bytes(&report.uses)?;
            put(&mut out, &json(&report.verdict, &Verdict::default())?)?;
            out.extend_from_slice(&sha256(&report.facts));
            out.extend_from_slice(&sha256(&uses));
            put(&mut out, &uses)?;
            facts.push(Arc::from(std::mem::take(&mut report.facts)));
        }
        Ok(Self { row: out.into(), facts: facts.into() })
    }

    /// The same file under another stamp, which is the first thing in a row.
    pub(crate) fn restamped(&self, stamp: Stamp) -> Self {
        let mut row = self.row.to_vec();
        for (place, byte) in row.iter_mut().zip(stamp_bytes(stamp)) {
            *place = byte;
        }
        Self { row: row.into(), facts: Arc::clone(&self.facts) }
    }

    /// What a scanner kept of the file; empty where it kept nothing.
    pub(crate) fn facts(&self, scanner: usize) -> Option<&Arc<[u8]>> {
        self.facts.get(scanner).filter(|facts| !facts.is_empty())
    }
}

impl<'a> KeptUse<'a> {
    fn of(one: &'a Use) -> Self {
        Self {
            ecosystem: one.ecosystem,
            module: &one.module,
            symbol: one.symbol.as_deref(),
            called: one.called,
            start: one.place.start,
            end: one.place.end,
            span: one.place.span,
        }
    }
}

fn stamp_bytes(stamp: Stamp) -> [u8; 40] {
    let numbers = [
        stamp.size.to_le_bytes(),
        stamp.modified.to_le_bytes(),
        stamp.changed.to_le_bytes(),
        stamp.inode.to_le_bytes(),
        stamp.device.to_le_bytes(),
    ];
    let mut bytes = [0; 40];
    for (place, byte) in bytes.iter_mut().zip(numbers.as_flattened()) {
        *place = *byte;
    }
    bytes
}

fn uses_bytes(uses: &[Use]) -> io::Result<Vec<u8>> {
    if uses.is_empty() {
        return Ok(Vec::new());
    }
    let kept: Vec<KeptUse<'_>> = uses.iter().map(KeptUse::of).collect();
    postcard::to_allocvec(&kept).map_err(io::Error::other)
}

/// The default is no bytes.
fn json<T: Serialize + PartialEq>(value: &T, default: &T) -> io::Result<Vec<u8>> {
    if value == default { Ok(Vec::new()) } else { Ok(serde_json::to_vec(value)?) }
}

fn from_json<T: Default + for<'a> Deserialize<'a>>(bytes: &[u8]) -> Option<T> {
    if bytes.is_empty() { Some(T::default()) } else { serde_json::from_slice(bytes).ok() }
}

impl Row {
    /// What is needed to know whether the file changed.
    pub(crate) fn head(bytes: &[u8]) -> Option<(Stamp, [u8; 32])> {
        let mut reader = Reader { bytes, at: 0 };
        let stamp = stamp(&mut reader)?;
        Some((stamp, reader.array()?))
    }

    pub(crate) fn decode(bytes: &[u8], scanners: usize) -> Option<Self> {
        let mut reader = Reader { bytes, at: 0 };
        let stamp = stamp(&mut reader)?;
        let hash = reader.array()?;
        let lines = u32::from_le_bytes(reader.array()?);
        let own = from_json(bytes.get(reader.blob()?)?)?;
        let mut parts = Vec::with_capacity(scanners);
        for _ in 0..scanners {
            let verdict = from_json(bytes.get(reader.blob()?)?)?;
            let (digest, uses_digest) = (reader.array()?, reader.array()?);
            parts.push(Part { verdict, digest, uses_digest, uses: reader.blob()? });
        }
        (reader.at == bytes.len()).then_some(Self { stamp, hash, lines, own, parts })
    }
}

fn stamp(reader: &mut Reader<'_>) -> Option<Stamp> {
    Some(Stamp {
        size: u64::from_le_bytes(reader.array()?),
        modified: i64::from_le_bytes(reader.array()?),
        changed: i64::from_le_bytes(reader.array()?),
        inode: u64::from_le_bytes(reader.array()?),
        device: u64::from_le_bytes(reader.array()?),
    })
}

impl Part {
    /// What it saw used, of the file of that path; texts that are the same are one.
    pub(crate) fn uses(&self, row: &[u8], path: &Arc<str>, texts: &mut HashSet<Arc<str>>) -> Vec<Use> {
        let bytes = row.get(self.uses.clone()).unwrap_or_default();
        if bytes.is_empty() {
            return Vec::new();
        }
        let kept: Vec<KeptUse<'_>> = postcard::from_bytes(bytes).unwrap_or_default();
        let mut shared = |text: &str| match texts.get(text) {
            Some(text) => Arc::clone(text),
            None => {
                let text: Arc<str> = text.into();
                texts.insert(Arc::clone(&text));
                text
            }
        };
        let whole = |one: KeptUse<'_>| Use {
            ecosystem: one.ecosystem,
            module: shared(one.module),
            symbol: one.symbol.map(&mut shared),
            called: one.called,
            place: Place { path: Arc::clone(path), start: one.start, end: one.end, span: one.span },
        };
        kept.into_iter().map(whole).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_was_kept_of_it() {
        let path: Arc<str> = "a/b.py".into();
        let place = Place {
            path: Arc::clone(&path),
            start: Position { line: 3, column: 1 },
            end: Position { line: 3, column: 9 },
            span: Span::new(40, 48),
        };
        let one = Use {
            ecosystem: Ecosystem::PyPi,
            module: "yaml".into(),
            symbol: Some("load".into()),
            called: true,
            place,
        };
        let two = Use { symbol: None, called: false, ..one.clone() };
        let uses = vec![one, two];
        let mut reports =
            [FileReport { facts: b"facts".to_vec(), uses: uses.clone(), ..FileReport::default() }];
        let stamp = Stamp { size: 1, modified: 2, changed: 3, inode: 4, device: 5 };
        let entry = Entry::new(stamp, [7; 32], 9, &Own::default(), &mut reports).unwrap();
        let row = Row::decode(&entry.row, 1).unwrap();
        assert_eq!((row.stamp, row.hash, row.lines), (stamp, [7; 32], 9));
        let mut texts = HashSet::new();
        assert_eq!(row.parts[0].uses(&entry.row, &path, &mut texts), uses);
        assert_eq!(texts.len(), 2);
        assert_eq!(entry.facts(0).map(AsRef::as_ref), Some(&b"facts"[..]));
        let later = Stamp { changed: 8, ..stamp };
        assert_eq!(Row::head(&entry.restamped(later).row), Some((later, [7; 32])));
        for end in 0..entry.row.len() {
            assert!(Row::decode(&entry.row[..end], 1).is_none(), "cut at {end}");
        }
    }
}
