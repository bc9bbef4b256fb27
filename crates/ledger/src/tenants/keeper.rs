//! The thread that grows the tenants' trees: it reads along behind what is durable, as the indexes do, and nobody waits for
//! it. Every `tenants_every` in which a tenant had records, and when the ledger is closed, it makes a [`pass`](Keeper::pass):
//!
//! 1. read on from the mark, at most [`MOST_LEAVES`] leaves;
//! 2. of each tenant that grew: restore its tree, add, store the tiles;
//! 3. have the writer record the checkpoints;
//! 4. store the checkpoints as signed notes;
//! 5. set the mark.
//!
//! A crash between any two of them costs nothing but doing it again: a checkpoint says through which record of the node its
//! tree goes, so that no leaf is added twice. Bounded are the leaves that wait, the trees held in memory, the tenants of one
//! turn of 2 to 4, and, by the pause, how many records the checkpoints are. Files are open one at a time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Weak, mpsc};
use std::time::Duration;

use gabion_model::Clock;
use gabion_tlog::note::NoteError;
use gabion_tlog::tile::{Level, Tile, WIDTH};
use gabion_tlog::{Checkpoint, Hash, Note, SigningKey};
use tokio::sync::{Semaphore, oneshot, watch};

use super::growing::{Growing, wide_enough};
use super::{Mark, TenantCheckpoint, TenantStorage, TenantTag, carried, tagged};
use crate::keys::Opener;
use crate::reader::Forwards;
use crate::scan::Durable;
use crate::tail::{Entry, Shape};
use crate::writer::Command;
use crate::{LedgerError, Position, ReadError, Reader, SegmentSource};

/// Leaves that wait in memory.
const MOST_LEAVES: usize = 1 << 17;
/// Tenants whose checkpoints are recorded at once, and trees held from one pass to the next.
const TURN: usize = 256;
/// Full tiles of one tenant that wait for the disk.
const HELD_TILES: usize = 256;

/// What the ledger's handles hold of the thread. It ends with the last of them.
#[derive(Debug)]
pub(crate) struct Handle {
    asks: mpsc::Sender<oneshot::Sender<Result<(), TenantsError>>>,
    commands: mpsc::Sender<Command>,
    queue: Arc<Semaphore>,
}

/// Tenants' trees do not go on. They are tried again at the next pause.
#[derive(Debug, thiserror::Error)]
pub enum TenantsError {
    #[error("the tenants' trees cannot be read or written")]
    Io(#[from] io::Error),
    #[error("a tenant's checkpoint was not recorded: {0}")]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the thread of the tenants' trees has ended")]
    Ended,
    /// Removed by age before they were added.
    #[error(
        "records between {after} and {before} were removed before they were in the tenants' trees (hint: put their segments back)"
    )]
    Gap { after: u64, before: u64 },
}

/// What the trees are made with.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) storage: Arc<dyn TenantStorage>,
    /// The node's.
    pub(crate) key: SigningKey,
    pub(crate) source: Arc<dyn SegmentSource>,
    pub(crate) durable: watch::Receiver<Option<Durable>>,
    pub(crate) opener: Opener,
    pub(crate) clock: Arc<dyn Clock>,
    /// How many records are in the trees, for whoever removes segments.
    pub(crate) read: Arc<AtomicU64>,
}

/// Starts the thread. What a crash left to be added is read before this returns: until then no segment is removed.
pub(crate) fn start(
    parts: Parts,
    every: Duration,
    commands: mpsc::Sender<Command>,
    queue: Arc<Semaphore>,
) -> Result<Arc<Handle>, TenantsError> {
    let mut keeper = Keeper::open(parts)?;
    if keeper.marked {
        keeper.collect()?;
    }
    let (asks, asked) = mpsc::channel();
    let handle = Arc::new(Handle { asks, commands, queue });
    let weak = Arc::downgrade(&handle);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    std::thread::Builder::new()
        .name("ledger-tenants".to_owned())
        .spawn(move || keep(&mut keeper, &weak, &asked, every, &runtime))?;
    Ok(handle)
}

impl Handle {
    /// Has everything that is durable now published.
    pub(crate) async fn publish(&self) -> Result<(), TenantsError> {
        let (sender, answer) = oneshot::channel();
        self.asks.send(sender).map_err(|_| TenantsError::Ended)?;
        answer.await.map_err(|_| TenantsError::Ended)?
    }

