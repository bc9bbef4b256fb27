//! Whether every tenant's log is its records and no others, in their order: what an auditor of the whole node checks beside
//! the node's own tree ([`crate::verify`]), without any key.
//!
//! Every checkpoint that a record carries must be the tree of the tenant's records that came before, all of them, and so go on
//! from the one before. What lies in the tenants' files must be signed, be carried by a record, not be an older one than was
//! carried, and its tiles must come to its root. Where records were removed by age, the leaves that the tenant's tiles
//! have instead of them must be leaves of the node's tree, in their order, and of no two tenants.
//!
//! Segments that came back from an archive have no tenants' files beside them: then what records carry is checked as far as
//! the records are there.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use gabion_tlog::note::NoteError;
use gabion_tlog::tile::{Level, Tile, WIDTH};
use gabion_tlog::{Checkpoint, Hash, Note, Tree, VerifyingKey};

use super::growing::{stored, whole, wide_enough};
use super::{TenantCheckpoint, TenantStorage, TenantTag, carried, tagged};
use crate::Position;

/// A tenant's log is what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantVerified {
    pub tenant: TenantTag,
    /// What its last checkpoint says; without one, no records.
    pub size: u64,
    pub root: Hash,
    /// They are all of its records among so many of the node.
    pub through: u64,
    /// Newer ones, which wait for the tenant's next checkpoint.
    pub behind: u64,
}

/// A tenant's log is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum TenantFault {
    /// Two tenants have one record in their trees.
    #[error("the logs of the tenants {0} and {1} share a record")]
    Both(TenantTag, TenantTag),
    #[error("the tenants' files cannot be read")]
    Io(#[from] io::Error),
    /// A record carries a checkpoint that is not of the tenant's records before it.
    #[error("record {at} carries a checkpoint of tenant {tenant} that is not of its records")]
    Lies { at: Position, tenant: TenantTag },
    #[error("record {0} is a checkpoint of no tenant of this node")]
    Malformed(Position),
    #[error("the checkpoint of tenant {0} is missing")]
    Missing(TenantTag),
    /// The files are of a former day, or somebody took records out of them.
    #[error("the log of tenant {tenant} was rolled back: it has {kept} records, and {carried} were sealed")]
    RolledBack { tenant: TenantTag, kept: u64, carried: u64 },
    #[error("the tiles of tenant {0} do not come to the root of its checkpoint")]
    Tiles(TenantTag),
    #[error("more than {MOST_WAITING} records wait for a tenant's checkpoint")]
    TooMany,
    /// Leaves that stand for removed records are not the node's.
    #[error("the log of tenant {0} has records that the node's log has not, or has in another order")]
    Foreign(TenantTag),
    #[error("no record carries the checkpoint of tenant {0}")]
    Uncarried(TenantTag),
    #[error("the checkpoint of tenant {0} is not believed: {1}")]
    Unsigned(TenantTag, NoteError),
}

/// Records that may wait for a checkpoint in memory.
const MOST_WAITING: u64 = 1 << 23;
/// Tiles held while removed records are looked up.
const HELD_TILES: usize = 4096;

/// The audit under way: it is told every record of the node, from the first.
#[derive(Debug)]
pub struct Audit {
    key: VerifyingKey,
    storage: Arc<dyn TenantStorage>,
    tenants: BTreeMap<TenantTag, Tenant>,
    waiting: u64,
    /// There are no tenants' files at all.
    absent: bool,
    /// Checkpoints of so many records of the node are in the files, as those say themselves.
    stored: u64,
    /// The largest `through` that a record carries.
    newest: u64,
    removed: Removed,
    fault: Option<TenantFault>,
}

#[derive(Debug, Default)]
struct Tenant {
    /// Its checkpoint, as its file has it.
    kept: Option<(TenantCheckpoint, String)>,
    /// A record carries that one.
    is_carried: bool,
    /// The tree up to the last checkpoint that was carried; none while it is not known how many records were removed.
    tree: Option<Tree>,
    /// Leaves behind it, and where they stand.
    behind: Vec<(u64, Hash)>,
    /// What was carried last, and what before that.
    last: Option<TenantCheckpoint>,
    former: Option<TenantCheckpoint>,
}

/// Looks up leaves of removed records.
#[derive(Debug, Default)]
struct Removed {
    /// The next leaf that a tenant's tiles have, and how many were found before.
    expected: HashMap<Hash, TenantTag>,
    found: BTreeMap<TenantTag, u64>,
    tiles: HashMap<TenantTag, (u64, Vec<Hash>)>,
    any: bool,
    /// Checkpoints in files, by the leaf of the record that carries them.
    checkpoints: HashMap<Hash, TenantTag>,
}

