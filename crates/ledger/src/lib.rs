//! The record nobody edits: append, fold, search.
//!
//! - [`Ledger`] writes: one thread, one sync for everything that waited; `record` answers when the event
//!   is durable, `observe` counts refusals without waiting (`front` on the core that refused, `fold` in
//!   the writer). `tail` knows what to do when the disk fails or is full.
//! - [`Reader`] reads and needs nothing but the segments; `scan` walks over frames, [`format`](mod@format) says
//!   what the bytes are.
//! - [`Seal`] makes it provable: a Merkle tree over all records with signed checkpoints (`sealer`); [`mod@verify`] checks
//!   them, with nothing but the files and a public key.
//! - [`keys`] seal every record at rest; [`disclosure`] gives one of them to somebody, and no other.
//! - [`tenants`] has a log of its own for every tenant, proved by this one.
//! - `index` finds records without reading all of them; it is a cache, and a search answers the same without it.
//! - [`personal`] seals what says who somebody is for each account by itself, so that it can be erased.
//! - [`sanitise`] is what every event goes through before it is written.
//! - [`SegmentStorage`] is where the bytes go: memory and injected faults here, files in `store`.
//!
//! What a crash leaves torn at the end is cut at the next opening and had never been acknowledged;
//! damage anywhere else is an error with its place, never repaired and never skipped.
//!
//! Without the feature `write` there is the reading half alone: an auditor builds it without the writer's runtime.

pub mod archive;
#[cfg(feature = "write")]
pub mod attached;
pub mod disclosure;
mod error;
#[cfg(feature = "write")]
mod fold;
#[cfg(feature = "write")]
mod follow;
pub mod format;
#[cfg(feature = "write")]
mod front;
#[cfg(feature = "write")]
pub mod hold;
#[cfg(feature = "write")]
mod index;
#[cfg(feature = "write")]
mod integrate;
pub mod keys;
#[cfg(feature = "write")]
mod kind;
pub mod personal;
pub mod query;
pub mod reader;
#[cfg(feature = "write")]
mod rebuild;
#[cfg(feature = "write")]
mod redact;
#[cfg(feature = "write")]
pub mod retention;
#[cfg(feature = "write")]
pub mod sanitise;
mod scan;
mod sealer;
#[cfg(feature = "write")]
pub mod settings;
#[cfg(feature = "write")]
mod shared;
pub mod storage;
#[cfg(feature = "write")]
mod tail;
pub mod tenants;
pub mod verify;
#[cfg(feature = "write")]
mod writer;

use std::fmt;
#[cfg(feature = "write")]
use std::io;
#[cfg(feature = "write")]
use std::sync::atomic::AtomicU64;
#[cfg(feature = "write")]
use std::sync::{Arc, mpsc};
#[cfg(feature = "write")]
use std::thread;
#[cfg(feature = "write")]
use std::time::Duration;

#[cfg(feature = "write")]
use gabion_model::{Clock, Event, Rng, Timestamp};
#[cfg(feature = "write")]
use gabion_tlog::SigningKey;
use serde::{Deserialize, Serialize};
#[cfg(feature = "write")]
use tokio::sync::{Semaphore, oneshot, watch};

#[cfg(feature = "write")]
use fold::Folder;
#[cfg(feature = "write")]
use index::Indexes;
#[cfg(feature = "write")]
use integrate::Integrator;
#[cfg(feature = "write")]
use keys::Opener;
#[cfg(feature = "write")]
use personal::{Mention, Personal, SubjectId, Subjects};
#[cfg(feature = "write")]
use retention::Retention;
#[cfg(feature = "write")]
use scan::Durable;
#[cfg(feature = "write")]
use sealer::Sealer;
#[cfg(feature = "write")]
use shared::Shared;
#[cfg(feature = "write")]
use tail::{Entry, Sealing, Tail};
#[cfg(feature = "write")]
use writer::{Command, Writer};

