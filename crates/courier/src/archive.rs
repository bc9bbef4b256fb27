//! The ledger's finished segments, copied to another place ([`ArchiveSettings`]): a directory, or a bucket of Amazon S3 or of a
//! server that speaks like it. And back ([`ArchiveReader`]).
//!
//! | object | |
//! |---|---|
//! | `<number>.segment` | the segment, as it lies in the data directory; sealed as there |
//! | `tree/tile/…` | the tiles of the tree that ends with its last record (C2SP tlog-tiles) |
//! | `manifests/<number>.json` | length, SHA-256, first and last record, and the log's checkpoint for that tree: written last |
//!
//! A segment is read once before it leaves: each of its records must be the one the tree has. Nothing is ever replaced: what is
//! there already is compared. A copy counts once its manifest is there; what was interrupted goes on where it stopped. Then
//! [`Retention`] is told, so that `keep` may remove it here.
//!
//! Nothing waits for an archive, and the ledger never stops because of one:
//!
//! | an archive that | |
//! |---|---|
//! | is away, refuses, hangs, sends elsewhere | the same segment again, after 1 s, 2 s … 5 min; nothing is removed here |
//! | gives back something else than it was given | the same, and an event says so, once |
//! | holds something else under a name that is to be written | the same: nothing there is touched |
//! | floods back | is cut off at the length that was asked for |
//!
//! When nothing could be copied for `alarm`, an event says so, and another one when it is over.

mod directory;
mod error;
mod read;
mod s3;
mod target;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gabion_ledger::archive::{self, Closed, Intake, Leaves, Manifest, Taken};
use gabion_ledger::retention::Retention;
use gabion_ledger::{ArchiveSettings, Ledger, Position, SealError, Sealed, SegmentId, TreeStorage};
use gabion_model::{Actor, Clock, ControlId, Event, EventKind, Outcome, Problem, Severity, Timestamp};
use gabion_tlog::tile::Tile;
use gabion_tlog::{Checkpoint, SigningKey};
use gabion_vault::sha256;
use serde::{Deserialize, Serialize};
use tokio::task::{JoinHandle, JoinSet};

pub use error::{ArchiveError, ArchiveSetupError};
pub use read::{ArchiveReader, ArchiveVerified, Fetched, Range};
use target::{Content, Object, Put, Target};

use crate::Pace;

/// What is wrong with the address of an archive; paths are relative to the table `[ledger]`.
#[must_use]
pub fn archive_problems(settings: &gabion_ledger::Settings) -> Vec<Problem> {
    let wrong = settings.archive.as_ref().and_then(s3::problem);
    let hint = "for instance `https://s3.eu-central-1.amazonaws.com`; plain `http` only to this machine";
    wrong.map(|reason| Problem::new("archive.endpoint", reason).hint(hint)).into_iter().collect()
}

/// Keeps how far an archive is, as a line of text. Durable when `write` returns; may block.
pub trait ArchiveProgress: Send + Sync + fmt::Debug {
    /// # Errors
    /// When it cannot be told.
    fn read(&self) -> io::Result<Option<String>>;

    /// # Errors
    /// When it is not kept: nothing more is copied then.
    fn write(&self, line: &str) -> io::Result<()>;
}

/// How an archive stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArchiveStanding {
    /// Where it is.
    pub place: String,
    /// The last segment that is there, and its last record.
    pub segment: Option<SegmentId>,
    pub record: Option<Position>,
    /// Finished segments that are not there yet.
    pub waiting: u64,
    /// Why the last try failed.
    pub failing: Option<String>,
    /// When something was copied last, since the start.
    pub at: Option<Timestamp>,
}

/// What is told of an archive, by whoever copies to whoever asks. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct ArchiveBoard(Arc<Mutex<Option<ArchiveStanding>>>);

impl ArchiveBoard {
    /// None where there is no archive.
    #[must_use]
    pub fn standing(&self) -> Option<ArchiveStanding> {
        self.lock().clone()
    }

    /// Takes over what is kept, where no gate copies: how far it was.
    pub fn read(&self, progress: &dyn ArchiveProgress) {
        let line = progress.read().ok().flatten();
        if let Some(kept) = line.and_then(|line| serde_json::from_str::<Kept>(&line).ok()) {
            self.change(|standing| {
                standing.place = kept.place;
                (standing.segment, standing.record) = (Some(kept.segment), Some(kept.record));
            });
        }
    }