impl Audit {
    /// Reads the tenants' checkpoints. To be asked before the node's is read: a gate that is running goes on.
    ///
    /// # Errors
    /// When they cannot be read, or one is not signed by the node.
    pub fn begin(storage: Arc<dyn TenantStorage>, key: &VerifyingKey) -> Result<Self, TenantFault> {
        // First: it is set once the files are there.
        let mark = storage.mark()?;
        let mut tenants = BTreeMap::new();
        for tag in storage.list()? {
            let kept = kept(&*storage, tag, key)?;
            tenants.insert(tag, Tenant { kept, ..Tenant::default() });
        }
        let absent = tenants.is_empty() && mark.is_none();
        let stored = mark.map_or(0, |mark| mark.through);
        Ok(Self {
            key: key.clone(),
            absent,
            stored,
            storage,
            tenants,
            waiting: 0,
            newest: 0,
            removed: Removed::default(),
            fault: None,
        })
    }

    /// Whether there are no tenants' files at all: only what records carry is checked.
    #[must_use]
    pub const fn is_without_files(&self) -> bool {
        self.absent
    }

    /// A record of the node that was removed by age, of which only the leaf is left. In their order, before all others.
    pub(crate) fn removed(&mut self, leaf: Hash) {
        if self.fault.is_none()
            && let Err(fault) = self.look_up(leaf)
        {
            self.fault = Some(fault);
        }
    }

    /// A record of the node, in their order.
    pub(crate) fn record(&mut self, position: Position, class: u32, payload: &[u8]) {
        if self.fault.is_none()
            && let Err(fault) = self.take(position, class, payload)
        {
            self.fault = Some(fault);
        }
    }

    /// Everything was told.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn finish(mut self) -> Result<Vec<TenantVerified>, TenantFault> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let tags: Vec<_> = self.tenants.keys().copied().collect();
        tags.into_iter().map(|tag| self.verdict(tag)).collect()
    }

    fn take(&mut self, position: Position, class: u32, payload: &[u8]) -> Result<(), TenantFault> {
        if let Some((tag, _)) = tagged(class, payload) {
            let tenant = self.tenants.entry(tag).or_default();
            tenant.behind.push((position.0, Hash::leaf(payload)));
            self.waiting = self.waiting.saturating_add(1);
            return if self.waiting > MOST_WAITING { Err(TenantFault::TooMany) } else { Ok(()) };
        }
        let Some(text) = carried(class, payload) else { return Ok(()) };
        let malformed = || TenantFault::Malformed(position);
        let text = std::str::from_utf8(text).map_err(|_| malformed())?;
        let own = TenantCheckpoint::parse(text, self.key.name()).ok_or_else(malformed)?;
        let lies = || TenantFault::Lies { at: position, tenant: own.tag };
        if own.through >= position.0 {
            return Err(lies());
        }
        let found = self.removed.found(own.tag);
        let tenant = match self.tenants.entry(own.tag) {
            Entry::Occupied(entry) => entry.into_mut(),
            // Of a tenant that has no file: all its records were removed, or it never had any.
            Entry::Vacant(entry) if self.absent => entry.insert(Tenant::default()),
            Entry::Vacant(_) => return Err(TenantFault::Missing(own.tag)),
        };
        tenant.is_carried |= tenant.kept.as_ref().is_some_and(|(_, kept)| kept == text);
        if let Some(last) = &tenant.last
            && (own.through < last.through || own.size < last.size)
        {
            return Err(lies());
        }
        if self.absent && found.is_some() {
            // What was before is not here to be added.
            tenant.behind.retain(|(position, _)| *position > own.through);
            tenant.former = tenant.last.replace(own);
            return Ok(());
        }
        let there = tenant.advance(&*self.storage, &own, found)?;
        self.waiting = self.waiting.saturating_sub(there);
        let tree = tenant.tree.as_ref().ok_or_else(lies)?;
        if tree.size() != own.size || tree.root() != own.root {
            return Err(lies());
        }
        self.newest = self.newest.max(own.through);
        tenant.former = tenant.last.replace(own);
        Ok(())
    }

    fn verdict(&mut self, tag: TenantTag) -> Result<TenantVerified, TenantFault> {
        let found = self.removed.found(tag);
        let absent = self.absent;
        let Some(tenant) = self.tenants.get_mut(&tag) else { return Err(TenantFault::Missing(tag)) };
        if absent {
            return Ok(tenant.verified(tag));
        }
        let storage = self.storage.tree(tag);
        // Of what was carried last the files may not be written yet; of everything before they are.
        let settled = match &tenant.last {
            Some(last) if last.through < self.newest || last.through <= self.stored => Some(last),
            _ => tenant.former.as_ref(),
        };
        let Some((own, _)) = tenant.kept.clone() else {
            return match (settled, kept(&*self.storage, tag, &self.key)?) {
                (Some(_), None) => Err(TenantFault::Missing(tag)),
                _ => Ok(tenant.verified(tag)),
            };
        };
        if let Some(last) = settled
            && own.through < last.through
        {
            // A gate that is running has gone on, perhaps.
            let now = kept(&*self.storage, tag, &self.key)?;
            if now.is_none_or(|(now, _)| now.through < last.through) {
                let (kept, carried) = (own.size, last.size);
                return Err(TenantFault::RolledBack { tenant: tag, kept, carried });
            }
        }
        if !tenant.is_carried {
            return Err(TenantFault::Uncarried(tag));
        }
        if whole(&*storage, own.size)? != Some(own.root) {
            return Err(TenantFault::Tiles(tag));
        }
        if tenant.last.is_none() {
            // Carried by a record that was removed.
            tenant.advance(&*self.storage, &own, found)?;
            let tree = tenant.tree.as_ref().ok_or(TenantFault::Uncarried(tag))?;
            if tree.size() != own.size || tree.root() != own.root {
                return Err(TenantFault::Foreign(tag));
            }
            tenant.last = Some(own);
        }
        Ok(tenant.verified(tag))
    }

    /// Whether the leaf is what some tenant has next.
    fn look_up(&mut self, leaf: Hash) -> Result<(), TenantFault> {
        if !self.removed.any {
            self.removed.any = true;
            let tags: Vec<_> = self.tenants.keys().copied().collect();
            for tag in tags {
                if let Some((_, text)) = self.tenants.get(&tag).and_then(|tenant| tenant.kept.as_ref()) {
                    self.removed.checkpoints.insert(Hash::leaf(text.as_bytes()), tag);
                }
                self.expect(tag, 0)?;
            }
        }
        if let Some(tag) = self.removed.checkpoints.get(&leaf)
            && let Some(tenant) = self.tenants.get_mut(tag)
        {
            tenant.is_carried = true;
        }
        let Some(tag) = self.removed.expected.remove(&leaf) else { return Ok(()) };
        let found = self.removed.found.entry(tag).or_default();
        *found = found.saturating_add(1);
        let next = *found;
        self.expect(tag, next)
    }

    fn expect(&mut self, tag: TenantTag, index: u64) -> Result<(), TenantFault> {
        let size =
            self.tenants.get(&tag).and_then(|tenant| tenant.kept.as_ref()).map_or(0, |(own, _)| own.size);
        let Some(tile) = Tile::holding(Level::Hashes(0), index, size) else { return Ok(()) };
        let removed = &mut self.removed;
        if removed.tiles.get(&tag).is_none_or(|(at, _)| *at != tile.index) {
            if removed.tiles.len() >= HELD_TILES {
                removed.tiles.clear();
            }
            let hashes = wide_enough(&*self.storage.tree(tag), tile)?.ok_or(TenantFault::Tiles(tag))?;
            removed.tiles.insert(tag, (tile.index, hashes));
        }
        let at = usize::try_from(index % WIDTH).unwrap_or(usize::MAX);
        let Some(leaf) = removed.tiles.get(&tag).and_then(|(_, hashes)| hashes.get(at)) else {
            return Ok(());
        };
        match removed.expected.insert(*leaf, tag) {
            Some(other) => Err(TenantFault::Both(other, tag)),
            None => Ok(()),
        }
    }
}

