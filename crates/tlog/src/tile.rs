//! The tree's hashes as files (C2SP tlog-tiles): tiles of 256, each file written once and never again.
//!
//! Tile `index` of `level` holds the nodes of the tree's level `8 * level` from `256 * index`. What lies between two
//! tile levels is hashed again when it is needed.

use std::fmt;

use crate::lines::number;
use crate::{Hash, Nodes};

/// Hashes in a full tile.
pub const WIDTH: u64 = 256;
/// Levels of the tree in one level of tiles.
const HEIGHT: u8 = 8;

/// The name of a tile of hashes or, with the level [`Level::Entries`], of a bundle of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    pub level: Level,
    pub index: u64,
    /// 1 to 256. Less than 256: the tile at the right edge of a tree of some size.
    pub width: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    Entries,
    /// 0 to 63.
    Hashes(u8),
}

impl Tile {
    /// The tile of this level that holds number `at` of the level, in a tree of `size` leaves. None when it holds none.
    #[must_use]
    pub fn holding(level: Level, at: u64, size: u64) -> Option<Self> {
        let shift = match level {
            Level::Entries => 0,
            Level::Hashes(level) => u32::from(level) * u32::from(HEIGHT),
        };
        let count = size.checked_shr(shift).unwrap_or(0);
        let index = at / WIDTH;
        let width = count.saturating_sub(index * WIDTH).min(WIDTH);
        let width = u16::try_from(width).ok()?;
        (at < count && width > 0).then_some(Self { level, index, width })
    }

    /// Every tile that a tree has and had not when it had `old` leaves: what a log writes when it grows.
    pub fn grown(old: u64, new: u64) -> impl Iterator<Item = Self> {
        let levels = std::iter::once(Level::Entries).chain((0..8).map(Level::Hashes));
        levels.flat_map(move |level| {
            let shift = match level {
                Level::Entries => 0,
                Level::Hashes(level) => u32::from(level) * u32::from(HEIGHT),
            };
            let (old, new) = (old.checked_shr(shift).unwrap_or(0), new.checked_shr(shift).unwrap_or(0));
            let first = old / WIDTH;
            let last = if new > old { new.div_ceil(WIDTH) } else { first };
            (first..last).filter_map(move |index| {
                let width = u16::try_from(new.saturating_sub(index * WIDTH).min(WIDTH)).ok()?;
                Some(Self { level, index, width })
            })
        })
    }

    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.width as u64 == WIDTH
    }

    /// From its path below the log's prefix.
    #[must_use]
    pub fn from_path(path: &str) -> Option<Self> {
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let level = match level {
            "entries" => Level::Entries,
            level => Level::Hashes(
                number(level).and_then(|level| u8::try_from(level).ok()).filter(|level| *level < 64)?,
            ),
        };
        let (rest, width) = match rest.split_once(".p/") {
            Some((rest, width)) => (rest, number(width).filter(|width| (1..WIDTH).contains(width))?),
            None => (rest, WIDTH),
        };
        let mut index = 0_u64;
        let mut parts = rest.split('/').peekable();
        while let Some(part) = parts.next() {
            let digits = if parts.peek().is_some() { part.strip_prefix('x')? } else { part };
            if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let tile = Self { level, index, width: u16::try_from(width).ok()? };
        // One path for each tile: no `x000` in front.
        (tile.to_string() == path).then_some(tile)
    }

    /// The hashes of a tile's file, as many as its name says.
    #[must_use]
    pub fn hashes(&self, file: &[u8]) -> Option<Vec<Hash>> {
        let (hashes, rest) = file.as_chunks::<{ Hash::SIZE }>();
        let right = rest.is_empty() && hashes.len() == usize::from(self.width);
        right.then(|| hashes.iter().copied().map(Hash).collect())
    }
}

impl fmt::Display for Tile {
    /// The path below the log's prefix.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Level::Entries => formatter.write_str("tile/entries/")?,
            Level::Hashes(level) => write!(formatter, "tile/{level}/")?,
        }
        let mut groups = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        while let Some(group) = groups.pop() {
            let (before, after) = if groups.is_empty() { ("", "") } else { ("x", "/") };
            write!(formatter, "{before}{group:03}{after}")?;
        }
        if self.is_full() { Ok(()) } else { write!(formatter, ".p/{}", self.width) }
    }
}

/// Looks nodes up in tiles, those of a tree of `size` leaves.
#[derive(Debug)]
pub struct TileNodes<F> {
    fetch: F,
    size: u64,
}

/// Why a node could not be had.
#[derive(Debug, thiserror::Error)]
pub enum TileError<E> {
    #[error("the tree has no node {index} of level {level}")]
    NoSuchNode { level: u8, index: u64 },
    #[error("{tile}: it does not hold {} hashes", tile.width)]
    Malformed { tile: Tile },
    #[error(transparent)]
    Fetch(E),
}

