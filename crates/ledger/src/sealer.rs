//! Proof that the record was not edited: a Merkle tree (RFC 6962) over the payloads of all records, and a signed
//! checkpoint of it every second in which something was recorded.
//!
//! Leaf `n` is the record of sequence number `n + 1`. Beside the segments lie the tree's tiles (C2SP tlog-tiles) and
//! the last checkpoint (C2SP tlog-checkpoint), so that any reader of such logs can read them. Durable at once are the
//! checkpoint, once a second, and the leaves that are in no full tile yet. Full tiles are synced a minute or two later, when
//! the system has written them anyway and it costs next to nothing; up to which checkpoint that is done stands in a file of its
//! own, `settled`, and no record beyond it is removed by age. What a crash leaves of tiles behind it is compared with the records
//! when the ledger is opened, and made again (`rebuild`), as is everything else at the edge, and any full tile that is missing
//! or damaged.
//!
//! - [`Sealer`] grows the tree, in a thread of its own (`integrate`); [`Sealed`] reads it: inclusion, consistency, the root.
//! - [`verify`](mod@crate::verify) is what an auditor does with it.
//!
//! What this shows and what not: whoever has the files and the key can write another history. They cannot once a
//! checkpoint is in somebody else's hands: a witness's, an auditor's.

use std::fmt;
use std::io;
use std::sync::Arc;
#[cfg(feature = "write")]
use std::time::Duration;

#[cfg(feature = "write")]
use gabion_model::Timestamp;
#[cfg(feature = "write")]
use gabion_tlog::SigningKey;
use gabion_tlog::note::NoteError;
use gabion_tlog::tile::{Level, Tile, TileError, TileNodes, WIDTH};
use gabion_tlog::{Checkpoint, Hash, Nodes, Note, Tree};

use crate::reader::Forwards;
#[cfg(feature = "write")]
use crate::rebuild;
use crate::{Position, ReadError, Reader};

/// Where tiles and the checkpoint lie.
pub trait TreeStorage: Send + Sync + fmt::Debug {
    /// The hashes of a tile; none when there is no such file.
    fn tile(&self, tile: Tile) -> io::Result<Option<Vec<u8>>>;

    /// Keeps a tile and forgets those of the same place that were less wide. A full one and one of level 0 are durable on
    /// return, another need not be.
    fn put_tile(&self, tile: Tile, hashes: &[u8]) -> io::Result<()>;

    /// Keeps a full tile, durable once [`sync_tiles`](Self::sync_tiles) has been told of it. Until then those of its place that
    /// were less wide stay.
    fn place_tile(&self, tile: Tile, hashes: &[u8]) -> io::Result<()> {
        self.put_tile(tile, hashes)
    }

    /// Makes full tiles durable, and forgets those of their places that were less wide.
    fn sync_tiles(&self, _tiles: &[Tile]) -> io::Result<()> {
        Ok(())
    }

    /// The widest tile of this place that is not full.
    fn partial_tile(&self, _tile: Tile) -> io::Result<Option<(Tile, Vec<u8>)>> {
        Ok(None)
    }

