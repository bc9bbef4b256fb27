//! A tenant's tree as it grows, and as its tiles have it.
//!
//! A tile that is not full gives way to a wider one of its place, and hashes in it never change: so a tree is read from tiles
//! that are wider than its checkpoint asks for, as a crash or a gate that goes on leaves them.

use std::io;

use gabion_tlog::tile::{Level, Tile, TileError, TileNodes, WIDTH};
use gabion_tlog::{Hash, Tree};

use crate::TreeStorage;

/// The tree, and the hashes of its tiles that are not full.
#[derive(Debug, Default, Clone)]
pub(crate) struct Growing {
    tree: Tree,
    rows: Vec<Vec<Hash>>,
    full: Vec<(Tile, Vec<u8>)>,
    /// Its size when it was stored last.
    stored: u64,
}

/// Levels of tiles that a tree of 2^63 leaves has.
const LEVELS: u8 = 8;

impl Growing {
    pub(crate) const fn size(&self) -> u64 {
        self.tree.size()
    }

    pub(crate) fn root(&self) -> Hash {
        self.tree.root()
    }

    pub(crate) fn push(&mut self, leaf: Hash) {
        let (rows, full) = (&mut self.rows, &mut self.full);
        self.tree.push(leaf, |level, index, hash| {
            if level % 8 != 0 {
                return;
            }
            let level = level / 8;
            let at = usize::from(level);
            if rows.len() <= at {
                rows.resize(at.saturating_add(1), Vec::new());
            }
            let Some(row) = rows.get_mut(at) else { return };
            row.push(hash);
            if row.len() as u64 == WIDTH {
                let tile = Tile { level: Level::Hashes(level), index: index / WIDTH, width: 256 };
                full.push((tile, bytes(row)));
                row.clear();
            }
        });
    }

    /// Full tiles that wait to be stored.
    pub(crate) fn waiting(&self) -> usize {
        self.full.len()
    }

    /// Stores the full tiles that wait.
    pub(crate) fn store_full(&mut self, storage: &dyn TreeStorage) -> io::Result<()> {
        for (tile, hashes) in &self.full {
            storage.place_tile(*tile, hashes)?;
        }
        storage.sync_tiles(&self.full.iter().map(|(tile, _)| *tile).collect::<Vec<_>>())?;
        self.full.clear();
        Ok(())
    }

    /// Does not store them.
    pub(crate) fn forget_full(&mut self) {
        self.full.clear();
    }

    /// Stores what grew.
    pub(crate) fn store(&mut self, storage: &dyn TreeStorage) -> io::Result<()> {
        self.store_full(storage)?;
        for tile in Tile::grown(self.stored, self.size()).filter(|tile| !tile.is_full()) {
            // Entries are the segments'.
            if let Level::Hashes(level) = tile.level
                && let Some(row) = self.rows.get(usize::from(level))
            {
                storage.put_tile(tile, &bytes(row))?;
            }
        }
        self.stored = self.size();
        Ok(())
    }

    /// The tree of `size` leaves and this root; none when the tiles are not its.
    pub(crate) fn restore(storage: &dyn TreeStorage, size: u64, root: Hash) -> io::Result<Option<Self>> {
        for trusting in [true, false] {
            if let Some(own) = Self::read(storage, size, trusting)?
                && own.root() == root
            {
                return Ok(Some(own));
            }
        }
        Ok(None)
    }

    /// `trusting`: what lies above level 0 is taken from its own tiles. They need not be durable, and are hashed again
    /// from those below otherwise.
    fn read(storage: &dyn TreeStorage, size: u64, trusting: bool) -> io::Result<Option<Self>> {
        let mut rows: Vec<Vec<Hash>> = Vec::new();
        for level in 0..LEVELS {
            let count = size >> (8 * u32::from(level));
            if count == 0 {
                break;
            }
            let first = count / WIDTH * WIDTH;
            let Ok(width) = u16::try_from(count - first) else { return Ok(None) };
            let tile = Tile { level: Level::Hashes(level), index: first / WIDTH, width };
            let kept = match width {
                0 => Some(Vec::new()),
                _ if level == 0 || trusting => wide_enough(storage, tile)?,
                _ => None,
            };
            let row = match kept {
                Some(row) => Some(row),
                None if level > 0 => from_below(storage, level, first..count)?,
                None => None,
            };
            let Some(row) = row else { return Ok(None) };
            rows.push(row);
        }
        let nodes = TileNodes::new(
            |tile: Tile| match tile.level {
                Level::Hashes(level) => {
                    let row = rows.get(usize::from(level)).map(|row| bytes(row));
                    row.filter(|_| !tile.is_full()).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
                }
                Level::Entries => Err(io::ErrorKind::Unsupported.into()),
            },
            size,
        );
        // The nodes at the right edge lie in tiles that are not full.
        let Ok(tree) = Tree::restore(&nodes, size) else { return Ok(None) };
        Ok(Some(Self { tree, rows, full: Vec::new(), stored: size }))
    }
}

/// The first hashes of a tile, as many as its name says, from itself or from a wider one of its place.
pub(crate) fn wide_enough(storage: &dyn TreeStorage, tile: Tile) -> io::Result<Option<Vec<Hash>>> {
    // Between two looks a gate that goes on may have put a wider one there.
    for _ in 0..ATTEMPTS {
        for width in [tile.width, 256].into_iter().chain(tile.width.saturating_add(1)..256) {
            let wider = Tile { width, ..tile };
            if let Some(file) = storage.tile(wider)? {
                let hashes = wider.hashes(&file);
                return Ok(hashes.map(|hashes| hashes.into_iter().take(usize::from(tile.width)).collect()));
            }
        }
    }
    Ok(None)
}

