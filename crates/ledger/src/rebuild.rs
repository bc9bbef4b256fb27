//! Tiles that are missing, or are not what they were, made again from the records.
//!
//! Nothing is written before the records have come to the root that was signed: tiles made of records that somebody
//! changed would hide which ones. For records that were removed by age the tiles are all there is, and are not made again.

use std::io;

use gabion_tlog::tile::{Level, Tile, WIDTH};
use gabion_tlog::{Checkpoint, Hash, Tree};

use crate::reader::Forwards;
use crate::{Position, Reader, SealError, TreeStorage, sealer};

/// Makes every full tile of the checkpoint's tree what it was; how many were not.
///
/// # Errors
/// [`SealError::Tree`] when the records are not those that were signed, or are gone together with their tiles.
pub(crate) fn tiles(
    storage: &dyn TreeStorage,
    reader: &Reader,
    checkpoint: &Checkpoint,
) -> Result<u64, SealError> {
    mend(storage, reader, checkpoint, &|| Ok(Growing::default()))
}

/// The same for the tiles that are not those of the tree of the first `from` records, which is as it was.
///
/// # Errors
/// As above; also when the tree of the first `from` records is not there.
pub(crate) fn tiles_since(
    storage: &dyn TreeStorage,
    reader: &Reader,
    checkpoint: &Checkpoint,
    from: u64,
) -> Result<u64, SealError> {
    let since = mend(storage, reader, checkpoint, &|| Growing::of(storage, reader, from));
    if matches!(since, Err(SealError::Tree)) { tiles(storage, reader, checkpoint) } else { since }
}

fn mend(
    storage: &dyn TreeStorage,
    reader: &Reader,
    checkpoint: &Checkpoint,
    from: &dyn Fn() -> Result<Growing, SealError>,
) -> Result<u64, SealError> {
    let root = walk(storage, reader, from()?, checkpoint.size, |_, _| Ok(()))?;
    if root != checkpoint.root {
        return Err(SealError::Tree);
    }
    let mut mended = 0;
    walk(storage, reader, from()?, checkpoint.size, |tile, hashes| {
        if storage.tile(tile)?.as_deref() != Some(hashes) {
            storage.put_tile(tile, hashes)?;
            mended += 1;
        }
        Ok(())
    })?;
    Ok(mended)
}

/// A tree on its way, and the bytes of its tiles that are not full.
#[derive(Default)]
struct Growing {
    tree: Tree,
    rows: Vec<Vec<u8>>,
}

impl Growing {
    fn of(storage: &dyn TreeStorage, reader: &Reader, size: u64) -> Result<Self, SealError> {
        let (tree, edge) = sealer::tree_of(storage, reader, size)?;
        Ok(Self { tree, rows: (0..sealer::LEVELS).map(|level| edge.bytes(level)).collect() })
    }
}

/// Grows the tree to the first `size` records and tells each tile that becomes full; the root.
fn walk(
    storage: &dyn TreeStorage,
    reader: &Reader,
    from: Growing,
    size: u64,
    mut full: impl FnMut(Tile, &[u8]) -> io::Result<()>,
) -> Result<Hash, SealError> {
    let Growing { mut tree, mut rows } = from;
    let mut walk = Forwards::begin(reader, Some(Position(tree.size()).next()))?;
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
            _ if position.0 < first => removed(storage, tree.size())?,
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
fn removed(storage: &dyn TreeStorage, index: u64) -> Result<Hash, SealError> {
    let kept = sealer::kept_leaves(storage, index / WIDTH * WIDTH)?;
    let at = usize::try_from(index % WIDTH).unwrap_or(usize::MAX);
    kept.get(at).copied().ok_or(SealError::Tree)
}