    /// The checkpoint whose full tiles are known to be durable, as a signed note.
    fn settled(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    /// Replaces it, whole or not at all, durable on return.
    fn put_settled(&self, _note: &[u8]) -> io::Result<()> {
        Ok(())
    }

    /// The last checkpoint, as a signed note.
    fn checkpoint(&self) -> io::Result<Option<Vec<u8>>>;

    /// Replaces the checkpoint, whole or not at all, durable on return.
    fn put_checkpoint(&self, note: &[u8]) -> io::Result<()>;

    /// The last checkpoint that enough witnesses cosigned, with their lines.
    fn cosigned(&self) -> io::Result<Option<Vec<u8>>>;

    /// Replaces it, whole or not at all, durable on return.
    fn put_cosigned(&self, note: &[u8]) -> io::Result<()>;
}

/// What a ledger is sealed with.
#[cfg(feature = "write")]
#[derive(Debug)]
pub struct Seal {
    pub key: SigningKey,
    pub storage: Arc<dyn TreeStorage>,
}

/// The seal and the records do not belong together, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("the ledger's checkpoint is not believed: {0}")]
    Checkpoint(#[source] NoteError),
    #[error("the ledger's tree cannot be read or written")]
    Io(#[from] io::Error),
    /// A former state with the right key, or another history.
    #[error("witnesses cosigned another history of the first {0} records")]
    Cosigned(u64),
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Records that had been sealed are gone: a copy of former days was put back, or the end was cut off.
    #[error("the checkpoint says {sealed} records, and the ledger ends with {last}")]
    RolledBack { sealed: u64, last: u64 },
    /// A tile is missing or is not what it was.
    #[error("the ledger's tree is not the one its checkpoint was made of")]
    Tree,
}

/// How long what was recorded waits for its checkpoint.
#[cfg(feature = "write")]
const EVERY: Duration = Duration::from_secs(1);
/// After so long the system has written what it was given.
#[cfg(feature = "write")]
const AGE: Duration = Duration::from_secs(60);
/// The most records that can have been gone before there was a seal.
#[cfg(feature = "write")]
const MOST_UNKNOWN: u64 = 1 << 32;
/// Full tiles that wait for the disk while a tree is made.
#[cfg(feature = "write")]
const HELD_TILES: usize = 256;
/// Levels of tiles that trees of 2^63 leaves have.
pub(crate) const LEVELS: u8 = 8;

/// Grows the tree and signs it.
#[cfg(feature = "write")]
#[derive(Debug)]
pub(crate) struct Sealer {
    seal: Seal,
    tree: Tree,
    edge: Edge,
    /// Full tiles that are not stored yet.
    full: Vec<(Tile, Vec<u8>)>,
    /// Those that are stored and not known to be durable.
    young: Vec<Tile>,
    /// Those that were young a while ago, and the checkpoint of then.
    aging: Option<Aging>,
    turned: Timestamp,
    /// The last checkpoint whose tiles are durable.
    settled: u64,
    note: Vec<u8>,
    /// Size and time of the last checkpoint.
    sealed: u64,
    at: Timestamp,
    /// See [`unknown`](Self::unknown).
    unknown: u64,
}

/// Full tiles on their way to the disk.
#[cfg(feature = "write")]
#[derive(Debug)]
struct Aging {
    tiles: Vec<Tile>,
    size: u64,
    note: Vec<u8>,
}

/// The hashes of each level's tile that is not full yet, from level 0.
#[derive(Debug, Default, Clone)]
pub(crate) struct Edge(Vec<Vec<Hash>>);

impl Edge {
    fn row(&mut self, level: u8) -> Option<&mut Vec<Hash>> {
        let level = usize::from(level);
        if self.0.len() <= level {
            self.0.resize(level.saturating_add(1), Vec::new());
        }
        self.0.get_mut(level)
    }

    pub(crate) fn bytes(&self, level: u8) -> Vec<u8> {
        self.0
            .get(usize::from(level))
            .map(|row| row.iter().flat_map(|hash| hash.0).collect())
            .unwrap_or_default()
    }
}

#[cfg(feature = "write")]
impl Sealer {
    /// Reads the checkpoint, sees that it is this key's and that what it says is still there, and seals what was recorded
    /// since.
    pub(crate) fn open(seal: Seal, reader: &Reader, now: Timestamp) -> Result<Self, SealError> {
        let checkpoint = read_checkpoint(&seal)?;
        let last = reader.last().map_or(0, |last| last.0);
        let size = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size);
        if size > last {
            return Err(SealError::RolledBack { sealed: size, last });
        }
        let (mut tree, mut edge) = (Tree::new(), Edge::default());
        let begun = checkpoint.is_some();
        if let Some(checkpoint) = checkpoint {
            mend_young(&seal, reader, &checkpoint)?;
            (tree, edge) = match restore(&*seal.storage, reader, &checkpoint) {
                Err(SealError::Tree) => {
                    let mended = rebuild::tiles(&*seal.storage, reader, &checkpoint)?;
                    tracing::warn!(mended, "ledger tiles made again");
                    restore(&*seal.storage, reader, &checkpoint)?
                }
                restored => restored?,
            };
            let note = seal.storage.checkpoint()?.unwrap_or_default();
            if seal.storage.settled()?.as_ref() != Some(&note) {
                seal.storage.put_settled(&note)?;
            }
        }
        let mut sealer = Self {
            seal,
            tree,
            edge,
            full: Vec::new(),
            young: Vec::new(),
            aging: None,
            turned: now,
            settled: size,
            note: Vec::new(),
            sealed: size,
            at: now,
            unknown: 0,
        };
        // What a crash left without a checkpoint, or all of a ledger that had none.
        let mut walk = Forwards::begin(reader, Some(Position(sealer.tree.size()).next()))?;
        while let Some(found) = walk.next(reader)? {
            if found.position.0 != sealer.tree.size().saturating_add(1) {
                // Records are missing in the middle, or more than there can have been.
                if begun || sealer.tree.size() > 0 || found.position.0 > MOST_UNKNOWN {
                    return Err(SealError::Tree);
                }
                sealer.begin_late(found.position)?;
            }
            sealer.add(&found.payload);
        }
        // Before anything is signed.
        sealer.heed_witnesses()?;
        if begun {
            sealer.seal(now)?;
        } else {
            // Even of no records: from its first moment on, somebody vouches for what a ledger has.
            sealer.sign(now)?;
        }
        sealer.settle()?;
        Ok(sealer)
    }

    /// The first records were removed by age before there was a seal. Their leaves stand for nothing: the hash of no bytes,
    /// which no record has.
    fn begin_late(&mut self, first: Position) -> io::Result<()> {
        for _ in 1..first.0 {
            self.add(&[]);
            if self.full.len() > HELD_TILES {
                self.store_full()?;
            }
        }
        self.unknown = first.0.saturating_sub(1);
        Ok(())
    }

    /// How many records a checkpoint covers whose tiles are durable.
    pub(crate) const fn settled(&self) -> u64 {
        self.settled
    }

    /// How many records were gone before there was a seal, when this opening found it out.
    pub(crate) const fn unknown(&self) -> u64 {
        self.unknown
    }

    fn store_full(&mut self) -> io::Result<()> {
        for (tile, hashes) in &self.full {
            self.seal.storage.place_tile(*tile, hashes)?;
        }
        self.young.extend(self.full.drain(..).map(|(tile, _)| tile));
        Ok(())
    }

    /// What witnesses cosigned must be the beginning of what is here.
    fn heed_witnesses(&self) -> Result<(), SealError> {
        let Some(bytes) = self.seal.storage.cosigned()? else { return Ok(()) };
        let note = Note::parse(&bytes).map_err(SealError::Checkpoint)?;
        let cosigned = Checkpoint::open(&note, self.seal.key.verifying()).map_err(SealError::Checkpoint)?;
        let last = self.tree.size();
        if cosigned.size > last {
            return Err(SealError::RolledBack { sealed: cosigned.size, last });
        }
        let fetch = |tile: Tile| match self.full.iter().find(|(full, _)| *full == tile) {
            Some((_, hashes)) => Ok(hashes.clone()),
            None => fetched(&*self.seal.storage, &self.edge, tile),
        };
        let nodes = TileNodes::new(fetch, last);
        let root = gabion_tlog::tree::root(&nodes, cosigned.size).map_err(of_tile)?;
        if root == cosigned.root { Ok(()) } else { Err(SealError::Cosigned(cosigned.size)) }
    }

    /// Takes a durable record into the tree.
    pub(crate) fn add(&mut self, payload: &[u8]) {
        let (edge, full) = (&mut self.edge, &mut self.full);
        self.tree.push(Hash::leaf(payload), |level, index, hash| {
            if level % 8 != 0 {
                return;
            }
            let level = level / 8;
            let Some(row) = edge.row(level) else { return };
            row.push(hash);
            if row.len() as u64 == WIDTH {
                let tile = Tile { level: Level::Hashes(level), index: index / WIDTH, width: 256 };
                full.push((tile, row.iter().flat_map(|hash| hash.0).collect()));
                row.clear();
            }
        });
    }

    /// How long what was added may still wait; none when nothing waits.
    pub(crate) fn due_in(&self, now: Timestamp) -> Option<Duration> {
        // A clock that was set back must not let it wait until the old time comes again.
        let wait =
            if now < self.at { Duration::ZERO } else { EVERY.saturating_sub(now.saturating_since(self.at)) };
        (self.tree.size() > self.sealed).then_some(wait)
    }

    /// Signs what was added, if anything was.
    pub(crate) fn seal(&mut self, now: Timestamp) -> io::Result<()> {
        if self.tree.size() == self.sealed { Ok(()) } else { self.sign(now) }
    }

    /// Writes what became full, then the checkpoint.
    fn sign(&mut self, now: Timestamp) -> io::Result<()> {
        self.store_full()?;
        for tile in Tile::grown(self.sealed, self.tree.size()).filter(|tile| !tile.is_full()) {
            if let Level::Hashes(level) = tile.level {
                self.seal.storage.put_tile(tile, &self.edge.bytes(level))?;
            }
        }
        let origin = self.seal.key.verifying().name().to_owned();
        let checkpoint =
            Checkpoint { origin, size: self.tree.size(), root: self.tree.root(), extensions: Vec::new() };
        let note = checkpoint.sign(&self.seal.key).to_string();
        self.seal.storage.put_checkpoint(note.as_bytes())?;
        (self.sealed, self.at, self.note) = (checkpoint.size, now, note.into_bytes());
        if now < self.turned || now.saturating_since(self.turned) >= AGE {
            self.turn(now)?;
        }
        Ok(())
    }

    /// Settles what has aged, and lets age what is young.
    fn turn(&mut self, now: Timestamp) -> io::Result<()> {
        if let Some(aging) = &self.aging {
            self.seal.storage.sync_tiles(&aging.tiles)?;
            self.seal.storage.put_settled(&aging.note)?;
            self.settled = aging.size;
        }
        let tiles = std::mem::take(&mut self.young);
        self.aging = Some(Aging { tiles, size: self.sealed, note: self.note.clone() });
        self.turned = now;
        Ok(())
    }

    /// Makes everything durable that is sealed.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        if self.settled == self.sealed && self.note.is_empty() {
            return Ok(());
        }
        let aging = self.aging.iter().flat_map(|aging| &aging.tiles);
        let tiles: Vec<Tile> = aging.chain(&self.young).copied().collect();
        self.seal.storage.sync_tiles(&tiles)?;
        self.seal.storage.put_settled(&self.note)?;
        (self.aging, self.settled) = (None, self.sealed);
        self.young.clear();
        Ok(())
    }
}

