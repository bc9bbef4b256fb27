//! Segments in memory, for tests and for a gate without a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gabion_tlog::tile::Tile;

use super::{SegmentId, SegmentSource, SegmentStorage};
use crate::TreeStorage;

/// Segments in memory. What was synced survives [`crash`](Self::crash), the rest does not.
#[derive(Debug, Default)]
pub struct MemorySegments {
    segments: Mutex<BTreeMap<SegmentId, Segment>>,
}

#[derive(Debug, Default, Clone)]
struct Segment {
    bytes: Vec<u8>,
    durable: usize,
}

impl MemorySegments {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes of a segment; empty when there is none.
    #[must_use]
    pub fn bytes(&self, segment: SegmentId) -> Vec<u8> {
        self.lock().get(&segment).map(|segment| segment.bytes.clone()).unwrap_or_default()
    }

    /// Puts a segment there as it is, for instance a damaged one.
    pub fn put(&self, segment: SegmentId, bytes: Vec<u8>) {
        let durable = bytes.len();
        self.lock().insert(segment, Segment { bytes, durable });
    }

    /// Bytes of all segments together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.lock().values().map(|segment| segment.bytes.len() as u64).sum()
    }

    /// What a machine finds that lost its power: synced bytes, and of the rest the first `kept` bytes.
    #[must_use]
    pub fn crash(&self, kept: usize) -> Self {
        let stored = self.lock();
        let segments = stored.iter().map(|(id, segment)| {
            let mut bytes = segment.bytes.clone();
            bytes.truncate(segment.durable.saturating_add(kept));
            (*id, Segment { durable: bytes.len(), bytes })
        });
        Self { segments: Mutex::new(segments.collect()) }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SegmentId, Segment>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn missing() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

impl SegmentSource for MemorySegments {
    fn list(&self) -> io::Result<Vec<SegmentId>> {
        Ok(self.lock().keys().copied().collect())
    }

    fn size(&self, segment: SegmentId) -> io::Result<u64> {
        self.lock().get(&segment).map(|segment| segment.bytes.len() as u64).ok_or_else(missing)
    }

    fn read(&self, segment: SegmentId, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let segments = self.lock();
        let segment = segments.get(&segment).ok_or_else(missing)?;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = segment.bytes.get(offset..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }
}

impl SegmentStorage for MemorySegments {
    fn create(&self, segment: SegmentId, header: &[u8]) -> io::Result<()> {
        self.put(segment, header.to_vec());
        Ok(())
    }

    fn append(&self, segment: SegmentId, bytes: &[u8]) -> io::Result<usize> {
        self.lock().get_mut(&segment).ok_or_else(missing)?.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn sync(&self, segment: SegmentId) -> io::Result<()> {
        let mut segments = self.lock();
        let segment = segments.get_mut(&segment).ok_or_else(missing)?;
        segment.durable = segment.bytes.len();
        Ok(())
    }

    fn truncate(&self, segment: SegmentId, size: u64) -> io::Result<()> {
        let mut segments = self.lock();
        let segment = segments.get_mut(&segment).ok_or_else(missing)?;
        segment.bytes.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        segment.durable = segment.bytes.len();
        Ok(())
    }

    fn replace_header(&self, segment: SegmentId, header: &[u8]) -> io::Result<()> {
        let mut segments = self.lock();
        let segment = segments.get_mut(&segment).ok_or_else(missing)?;
        segment.bytes.get_mut(..header.len()).ok_or_else(missing)?.copy_from_slice(header);
        Ok(())
    }

    fn remove(&self, segment: SegmentId) -> io::Result<()> {
        self.lock().remove(&segment).map(drop).ok_or_else(missing)
    }
}

/// Tiles and a checkpoint in memory.
#[derive(Debug, Default)]
pub struct MemoryTree(Mutex<Kept>);

#[derive(Debug, Default, Clone)]
struct Kept {
    tiles: BTreeMap<Tile, Vec<u8>>,
    /// Full ones that were not synced yet.
    young: BTreeSet<Tile>,
    settled: Option<Vec<u8>>,
    checkpoint: Option<Vec<u8>>,
    cosigned: Option<Vec<u8>>,
}

impl MemoryTree {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What a crash may leave: full tiles that had not been synced are what `damage` makes of them.
    #[must_use]
    pub fn crash(&self, damage: fn(&mut Vec<u8>)) -> Self {
        let crashed = Self(Mutex::new(self.lock().clone()));
        let young = std::mem::take(&mut crashed.lock().young);
        young.into_iter().for_each(|tile| crashed.change(tile, damage));
        crashed
    }

    /// Puts a checkpoint there as it is, or takes it away.
    pub fn set_checkpoint(&self, note: Option<Vec<u8>>) {
        self.lock().checkpoint = note;
    }

    /// Whether nothing was put there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let kept = self.lock();
        kept.tiles.is_empty() && kept.checkpoint.is_none()
    }

    /// What is there now, for itself.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Mutex::new(self.lock().clone()))
    }

    /// Puts what another one has in the place of what is there.
    pub fn restore(&self, from: &Self) {
        let kept = from.lock().clone();
        *self.lock() = kept;
    }

    /// The names of all tiles.
    #[must_use]
    pub fn tiles(&self) -> Vec<Tile> {
        self.lock().tiles.keys().copied().collect()
    }

    /// Changes or, by emptying it, removes a tile.
    pub fn change(&self, tile: Tile, change: impl FnOnce(&mut Vec<u8>)) {
        let mut kept = self.lock();
        let mut bytes = kept.tiles.remove(&tile).unwrap_or_default();
        change(&mut bytes);
        if !bytes.is_empty() {
            kept.tiles.insert(tile, bytes);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TreeStorage for MemoryTree {
    fn tile(&self, tile: Tile) -> io::Result<Option<Vec<u8>>> {
        Ok(self.lock().tiles.get(&tile).cloned())
    }

    fn put_tile(&self, tile: Tile, hashes: &[u8]) -> io::Result<()> {
        let mut kept = self.lock();
        kept.tiles.retain(|other, _| (other.level, other.index) != (tile.level, tile.index));
        kept.tiles.insert(tile, hashes.to_vec());
        Ok(())
    }

    fn place_tile(&self, tile: Tile, hashes: &[u8]) -> io::Result<()> {
        let mut kept = self.lock();
        kept.tiles.insert(tile, hashes.to_vec());
        kept.young.insert(tile);
        Ok(())
    }

    fn sync_tiles(&self, tiles: &[Tile]) -> io::Result<()> {
        let mut kept = self.lock();
        for tile in tiles {
            kept.young.remove(tile);
            kept.tiles
                .retain(|other, _| other == tile || (other.level, other.index) != (tile.level, tile.index));
        }
        Ok(())
    }

    fn partial_tile(&self, tile: Tile) -> io::Result<Option<(Tile, Vec<u8>)>> {
        let partial =
            |other: &Tile| (other.level, other.index) == (tile.level, tile.index) && !other.is_full();
        let kept = self.lock();
        let widest =
            kept.tiles.iter().filter(|(other, _)| partial(other)).max_by_key(|(other, _)| other.width);
        Ok(widest.map(|(tile, hashes)| (*tile, hashes.clone())))
    }

    fn settled(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.lock().settled.clone())
    }

    fn put_settled(&self, note: &[u8]) -> io::Result<()> {
        self.lock().settled = Some(note.to_vec());
        Ok(())
    }

    fn checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.lock().checkpoint.clone())
    }

    fn put_checkpoint(&self, note: &[u8]) -> io::Result<()> {
        self.lock().checkpoint = Some(note.to_vec());
        Ok(())
    }

    fn cosigned(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.lock().cosigned.clone())
    }

    fn put_cosigned(&self, note: &[u8]) -> io::Result<()> {
        self.lock().cosigned = Some(note.to_vec());
        Ok(())
    }
}
