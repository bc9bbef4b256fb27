//! Finished segments on their way to another place and back: what is copied, what is said of it, and whether what comes back
//! is what was signed.
//!
//! A copy is a segment's header and every frame that counts. Beside it stands a [`Manifest`]: length and SHA-256 of the copy,
//! its first and last record, and a checkpoint the log signed for the tree that ends with its last record; so that every
//! segment is provable by what was archived with it and before it. Tiles lie beside them under the names C2SP tlog-tiles gives
//! them. Nothing that was archived is ever written again.
//!
//! [`Intake`] reads a copy piece by piece, from wherever it comes: the same way before it leaves, when it is read back, when
//! it is fetched and when an archive is verified.

use std::io;
use std::sync::Arc;

use gabion_model::Timestamp;
use gabion_tlog::tile::{Level, Tile, WIDTH};
use gabion_tlog::{Checkpoint, Hash, Note, Tree, VerifyingKey};
use gabion_vault::Sha256;
use gabion_vault::encoding::{hex_decode, hex_encode};
use serde::{Deserialize, Serialize};

use crate::format::{Frame, Header, MAX_FRAME, SEALED_HEADER_SIZE};
use crate::scan;
use crate::{Damage, Position, ReadError, SealError, Sealed, SegmentId, SegmentSource};

/// A segment that nothing is added to any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    pub segment: SegmentId,
    pub first: Position,
    pub last: Position,
    /// Times of its events.
    pub earliest: Timestamp,
    pub latest: Timestamp,
}

/// The segments behind `after` that nothing is added to any more, ascending; those without a record are left out.
///
/// # Errors
/// When they cannot be listed or a header cannot be read.
pub fn closed(source: &Arc<dyn SegmentSource>, after: SegmentId) -> Result<Vec<Closed>, ReadError> {
    let mut segments = scan::list(source)?;
    segments.retain(|segment| *segment > after);
    let headers: Vec<Header> = segments
        .into_iter()
        .map(|segment| scan::read_header(&**source, segment))
        .collect::<Result<_, _>>()?;
    let pairs = headers.iter().zip(headers.iter().skip(1));
    Ok(pairs.filter_map(|(own, next)| pair(own, next)).collect())
}

/// The segment right behind `after`; none when it is not closed or has no record.
#[cfg(feature = "write")]
pub(crate) fn closed_from(
    source: &Arc<dyn SegmentSource>,
    after: SegmentId,
) -> Result<Option<Closed>, ReadError> {
    let mut segments = scan::list(source)?.into_iter().filter(|segment| *segment > after);
    let (Some(own), Some(next)) = (segments.next(), segments.next()) else { return Ok(None) };
    Ok(pair(&scan::read_header(&**source, own)?, &scan::read_header(&**source, next)?))
}

fn pair(own: &Header, next: &Header) -> Option<Closed> {
    let last = next.first.previous().filter(|last| *last >= own.first)?;
    let (earliest, latest) = (next.previous.earliest, next.previous.latest);
    Some(Closed { segment: own.segment, first: own.first, last, earliest, latest })
}

/// Bytes of a closed segment that are copied: up to the end of its last frame that counts.
///
/// # Errors
/// When it cannot be read.
pub fn length(source: &Arc<dyn SegmentSource>, closed: &Closed) -> Result<u64, ReadError> {
    let header = scan::read_header(&**source, closed.segment)?;
    scan::end_of(&**source, &header, closed.last.next())
}

/// What is said of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: String,
    pub segment: SegmentId,
    pub first: Position,
    pub last: Position,
    /// Of its events, in microseconds since 1970.
    pub earliest: Timestamp,
    pub latest: Timestamp,
    /// Bytes of the copy.
    pub size: u64,
    /// Of the copy, in hexadecimal.
    pub sha256: String,
    /// The log's word for the tree that ends with the last record (C2SP tlog-checkpoint).
    pub checkpoint: String,
}

const FORMAT: &str = "gabion-archive-v1";

/// Why a manifest is none. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedManifest {
    #[error("its checkpoint is not the log's: {0}")]
    Checkpoint(String),
    #[error("it is no manifest of this version")]
    Format,
    #[error("its numbers do not belong together")]
    Numbers,
}

impl Manifest {
    /// The most bytes of one.
    pub const LONGEST: usize = 16 << 10;

    #[must_use]
    pub fn new(closed: &Closed, taken: &Taken, checkpoint: &Note) -> Self {
        let Closed { segment, first, last, earliest, latest } = *closed;
        let (format, checkpoint) = (FORMAT.to_owned(), checkpoint.to_string());
        let (size, sha256) = (taken.size, hex_encode(&taken.sha256));
        Self { format, segment, first, last, earliest, latest, size, sha256, checkpoint }
    }