/// After a crash: full tiles that had not been synced are compared with the records they are of.
#[cfg(feature = "write")]
fn mend_young(seal: &Seal, reader: &Reader, checkpoint: &Checkpoint) -> Result<(), SealError> {
    // One that is not believed settles nothing: then all tiles are looked at.
    let settled = seal.storage.settled()?.and_then(|bytes| {
        let note = Note::parse(&bytes).ok()?;
        Checkpoint::open(&note, seal.key.verifying()).ok().filter(|settled| settled.size <= checkpoint.size)
    });
    let settled = settled.map_or(0, |settled| settled.size);
    if settled / WIDTH == checkpoint.size / WIDTH {
        return Ok(());
    }
    let mended = rebuild::tiles_since(&*seal.storage, reader, checkpoint, settled)?;
    if mended > 0 {
        tracing::warn!(mended, "ledger tiles made again that a crash had lost");
    }
    let young: Vec<Tile> = Tile::grown(settled, checkpoint.size)
        .filter(|tile| tile.is_full() && matches!(tile.level, Level::Hashes(_)))
        .collect();
    Ok(seal.storage.sync_tiles(&young)?)
}

#[cfg(feature = "write")]
fn read_checkpoint(seal: &Seal) -> Result<Option<Checkpoint>, SealError> {
    let Some(bytes) = seal.storage.checkpoint()? else { return Ok(None) };
    let note = Note::parse(&bytes).map_err(SealError::Checkpoint)?;
    Checkpoint::open(&note, seal.key.verifying()).map(Some).map_err(SealError::Checkpoint)
}