    fn change(&self, change: impl FnOnce(&mut ArchiveStanding)) {
        change(self.lock().get_or_insert_default());
    }

    fn lock(&self) -> MutexGuard<'_, Option<ArchiveStanding>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The archive of a running gate. Ends with this.
#[derive(Debug)]
pub struct Archive {
    task: Option<JoinHandle<()>>,
}

/// What is archived, and who has to know.
#[derive(Debug)]
pub struct Archived {
    pub ledger: Ledger,
    pub tree: Arc<dyn TreeStorage>,
    /// Signs the tree each segment ends with.
    pub key: SigningKey,
    pub retention: Arc<Retention>,
    pub progress: Arc<dyn ArchiveProgress>,
    pub board: ArchiveBoard,
    pub clock: Arc<dyn Clock>,
    pub pace: Pace,
}

/// How far it is, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// The place, so that another one begins anew.
    place: String,
    segment: SegmentId,
    record: Position,
}

impl Archive {
    /// Begins to copy, on the current tokio runtime; without a place nothing.
    ///
    /// # Errors
    /// When the place cannot be used.
    pub fn start(settings: Option<&ArchiveSettings>, archived: Archived) -> Result<Self, ArchiveSetupError> {
        let Some(settings) = settings else { return Ok(Self { task: None }) };
        let task = Task::new(settings, archived)?;
        Ok(Self { task: Some(tokio::spawn(task.run())) })
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

struct Task {
    target: Arc<Target>,
    archived: Archived,
    alarm: Duration,
    read_back: bool,
    /// None before it was read.
    kept: Option<Kept>,
    /// Since when something waits.
    waiting: Option<Timestamp>,
    /// Whether the alarm was raised.
    missing: bool,
    /// What was said of a contradiction last.
    contradiction: Option<String>,
}

impl Task {
    fn new(settings: &ArchiveSettings, archived: Archived) -> Result<Self, ArchiveSetupError> {
        let target = Target::new(settings, Arc::clone(&archived.clock))?;
        archived.board.change(|standing| standing.place = target.name());
        Ok(Self {
            target: Arc::new(target),
            archived,
            alarm: settings.alarm.as_duration(),
            read_back: settings.read_back,
            kept: None,
            waiting: None,
            missing: false,
            contradiction: None,
        })
    }

    async fn run(mut self) {
        let Pace { first, longest, .. } = self.archived.pace;
        let mut pause = first;
        loop {
            let failed = self.turn().await;
            tokio::time::sleep(if failed { pause } else { EVERY }).await;
            pause = if failed { pause.saturating_mul(2).min(longest) } else { first };
        }
    }

    /// One try; whether it failed.
    async fn turn(&mut self) -> bool {
        let tried = self.round().await;
        let failing = tried.as_ref().err().map(ToString::to_string);
        let before = self.archived.board.standing().and_then(|standing| standing.failing);
        self.archived.board.change(|standing| standing.failing.clone_from(&failing));
        if let Err(error) = &tried {
            if before != failing {
                tracing::warn!(%error, "ledger not archived");
            }
            if error.contradicts() && self.contradiction != failing {
                self.contradicted(error).await;
                self.contradiction.clone_from(&failing);
            }
        }
        self.look().await;
        tried.is_err()
    }

    /// Copies every finished segment that is not there yet.
    async fn round(&mut self) -> Result<(), ArchiveError> {
        let kept = match &self.kept {
            Some(kept) => kept.clone(),
            None => self.begin().await?,
        };
        let source = self.archived.ledger.source();
        let closed = blocking(move || Ok(archive::closed(&source, kept.segment)?)).await?;
        let mut left: VecDeque<Closed> = closed.into();
        self.wait_for(&left);
        if left.is_empty() {
            return Ok(());
        }
        let (tree, ledger) = (Arc::clone(&self.archived.tree), self.archived.ledger.clone());
        let sealed = blocking(move || last(&tree, &ledger)).await?;
        let Some(sealed) = sealed.map(Arc::new) else { return Ok(()) };
        while let Some(closed) = left.front().copied() {
            if sealed.checkpoint().size < closed.last.0 {
                // The checkpoint of a moment ago is not there yet.
                return Ok(());
            }
            self.copy(&sealed, closed).await?;
            left.pop_front();
            self.wait_for(&left);
        }
        Ok(())
    }

    fn wait_for(&mut self, left: &VecDeque<Closed>) {
        self.archived.board.change(|standing| standing.waiting = left.len() as u64);
        if left.is_empty() {
            self.waiting = None;
        } else {
            self.waiting.get_or_insert(self.archived.clock.now());
        }
    }

    /// Where it goes on: behind what is kept for this place.
    async fn begin(&mut self) -> Result<Kept, ArchiveError> {
        let (place, progress) = (self.target.name(), Arc::clone(&self.archived.progress));
        let line = blocking(move || Ok(progress.read()?)).await?;
        let kept = line.and_then(|line| serde_json::from_str::<Kept>(&line).ok());
        let kept = kept.filter(|kept| kept.place == place);
        let kept = kept.unwrap_or(Kept { place, segment: SegmentId(0), record: Position(0) });
        self.told(&kept, false);
        self.kept = Some(kept.clone());
        Ok(kept)
    }

    fn told(&self, kept: &Kept, now: bool) {
        if kept.segment.0 > 0 {
            self.archived.retention.set_archived(kept.segment);
        }
        let at = now.then(|| self.archived.clock.now());
        self.archived.board.change(|standing| {
            standing.segment = Some(kept.segment).filter(|segment| segment.0 > 0);
            standing.record = Some(kept.record).filter(|record| record.0 > 0);
            standing.at = at.or(standing.at);
        });
    }

    /// Copies one segment and what proves it.
    async fn copy(&mut self, sealed: &Arc<Sealed>, closed: Closed) -> Result<(), ArchiveError> {
        let before = self.kept.as_ref().map_or(Position(0), |kept| kept.record);
        let name = target::manifest(closed.segment);
        let manifest = match self.target.whole(&name, Manifest::LONGEST).await? {
            Some(bytes) => {
                let manifest = self.adopted(sealed, &closed, &name, &bytes).await?;
                self.put_tiles(sealed, before, closed.last).await?;
                manifest
            }
            None => {
                let taken = self.put_segment(sealed, &closed).await?;
                self.put_tiles(sealed, before, closed.last).await?;
                let manifest = self.manifest(sealed, &closed, &taken)?;
                let bytes = manifest.to_bytes();
                put(&self.target, &name, bytes, self.read_back).await?;
                manifest
            }
        };
        let kept = Kept { place: self.target.name(), segment: closed.segment, record: closed.last };
        let line = serde_json::to_string(&kept).map_err(io::Error::from)?;
        let progress = Arc::clone(&self.archived.progress);
        blocking(move || Ok(progress.write(&line)?)).await?;
        self.told(&kept, true);
        self.kept = Some(kept);
        tracing::info!(segment = closed.segment.0, "ledger segment archived");
        self.say_archived(&manifest).await;
        Ok(())
    }

    fn manifest(&self, sealed: &Sealed, closed: &Closed, taken: &Taken) -> Result<Manifest, ArchiveError> {
        let key = &self.archived.key;
        let origin = key.verifying().name().to_owned();
        let (size, root) = (closed.last.0, sealed.root(closed.last.0)?);
        let checkpoint = Checkpoint { origin, size, root, extensions: Vec::new() };
        Ok(Manifest::new(closed, taken, &checkpoint.sign(key)))
    }

    /// A manifest that is there already: of the same records, and the copy with it, which is put again where it was lost.
    async fn adopted(
        &self,
        sealed: &Arc<Sealed>,
        closed: &Closed,
        name: &str,
        bytes: &[u8],
    ) -> Result<Manifest, ArchiveError> {
        let conflict = || ArchiveError::Conflict(name.to_owned());
        let manifest = Manifest::parse(bytes).map_err(|_| conflict())?;
        let root = manifest.root(self.archived.key.verifying()).map_err(|_| conflict())?;
        let same =
            (manifest.segment, manifest.first, manifest.last) == (closed.segment, closed.first, closed.last);
        if !same || root != sealed.root(closed.last.0)? {
            return Err(conflict());
        }
        let taken = match self.read_copy(sealed, closed, manifest.size).await? {
            Some(taken) => taken,
            None => self.put_segment(sealed, closed).await?,
        };
        if taken.is_told_by(&manifest) { Ok(manifest) } else { Err(conflict()) }
    }

    /// What is there after this is a copy of the segment: every record is the one the tree has.
    async fn put_segment(&self, sealed: &Arc<Sealed>, closed: &Closed) -> Result<Taken, ArchiveError> {
        let (source, tree, own) = (self.archived.ledger.source(), Arc::clone(sealed), *closed);
        let taken = blocking(move || measured(&source, &tree, &own)).await?;
        let name = target::copy(closed.segment);
        let source = self.archived.ledger.source();
        let content = Content::Segment { source, segment: closed.segment, size: taken.size };
        let put = self.target.put(&name, Object { content, sha256: taken.sha256 }).await?;
        if put == Put::Made && !self.read_back {
            return Ok(taken);
        }
        // Another key may have been in its header then (`gabion ledger rekey`): that is the same segment.
        let most = if put == Put::Made { taken.size } else { archive::LARGEST };
        let back = self.read_copy(sealed, closed, most).await?.ok_or(ArchiveError::Missing(name.clone()))?;
        if put == Put::Made && back != taken { Err(ArchiveError::Wrong(name)) } else { Ok(back) }
    }

    /// The copy that is there, each record compared with the tree.
    async fn read_copy(
        &self,
        sealed: &Sealed,
        closed: &Closed,
        most: u64,
    ) -> Result<Option<Taken>, ArchiveError> {
        let name = target::copy(closed.segment);
        let (mut intake, mut leaves) = (Intake::new(most), Leaves::of(sealed));
        let mut take = |piece: &[u8]| {
            let pushed = intake.push(piece, |record, leaf| leaves.compare(record, leaf));
            pushed.map_err(|reason| ArchiveError::Copy { name: name.clone(), reason })
        };
        if !self.target.read(&name, most, &mut take).await? {
            return Ok(None);
        }
        let taken = intake.finish(|record, leaf| leaves.compare(record, leaf));
        let taken = taken.map_err(|reason| ArchiveError::Copy { name: name.clone(), reason })?;
        let own =
            (taken.segment, taken.first, taken.next) == (closed.segment, closed.first, closed.last.next());
        if !own || leaves.verdict()?.is_some() {
            return Err(ArchiveError::Wrong(name));
        }
        Ok(Some(taken))
    }

    async fn put_tiles(
        &self,
        sealed: &Arc<Sealed>,
        before: Position,
        last: Position,
    ) -> Result<(), ArchiveError> {
        let mut tiles = archive::tiles(before, last);
        let mut sent: JoinSet<Result<(), ArchiveError>> = JoinSet::new();
        loop {
            while sent.len() < AT_ONCE
                && let Some(tile) = tiles.next()
            {
                let (target, sealed) = (Arc::clone(&self.target), Arc::clone(sealed));
                sent.spawn(put_tile(target, sealed, tile, self.read_back));
            }
            match sent.join_next().await {
                None => return Ok(()),
                Some(Ok(done)) => done?,
                Some(Err(error)) => return Err(io::Error::other(error).into()),
            }
        }
    }

    /// Raises the alarm, or takes it back.
    async fn look(&mut self) {
        let now = self.archived.clock.now();
        let waits = self.waiting.is_some_and(|since| now.saturating_since(since) >= self.alarm);
        if waits == self.missing || (self.missing && self.waiting.is_some()) {
            return;
        }
        let (action, outcome) = if waits {
            ("ledger.archive.missing", Outcome::Failure)
        } else {
            ("ledger.archive.back", Outcome::Success)
        };
        let mut event = self.event(action, outcome);
        let standing = self.archived.board.standing().unwrap_or_default();
        event.metadata.insert("waiting".to_owned(), standing.waiting.to_string());
        if waits {
            event.severity = Some(Severity::High);
            event.reason = Some(standing.failing.unwrap_or_else(|| "it is too slow".to_owned()));
        }
        if self.record(event).await {
            self.missing = waits;
        }
    }

    async fn contradicted(&self, error: &ArchiveError) {
        let mut event = self.event("ledger.archive.contradicts", Outcome::Failure);
        event.severity = Some(Severity::Critical);
        event.reason = Some(error.to_string());
        self.record(event).await;
    }

    async fn say_archived(&self, manifest: &Manifest) {
        let mut event = self.event("ledger.archive", Outcome::Success);
        event.metadata.insert("segment".to_owned(), manifest.segment.to_string());
        event.metadata.insert("first".to_owned(), manifest.first.to_string());
        event.metadata.insert("last".to_owned(), manifest.last.to_string());
        event.metadata.insert("sha256".to_owned(), manifest.sha256.clone());
        self.record(event).await;
    }

    fn event(&self, action: &str, outcome: Outcome) -> Event {
        let (now, kind) = (self.archived.clock.now(), EventKind::Configuration);
        let mut event = Event::new(now, kind, action, Actor::Gate, outcome, ControlId::LEDGER_RETENTION);
        event.resource = self.target.name();
        event
    }

    async fn record(&self, event: Event) -> bool {
        let recorded = self.archived.ledger.record(event).await;
        if let Err(error) = &recorded {
            tracing::error!(%error, "what becomes of the archive is not recorded");
        }
        recorded.is_ok()
    }
}

/// Reads the segment here; each record must be the one the tree has.
fn measured(
    source: &Arc<dyn gabion_ledger::SegmentSource>,
    sealed: &Sealed,
    closed: &Closed,
) -> Result<Taken, ArchiveError> {
    let size = archive::length(source, closed)?;
    let (mut intake, mut leaves) = (Intake::new(size), Leaves::of(sealed));
    let mut failed = None;
    let content = Content::Segment { source: Arc::clone(source), segment: closed.segment, size };
    let name = || target::copy(closed.segment);
    content
        .pieces(|piece| {
            intake.push(&piece, |record, leaf| leaves.compare(record, leaf)).map_err(|reason| {
                failed = Some(reason);
                io::Error::from(io::ErrorKind::InvalidData)
            })
        })
        .map_err(|error| match failed {
            Some(reason) => ArchiveError::Copy { name: name(), reason },
            None => error.into(),
        })?;
    let taken = intake.finish(|record, leaf| leaves.compare(record, leaf));
    let taken = taken.map_err(|reason| ArchiveError::Copy { name: name(), reason })?;
    match leaves.verdict()? {
        Some(record) => Err(ArchiveError::Changed(record)),
        None if taken.next == closed.last.next() => Ok(taken),
        None => Err(ArchiveError::Changed(taken.next)),
    }
}

async fn put_tile(
    target: Arc<Target>,
    sealed: Arc<Sealed>,
    tile: Tile,
    read_back: bool,
) -> Result<(), ArchiveError> {
    let hashes = blocking(move || Ok(sealed.tile(tile)?)).await?;
    put(&target, &target_tile(tile), hashes, read_back).await
}

fn target_tile(tile: Tile) -> String {
    format!("tree/{tile}")
}

/// What is there after this is this.
async fn put(target: &Target, name: &str, bytes: Vec<u8>, read_back: bool) -> Result<(), ArchiveError> {
    let object = Object { sha256: sha256(&bytes), content: Content::Bytes(bytes.clone()) };
    let put = target.put(name, object).await?;
    if put == Put::Made && !read_back {
        return Ok(());
    }
    match target.whole(name, bytes.len()).await? {
        Some(there) if there == bytes => Ok(()),
        _ if put == Put::There => Err(ArchiveError::Conflict(name.to_owned())),
        None => Err(ArchiveError::Missing(name.to_owned())),
        Some(_) => Err(ArchiveError::Wrong(name.to_owned())),
    }
}

/// The tree of the last checkpoint; none while there is none.
fn last(tree: &Arc<dyn TreeStorage>, ledger: &Ledger) -> Result<Option<Sealed>, ArchiveError> {
    let mut left = 3;
    loop {
        match Sealed::open(Arc::clone(tree), &ledger.reader()) {
            // The gate signed between the two looks.
            Err(SealError::RolledBack { .. }) if left > 0 => left -= 1,
            opened => return Ok(opened?),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, ArchiveError> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

impl fmt::Debug for Task {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Task")
    }
}

/// Between two looks for finished segments.
const EVERY: Duration = Duration::from_secs(5);
/// Tiles on their way.
const AT_ONCE: usize = 8;

#[cfg(test)]
mod tests;