    /// Records texts of checkpoints; they are durable when this returns.
    fn record(
        &self,
        texts: Vec<String>,
        clock: &dyn Clock,
        runtime: &tokio::runtime::Runtime,
    ) -> Result<(), LedgerError> {
        runtime.block_on(async {
            let mut answers = Vec::new();
            for text in texts {
                let permit =
                    Arc::clone(&self.queue).acquire_owned().await.map_err(|_| LedgerError::Closed)?;
                let (sender, answer) = oneshot::channel();
                let entry =
                    Entry { time: clock.now(), payload: text.into_bytes(), shape: Shape::TenantCheckpoint };
                let command = Command::Record(entry, sender, permit);
                self.commands.send(command).map_err(|_| LedgerError::Closed)?;
                answers.push(answer);
            }
            for answer in answers {
                answer.await.map_err(|_| LedgerError::Closed)??;
            }
            Ok(())
        })
    }
}

fn keep(
    keeper: &mut Keeper,
    handle: &Weak<Handle>,
    asked: &Receiver<oneshot::Sender<Result<(), TenantsError>>>,
    every: Duration,
    runtime: &tokio::runtime::Runtime,
) {
    loop {
        let waiter = match asked.recv_timeout(every) {
            Ok(waiter) => Some(waiter),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let Some(handle) = handle.upgrade() else { return };
        let clock = Arc::clone(&keeper.parts.clock);
        let done = keeper.catch_up(|texts| handle.record(texts, &*clock, runtime));
        match (waiter, done) {
            (Some(waiter), done) => {
                // Whoever stopped waiting does not hear it.
                let _ = waiter.send(done);
            }
            // The last handle is gone.
            (None, Err(TenantsError::Ledger(LedgerError::Closed))) => return,
            (None, Err(error)) => tracing::error!(%error, "tenants not sealed, will be tried again"),
            (None, Ok(())) => {}
        }
    }
}

#[derive(Debug)]
struct Keeper {
    parts: Parts,
    walk: Option<Forwards>,
    /// The mark was there when this began.
    marked: bool,
    mark: Mark,
    /// The last record that was read.
    read: u64,
    waiting: BTreeMap<TenantTag, Vec<(u64, Hash)>>,
    leaves: usize,
    /// What recorded checkpoints say that were read on the way.
    said: HashMap<TenantTag, u64>,
    trees: HashMap<TenantTag, Held>,
    /// Recorded, and not stored yet.
    carried: Vec<TenantCheckpoint>,
    /// Whose tree is lost: told once.
    lost: HashSet<TenantTag>,
    /// There are more tenants than the mark says.
    grew: bool,
    turns: u64,
}

#[derive(Debug, Clone, Default)]
struct Held {
    tree: Growing,
    through: u64,
    /// It has no checkpoint yet.
    new: bool,
    used: u64,
}

impl Keeper {
    fn open(parts: Parts) -> Result<Self, TenantsError> {
        let mark = parts.storage.mark()?;
        let mut marked = mark.is_some();
        let mut mark = mark.unwrap_or_default();
        // Folders that are gone: everything is read again, and what can be made is made.
        let there = parts.storage.list()?.len() as u64;
        let last = parts.durable.borrow().and_then(|durable| durable.next.previous());
        if there < mark.tenants || last.map_or(0, |last| last.0) < mark.through {
            tracing::warn!(there, expected = mark.tenants, "tenants' trees are missing, made again");
            (mark.through, marked) = (0, false);
        }
        mark.tenants = there;
        parts.read.store(mark.through, Ordering::Release);
        Ok(Self {
            parts,
            walk: None,
            marked,
            mark,
            read: mark.through,
            waiting: BTreeMap::new(),
            leaves: 0,
            said: HashMap::new(),
            trees: HashMap::new(),
            carried: Vec::new(),
            lost: HashSet::new(),
            grew: false,
            turns: 0,
        })
    }

    fn node(&self) -> &str {
        self.parts.key.verifying().name()
    }

    /// Passes until everything that is durable now is published.
    fn catch_up(
        &mut self,
        mut record: impl FnMut(Vec<String>) -> Result<(), LedgerError>,
    ) -> Result<(), TenantsError> {
        let until = self.parts.durable.borrow().and_then(|durable| durable.next.previous());
        loop {
            self.collect()?;
            self.pass(&mut record)?;
            if until.is_none_or(|until| self.read >= until.0) {
                return Ok(());
            }
        }
    }

    /// Reads on, as far as there is room for leaves.
    fn collect(&mut self) -> Result<(), TenantsError> {
        let durable = *self.parts.durable.borrow();
        if durable.is_none_or(|durable| durable.next.0 <= self.read.saturating_add(1)) {
            return Ok(());
        }
        let reader = Reader::up_to(Arc::clone(&self.parts.source), durable, self.parts.opener.clone());
        let mut walk = match self.walk.take() {
            Some(walk) => walk,
            None => Forwards::begin(&reader, Some(Position(self.read).next()))?,
        };
        while self.leaves < MOST_LEAVES {
            let Some(found) = walk.next(&reader)? else { break };
            let gap = self.read > 0 && found.position.0 != self.read.saturating_add(1);
            if gap {
                return Err(TenantsError::Gap { after: self.read, before: found.position.0 });
            }
            self.read = found.position.0;
            if let Some((tag, _)) = tagged(found.class, &found.payload) {
                let leaf = (found.position.0, Hash::leaf(&found.payload));
                self.waiting.entry(tag).or_default().push(leaf);
                self.leaves = self.leaves.saturating_add(1);
            } else if let Some(text) = carried(found.class, &found.payload)
                && let Some(said) =
                    std::str::from_utf8(text).ok().and_then(|text| TenantCheckpoint::parse(text, self.node()))
                && self.said.len() < MOST_LEAVES
            {
                self.said.insert(said.tag, said.size);
            }
        }
        self.walk = Some(walk);
        Ok(())
    }

    /// Publishes what waits, and sets the mark.
    fn pass(
        &mut self,
        record: &mut impl FnMut(Vec<String>) -> Result<(), LedgerError>,
    ) -> Result<(), TenantsError> {
        self.store_carried()?;
        let tags: Vec<_> = self.waiting.keys().copied().collect();
        for turn in tags.chunks(TURN) {
            let done = self.turn(turn, record);
            if done.is_err() {
                // Some have leaves by now that their files do not have.
                self.trees.clear();
            }
            done?;
        }
        if self.read > self.mark.through {
            self.mark.through = self.read;
            if self.grew {
                self.mark.tenants = self.parts.storage.list()?.len() as u64;
                self.grew = false;
            }
            self.parts.storage.put_mark(self.mark)?;
        }
        self.parts.read.store(self.mark.through, Ordering::Release);
        self.waiting.clear();
        self.said.clear();
        self.leaves = 0;
        Ok(())
    }

    fn turn(
        &mut self,
        tags: &[TenantTag],
        record: &mut impl FnMut(Vec<String>) -> Result<(), LedgerError>,
    ) -> Result<(), TenantsError> {
        self.turns = self.turns.saturating_add(1);
        let mut made = Vec::new();
        for tag in tags.iter().filter(|tag| !self.lost.contains(tag)).copied().collect::<Vec<_>>() {
            match self.grow(tag)? {
                Grown::Nothing => {}
                Grown::To(own) => made.push(own),
                Grown::Lost => {
                    tracing::error!(tenant = %tag, "tenant's tree lost, put its folder back from a backup");
                    self.lost.insert(tag);
                }
            }
        }
        if made.is_empty() {
            return Ok(());
        }
        record(made.iter().map(|own| own.text(self.node())).collect())?;
        self.carried = made;
        self.store_carried()
    }

    /// Stores the checkpoints that were recorded. Until they are, no others are recorded: whoever looks finds the files no
    /// more than one turn behind.
    fn store_carried(&mut self) -> Result<(), TenantsError> {
        while let Some(own) = self.carried.last().cloned() {
            let unnamed = |_| io::Error::from(io::ErrorKind::InvalidInput);
            let key = self.parts.key.named(&own.tag.origin(self.node())).map_err(unnamed)?;
            let note = own.checkpoint(self.node()).sign(&key);
            self.parts.storage.tree(own.tag).put_checkpoint(note.to_string().as_bytes())?;
            if let Some(held) = self.trees.get_mut(&own.tag) {
                self.grew |= held.new;
                (held.through, held.new) = (own.through, false);
            } else {
                self.grew = true;
            }
            self.carried.pop();
        }
        Ok(())
    }

    /// Adds the leaves that wait to a tenant's tree.
    fn grow(&mut self, tag: TenantTag) -> Result<Grown, TenantsError> {
        let Some(mut held) = self.held(tag)? else { return Ok(Grown::Lost) };
        let storage = self.parts.storage.tree(tag);
        let before = held.tree.size();
        let leaves = self.waiting.get(&tag).map(Vec::as_slice).unwrap_or_default();
        for (_, leaf) in leaves.iter().filter(|(position, _)| *position > held.through) {
            held.tree.push(*leaf);
            if held.tree.waiting() >= HELD_TILES {
                held.tree.store_full(&*storage)?;
            }
        }
        // It was larger before: its files are gone, and the records they were of.
        if self.said.get(&tag).is_some_and(|said| *said > held.tree.size()) {
            return Ok(Grown::Lost);
        }
        if held.tree.size() == before {
            self.keep(tag, held);
            return Ok(Grown::Nothing);
        }
        held.tree.store(&*storage)?;
        let (size, root) = (held.tree.size(), held.tree.root());
        self.keep(tag, held);
        Ok(Grown::To(TenantCheckpoint { tag, size, root, through: self.read }))
    }

    fn keep(&mut self, tag: TenantTag, held: Held) {
        if self.trees.len() >= TURN && !self.trees.contains_key(&tag) {
            // Those of this turn stay: there are no more than there is room for.
            let oldest = self.trees.iter().min_by_key(|(_, held)| held.used).map(|(tag, _)| *tag);
            oldest.and_then(|tag| self.trees.remove(&tag));
        }
        self.trees.insert(tag, Held { used: self.turns, ..held });
    }

    /// A tenant's tree as its checkpoint has it; none when it is lost.
    fn held(&mut self, tag: TenantTag) -> Result<Option<Held>, TenantsError> {
        if let Some(held) = self.trees.remove(&tag) {
            return Ok(Some(held));
        }
        let storage = self.parts.storage.tree(tag);
        let Some(bytes) = storage.checkpoint()? else {
            return Ok(Some(Held { new: true, ..Held::default() }));
        };
        let own = match self.believed(tag, &bytes) {
            Ok(own) => own,
            // Its own folder is its own affair: the others go on.
            Err(error) => {
                tracing::error!(tenant = %tag, %error, "tenant's checkpoint not believed");
                return Ok(None);
            }
        };
        let through = own.through;
        if let Some(tree) = Growing::restore(&*storage, own.size, own.root)? {
            return Ok(Some(Held { tree, through, ..Held::default() }));
        }
        tracing::warn!(tenant = %tag, "tenant's tiles damaged, made again");
        let tree = self.mend(&own)?;
        Ok(tree.map(|tree| Held { tree, through, ..Held::default() }))
    }

    /// What a tenant's note says, which this node must have signed.
    fn believed(&self, tag: TenantTag, note: &[u8]) -> Result<TenantCheckpoint, NoteError> {
        let note = Note::parse(note)?;
        let malformed = || NoteError::Malformed("it is not this tenant's of this node");
        let key = tag.key(self.parts.key.verifying()).map_err(|_| malformed())?;
        Checkpoint::open(&note, &key)?;
        TenantCheckpoint::parse(&note.text, self.node()).ok_or_else(malformed)
    }

    /// Makes all tiles again from the records, and of those that were removed by age from what is left of the tiles; none
    /// when they do not come to the root.
    fn mend(&self, own: &TenantCheckpoint) -> Result<Option<Growing>, TenantsError> {
        let storage = self.parts.storage.tree(own.tag);
        let durable = *self.parts.durable.borrow();
        let reader = Reader::up_to(Arc::clone(&self.parts.source), durable, self.parts.opener.clone());
        // Twice: nothing is written before they came to the root.
        for write in [false, true] {
            let there = count(&reader, own)?;
            let mut tree = Growing::default();
            let Some(removed) = own.size.checked_sub(there) else { return Ok(None) };
            while tree.size() < removed {
                let index = tree.size();
                let tile = Tile::holding(Level::Hashes(0), index, own.size);
                let Some(tile) = tile else { return Ok(None) };
                let Some(hashes) = wide_enough(&*storage, tile)? else { return Ok(None) };
                let left = usize::try_from(removed - index).unwrap_or(usize::MAX);
                let from = usize::try_from(index % WIDTH).unwrap_or(usize::MAX);
                hashes.into_iter().skip(from).take(left).for_each(|leaf| tree.push(leaf));
                if tree.size() == index {
                    return Ok(None);
                }
                settle(&mut tree, write, &*storage)?;
            }
            let mut walk = Forwards::begin(&reader, None)?;
            while let Some(found) = walk.next(&reader)?
                && found.position.0 <= own.through
            {
                if tagged(found.class, &found.payload).is_some_and(|(tag, _)| tag == own.tag) {
                    tree.push(Hash::leaf(&found.payload));
                    settle(&mut tree, write, &*storage)?;
                }
            }
            if tree.root() != own.root || tree.size() != own.size {
                return Ok(None);
            }
            if write {
                tree.store(&*storage)?;
                return Ok(Some(tree));
            }
        }
        Ok(None)
    }
}

/// Has no more than some full tiles wait.
fn settle(tree: &mut Growing, write: bool, storage: &dyn crate::TreeStorage) -> io::Result<()> {
    match (tree.waiting() >= HELD_TILES, write) {
        (true, true) => tree.store_full(storage),
        (true, false) => {
            tree.forget_full();
            Ok(())
        }
        (false, _) => Ok(()),
    }
}

/// A tenant's records that are there, of those its checkpoint speaks of.
fn count(reader: &Reader, own: &TenantCheckpoint) -> Result<u64, ReadError> {
    let mut walk = Forwards::begin(reader, None)?;
    let mut count = 0_u64;
    while let Some(found) = walk.next(reader)?
        && found.position.0 <= own.through
    {
        count += u64::from(tagged(found.class, &found.payload).is_some_and(|(tag, _)| tag == own.tag));
    }
    Ok(count)
}

enum Grown {
    Nothing,
    To(TenantCheckpoint),
    Lost,
}