/// The tree of a checkpoint, and its tiles that are not full.
#[cfg(feature = "write")]
fn restore(
    storage: &dyn TreeStorage,
    reader: &Reader,
    checkpoint: &Checkpoint,
) -> Result<(Tree, Edge), SealError> {
    let (tree, edge) = tree_of(storage, reader, checkpoint.size)?;
    if tree.root() == checkpoint.root { Ok((tree, edge)) } else { Err(SealError::Tree) }
}

/// The tree of the first `size` records, and its tiles that are not full. Nobody has signed it.
#[cfg(feature = "write")]
pub(crate) fn tree_of(
    storage: &dyn TreeStorage,
    reader: &Reader,
    size: u64,
) -> Result<(Tree, Edge), SealError> {
    let edge = edge(storage, reader, size)?;
    let tree = Tree::restore(&nodes(storage, &edge, size), size).map_err(of_tile)?;
    Ok((tree, edge))
}

/// The tiles of a tree of `size` leaves that are not full: leaves from the records, and from the stored tile where records
/// were removed by age; nodes above from full tiles.
fn edge(storage: &dyn TreeStorage, reader: &Reader, size: u64) -> Result<Edge, SealError> {
    let mut edge = Edge::default();
    for level in 0..LEVELS {
        let count = size >> (8 * u32::from(level));
        let first = count / WIDTH * WIDTH;
        let Some(row) = edge.row(level) else { break };
        if level == 0 {
            let mut walk = Forwards::begin(reader, Some(Position(first).next()))?;
            let mut found = walk.next(reader)?;
            let there = found.as_ref().map_or(count, |found| found.position.0.saturating_sub(1));
            if there > first {
                let gone = usize::try_from(there.min(count) - first).unwrap_or(usize::MAX);
                let kept = kept_leaves(storage, first)?;
                row.extend(kept.get(..gone).ok_or(SealError::Tree)?);
            }
            while first + (row.len() as u64) < count {
                let there = found.ok_or(SealError::Tree)?;
                if there.position.0 != first + row.len() as u64 + 1 {
                    return Err(SealError::Tree);
                }
                row.push(Hash::leaf(&there.payload));
                found = walk.next(reader)?;
            }
        } else {
            for index in first..count {
                let tile = Tile { level: Level::Hashes(level - 1), index, width: 256 };
                let hashes =
                    storage.tile(tile)?.and_then(|file| tile.hashes(&file)).ok_or(SealError::Tree)?;
                let mut tree = Tree::new();
                hashes.into_iter().for_each(|hash| tree.push(hash, |_, _, _| {}));
                row.push(tree.root());
            }
        }
    }
    Ok(edge)
}

