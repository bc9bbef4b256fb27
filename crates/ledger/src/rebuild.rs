//! Tiles that are missing, or are not what they were, made again from the records.
//!
//! Nothing is written before the records have come to the root that was signed: tiles made of records that somebody
//! changed would hide which ones. For records that were removed by age the tiles are all there is, and are not made again.

use std::io;

use gabion_tlog::tile::{Level, Tile, WIDTH};
use gabion_tlog::{Checkpoint, Hash, Tree};

use crate::reader::Forwards;
use crate::{Position, Reader, SealError, TreeStorage};

/// Makes every full tile of the checkpoint's tree what it was; how many were not.
///
/// # Errors
/// [`SealError::Tree`] when the records are not those that were signed, or are gone together with their tiles.
pub(crate) fn tiles(
    storage: &dyn TreeStorage,
    reader: &Reader,
    checkpoint: &Checkpoint,
) -> Result<u64, SealError> {
    let root = walk(storage, reader, checkpoint.size, |_, _| Ok(()))?;
    if root != checkpoint.root {
        return Err(SealError::Tree);
    }
    let mut mended = 0;
    walk(storage, reader, checkpoint.size, |tile, hashes| {
        if storage.tile(tile)?.as_deref() != Some(hashes) {
            storage.put_tile(tile, hashes)?;
            mended += 1;
        }
        Ok(())
    })?;
    Ok(mended)
}

/// Grows the tree of the first `size` records and tells each tile that becomes full; the root.
fn walk(
    storage: &dyn TreeStorage,
    reader: &Reader,
    size: u64,
    mut full: impl FnMut(Tile, &[u8]) -> io::Result<()>,
) -> Result<Hash, SealError> {
    let mut tree = Tree::new();
    let mut rows: Vec<Vec<u8>> = Vec::new();
    let mut walk = Forwards::begin(reader, None)?;
    let mut found = walk.next(reader)?;
    let first = found.as_ref().map_or(u64::MAX, |found| found.position.0);
    while tree.size() < size {
        let position = Position(tree.size()).next();
        let leaf = match &found {
            Some(there) if there.position == position => {
                let leaf = Hash::leaf(&there.payload);
                found = walk.next(reader)?;
                leaf
            }
            _ if position.0 < first => removed(storage, tree.size(), size)?,
            _ => return Err(SealError::Tree),
        };
        let mut told = Ok(());
        tree.push(leaf, |level, index, hash| {
            if level % 8 != 0 || told.is_err() {
                return;
            }
            let row = usize::from(level / 8);
            if rows.len() <= row {
                rows.resize(row.saturating_add(1), Vec::new());
            }
            let Some(row) = rows.get_mut(row) else { return };
            row.extend_from_slice(&hash.0);
            if index % WIDTH == WIDTH - 1 {
                let tile = Tile { level: Level::Hashes(level / 8), index: index / WIDTH, width: 256 };
                told = full(tile, row);
                row.clear();
            }
        });
        told?;
    }
    Ok(tree.root())
}

/// The leaf of a record that was removed by age.
fn removed(storage: &dyn TreeStorage, index: u64, size: u64) -> Result<Hash, SealError> {
    let tile = Tile::holding(Level::Hashes(0), index, size).ok_or(SealError::Tree)?;
    let hashes = storage.tile(tile)?.and_then(|file| tile.hashes(&file)).ok_or(SealError::Tree)?;
    let at = usize::try_from(index % WIDTH).unwrap_or(usize::MAX);
    hashes.get(at).copied().ok_or(SealError::Tree)
}