pub use disclosure::{Disclosure, Form};
pub use error::{Damage, ReadError};
#[cfg(feature = "write")]
pub use error::{EraseError, LedgerError, OpenError};
#[cfg(feature = "write")]
pub use fold::OTHERS;
#[cfg(feature = "write")]
pub use follow::Follow;
#[cfg(fuzzing)]
pub use index::probe as probe_index;
#[cfg(feature = "write")]
pub use index::{IndexFile, IndexStorage};
pub use keys::{KeyError, KeyId, Keys};
pub use query::{Order, Query, Record};
pub use reader::{Reader, Search};
#[cfg(feature = "write")]
pub use sealer::Seal;
pub use sealer::{SealError, Sealed, TreeStorage};
#[cfg(feature = "write")]
pub use settings::{ArchiveSettings, Settings, WitnessSettings};
pub use storage::memory::{MemorySegments, MemoryTree};
#[cfg(feature = "write")]
pub use storage::memory_index::MemoryIndexes;
pub use storage::memory_tenants::MemoryTenants;
pub use storage::{SegmentId, SegmentSource, SegmentStorage};
#[cfg(feature = "write")]
pub use tenants::keeper::TenantsError;
pub use tenants::{TenantStorage, TenantTag};

/// The place of a record: its sequence number. The first is 1, and there are no gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// None for the first.
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        match self.0 {
            0 | 1 => None,
            number => Some(Self(number - 1)),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What opening found and mended.
#[cfg(feature = "write")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The last record there is.
    pub last: Option<Position>,
    /// The torn ends that were cut, none after an orderly stop. They had never been acknowledged.
    pub cuts: Vec<Cut>,
    /// Records that had been removed by age before the ledger was first sealed: nothing vouches for them. Told once, by the
    /// opening that begins the tree.
    pub unknown: u64,
}

/// Bytes that were cut from the end of a segment.
#[cfg(feature = "write")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    pub segment: SegmentId,
    /// Where the intact part ends.
    pub offset: u64,
    /// How many bytes were dropped.
    pub bytes: u64,
}

/// Whether events can be recorded.
#[cfg(feature = "write")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Closed,
    /// The last write failed for a reason other than space.
    Failing,
    /// The last write found no space.
    Full,
    Ready,
}

/// The ledger, opened for writing. Clones share one writer thread, which ends when the last of them
/// is dropped or one of them is [closed](Self::close).
#[cfg(feature = "write")]
#[derive(Debug, Clone)]
pub struct Ledger {
    commands: mpsc::Sender<Command>,
    /// Bounds the records that wait for the writer.
    queue: Arc<Semaphore>,
    shared: Arc<Shared>,
    storage: Arc<dyn SegmentStorage>,
    durable: watch::Receiver<Option<Durable>>,
    opener: Opener,
    indexes: Option<Arc<Indexes>>,
    tenants: Option<Arc<tenants::keeper::Handle>>,
    /// How many records are in the tenants' trees: what was not is not removed by age.
    tenants_read: Arc<AtomicU64>,
    tenants_every: Duration,
    erase_after: Duration,
    retention: Option<Arc<Retention>>,
}

#[cfg(feature = "write")]
/// What a ledger is opened with beside its segments. The default proves nothing and hides nothing.
#[derive(Debug, Default)]
pub struct Protection {
    /// The tree and its signed checkpoints.
    pub seal: Option<Seal>,
    /// The keys of its records. With them everything that is recorded from now on is sealed; a ledger that has sealed
    /// segments does not open without.
    pub records: Option<RecordSealing>,
    /// What may be removed by age and erased; without it everything.
    pub retention: Option<Arc<Retention>>,
}

#[cfg(feature = "write")]
/// With what records are sealed at rest.
#[derive(Debug)]
pub struct RecordSealing {
    pub keys: Arc<Keys>,
    /// Of the keys of new segments, and of salts.
    pub rng: Arc<dyn Rng>,
    /// The keys of accounts. With them personal data is sealed for each account by itself.
    pub subjects: Option<Arc<dyn Subjects>>,
}

/// Records that may wait for the writer; who comes later waits for a place in the queue.
#[cfg(feature = "write")]
const QUEUE: usize = 4096;
/// A batch ends when it has so many bytes.
#[cfg(feature = "write")]
const BATCH_BYTES: u64 = 1 << 20;