impl<E, F: Fn(Tile) -> Result<Vec<u8>, E>> TileNodes<F> {
    /// `fetch` reads the file of a tile.
    pub const fn new(fetch: F, size: u64) -> Self {
        Self { fetch, size }
    }
}

impl<E, F: Fn(Tile) -> Result<Vec<u8>, E>> Nodes for TileNodes<F> {
    type Error = TileError<E>;

    fn node(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let missing = || TileError::NoSuchNode { level, index };
        let above = level % HEIGHT;
        let first = index.checked_mul(1 << above).ok_or_else(missing)?;
        let count = 1_usize << above;
        let of_tiles = Level::Hashes(level / HEIGHT);
        let tile = Tile::holding(of_tiles, first, self.size).ok_or_else(missing)?;
        let file = (self.fetch)(tile).map_err(TileError::Fetch)?;
        let hashes = tile.hashes(&file).ok_or(TileError::Malformed { tile })?;
        let start = usize::try_from(first % WIDTH).map_err(|_| missing())?;
        let mut hashes = hashes.get(start..start.saturating_add(count)).ok_or_else(missing)?.to_vec();
        while hashes.len() > 1 {
            hashes =
                hashes.as_chunks::<2>().0.iter().map(|[left, right]| Hash::node(*left, *right)).collect();
        }
        hashes.first().copied().ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{self, InMemory, NoSuchNode};
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn the_specification_s_examples() {
        let tile = |level, index, width| Tile { level: Level::Hashes(level), index, width };
        assert_eq!(tile(0, 1_234_067, 256).to_string(), "tile/0/x001/x234/067");
        let grown: Vec<_> = Tile::grown(0, 70_000).filter(|tile| tile.level != Level::Entries).collect();
        assert_eq!(grown.len(), 273 + 1 + 1 + 1 + 1);
        for partial in [tile(0, 273, 112), tile(1, 1, 17), tile(2, 0, 1)] {
            assert!(grown.contains(&partial), "{partial}");
        }
        let small: Vec<_> = Tile::grown(0, 256).map(|tile| tile.to_string()).collect();
        assert_eq!(small, ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
    }

    #[test]
    fn a_path_has_one_spelling() {
        for wrong in [
            "tile/0/0",
            "tile/00/000",
            "tile/64/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/x000/001",
            "tile/0/000/001",
            "tile/0/x001",
            "tile/-1/000",
            "tile/0/",
            "tile/entries/000.p/01",
            "tile//000",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
            "/tile/0/000",
            "tile/0/+01",
        ] {
            assert_eq!(Tile::from_path(wrong), None, "{wrong}");
        }
    }

    /// The tiles of a tree as a log keeps them.
    fn files(whole: &InMemory, old: u64, size: u64, files: &mut HashMap<Tile, Vec<u8>>) {
        for tile in Tile::grown(old, size) {
            let Level::Hashes(level) = tile.level else { continue };
            let first = tile.index * WIDTH;
            let nodes = (first..first + u64::from(tile.width)).map(|at| whole.node(level * 8, at).unwrap().0);
            files.insert(tile, nodes.flatten().collect());
        }
    }

    #[test]
    fn tiles_give_every_node_of_the_tree() {
        let mut whole = InMemory::new();
        let mut kept = HashMap::new();
        let mut old = 0;
        for size in [1, 3, 255, 256, 257, 600, 70_000] {
            (old..size).for_each(|number: u64| whole.push(Hash::leaf(&number.to_be_bytes())));
            files(&whole, old, size, &mut kept);
            old = size;
            let nodes = TileNodes::new(|tile| kept.get(&tile).cloned().ok_or(tile), size);
            assert_eq!(tree::root(&nodes, size).unwrap(), whole.tree().root());
            for level in 0..17_u8 {
                for index in (0..size >> level).step_by(997) {
                    assert_eq!(nodes.node(level, index).unwrap(), whole.node(level, index).unwrap());
                }
            }
        }
        let cut = TileNodes::new(|_| Ok::<_, NoSuchNode>(vec![0; 31]), 3);
        assert!(matches!(cut.node(0, 0), Err(TileError::Malformed { .. })));
        assert!(matches!(cut.node(0, 3), Err(TileError::NoSuchNode { .. })));
        assert!(matches!(cut.node(63, u64::MAX), Err(TileError::NoSuchNode { .. })));
    }

    proptest! {
        #[test]
        fn names_round_trip(level in prop::option::of(0_u8..64), index in 0_u64..1 << 55, width in 1_u16..=256) {
            let level = level.map_or(Level::Entries, Level::Hashes);
            let tile = Tile { level, index, width };
            prop_assert_eq!(Tile::from_path(&tile.to_string()), Some(tile));
        }

        #[test]
        fn any_text_is_a_path_or_not(text in ".{0,60}", digits in "tile/[0-9x/.p]{0,20}") {
            let _ = (Tile::from_path(&text), Tile::from_path(&digits));
        }
    }
}