    /// Reads one. Its checkpoint is not believed yet.
    ///
    /// # Errors
    /// [`MalformedManifest`]
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedManifest> {
        if bytes.len() > Self::LONGEST {
            return Err(MalformedManifest::Format);
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|_| MalformedManifest::Format)?;
        if manifest.format != FORMAT {
            return Err(MalformedManifest::Format);
        }
        let sum = hex_decode(&manifest.sha256).is_some_and(|sum| sum.len() == 32);
        if !sum
            || manifest.segment.0 == 0
            || manifest.first.0 == 0
            || manifest.last < manifest.first
            || manifest.size > LARGEST
        {
            return Err(MalformedManifest::Numbers);
        }
        Ok(manifest)
    }

    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// The root of the tree that ends with the last record, once the log is believed to have signed it.
    ///
    /// # Errors
    /// [`MalformedManifest`]
    pub fn root(&self, log: &VerifyingKey) -> Result<Hash, MalformedManifest> {
        let refused = |error: gabion_tlog::note::NoteError| MalformedManifest::Checkpoint(error.to_string());
        let note = Note::parse(self.checkpoint.as_bytes()).map_err(refused)?;
        let checkpoint = Checkpoint::open(&note, log).map_err(refused)?;
        if checkpoint.size == self.last.0 { Ok(checkpoint.root) } else { Err(MalformedManifest::Numbers) }
    }
}

/// More than any segment that can be configured, with what it may be over.
pub const LARGEST: u64 = 2 << 30;

/// A copy, read piece by piece.
#[derive(Debug)]
pub struct Intake {
    sum: Sha256,
    size: u64,
    most: u64,
    header: Option<Header>,
    /// What is not a whole frame yet.
    held: Vec<u8>,
    next: Position,
}

/// What a copy was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub segment: SegmentId,
    pub first: Position,
    /// The number behind the last record.
    pub next: Position,
    pub size: u64,
    pub sha256: [u8; 32],
}

/// A copy that is no segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {reason}")]
pub struct NoSegment {
    pub offset: u64,
    pub reason: Damage,
}

impl Intake {
    /// Takes at most so many bytes.
    #[must_use]
    pub fn new(most: u64) -> Self {
        let (sum, held) = (Sha256::default(), Vec::new());
        Self { sum, size: 0, most, header: None, held, next: Position(0) }
    }

    /// Takes the next piece. `leaf` is told of every record in it: its number and its leaf in the tree.
    ///
    /// # Errors
    /// Where it stops being a segment.
    pub fn push(&mut self, piece: &[u8], mut leaf: impl FnMut(Position, Hash)) -> Result<(), NoSegment> {
        self.size = self.size.saturating_add(piece.len() as u64);
        if self.size > self.most {
            return Err(NoSegment { offset: self.most, reason: Damage::Length });
        }
        self.sum.update(piece);
        self.held.extend_from_slice(piece);
        let mut at = 0;
        if self.header.is_none() {
            if self.held.len() < SEALED_HEADER_SIZE {
                return Ok(());
            }
            at = self.begin()?;
        }
        loop {
            let rest = self.held.get(at..).unwrap_or_default();
            let failed = |reason| {
                let offset = self.size.saturating_sub(rest.len() as u64);
                NoSegment { offset, reason }
            };
            match Frame::decode(rest) {
                Ok(frame) if frame.position != self.next => return Err(failed(Damage::Sequence)),
                Ok(frame) => {
                    leaf(frame.position, Hash::leaf(frame.payload));
                    at = at.saturating_add(frame.size());
                    self.next = self.next.next();
                }
                Err(Damage::Short) if rest.len() < MAX_FRAME => break,
                Err(reason) => return Err(failed(reason)),
            }
        }
        self.held.drain(..at.min(self.held.len()));
        Ok(())
    }

    fn begin(&mut self) -> Result<usize, NoSegment> {
        let header = Header::decode(&self.held).map_err(|reason| NoSegment { offset: 0, reason })?;
        self.next = header.first;
        self.header = Some(header);
        Ok(header.size())
    }