#[cfg(feature = "write")]
impl Ledger {
    /// Reads the end of the last segment, cuts what a crash left torn there, and starts the writer.
    /// Makes nothing: the first record makes the first segment.
    pub fn open(
        storage: Arc<dyn SegmentStorage>,
        settings: &Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Recovery), OpenError> {
        Self::open_protected(storage, settings, clock, Protection::default())
    }

    /// The same, with proof: what the seal's checkpoint says is compared with what is there, and what is recorded from now
    /// on is sealed.
    ///
    /// # Errors
    /// [`OpenError::Seal`], also when records are gone that had been sealed.
    pub fn open_sealed(
        storage: Arc<dyn SegmentStorage>,
        settings: &Settings,
        clock: Arc<dyn Clock>,
        seal: Seal,
    ) -> Result<(Self, Recovery), OpenError> {
        Self::open_protected(
            storage,
            settings,
            clock,
            Protection { seal: Some(seal), ..Protection::default() },
        )
    }

    /// The same, with whatever protects it.
    ///
    /// # Errors
    /// [`OpenError::Seal`] as above, and [`ReadError::Key`] when a segment is sealed and the keys do not open it.
    pub fn open_protected(
        storage: Arc<dyn SegmentStorage>,
        settings: &Settings,
        clock: Arc<dyn Clock>,
        protection: Protection,
    ) -> Result<(Self, Recovery), OpenError> {
        let Protection { seal, records, retention } = protection;
        let personal = records.as_ref().and_then(|records| {
            records
                .subjects
                .as_ref()
                .map(|subjects| Personal::new(Arc::clone(subjects), Arc::clone(&records.rng)))
        });
        let opener = Opener::new(records.as_ref().map(|records| Arc::clone(&records.keys)), personal);
        let sealing = records.map(|records| Sealing { opener: opener.clone(), rng: records.rng });
        let (mut tail, mut recovery) = Tail::open(Arc::clone(&storage), settings, sealing)?;
        tail.retention.clone_from(&retention);
        for cut in &recovery.cuts {
            tracing::warn!(
                segment = cut.segment.0,
                offset = cut.offset,
                bytes = cut.bytes,
                "ledger tail cut"
            );
        }
        let source: Arc<dyn SegmentSource> = Arc::<dyn SegmentStorage>::clone(&storage);
        let sealer = seal
            .map(|seal| {
                Sealer::open(seal, &Reader::up_to(source, tail.durable(), opener.clone()), clock.now())
            })
            .transpose()?;
        recovery.unknown = sealer.as_ref().map_or(0, Sealer::unknown);
        let integrator = sealer.map(|sealer| Integrator::start(sealer, Arc::clone(&clock))).transpose()?;
        let tenants_read = Arc::new(AtomicU64::new(u64::MAX));
        let settled = integrator.as_ref().map(Integrator::settled);
        tail.keep_until(settled.into_iter().chain([Arc::clone(&tenants_read)]).collect());
        let (commands, received) = mpsc::channel();
        let (sender, durable) = watch::channel(tail.durable());
        let shared = Arc::new(Shared::new());
        let folder = Folder::new(settings.flood_budget.bytes(), clock.now());
        let batch_bytes =
            usize::try_from(settings.segment_size.bytes().min(BATCH_BYTES)).unwrap_or(usize::MAX);
        let writer = Writer {
            tail,
            integrator,
            opener: opener.clone(),
            folder,
            clock,
            commands: received,
            durable: sender,
            shared: Arc::clone(&shared),
            batch_bytes,
            answered: 0,
            syncing: Duration::ZERO,
            withholds: false,
        };
        thread::Builder::new().name("ledger".to_owned()).spawn(|| writer.run())?;
        let queue = Arc::new(Semaphore::new(QUEUE));
        let erase_after = settings.erase_after.as_duration();
        let tenants_every = settings.tenants_every.as_duration();
        let (indexes, tenants) = (None, None);
        let own = Self {
            commands,
            queue,
            shared,
            storage,
            durable,
            opener,
            indexes,
            tenants,
            tenants_read,
            tenants_every,
            erase_after,
            retention,
        };
        Ok((own, recovery))
    }

