//! A tenant's log to be read: what can be proved of the tree of its checkpoint.

use std::io;
use std::sync::Arc;

use gabion_tlog::note::NoteError;
use gabion_tlog::tile::{Level, Tile, TileError, WIDTH};
use gabion_tlog::{Hash, Note};

use super::growing::{bytes, nodes, whole, wide_enough};
use super::{TenantCheckpoint, TenantStorage, TenantTag};
use crate::{Position, SealError, Sealed, TreeStorage};

/// One tenant's log, as its last checkpoint has it.
#[derive(Debug)]
pub struct TenantLog {
    storage: Arc<dyn TreeStorage>,
    note: Note,
    checkpoint: TenantCheckpoint,
}

impl TenantLog {
    /// None when the tenant has no checkpoint. Nobody has checked its signature yet.
    ///
    /// # Errors
    /// When it cannot be read, or is not this tenant's of this node.
    pub fn open(
        storage: &dyn TenantStorage,
        tenant: TenantTag,
        node: &str,
    ) -> Result<Option<Self>, SealError> {
        let storage = storage.tree(tenant);
        let Some(bytes) = storage.checkpoint()? else { return Ok(None) };
        let note = Note::parse(&bytes).map_err(SealError::Checkpoint)?;
        let other = || SealError::Checkpoint(NoteError::Malformed("the checkpoint is another tenant's"));
        let checkpoint = TenantCheckpoint::parse(&note.text, node).ok_or_else(other)?;
        if checkpoint.tag != tenant {
            return Err(other());
        }
        Ok(Some(Self { storage, note, checkpoint }))
    }

    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }

    #[must_use]
    pub const fn checkpoint(&self) -> &TenantCheckpoint {
        &self.checkpoint
    }

    /// Where a record is in this log, found by the leaf of its stored bytes; none when it is not.
    ///
    /// # Errors
    /// [`SealError::Tree`] when tiles are missing.
    pub fn index(&self, leaf: Hash) -> Result<Option<u64>, SealError> {
        let size = self.checkpoint.size;
        for first in (0..size).step_by(256) {
            let hashes = self.leaves(first)?;
            if let Some(at) = hashes.iter().position(|hash| *hash == leaf) {
                return Ok(Some(first.saturating_add(at as u64)));
            }
        }
        Ok(None)
    }

    /// The leaves of one tile, the one that has leaf `first`.
    fn leaves(&self, first: u64) -> Result<Vec<Hash>, SealError> {
        let tile = Tile::holding(Level::Hashes(0), first, self.checkpoint.size).ok_or(SealError::Tree)?;
        wide_enough(&*self.storage, tile)?.ok_or(SealError::Tree)
    }

    /// The neighbours that show that an entry is in the log; none when it is not.
    ///
    /// # Errors
    /// [`SealError::Tree`] when tiles are missing.
    pub fn inclusion(&self, index: u64) -> Result<Option<Vec<Hash>>, SealError> {
        let size = self.checkpoint.size;
        gabion_tlog::proof::inclusion(&nodes(&*self.storage, size), index, size).map_err(of_tile)
    }

    /// The tiles of its tree, none wider than the checkpoint asks for: what another reader is given.
    ///
    /// # Errors
    /// [`SealError::Tree`] when one is missing.
    pub fn tiles(&self) -> impl Iterator<Item = Result<(Tile, Vec<u8>), SealError>> + '_ {
        let hashes = Tile::grown(0, self.checkpoint.size).filter(|tile| tile.level != Level::Entries);
        hashes.map(|tile| {
            let kept = wide_enough(&*self.storage, tile)?;
            let hashes = match (kept, tile.level) {
                (Some(hashes), _) => hashes,
                // Above level 0 what is not full need not be on the disk.
                (None, Level::Hashes(level)) if level > 0 => self.above(tile, level)?,
                (None, _) => return Err(SealError::Tree),
            };
            Ok((tile, bytes(&hashes)))
        })
    }

    fn above(&self, tile: Tile, level: u8) -> Result<Vec<Hash>, SealError> {
        let nodes = nodes(&*self.storage, self.checkpoint.size);
        let first = tile.index.saturating_mul(WIDTH);
        let node = |at| {
            // The two nodes below are in full tiles.
            let half = |index| gabion_tlog::Nodes::node(&nodes, level.saturating_mul(8) - 1, index);
            Ok(Hash::node(half(at * 2).map_err(of_tile)?, half(at * 2 + 1).map_err(of_tile)?))
        };
        (first..first.saturating_add(u64::from(tile.width))).map(node).collect()
    }

    /// Which record of the node carries the checkpoint; none while the node's checkpoint does not have it.
    ///
    /// # Errors
    /// [`SealError::Tree`] when the node's tiles are missing.
    pub fn carrier(&self, node: &Sealed) -> Result<Option<Position>, SealError> {
        let leaf = Hash::leaf(self.note.text.as_bytes());
        for record in self.checkpoint.through.saturating_add(1)..=node.checkpoint().size {
            if node.leaf(Position(record))? == leaf {
                return Ok(Some(Position(record)));
            }
        }
        Ok(None)
    }
}

/// The root that stored tiles come to, of which every one is looked at; none when one is missing or wrong.
///
/// # Errors
/// When they cannot be read.
pub fn root_of_tiles(storage: &dyn TreeStorage, size: u64) -> io::Result<Option<Hash>> {
    whole(storage, size)
}

pub(crate) fn of_tile(error: TileError<io::Error>) -> SealError {
    match error {
        TileError::Fetch(error) if error.kind() != io::ErrorKind::NotFound => SealError::Io(error),
        _ => SealError::Tree,
    }
}