/// The leaves of the tile that begins at `first`, as far as they are stored.
pub(crate) fn kept_leaves(storage: &dyn TreeStorage, first: u64) -> io::Result<Vec<Hash>> {
    let tile = Tile { level: Level::Hashes(0), index: first / WIDTH, width: 256 };
    if let Some(hashes) = storage.tile(tile)?.and_then(|file| tile.hashes(&file)) {
        return Ok(hashes);
    }
    let partial = storage.partial_tile(tile)?;
    Ok(partial.and_then(|(tile, file)| tile.hashes(&file)).unwrap_or_default())
}

/// The nodes of a tree of `size` leaves: full tiles from storage, the others from its edge.
fn nodes<'a>(
    storage: &'a dyn TreeStorage,
    edge: &'a Edge,
    size: u64,
) -> TileNodes<impl Fn(Tile) -> io::Result<Vec<u8>> + 'a> {
    let fetch = move |tile: Tile| fetched(storage, edge, tile);
    TileNodes::new(fetch, size)
}

fn fetched(storage: &dyn TreeStorage, edge: &Edge, tile: Tile) -> io::Result<Vec<u8>> {
    match tile.level {
        Level::Hashes(_) if tile.is_full() => {
            storage.tile(tile)?.ok_or_else(|| io::ErrorKind::NotFound.into())
        }
        Level::Hashes(level) => Ok(edge.bytes(level)),
        Level::Entries => Err(io::ErrorKind::Unsupported.into()),
    }
}

fn of_tile(error: TileError<io::Error>) -> SealError {
    match error {
        TileError::Fetch(error) if error.kind() != io::ErrorKind::NotFound => SealError::Io(error),
        _ => SealError::Tree,
    }
}