    /// Searches with the indexes that lie there. [`keep_indexes`](Self::keep_indexes) makes them.
    #[must_use]
    pub fn with_indexes(mut self, storage: Arc<dyn IndexStorage>) -> Self {
        self.indexes = Some(Arc::new(Indexes::new(storage)));
        self
    }

    /// Starts the thread that makes what is missing of the indexes and goes on with them, until the ledger is closed.
    ///
    /// # Errors
    /// When there is no thread to be had. Searching goes on, and reads more.
    pub fn keep_indexes(&self) -> io::Result<()> {
        let Some(indexes) = self.indexes.clone() else { return Ok(()) };
        let (source, opener, durable) = (self.source(), self.opener.clone(), self.durable.clone());
        let keep = move || index::keep(&indexes, &source, &opener, durable);
        thread::Builder::new().name("ledger-index".to_owned()).spawn(keep).map(drop)
    }

    /// Makes what is missing of the indexes, now. It may take long.
    pub fn make_indexes(&self) {
        if let Some(indexes) = &self.indexes {
            index::catch_up(indexes, &self.source(), &self.opener, *self.durable.borrow());
        }
    }

    /// Has all indexes made again, as after something was erased from records that they know of.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn make_indexes_again(&self) -> io::Result<()> {
        self.indexes.as_ref().map_or(Ok(()), |indexes| indexes.forget_all())
    }

    /// Starts the thread that keeps a log of its own for every tenant, signed with the node's key under the tenant's name. It
    /// ends with the last handle. To be asked before anything is recorded.
    ///
    /// # Errors
    /// When the trees cannot be read, or there is no thread to be had.
    pub fn keep_tenants(
        mut self,
        storage: Arc<dyn TenantStorage>,
        key: &SigningKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TenantsError> {
        let (source, key) = (self.source(), key.clone());
        let (durable, opener) = (self.durable.clone(), self.opener.clone());
        let read = Arc::clone(&self.tenants_read);
        let parts = tenants::keeper::Parts { storage, key, source, durable, opener, clock, read };
        let (commands, queue) = (self.commands.clone(), Arc::clone(&self.queue));
        self.tenants = Some(tenants::keeper::start(parts, self.tenants_every, commands, queue)?);
        Ok(self)
    }

    /// Has every tenant's checkpoint made of what is durable now, without waiting for the next time they are due.
    ///
    /// # Errors
    /// When that did not succeed; it is tried again when they are due.
    pub async fn seal_tenants(&self) -> Result<(), TenantsError> {
        match &self.tenants {
            Some(tenants) => tenants.publish().await,
            None => Ok(()),
        }
    }

    /// A ledger in memory, for tests.
    #[must_use]
    #[expect(clippy::expect_used, reason = "for tests; only a machine out of threads fails here")]
    pub fn in_memory(clock: Arc<dyn Clock>) -> Self {
        let storage = Arc::new(MemorySegments::new());
        Self::open(storage, &Settings::default(), clock).expect("memory is empty and readable").0
    }

    /// Records the event; its bytes are durable when this answers with its place. Strings are bounded
    /// and cleaned first (see [`sanitise`]). Dropping the future may or may not record the event.
    pub async fn record(&self, mut event: Event) -> Result<Position, LedgerError> {
        sanitise::event(&mut event);
        let entry = self.encode(event).await?;
        let permit = Arc::clone(&self.queue).acquire_owned().await.map_err(|_| LedgerError::Closed)?;
        let (sender, answer) = oneshot::channel();
        self.send(Command::Record(entry, sender, permit))?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }

    async fn encode(&self, event: Event) -> Result<Entry, LedgerError> {
        // Looking keys up may wait for the store.
        if self.opener.personal().is_some()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let opener = self.opener.clone();
            let encoded = runtime.spawn_blocking(move || writer::encode(&opener, event)).await;
            return encoded.map_err(|_| LedgerError::Closed)?;
        }
        writer::encode(&self.opener, event)
    }

    /// Destroys the key of the personal data of the account with this name: in every record it reads as erased from now
    /// on. Whose it was; none when no record speaks of such an account. Use it where blocking is allowed.
    ///
    /// # Errors
    /// When it cannot be destroyed, or a hold keeps it.
    pub fn erase(&self, name: &str) -> Result<Option<SubjectId>, EraseError> {
        if let Some(hold) = self.held(name)? {
            return Err(EraseError::Held(hold));
        }
        let Some(personal) = self.opener.personal() else { return Ok(None) };
        let erased = personal.forgetting(|subjects| subjects.erase(&name.to_lowercase()))?;
        // They know of what was erased.
        self.make_indexes_again()?;
        Ok(erased)
    }

    /// The hold that keeps the personal data of the account with this name. May read records.
    ///
    /// # Errors
    /// When that cannot be told.
    pub fn held(&self, name: &str) -> Result<Option<String>, ReadError> {
        let Some(retention) = &self.retention else { return Ok(None) };
        let holds = retention.holds().list();
        let own = if holds.is_empty() { None } else { self.subject(name).map_err(ReadError::Personal)? };
        let own = own.map(|subject| subject.to_string());
        for hold in holds {
            let kept = match &hold.principal {
                Some(principal) => {
                    principal.eq_ignore_ascii_case(name) || (own.is_some() && own == hold.subject)
                }
                None => {
                    let mut found = false;
                    for record in self.search(hold.query(name)) {
                        match record {
                            Ok(record) => found |= hold.is_in_range(record.position),
                            // Of another version: whom it speaks of cannot be told.
                            Err(ReadError::Unknown { .. }) => found = true,
                            Err(error) => return Err(error),
                        }
                        if found {
                            break;
                        }
                    }
                    found
                }
            };
            if kept {
                return Ok(Some(hold.name));
            }
        }
        Ok(None)
    }

    /// Whose the personal data of the account with this name is; none when there is none, or it was erased.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn subject(&self, name: &str) -> io::Result<Option<SubjectId>> {
        self.opener.subject(&name.to_lowercase(), Mention::Named)
    }

    /// The same at a later time, by [`erase_due`](Self::erase_due).
    ///
    /// # Errors
    /// When it is not kept.
    pub fn erase_at(&self, name: &str, at: Timestamp) -> io::Result<Option<SubjectId>> {
        let Some(personal) = self.opener.personal() else { return Ok(None) };
        personal.subjects().erase_at(&name.to_lowercase(), at)
    }

    /// An account was removed: its personal data is due to be erased when the setting `erase_after` says so.
    ///
    /// # Errors
    /// When that is not kept, or not done where it is done at once.
    pub fn account_removed(&self, name: &str, now: Timestamp) -> io::Result<()> {
        if self.erase_after.is_zero() {
            match self.erase(name) {
                Ok(_) => return Ok(()),
                // It waits for the hold to end.
                Err(EraseError::Held(_)) => {}
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        self.erase_at(name, now.saturating_add(self.erase_after)).map(drop)
    }

    /// How many keys of personal data are due to be destroyed.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub fn due_erasures(&self, now: Timestamp) -> io::Result<u64> {
        let Some(spared) = self.spared() else { return Ok(0) };
        self.opener.personal().map_or(Ok(0), |personal| personal.subjects().due(now, &spared))
    }

    /// Destroys the keys that are due.
    ///
    /// # Errors
    /// When they cannot be destroyed.
    pub fn erase_due(&self, now: Timestamp) -> io::Result<Vec<SubjectId>> {
        let (Some(personal), Some(spared)) = (self.opener.personal(), self.spared()) else {
            return Ok(Vec::new());
        };
        let erased = personal.forgetting(|subjects| subjects.erase_due(now, &spared))?;
        if !erased.is_empty() {
            self.make_indexes_again()?;
        }
        Ok(erased)
    }

    /// Whose data waits although it is due; none where that of all does.
    fn spared(&self) -> Option<Vec<SubjectId>> {
        self.retention.as_ref().map_or_else(|| Some(Vec::new()), |retention| retention.holds().spared())
    }

    /// Counts a refusal. Never blocks on the disk and never fails: the first of a kind is written at
    /// once, repeats as one event with their count (see `fold`).
    pub fn observe(&self, event: Event) {
        self.shared.front.add(event);
        if self.shared.must_wake() {
            // Closed: what is observed after the end is not written any more.
            let _ = self.commands.send(Command::Wake);
        }
    }

    /// Makes durable what was observed and is due: first ones, and counts whose window has ended by
    /// the clock.
    pub async fn flush(&self) -> Result<(), LedgerError> {
        let (sender, answer) = oneshot::channel();
        self.send(Command::Flush(sender))?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }

    /// Writes every open count, makes everything durable and ends the writer. Later calls to `record`
    /// answer [`LedgerError::Closed`].
    pub async fn close(&self) -> Result<(), LedgerError> {
        // What could not be is done after the next opening.
        if let Err(error) = self.seal_tenants().await {
            tracing::warn!(%error, "tenants not sealed at the end");
        }
        let (sender, answer) = oneshot::channel();
        self.send(Command::Close(sender))?;
        answer.await.map_err(|_| LedgerError::Closed)?
    }

    /// The durable records of this moment, to search and check. Reads files: use it where blocking is
    /// allowed.
    #[must_use]
    pub fn reader(&self) -> Reader {
        let durable = *self.durable.borrow();
        Reader::up_to(self.source(), durable, self.opener.clone()).with_indexes(self.indexes.clone())
    }

    /// Searches the durable records; see [`Reader::search`].
    #[must_use]
    pub fn search(&self, query: Query) -> Search {
        self.reader().search(query)
    }

    /// The last `count` records, oldest first.
    pub fn tail(&self, count: usize) -> Result<Vec<Record>, ReadError> {
        self.reader().tail(count)
    }

    /// Records as they become durable, beginning behind `after`, or with the next one.
    #[must_use]
    pub fn follow(&self, after: Option<Position>) -> Follow {
        Follow::new(self.source(), self.durable.clone(), after, self.opener.clone())
    }

    /// The last durable record.
    #[must_use]
    pub fn last(&self) -> Option<Position> {
        self.durable.borrow().and_then(|durable| durable.next.previous())
    }

    /// Replaces the keys of records, of which the new one comes first: seals the key of every segment with it, and what is
    /// begun from now on. How many there were. Waits for the writer and writes to files: use it where blocking is allowed.
    ///
    /// # Errors
    /// When a header cannot be replaced; everything stays readable with the two keys, and doing it again goes on.
    pub fn rekey(&self, keys: Arc<Keys>, rng: &dyn Rng) -> Result<u64, ReadError> {
        self.opener.adopt(Arc::clone(&keys));
        // The writer may be about to begin a segment with the former one: its turn ends first. A closed one begins none.
        let (sender, answer) = oneshot::channel();
        if self.send(Command::Flush(sender)).is_ok() {
            let _ = answer.blocking_recv();
        }
        if let Some(personal) = self.opener.personal() {
            let resealed =
                personal.forgetting(|subjects| subjects.reseal(&|subject| keys.reseal_subject(subject, rng)));
            resealed.map_err(ReadError::Personal)?;
        }
        keys::rewrap(&*self.storage, &keys, rng)
    }

    /// Whether the last write went well.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// What may be removed by age and erased; none where everything may.
    #[must_use]
    pub const fn retention(&self) -> Option<&Arc<Retention>> {
        self.retention.as_ref()
    }

    /// Where the segments are, for whoever copies them.
    #[must_use]
    pub fn source(&self) -> Arc<dyn SegmentSource> {
        Arc::<dyn SegmentStorage>::clone(&self.storage)
    }

    fn send(&self, command: Command) -> Result<(), LedgerError> {
        self.commands.send(command).map_err(|_| LedgerError::Closed)
    }
}