const ATTEMPTS: u32 = 3;

/// Nodes of a level of tiles, from the full tiles below.
fn from_below(
    storage: &dyn TreeStorage,
    level: u8,
    nodes: std::ops::Range<u64>,
) -> io::Result<Option<Vec<Hash>>> {
    let mut row = Vec::new();
    for index in nodes {
        let tile = Tile { level: Level::Hashes(level.saturating_sub(1)), index, width: 256 };
        let Some(hashes) = storage.tile(tile)?.and_then(|file| tile.hashes(&file)) else { return Ok(None) };
        let mut tree = Tree::new();
        hashes.into_iter().for_each(|hash| tree.push(hash, |_, _, _| {}));
        row.push(tree.root());
    }
    Ok(Some(row))
}

/// The nodes of a stored tree of at least `size` leaves.
pub(crate) fn nodes(
    storage: &dyn TreeStorage,
    size: u64,
) -> TileNodes<impl Fn(Tile) -> io::Result<Vec<u8>> + '_> {
    let fetch = move |tile: Tile| {
        let hashes = wide_enough(storage, tile)?;
        hashes.map(|hashes| bytes(&hashes)).ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    TileNodes::new(fetch, size)
}

/// The tree of the first `size` leaves of a stored one; none when tiles are missing or malformed.
pub(crate) fn stored(storage: &dyn TreeStorage, size: u64) -> io::Result<Option<Tree>> {
    match Tree::restore(&nodes(storage, size), size) {
        Ok(tree) => Ok(Some(tree)),
        Err(TileError::Fetch(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Err(_) => Ok(None),
    }
}

/// The root of a stored tree whose tiles are all there, each the root of those below; none when they are not.
pub(crate) fn whole(storage: &dyn TreeStorage, size: u64) -> io::Result<Option<Hash>> {
    for level in 0..LEVELS {
        let full = (size >> (8 * u32::from(level))) / WIDTH;
        let mut above: Option<(Tile, Vec<Hash>)> = None;
        for index in 0..full {
            let Some(hash) = from_below(storage, level.saturating_add(1), index..index.saturating_add(1))?
            else {
                return Ok(None);
            };
            let Some(tile) = Tile::holding(Level::Hashes(level.saturating_add(1)), index, size) else {
                return Ok(None);
            };
            if above.as_ref().is_none_or(|(at, _)| *at != tile) {
                let Some(hashes) = wide_enough(storage, tile)? else { return Ok(None) };
                above = Some((tile, hashes));
            }
            let at = usize::try_from(index % WIDTH).unwrap_or(usize::MAX);
            let kept = above.as_ref().and_then(|(_, hashes)| hashes.get(at));
            if kept != hash.first() {
                return Ok(None);
            }
        }
    }
    Ok(stored(storage, size)?.map(|tree| tree.root()))
}

pub(crate) fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryTree;

    fn grown(storage: &MemoryTree, tree: &mut Growing, to: u64) {
        (tree.size()..to).for_each(|number| tree.push(Hash::leaf(&number.to_be_bytes())));
        tree.store(storage).unwrap();
    }

    #[test]
    fn a_tree_is_what_its_tiles_say_also_when_they_are_wider() {
        let storage = MemoryTree::new();
        let mut tree = Growing::default();
        let mut sizes = Vec::new();
        for size in [1, 2, 255, 256, 257, 600, 65_535, 65_536, 65_537, 66_000] {
            grown(&storage, &mut tree, size);
            sizes.push((size, tree.root()));
            for (size, root) in &sizes {
                let restored =
                    Growing::restore(&storage, *size, *root).unwrap().expect("its tiles are there");
                assert_eq!((restored.size(), restored.root()), (*size, *root));
                assert_eq!(stored(&storage, *size).unwrap().unwrap().root(), *root);
            }
        }
        let mut restored = Growing::restore(&storage, 65_537, sizes[8].1).unwrap().unwrap();
        grown(&storage, &mut restored, 66_000);
        assert_eq!(restored.root(), tree.root(), "goes on as if it had never ended");

        // Every tile is looked at.
        assert_eq!(whole(&storage, 66_000).unwrap(), Some(tree.root()));
        assert_eq!(whole(&storage, 600).unwrap(), Some(sizes[5].1), "a former size");
        for tile in storage.tiles().into_iter().filter(|tile| tile.index % 50 == 0) {
            storage.change(tile, |bytes| bytes[0] ^= 1);
            assert!(whole(&storage, 66_000).unwrap().is_none(), "{tile}");
            storage.change(tile, |bytes| bytes[0] ^= 1);
        }
        // What lies above level 0 is a convenience.
        for tile in storage.tiles() {
            if tile.level != Level::Hashes(0) && !tile.is_full() {
                storage.change(tile, |bytes| bytes[0] ^= 1);
            }
        }
        assert!(Growing::restore(&storage, 66_000, tree.root()).unwrap().is_some());
        let edge = storage.tiles().into_iter().find(|tile| tile.level == Level::Hashes(0) && !tile.is_full());
        storage.change(edge.unwrap(), |bytes| bytes[0] ^= 1);
        assert!(Growing::restore(&storage, 66_000, tree.root()).unwrap().is_none());
        assert!(whole(&storage, 66_000).unwrap().is_none(), "a tile that is not full");
        assert!(Growing::restore(&MemoryTree::new(), 3, tree.root()).unwrap().is_none());
        assert!(Growing::restore(&MemoryTree::new(), 0, Hash::of_nothing()).unwrap().is_some());
    }
}