/// The root the tiles come to by themselves; none when one is missing.
pub(crate) fn root_of_tiles(storage: &dyn TreeStorage, size: u64) -> Result<Option<Hash>, io::Error> {
    let fetch = |tile| storage.tile(tile)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
    match gabion_tlog::tree::root(&TileNodes::new(fetch, size), size) {
        Ok(root) => Ok(Some(root)),
        Err(TileError::Fetch(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Err(_) => Ok(None),
    }
}

/// A sealed ledger to be read: what can be proved of the tree of its checkpoint.
#[derive(Debug)]
pub struct Sealed {
    storage: Arc<dyn TreeStorage>,
    edge: Edge,
    note: Note,
    checkpoint: Checkpoint,
}

impl Sealed {
    /// The tree of the last checkpoint; none when there is none. Nobody has checked the signature yet.
    pub fn open(storage: Arc<dyn TreeStorage>, reader: &Reader) -> Result<Option<Self>, SealError> {
        let Some(bytes) = storage.checkpoint()? else { return Ok(None) };
        let note = Note::parse(&bytes).map_err(SealError::Checkpoint)?;
        let checkpoint = Checkpoint::parse(&note.text).map_err(SealError::Checkpoint)?;
        let last = reader.last().map_or(0, |last| last.0);
        if checkpoint.size > last {
            return Err(SealError::RolledBack { sealed: checkpoint.size, last });
        }
        let edge = edge(&*storage, reader, checkpoint.size)?;
        Ok(Some(Self { storage, edge, note, checkpoint }))
    }

    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }

    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The neighbours that show that a record is in the tree; none when the checkpoint does not have it yet.
    pub fn inclusion(&self, record: Position) -> Result<Option<Vec<Hash>>, SealError> {
        let Some(index) = record.0.checked_sub(1) else { return Ok(None) };
        gabion_tlog::proof::inclusion(&self.nodes(), index, self.checkpoint.size).map_err(of_tile)
    }

    /// The same in the tree of the first `size` records.
    pub fn inclusion_in(&self, record: Position, size: u64) -> Result<Option<Vec<Hash>>, SealError> {
        let Some(index) = record.0.checked_sub(1) else { return Ok(None) };
        if size > self.checkpoint.size {
            return Ok(None);
        }
        gabion_tlog::proof::inclusion(&self.nodes(), index, size).map_err(of_tile)
    }

    /// What shows that the tree of the first `old` records is the beginning of this one; none when it is larger.
    pub fn consistency(&self, old: u64) -> Result<Option<Vec<Hash>>, SealError> {
        gabion_tlog::proof::consistency(&self.nodes(), old, self.checkpoint.size).map_err(of_tile)
    }

    /// The root of the tree of the first `size` records.
    pub fn root(&self, size: u64) -> Result<Hash, SealError> {
        gabion_tlog::tree::root(&self.nodes(), size).map_err(of_tile)
    }

    /// The leaf of a record, as the tiles have it.
    pub fn leaf(&self, record: Position) -> Result<Hash, SealError> {
        self.nodes().node(0, record.0.saturating_sub(1)).map_err(of_tile)
    }

    /// The hashes of a tile of this tree or of one that was its beginning.
    ///
    /// # Errors
    /// [`SealError::Tree`] for one that it never had.
    pub fn tile(&self, tile: Tile) -> Result<Vec<u8>, SealError> {
        if tile.is_full() {
            return Ok(fetched(&*self.storage, &self.edge, tile)?);
        }
        let first = tile.index.saturating_mul(WIDTH);
        let own = Tile::holding(tile.level, first, self.checkpoint.size).ok_or(SealError::Tree)?;
        let mut bytes = fetched(&*self.storage, &self.edge, own)?;
        let length = usize::from(tile.width).saturating_mul(Hash::SIZE);
        if bytes.len() < length {
            return Err(SealError::Tree);
        }
        bytes.truncate(length);
        Ok(bytes)
    }

    fn nodes(&self) -> TileNodes<impl Fn(Tile) -> io::Result<Vec<u8>> + '_> {
        nodes(&*self.storage, &self.edge, self.checkpoint.size)
    }
}
