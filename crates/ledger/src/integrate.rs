//! The thread that takes durable records into the tree and seals it, beside the one that writes.
//!
//! Nobody who records waits for a tile or a signature; whoever flushes or closes does. What waits here is bounded: when the tree
//! cannot be written as fast as the records, the writer waits.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use gabion_model::{Clock, Timestamp};

use crate::sealer::Sealer;
use crate::tail::Entry;

/// The writer's end of it. Dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct Integrator {
    work: SyncSender<Work>,
    settled: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Work {
    /// Durable records, as they are stored.
    Records(Vec<Entry>),
    /// Seal what is due at this time, or, in the end, whatever there is. Dropping the sender is the answer.
    Settle { now: Timestamp, ending: bool, done: SyncSender<()> },
}

/// Batches that may wait.
const WAITING: usize = 16;
/// How often it is looked whether a seal is due: a clock that stands still does not make the thread spin.
const LEAST: Duration = Duration::from_millis(50);
const MOST: Duration = Duration::from_millis(500);

impl Integrator {
    pub(crate) fn start(sealer: Sealer, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let (work, received) = mpsc::sync_channel(WAITING);
        let settled = Arc::new(AtomicU64::new(sealer.settled()));
        let own = Arc::clone(&settled);
        let thread = thread::Builder::new().name("ledger-seal".to_owned());
        thread.spawn(move || run(sealer, &*clock, &received, &own))?;
        Ok(Self { work, settled })
    }

    /// How many records a checkpoint covers whose tiles are durable.
    pub(crate) fn settled(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.settled)
    }

    /// Hands over what has become durable.
    pub(crate) fn take(&self, records: Vec<Entry>) {
        if !records.is_empty() && self.work.send(Work::Records(records)).is_err() {
            tracing::error!("ledger not sealed: the thread that does it has ended");
        }
    }

    /// Waits until what is due is sealed, or until that has failed.
    pub(crate) fn settle(&self, now: Timestamp, ending: bool) {
        let (done, settled) = mpsc::sync_channel(0);
        if self.work.send(Work::Settle { now, ending, done }).is_ok() {
            // Never a message: it ends when the other side is done.
            let _ = settled.recv();
        }
    }
}

fn run(mut sealer: Sealer, clock: &dyn Clock, work: &Receiver<Work>, settled: &AtomicU64) {
    loop {
        let received = match sealer.due_in(clock.now()) {
            Some(wait) => work.recv_timeout(wait.clamp(LEAST, MOST)),
            None => work.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let (mut now, mut last) = (clock.now(), false);
        // The answer goes when this does.
        let _asked = match received {
            Ok(Work::Records(records)) => {
                records.iter().for_each(|record| sealer.add(&record.payload));
                None
            }
            Ok(Work::Settle { now: asked, ending, done }) => {
                (now, last) = (asked, ending);
                Some(done)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if let Err(error) = seal(&mut sealer, now, last) {
            tracing::error!(%error, "ledger not sealed, will be tried again");
        }
        settled.store(sealer.settled(), Ordering::Release);
    }
}

fn seal(sealer: &mut Sealer, now: Timestamp, ending: bool) -> io::Result<()> {
    if sealer.due_in(now).is_some_and(|wait| ending || wait.is_zero()) {
        sealer.seal(now)?;
    }
    if ending { sealer.settle() } else { Ok(()) }
}