    /// What it was, behind its last piece.
    ///
    /// # Errors
    /// When it ends too early.
    pub fn finish(mut self, leaf: impl FnMut(Position, Hash)) -> Result<Taken, NoSegment> {
        if self.header.is_none() {
            // Shorter than the longer header: only the shorter one, and a few small frames, fit.
            let at = self.begin()?;
            self.held.drain(..at.min(self.held.len()));
            self.push(&[], leaf)?;
        }
        let Some(header) = self.header.filter(|_| self.held.is_empty()) else {
            let offset = self.size.saturating_sub(self.held.len() as u64);
            return Err(NoSegment { offset, reason: Damage::Short });
        };
        let (segment, first, next) = (header.segment, header.first, self.next);
        Ok(Taken { segment, first, next, size: self.size, sha256: self.sum.finish() })
    }
}

impl Taken {
    /// Whether it is the copy the manifest tells of.
    #[must_use]
    pub fn is_told_by(&self, manifest: &Manifest) -> bool {
        self.segment == manifest.segment
            && self.first == manifest.first
            && self.next == manifest.last.next()
            && self.size == manifest.size
            && hex_encode(&self.sha256) == manifest.sha256
    }
}

/// The leaves of a sealed ledger, asked for in order.
#[derive(Debug)]
pub struct Leaves<'a> {
    sealed: &'a Sealed,
    at: Option<(u64, Vec<Hash>)>,
    wrong: Option<Position>,
    failed: Option<SealError>,
}

impl<'a> Leaves<'a> {
    #[must_use]
    pub const fn of(sealed: &'a Sealed) -> Self {
        Self { sealed, at: None, wrong: None, failed: None }
    }

    /// Compares the leaf of a record with the tree's.
    pub fn compare(&mut self, record: Position, leaf: Hash) {
        if self.wrong.is_some() || self.failed.is_some() {
            return;
        }
        match self.leaf(record) {
            Ok(own) if own == Some(leaf) => {}
            Ok(_) => self.wrong = Some(record),
            Err(error) => self.failed = Some(error),
        }
    }

    /// The first record that is not the one that was sealed.
    ///
    /// # Errors
    /// When the tree could not be read.
    pub fn verdict(self) -> Result<Option<Position>, SealError> {
        self.failed.map_or(Ok(self.wrong), Err)
    }

    fn leaf(&mut self, record: Position) -> Result<Option<Hash>, SealError> {
        let index = record.0.saturating_sub(1);
        let number = index / WIDTH;
        if self.at.as_ref().is_none_or(|(at, _)| *at != number) {
            let size = self.sealed.checkpoint().size;
            let Some(tile) = Tile::holding(Level::Hashes(0), index, size) else { return Ok(None) };
            let hashes = tile.hashes(&self.sealed.tile(tile)?).ok_or(SealError::Tree)?;
            self.at = Some((number, hashes));
        }
        let at = usize::try_from(index % WIDTH).unwrap_or(usize::MAX);
        Ok(self.at.as_ref().and_then(|(_, hashes)| hashes.get(at)).copied())
    }
}

/// A tree that grows while copies are read, with its tiles.
#[derive(Debug, Default)]
pub struct Growing {
    tree: Tree,
    /// Of each level of tiles, the hashes of the tile that is not full.
    rows: Vec<Vec<Hash>>,
    /// What became full since it was last asked for.
    full: Vec<(Tile, Vec<u8>)>,
}

impl Growing {
    pub fn push(&mut self, leaf: Hash) {
        let (rows, full) = (&mut self.rows, &mut self.full);
        self.tree.push(leaf, |level, index, hash| {
            if level % 8 != 0 {
                return;
            }
            let level = level / 8;
            if rows.len() <= usize::from(level) {
                rows.resize(usize::from(level).saturating_add(1), Vec::new());
            }
            let Some(row) = rows.get_mut(usize::from(level)) else { return };
            row.push(hash);
            if row.len() as u64 == WIDTH {
                let tile = Tile { level: Level::Hashes(level), index: index / WIDTH, width: 256 };
                full.push((tile, row.drain(..).flat_map(|hash| hash.0).collect()));
            }
        });
    }

    #[must_use]
    pub const fn size(&self) -> u64 {
        self.tree.size()
    }

    #[must_use]
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// The tiles that became full since the last call, and those at the edge as they are now.
    pub fn tiles(&mut self) -> Vec<(Tile, Vec<u8>)> {
        let mut tiles = std::mem::take(&mut self.full);
        for (level, row) in (0..8_u8).zip(&self.rows) {
            let index = (self.tree.size() >> (8 * u32::from(level))) / WIDTH;
            if let Ok(width) = u16::try_from(row.len())
                && width > 0
            {
                let tile = Tile { level: Level::Hashes(level), index, width };
                tiles.push((tile, row.iter().flat_map(|hash| hash.0).collect()));
            }
        }
        tiles
    }
}

