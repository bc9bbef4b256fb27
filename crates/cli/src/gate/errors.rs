//! What goes wrong behind the gate, on its way into the table: answers of 500 and above come from the request path by a
//! bounded queue, exceptions that applications report from the ledger.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gabion_checks::{Fault, FaultLog};
use gabion_gateway::{Probe, Reading};
use gabion_ledger::{Follow, Ledger, Position, ReadError, Record};
use gabion_model::{Clock, Event, EventKind};
use gabion_service::{Exception, FaultSettings, Faults, Keep, Occurrence, release_name};
use gabion_store::Directory;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::state::State;

/// The table's file in the data directory.
const FILE: &str = "errors.json";

/// The table in the data directory.
#[derive(Debug)]
struct Kept(Directory);

impl Keep for Kept {
    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        self.0.read_file(FILE).map_err(io::Error::other)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_file(FILE, bytes).map_err(io::Error::other)
    }
}

/// Fills the table with what was kept. It is no reason not to start when that cannot be read.
pub(super) fn restore(faults: &Faults, directory: &Directory) {
    if let Err(error) = faults.open(Arc::new(Kept(directory.clone()))) {
        tracing::error!(%error, file = FILE, "table of errors cannot be read; it begins anew");
    }
}

/// The task that fills the table.
#[derive(Debug)]
pub(crate) struct Errors {
    faults: Faults,
    sender: mpsc::Sender<Occurrence>,
    dropped: Arc<AtomicU64>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Errors {
    /// Must be called on a tokio runtime.
    pub(crate) fn start(state: &State) -> Self {
        let (sender, received) = mpsc::channel(QUEUE);
        let (stop, stopped) = watch::channel(false);
        let faults = state.service.faults();
        // A ledger that is shorter than what was read goes on behind its end.
        let last = state.ledger.last().unwrap_or(Position(0));
        let after = faults.position().map_or(last, |read| Position(read).min(last));
        let work = Work {
            faults: faults.clone(),
            ledger: state.ledger.clone(),
            clock: Arc::clone(&state.clock),
            received,
            stopped,
            changed: false,
        };
        let follow = state.ledger.follow(Some(after));
        Self { faults, sender, dropped: Arc::default(), stop, task: tokio::spawn(work.run(follow)) }
    }

    /// Where the request path tells them; none where nobody wants to know.
    pub(crate) fn log(&self, settings: &FaultSettings) -> Option<Arc<dyn FaultLog>> {
        settings.enabled.then(|| {
            let (sender, dropped) = (self.sender.clone(), Arc::clone(&self.dropped));
            Arc::new(Queue { sender, dropped, settings: settings.clone() }) as Arc<dyn FaultLog>
        })
    }

    /// Tells the ledger what it was not told yet and keeps the table: before the ledger is closed.
    pub(crate) async fn close(self) {
        self.stop.send_replace(true);
        let _ = self.task.await;
    }

    pub(crate) fn probes(&self) -> [Probe; 3] {
        let (open, others, dropped) = (self.faults.clone(), self.faults.clone(), Arc::clone(&self.dropped));
        [
            Probe {
                name: "errors_open",
                help: "groups of errors behind the gate that nobody resolved",
                read: Box::new(move || reading(open.figures().0 as u64)),
            },
            Probe {
                name: "errors_others",
                help: "errors that had no place in a group, ever",
                read: Box::new(move || reading(others.figures().1)),
            },
            Probe {
                name: "errors_dropped",
                help: "errors that came faster than they could be grouped, since the start",
                read: Box::new(move || reading(dropped.load(Ordering::Relaxed))),
            },
        ]
    }
}

fn reading(count: u64) -> Reading {
    Reading { value: u32::try_from(count).unwrap_or(u32::MAX).into(), well: true }
}

#[derive(Debug)]
struct Queue {
    sender: mpsc::Sender<Occurrence>,
    dropped: Arc<AtomicU64>,
    settings: FaultSettings,
}

impl FaultLog for Queue {
    fn write(&self, fault: &Fault<'_>) {
        let named = self.settings.release_header.as_deref().and_then(|name| fault.fields.get(name));
        let named = named.and_then(|value| release_name(value.to_str().ok()?));
        let occurrence = Occurrence {
            time: fault.time,
            route: fault.route.to_owned(),
            method: fault.method.to_string(),
            status: fault.status.as_u16(),
            upstream: fault.upstream.to_owned(),
            cause: fault.control,
            exception: None,
            release: named.or_else(|| self.settings.release.clone()),
            request: Some(fault.request_id),
            count: 1,
        };
        if self.sender.try_send(occurrence).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

enum Next {
    Fault(Occurrence),
    Read(Result<Option<Record>, ReadError>),
    Stop,
    Tick,
}

struct Work {
    faults: Faults,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    received: mpsc::Receiver<Occurrence>,
    stopped: watch::Receiver<bool>,
    changed: bool,
}

impl Work {
    async fn run(mut self, mut follow: Follow) {
        let mut tick = tokio::time::interval(TICK);
        let (mut reads, mut ticks) = (true, 0_u32);
        loop {
            let next = tokio::select! {
                biased;
                _ = self.stopped.wait_for(|stopped| *stopped) => Next::Stop,
                _ = tick.tick() => Next::Tick,
                Some(occurrence) = self.received.recv() => Next::Fault(occurrence),
                read = follow.next(), if reads => Next::Read(read),
            };
            match next {
                Next::Stop => break,
                Next::Tick => {
                    let due = self.faults.due(self.clock.now());
                    self.tell(due).await;
                    ticks = ticks.wrapping_add(1);
                    self.changed |= ticks.is_multiple_of(KEEP_PLACE_EVERY);
                    if ticks.is_multiple_of(KEEP_EVERY) {
                        self.keep().await;
                    }
                }
                Next::Fault(occurrence) => self.take(occurrence).await,
                Next::Read(read) => reads = self.read(read).await,
            }
        }
        while let Ok(occurrence) = self.received.try_recv() {
            self.take(occurrence).await;
        }
        let rest = self.faults.drain(self.clock.now());
        self.tell(rest).await;
        self.changed = true;
        self.keep().await;
    }

    async fn take(&mut self, occurrence: Occurrence) {
        self.changed = true;
        let told = self.faults.take(occurrence);
        self.tell(told).await;
    }

    /// Whether to go on reading.
    async fn read(&mut self, read: Result<Option<Record>, ReadError>) -> bool {
        match read {
            Ok(Some(record)) => {
                self.faults.read_to(record.position.0);
                if let Some(occurrence) = reported(&record.event) {
                    self.take(occurrence).await;
                }
                true
            }
            Err(ReadError::Unknown { .. }) => true,
            Ok(None) => false,
            Err(error) => {
                tracing::error!(%error, "ledger cannot be read for exceptions that applications report");
                false
            }
        }
    }

    async fn tell(&self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            if let Err(error) = self.ledger.record(event).await {
                tracing::error!(%error, "error of an application not recorded");
            }
        }
    }

    async fn keep(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let faults = self.faults.clone();
        let kept = tokio::task::spawn_blocking(move || faults.keep()).await;
        if let Err(error) = kept.unwrap_or_else(|error| Err(io::Error::other(error))) {
            tracing::error!(%error, "table of errors not kept");
            self.changed = true;
        }
    }
}

/// The exception in an application's event.
fn reported(event: &Event) -> Option<Occurrence> {
    if event.kind != EventKind::Application {
        return None;
    }
    let exception = Exception::of(event)?;
    let text = |key: &str| event.metadata.get(key).cloned();
    let release = text("service.version").or_else(|| text("release"));
    Some(Occurrence {
        time: event.time,
        // A route is a pattern; what the event was about is not.
        route: text("http.route").unwrap_or_default(),
        method: text("http.request.method").unwrap_or_default(),
        status: 0,
        upstream: text("service.name").unwrap_or_default(),
        cause: None,
        exception: Some(exception),
        release: release.as_deref().and_then(release_name),
        request: event.request_id,
        count: event.count,
    })
}

/// Errors that may wait to be grouped.
const QUEUE: usize = 4096;
const TICK: Duration = Duration::from_secs(1);
/// In ticks: how often the table is kept when it changed, and the place in the ledger when nothing else did.
const KEEP_EVERY: u32 = 5;
const KEEP_PLACE_EVERY: u32 = 60;
