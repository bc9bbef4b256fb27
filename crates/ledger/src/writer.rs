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
use crate::integrate::Integrator;
use crate::keys::Opener;
use crate::personal;
use crate::scan::Durable;
use crate::shared::Shared;
use crate::tail::{Entry, Shape, Tail};
use crate::tenants::TenantTag;
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
    pub(crate) integrator: Option<Integrator>,
    pub(crate) opener: Opener,
    pub(crate) folder: Folder,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) commands: Receiver<Command>,
    pub(crate) durable: watch::Sender<Option<Durable>>,
    pub(crate) shared: Arc<Shared>,
    /// Counts of a batch that failed are in the folder again; it is tried again at the next turn.
    pub(crate) batch_bytes: usize,
    /// How many waited for the last batch, and how long its sync took.
    pub(crate) answered: usize,
    pub(crate) syncing: Duration,
    /// The rest of the space is kept for acts: refusals are counted and not written.
    pub(crate) withholds: bool,
}

/// Commands in one batch at most.
const BATCH: usize = 4096;
/// One waits for others when as many were there the last time,
const COMPANY: usize = 16;
/// and a sync takes as long as this; one part in so many of it.
const SLOW: Duration = Duration::from_millis(1);
const LINGER: u128 = 4;
/// Longer is no disk but a clock that was set.
const SLOWEST: Duration = Duration::from_millis(100);
const NAP: Duration = Duration::from_micros(50);
/// The JSON of most events is no longer.
const USUAL_EVENT: usize = 768;
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
            self.fill(&mut batch);
            self.linger(&mut batch);
            let ending = batch.abandoned || !batch.closes.is_empty();
            calm = !self.turn(batch, ending);
            if ending {
                return;
            }
        }
    }

    fn takes(&self, batch: &Batch) -> bool {
        batch.len() < BATCH && batch.bytes < self.batch_bytes && batch.closes.is_empty()
    }

    /// Takes what waits already.
    fn fill(&self, batch: &mut Batch) {
        while self.takes(batch) {
            match self.commands.try_recv() {
                Ok(command) => batch.add(command),
                Err(_) => return,
            }
        }
    }

    /// Whoever was answered just now is about to come again. Where the disk is slow it is worth waiting for them: otherwise the
    /// callers fall into two halves, each of which waits for the other's sync as well.
    fn linger(&self, batch: &mut Batch) {
        let expected = batch.entries.len().saturating_add(self.answered);
        if self.answered < COMPANY || self.syncing < SLOW || batch.entries.is_empty() {
            return;
        }
        let mut naps = self.syncing.min(SLOWEST).as_micros() / (NAP.as_micros() * LINGER);
        while naps > 0 && self.takes(batch) && batch.entries.len() < expected {
            match self.commands.recv_timeout(NAP) {
                Ok(command) => {
                    batch.add(command);
                    self.fill(batch);
                }
                Err(RecvTimeoutError::Timeout) => naps -= 1,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Waits for the first command of a batch, or until it is time to look at the folds.
    fn wait(&self, calm: bool, batch: &mut Batch) {
        let timeout = if !calm {
            Some(COLLECT)
        } else if self.shared.may_sleep() {
            (!self.folder.is_idle()).then_some(TICK)
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
        let begun = self.clock.now();
        let result =
            if entries.is_empty() { Ok(None) } else { self.tail.append(&mut entries, now).map(Some) };
        (self.answered, self.syncing) = (asked, self.clock.now().saturating_since(begun));
        match &result {
            Ok(Some(_)) => {
                self.shared.set(Status::Ready);
                self.durable.send_replace(self.tail.durable());
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
        if let Some(integrator) = &self.integrator {
            if result.is_ok() {
                integrator.take(entries);
            }
            if ending || !flushes.is_empty() {
                integrator.settle(now, ending);
            }
        }
        for waiter in flushes.into_iter().chain(closes) {
            let _ = waiter.send(result.clone().map(drop));
        }
        any
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
    let mut json = Vec::with_capacity(USUAL_EVENT);
    serde_json::to_writer(&mut json, &event).map_err(|error| failed(error.into()))?;
    match personal::beside(json, &parts) {
        Ok(payload) if payload.len() <= MAX_EVENT => {
            let shape = Shape::Event(event.tenant.as_ref().map(TenantTag::of));
            Ok(Entry { time: event.time, payload, shape })
        }
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
