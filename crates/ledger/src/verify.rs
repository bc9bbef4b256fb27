//! What an auditor does: read every record, make the tree again, and compare it with what the log signed.

use std::io;
use std::sync::Arc;

use gabion_tlog::tile::{Level, Tile, WIDTH};
use gabion_tlog::trust::{Disbelief, Trust};
use gabion_tlog::{Hash, Note, Tree};

use crate::reader::Forwards;
use crate::tenants::audit::{Audit, TenantFault};
use crate::{Position, ReadError, Reader, TreeStorage, sealer};

/// Everything is as it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The records that are in the checkpoint's tree.
    pub size: u64,
    pub root: Hash,
    /// The first record that is there: earlier ones were removed by the setting `keep`, and only their hashes are left.
    pub first: Position,
    /// Records behind the checkpoint's tree, which nothing vouches for yet.
    pub behind: u64,
}

/// The records are not what was signed.
#[derive(Debug, thiserror::Error)]
pub enum Unproven {
    /// The record is not the one that stood there, or stands where another one stood.
    #[error("record {0} is not the one that was sealed")]
    Changed(Position),
    #[error("the checkpoint is not believed: {0}")]
    Checkpoint(#[from] Disbelief),
    #[error("the ledger's tree cannot be read")]
    Io(#[from] io::Error),
    /// A checkpoint that was handed in is not of this ledger's past.
    #[error("the tree of {0} records is not the beginning of this ledger's: its history was written anew")]
    Rewritten(u64),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("record {0} is missing")]
    Removed(Position),
    /// The records do not come to the root, and without right tiles nobody can say which is the wrong one.
    #[error("the records do not come to the root that was signed, and the tree's tiles do not either")]
    Root,
    #[error(transparent)]
    Tenant(#[from] TenantFault),
    #[error("the ledger ends with record {last}, and {sealed} records were sealed")]
    Truncated { last: u64, sealed: u64 },
}

/// Reads everything and checks it against a checkpoint that `trust` believes in, and against former ones.
///
/// `tiles` name the first wrong record and stand for records that were removed by age; without them (none, or a ledger
/// whose tiles were lost) a wrong record is found, not named. `progress` is told the number of each record read.
pub fn verify(
    reader: &Reader,
    tiles: Option<&Arc<dyn TreeStorage>>,
    trust: &Trust,
    note: &Note,
    former: &[Note],
    progress: impl FnMut(u64),
) -> Result<Verified, Unproven> {
    verify_with(reader, tiles, trust, note, former, None, progress)
}

/// The same, and tells an audit of the tenants' logs every record, also those behind the checkpoint. What it found is its
/// own to say.
///
/// # Errors
/// When the node's own log is not what was signed.
pub fn verify_with(
    reader: &Reader,
    tiles: Option<&Arc<dyn TreeStorage>>,
    trust: &Trust,
    note: &Note,
    former: &[Note],
    mut audit: Option<&mut Audit>,
    mut progress: impl FnMut(u64),
) -> Result<Verified, Unproven> {
    let checkpoint = trust.open(note)?;
    let log_alone = Trust::in_log(trust.log.clone());
    let mut earlier = former.iter().map(|note| log_alone.open(note)).collect::<Result<Vec<_>, _>>()?;
    earlier.sort_by_key(|checkpoint| checkpoint.size);
    if let Some(newer) = earlier.iter().find(|earlier| earlier.size > checkpoint.size) {
        return Err(Unproven::Truncated { last: checkpoint.size, sealed: newer.size });
    }
    let mut earlier = earlier.into_iter().peekable();
    let last = reader.last().map_or(0, |last| last.0);
    if last < checkpoint.size {
        return Err(Unproven::Truncated { last, sealed: checkpoint.size });
    }
    let mut leaves = Leaves { tiles, size: checkpoint.size, at: None };
    let mut tree = Tree::new();
    let mut first_wrong = None;
    let mut walk = Forwards::begin(reader, None)?;
    let mut found = walk.next(reader)?;
    let first = found.as_ref().map_or(Position(last).next(), |found| found.position);
    loop {
        let size = tree.size();
        while let Some(former) = earlier.next_if(|former| former.size == size) {
            if former.root != tree.root() && first_wrong.is_none() {
                return Err(Unproven::Rewritten(size));
            }
        }
        if size == checkpoint.size {
            break;
        }
        let position = Position(size).next();
        let own = match &found {
            Some(there) if there.position == position => Some(Hash::leaf(&there.payload)),
            Some(there) if there.position > position => None,
            _ => return Err(Unproven::Removed(position)),
        };
        let kept = leaves.of(position)?;
        let leaf = match (own, kept) {
            (Some(own), Some(kept)) if own != kept => {
                first_wrong = first_wrong.or(Some(position));
                own
            }
            (Some(own), _) => own,
            // Removed by age, which only happens at the beginning.
            (None, Some(kept)) if position < first => kept,
            (None, _) => return Err(Unproven::Removed(position)),
        };
        tree.push(leaf, |_, _, _| {});
        if let Some(audit) = &mut audit {
            match &found {
                Some(there) if own.is_some() => audit.record(there.position, there.class, &there.payload),
                _ => audit.removed(leaf),
            }
        }
        if own.is_some() {
            progress(position.0);
            found = walk.next(reader)?;
        }
    }
    if tree.root() == checkpoint.root {
        // Tiles that differ from records that are right are wrong themselves, and prove nothing.
        let behind = last.saturating_sub(checkpoint.size);
        // Intact all the same: what is behind was acknowledged.
        while let Some(there) = found {
            if let Some(audit) = &mut audit {
                audit.record(there.position, there.class, &there.payload);
            }
            found = walk.next(reader)?;
        }
        return Ok(Verified { size: checkpoint.size, root: checkpoint.root, first, behind });
    }
    // The tiles say which record it is, when they are the ones that were signed.
    let by_tiles = tiles.map(|tiles| sealer::root_of_tiles(&**tiles, checkpoint.size)).transpose()?.flatten();
    match first_wrong {
        Some(position) if by_tiles == Some(checkpoint.root) => Err(Unproven::Changed(position)),
        _ => Err(Unproven::Root),
    }
}

/// Leaves as the tiles of level 0 have them, read one tile after the other.
struct Leaves<'a> {
    tiles: Option<&'a Arc<dyn TreeStorage>>,
    size: u64,
    at: Option<(u64, Option<Vec<Hash>>)>,
}

impl Leaves<'_> {
    fn of(&mut self, position: Position) -> Result<Option<Hash>, io::Error> {
        let Some(tiles) = self.tiles else { return Ok(None) };
        let index = position.0.saturating_sub(1);
        let number = index / WIDTH;
        if self.at.as_ref().is_none_or(|(at, _)| *at != number) {
            let Some(tile) = Tile::holding(Level::Hashes(0), index, self.size) else { return Ok(None) };
            self.at = Some((number, tiles.tile(tile)?.and_then(|file| tile.hashes(&file))));
        }
        let hashes = self.at.as_ref().and_then(|(_, hashes)| hashes.as_ref());
        let at = usize::try_from(index % WIDTH).unwrap_or(usize::MAX);
        Ok(hashes.and_then(|hashes| hashes.get(at)).copied())
    }
}