impl Removed {
    /// How many of the tenant's first leaves are those of removed records; none when no record was removed.
    fn found(&self, tag: TenantTag) -> Option<u64> {
        self.any.then(|| self.found.get(&tag).copied().unwrap_or_default())
    }
}

impl Tenant {
    /// Adds the leaves that a checkpoint speaks of; how many. Where the first records of the node were removed, their tree
    /// is that of the tenant's tiles, of which so many were `found` to be the node's.
    fn advance(
        &mut self,
        storage: &dyn TenantStorage,
        own: &TenantCheckpoint,
        found: Option<u64>,
    ) -> Result<u64, TenantFault> {
        let there = self.behind.partition_point(|(position, _)| *position <= own.through);
        if self.tree.is_none() {
            let gone = own.size.saturating_sub(there as u64);
            self.tree = match found {
                None => Some(Tree::new()),
                Some(found) if gone > found => return Err(TenantFault::Foreign(own.tag)),
                Some(_) => {
                    let tree = stored(&*storage.tree(own.tag), gone)?;
                    Some(tree.ok_or(TenantFault::Tiles(own.tag))?)
                }
            };
        }
        if let Some(tree) = &mut self.tree {
            self.behind.drain(..there).for_each(|(_, leaf)| tree.push(leaf, |_, _, _| {}));
        }
        Ok(there as u64)
    }

    fn verified(&self, tenant: TenantTag) -> TenantVerified {
        let behind = self.behind.len() as u64;
        let (size, root, through) = self
            .last
            .as_ref()
            .map_or((0, Hash::of_nothing(), 0), |last| (last.size, last.root, last.through));
        TenantVerified { tenant, size, root, through, behind }
    }
}

/// A tenant's checkpoint as its file has it, which the node must have signed.
fn kept(
    storage: &dyn TenantStorage,
    tag: TenantTag,
    key: &VerifyingKey,
) -> Result<Option<(TenantCheckpoint, String)>, TenantFault> {
    let Some(bytes) = storage.tree(tag).checkpoint()? else { return Ok(None) };
    let unsigned = |error| TenantFault::Unsigned(tag, error);
    let note = Note::parse(&bytes).map_err(unsigned)?;
    let malformed = || unsigned(NoteError::Malformed("it is not a tenant's"));
    let own_key = tag.key(key).map_err(|_| malformed())?;
    Checkpoint::open(&note, &own_key).map_err(unsigned)?;
    let own = TenantCheckpoint::parse(&note.text, key.name()).ok_or_else(malformed)?;
    Ok(Some((own, note.text)))
}