/// The tiles of hashes a tree of `new` leaves has and one of `old` had not.
pub fn tiles(old: Position, new: Position) -> impl Iterator<Item = Tile> {
    Tile::grown(old.0, new.0).filter(|tile| matches!(tile.level, Level::Hashes(_)))
}

/// Reads a part of a segment, whole.
///
/// # Errors
/// When there is less.
pub fn piece(
    source: &Arc<dyn SegmentSource>,
    segment: SegmentId,
    offset: u64,
    length: usize,
) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let count = source.read(segment, offset, &mut bytes)?;
    if count == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use gabion_tlog::tree::InMemory;
    use proptest::prelude::*;

    use super::*;
    use crate::format::{CLASS_EVENT, Span};

    fn segment(first: u64, payloads: &[Vec<u8>]) -> Vec<u8> {
        let header = Header {
            segment: SegmentId(3),
            first: Position(first),
            begun: Timestamp::default(),
            previous: Span::EMPTY,
            sealed: None,
        };
        let mut bytes = header.encode();
        for (position, payload) in (first..).zip(payloads) {
            let position = Position(position);
            let time = Timestamp::from_secs(1);
            Frame { position, mark: position, time, class: CLASS_EVENT, payload }.encode(&mut bytes);
        }
        bytes
    }

    fn taken(bytes: &[u8], step: usize) -> Result<(Taken, Vec<Hash>), NoSegment> {
        let mut leaves = Vec::new();
        let mut intake = Intake::new(1 << 20);
        for piece in bytes.chunks(step.max(1)) {
            intake.push(piece, |_, leaf| leaves.push(leaf))?;
        }
        let taken = intake.finish(|_, leaf| leaves.push(leaf))?;
        Ok((taken, leaves))
    }

    proptest! {
        #[test]
        fn a_copy_is_read_alike_in_any_pieces(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..20),
            first in 1..1_000_000_u64,
            step in 1..5000_usize,
        ) {
            let bytes = segment(first, &payloads);
            let (found, leaves) = taken(&bytes, step).unwrap();
            prop_assert_eq!(found.size, bytes.len() as u64);
            prop_assert_eq!(found.sha256, gabion_vault::sha256(&bytes));
            prop_assert_eq!((found.first, found.next), (Position(first), Position(first + payloads.len() as u64)));
            let expected: Vec<_> = payloads.iter().map(|payload| Hash::leaf(payload)).collect();
            prop_assert_eq!(leaves, expected);
        }

        #[test]
        fn a_cut_or_changed_copy_is_refused(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..100), 1..8),
            at: prop::sample::Index, change in 1..=255_u8, step in 1..500_usize,
        ) {
            let bytes = segment(1, &payloads);
            let at = at.index(bytes.len());
            let mut changed = bytes.clone();
            changed[at] ^= change;
            prop_assert!(taken(&changed, step).is_err());
            let whole = taken(&bytes, step).unwrap().0;
            // Cut between two frames it is a segment, and not that one.
            prop_assert!(taken(&bytes[..at], step).map_or(true, |(cut, _)| cut != whole));
        }

        #[test]
        fn any_bytes_are_a_copy_or_none(bytes in prop::collection::vec(any::<u8>(), 0..600), step in 1..200_usize) {
            let _ = taken(&bytes, step);
            let _ = Manifest::parse(&bytes);
        }

        #[test]
        fn a_growing_tree_has_the_tiles_of_the_finished_one(size in 1..1200_u64, cut in 0..1200_u64) {
            let (mut growing, mut whole) = (Growing::default(), InMemory::new());
            let mut kept = std::collections::BTreeMap::new();
            for number in 0..size {
                if number == cut {
                    kept.extend(growing.tiles());
                }
                let leaf = Hash::leaf(&number.to_be_bytes());
                growing.push(leaf);
                whole.push(leaf);
            }
            kept.extend(growing.tiles());
            prop_assert_eq!(growing.root(), whole.tree().root());
            for tile in tiles(Position(0), Position(size)) {
                let bytes = kept.get(&tile).cloned().unwrap_or_default();
                prop_assert!(tile.hashes(&bytes).is_some(), "{}", tile);
            }
        }
    }

    #[test]
    fn more_than_was_told_is_not_taken() {
        let bytes = segment(1, &[vec![7; 100]]);
        let mut intake = Intake::new(bytes.len() as u64 - 1);
        let error = intake.push(&bytes, |_, _| {}).unwrap_err();
        assert_eq!(error.reason, Damage::Length);
    }
}
