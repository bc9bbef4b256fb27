//! The one thread that writes: group commit, and the folds between.
//!
//! Everything that was queued while the previous sync ran is the next batch.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use gabion_model::{Clock, Event, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use crate::fold::Folder;
use crate::format::MAX_EVENT;
use crate::keys::Opener;
use crate::personal;
use crate::scan::Durable;
use crate::sealer::Sealer;
use crate::shared::Shared;
use crate::tail::{Entry, Tail};
use crate::{LedgerError, Position, Status};

/// What the handles ask of the writer.
#[derive(Debug)]
pub(crate) enum Command {
    /// Record this and answer with its place; the permit bounds how many wait.
    Record(Entry, oneshot::Sender<Result<Position, LedgerError>>, OwnedSemaphorePermit),
    /// Take and write what was observed, as far as it is due.
    Flush(oneshot::Sender<Result<(), LedgerError>>),
    /// The same and every open count; then end.
    Close(oneshot::Sender<Result<(), LedgerError>>),
    /// Something was observed while the writer slept.
    Wake,
}

pub(crate) struct Writer {
    pub(crate) tail: Tail,
    pub(crate) sealer: Option<Sealer>,
    pub(crate) opener: Opener,
    pub(crate) folder: Folder,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) commands: Receiver<Command>,
    pub(crate) durable: watch::Sender<Option<Durable>>,
    pub(crate) shared: Arc<Shared>,
    /// Counts of a batch that failed are in the folder again; it is tried again at the next turn.
    pub(crate) batch_bytes: usize,
    /// The rest of the space is kept for acts: refusals are counted and not written.
    pub(crate) withholds: bool,
}

/// Commands in one batch at most.
const BATCH: usize = 4096;
/// How often open windows are looked at while nothing else happens.
const TICK: Duration = Duration::from_millis(500);
/// How long refusals are collected before they are taken, while they come without pause.
const COLLECT: Duration = Duration::from_millis(50);

/// The commands of one turn.
#[derive(Default)]
struct Batch {
    entries: Vec<Entry>,
    waiters: Vec<(oneshot::Sender<Result<Position, LedgerError>>, OwnedSemaphorePermit)>,
    flushes: Vec<oneshot::Sender<Result<(), LedgerError>>>,
    closes: Vec<oneshot::Sender<Result<(), LedgerError>>>,
    bytes: usize,
    /// The last handle is gone.
    abandoned: bool,
}

impl Writer {
    pub(crate) fn run(mut self) {
        let _ended = Ended(Arc::clone(&self.shared));
        let mut calm = true;
        loop {
            let mut batch = Batch::default();
            self.wait(calm, &mut batch);
            while batch.len() < BATCH && batch.bytes < self.batch_bytes && batch.closes.is_empty() {
                match self.commands.try_recv() {
                    Ok(command) => batch.add(command),
                    Err(_) => break,
                }
            }
            let ending = batch.abandoned || !batch.closes.is_empty();
            calm = !self.turn(batch, ending);
            if ending {
                return;
            }
        }
    }

    /// Waits for the first command of a batch, or until it is time to look at the folds.
    fn wait(&self, calm: bool, batch: &mut Batch) {
        let timeout = if !calm {
            Some(COLLECT)
        } else if self.shared.may_sleep() {
            let seal = self.sealer.as_ref().and_then(|sealer| sealer.due_in(self.clock.now()));
            let fold = (!self.folder.is_idle()).then_some(TICK);
            // A clock that stands still does not make the thread spin.
            let seal = seal.map(|wait| wait.clamp(COLLECT, TICK));
            [seal, fold].into_iter().flatten().min()
        } else {
            return;
        };
        let command = match timeout {
            Some(timeout) => self.commands.recv_timeout(timeout),
            None => self.commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        self.shared.woke();
        match command {
            Ok(command) => batch.add(command),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => batch.abandoned = true,
        }
    }

    /// Writes a batch; whether refusals had been observed since the last one.
    fn turn(&mut self, batch: Batch, ending: bool) -> bool {
        let now = self.clock.now();
        let mut observed = Vec::new();
        let mut any = false;
        let folder = &mut self.folder;
        self.shared.front.drain(|fingerprint, fold, one_kind| {
            any = true;
            if one_kind {
                folder.take(fingerprint, fold, now, &mut observed);
            } else {
                folder.remain(&fold, now);
            }
        });
        folder.due(now, &mut observed);
        if ending {
            folder.drain(now, &mut observed);
        }
        let Batch { mut entries, waiters, flushes, closes, .. } = batch;
        let asked = entries.len();
        let mut refusals = Vec::new();
        observed.retain(|event| {
            // Bounded texts always fit; if not, they are counted all the same.
            let entry = encode(&self.opener, event.clone());
            let entry = entry.map_err(|_| self.folder.give_back(event.clone(), now));
            entry.map(|entry| refusals.push(entry)).is_ok()
        });
        if !ending && self.withholds(&refusals, now) {
            observed.drain(..).for_each(|event| self.folder.give_back(event, now));
        } else {
            entries.append(&mut refusals);
        }
        let result =
            if entries.is_empty() { Ok(None) } else { self.tail.append(&mut entries, now).map(Some) };
        match &result {
            Ok(Some(_)) => {
                self.shared.set(Status::Ready);
                self.durable.send_replace(self.tail.durable());
                if let Some(sealer) = &mut self.sealer {
                    entries.iter().for_each(|entry| sealer.add(&entry.payload));
                }
            }
            Ok(None) => {}
            Err(error) => {
                self.report(error);
                observed.into_iter().for_each(|event| self.folder.give_back(event, now));
            }
        }
        debug_assert_eq!(asked, waiters.len(), "an entry has a waiter");
        let mut position = result.as_ref().ok().copied().flatten().unwrap_or(Position(0));
        for (waiter, permit) in waiters {
            // Whoever stopped waiting does not hear the answer; the event is recorded all the same.
            let _ = waiter.send(result.clone().map(|_| position));
            position = position.next();
            drop(permit);
        }
        // Behind the answers: nobody waits for a signature, except whoever closes.
        self.seal(now, ending);
        for waiter in flushes.into_iter().chain(closes) {
            let _ = waiter.send(result.clone().map(drop));
        }
        any
    }

    fn seal(&mut self, now: Timestamp, ending: bool) {
        let Some(sealer) = &mut self.sealer else { return };
        let due = sealer.due_in(now).is_some_and(|wait| ending || wait.is_zero());
        if due && let Err(error) = sealer.seal(now) {
            tracing::error!(%error, "ledger not sealed, will be tried again");
        }
    }

    fn withholds(&mut self, refusals: &[Entry], now: Timestamp) -> bool {
        if refusals.is_empty() {
            return false;
        }
        let bytes = refusals.iter().map(|entry| self.tail.size_of(entry)).sum();
        let withholds = !self.tail.has_room_for_refusals(bytes, now);
        if withholds && !self.withholds {
            tracing::error!("ledger nearly full, refusals are counted and not written");
        }
        self.withholds = withholds;
        withholds
    }

    fn report(&self, error: &LedgerError) {
        let status = if matches!(error, LedgerError::Full) { Status::Full } else { Status::Failing };
        if self.shared.set(status) != status {
            tracing::error!(%error, "ledger not writable");
        }
    }
}

impl Batch {
    fn len(&self) -> usize {
        self.entries.len() + self.flushes.len()
    }

    fn add(&mut self, command: Command) {
        match command {
            Command::Record(entry, waiter, permit) => {
                self.bytes += entry.payload.len();
                self.entries.push(entry);
                self.waiters.push((waiter, permit));
            }
            Command::Flush(waiter) => self.flushes.push(waiter),
            Command::Close(waiter) => self.closes.push(waiter),
            Command::Wake => {}
        }
    }
}

/// An event as it stands in a frame. It has been cleaned before. May block where personal data is sealed.
pub(crate) fn encode(opener: &Opener, mut event: Event) -> Result<Entry, LedgerError> {
    let failed = |error| LedgerError::Io(Arc::new(error));
    let parts = opener.take_personal(&mut event).map_err(failed)?;
    let json = serde_json::to_vec(&event).map_err(|error| failed(error.into()))?;
    match personal::beside(json, &parts) {
        Ok(payload) if payload.len() <= MAX_EVENT => Ok(Entry { time: event.time, payload }),
        Ok(_) => Err(LedgerError::TooLarge),
        Err(error) => Err(failed(error)),
    }
}

/// Says that the writer has ended, however it did.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.set(Status::Closed);
    }
}
