//! Where the ledger's records go besides: a file, a log server, a webhook ([`SinkSettings`]).
//!
//! Each sink follows the ledger by position, on a task of its own, beside the requests and beside the other sinks. Records
//! leave in batches, in order. The position a sink has delivered is kept durable ([`Cursors`]) *after* it took the batch:
//! whatever happens in between, a record is delivered again, never left out. A sink that does not take a batch is tried
//! again with growing pauses and goes no further meanwhile; the ledger waits for nobody.
//!
//! | a sink that | |
//! |---|---|
//! | is away, refuses, lies about its name | the batch again, after 1 s, 2 s … 5 min |
//! | hangs | the same, after its `timeout` |
//! | floods back | cut off at 64 KiB, the same |
//! | was away for longer than the ledger keeps records | goes on with the oldest there is; the log says how many it missed |
//!
//! Receivers see a record twice when an answer was lost: its position (`metadata.uid`) tells.

mod file;
mod settings;
mod syslog;
mod webhook;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gabion_ledger::{Follow, Ledger, Position, ReadError, Record};
use gabion_model::outbound::FetchError;
use gabion_model::{Actor, Clock, ControlId, Event, EventKind, Outcome, Rng, random};
use gabion_telemetry::Source;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use settings::is_this_machine;
pub use settings::{SinkFormat, SinkKind, SinkSettings, sink_problems};

/// Keeps what each sink has delivered. Durable when `write` returns; may block.
pub trait Cursors: Send + Sync + fmt::Debug {
    /// None for a sink that never delivered.
    ///
    /// # Errors
    /// When it cannot be told.
    fn read(&self, sink: &str) -> io::Result<Option<Position>>;

    /// # Errors
    /// When it is not kept: the sink then goes no further.
    fn write(&self, sink: &str, delivered: Position) -> io::Result<()>;
}

/// Why a sink cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum SinkSetupError {
    #[error("cannot read `{path}`: {source}")]
    File { path: std::path::PathBuf, source: io::Error },
    #[error("line {line} of `{path}` is no key of Standard Webhooks: {reason}")]
    Key { path: std::path::PathBuf, line: usize, reason: String },
    #[error("`{0}` has no key in it")]
    NoKey(std::path::PathBuf),
    #[error("its connection cannot be secured: {0}")]
    Tls(#[from] gabion_egress::TlsError),
}

/// Why a batch was not delivered. Says nothing of what it holds. Alphabetical.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    #[error("it cannot be reached: {0}")]
    Fetch(#[from] FetchError),
    #[error("it sends more than it is asked")]
    Floods,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it ended the connection without saying that it has everything (close_notify)")]
    NotClosed,
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("it did not take it in time")]
    TimedOut,
    #[error("the message cannot be signed: {0}")]
    Unsigned(gabion_vault::webhook::SignFault),
}

/// How a sink stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkStanding {
    pub name: String,
    pub kind: SinkKind,
    /// The last record it took; none before it was found out.
    pub delivered: Option<Position>,
    /// Whether its last try failed.
    pub fails: bool,
}

/// All sinks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sinks(Arc<Inner>);

struct Inner {
    sinks: Vec<Arc<Sink>>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    pace: Pace,
    stop: watch::Sender<bool>,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

/// How long a sink waits.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// For more records, once there is one.
    pub linger: Duration,
    /// After the first failure; doubled after each next one.
    pub first: Duration,
    pub longest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let (linger, first) = (Duration::from_millis(250), Duration::from_secs(1));
        Self { linger, first, longest: Duration::from_secs(300) }
    }
}

struct Sink {
    name: String,
    kind: SinkKind,
    from_start: bool,
    timeout: Duration,
    way: Way,
    host: String,
    version: String,
    /// [`UNKNOWN`] before the worker found it out.
    delivered: AtomicU64,
    fails: AtomicBool,
}

enum Way {
    File(file::FileSink),
    Syslog(syslog::SyslogSink),
    Webhook(webhook::WebhookSink),
}

impl Sinks {
    /// Reads what the sinks need; nothing is connected yet. `host` is what log servers are told this machine is called.
    ///
    /// # Errors
    /// The name of the first sink that cannot be used, and why.
    pub fn new(
        settings: &BTreeMap<String, SinkSettings>,
        (version, host): (&str, &str),
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        pace: Pace,
    ) -> Result<Self, (String, SinkSetupError)> {
        let sink = |(name, settings): (&String, &SinkSettings)| {
            let way = match settings.kind {
                SinkKind::File => Ok(Way::File(file::FileSink::new(settings))),
                SinkKind::Syslog => syslog::SyslogSink::new(settings).map(Way::Syslog),
                SinkKind::Webhook => webhook::WebhookSink::new(name, settings).map(Way::Webhook),
            };
            Ok(Arc::new(Sink {
                name: name.clone(),
                kind: settings.kind,
                from_start: settings.from_start,
                timeout: settings.timeout.as_duration(),
                way: way.map_err(|error| (name.clone(), error))?,
                host: host.to_owned(),
                version: version.to_owned(),
                delivered: AtomicU64::new(UNKNOWN),
                fails: AtomicBool::new(false),
            }))
        };
        let sinks = settings.iter().map(sink).collect::<Result<_, _>>()?;
        let (stop, workers) = (watch::channel(false).0, Mutex::default());
        Ok(Self(Arc::new(Inner { sinks, clock, rng, pace, stop, workers })))
    }

    /// Follows the ledger from now on, on the current tokio runtime.
    pub fn start(&self, ledger: &Ledger, cursors: &Arc<dyn Cursors>) {
        let spawn = |sink: &Arc<Sink>| {
            let worker = Worker {
                sink: Arc::clone(sink),
                inner: Arc::clone(&self.0),
                ledger: ledger.clone(),
                cursors: Arc::clone(cursors),
                stop: self.0.stop.subscribe(),
            };
            tokio::spawn(worker.run())
        };
        let workers: Vec<_> = self.0.sinks.iter().map(spawn).collect();
        self.0.workers.lock().unwrap_or_else(PoisonError::into_inner).extend(workers);
    }

    /// Gives every sink one more try with what it has not taken, for at most `deadline`: close the ledger before, so that
    /// nothing comes after. What is left then leaves after the next start.
    pub async fn close(&self, deadline: Duration) {
        self.0.stop.send_replace(true);
        let workers = std::mem::take(&mut *self.0.workers.lock().unwrap_or_else(PoisonError::into_inner));
        let aborts: Vec<_> = workers.iter().map(JoinHandle::abort_handle).collect();
        let all = async {
            for worker in workers {
                let _ = worker.await;
            }
        };
        if tokio::time::timeout(deadline, all).await.is_err() {
            aborts.iter().for_each(tokio::task::AbortHandle::abort);
        }
    }

    /// One try with one event that says it is a test, now.
    ///
    /// # Errors
    /// Why it was not taken; none where there is no such sink.
    pub async fn test(&self, name: &str) -> Option<Result<(), SinkError>> {
        let sink = self.0.sinks.iter().find(|sink| sink.name == name)?;
        let (now, kind, control) = (self.0.clock.now(), EventKind::Configuration, ControlId::LEDGER_SHIPPING);
        let event = Event::new(now, kind, "sink.test", Actor::Operator, Outcome::Success, control);
        let record = Record { position: Position(0), event };
        Some(sink.deliver(&[record], now).await)
    }

    #[must_use]
    pub fn standings(&self) -> Vec<SinkStanding> {
        let standing = |sink: &Arc<Sink>| {
            let delivered = sink.delivered.load(Ordering::Relaxed);
            SinkStanding {
                name: sink.name.clone(),
                kind: sink.kind,
                delivered: (delivered != UNKNOWN).then_some(Position(delivered)),
                fails: sink.fails.load(Ordering::Relaxed),
            }
        };
        self.0.sinks.iter().map(standing).collect()
    }
}

impl Sink {
    async fn deliver(&self, batch: &[Record], now: gabion_model::Timestamp) -> Result<(), SinkError> {
        let source = Source { version: &self.version, host: &self.host };
        let work = async {
            match &self.way {
                Way::File(file) => file.deliver(&source, batch).await,
                Way::Syslog(syslog) => syslog.deliver(&source, batch).await,
                Way::Webhook(webhook) => webhook.deliver(&source, batch, now).await,
            }
        };
        tokio::time::timeout(self.timeout, work).await.unwrap_or(Err(SinkError::TimedOut))
    }
}

struct Worker {
    sink: Arc<Sink>,
    inner: Arc<Inner>,
    ledger: Ledger,
    cursors: Arc<dyn Cursors>,
    stop: watch::Receiver<bool>,
}

/// The worker is to end.
struct Stopped;

impl Worker {
    async fn run(mut self) {
        let mut pause = self.inner.pace.first;
        loop {
            let reason = match self.follow().await {
                Ok(()) | Err(None) => return,
                // The ledger or the cursor cannot be read: that may pass.
                Err(Some(reason)) => reason,
            };
            tracing::error!(sink = self.sink.name, reason, "sink stands still");
            self.sink.fails.store(true, Ordering::Relaxed);
            if self.has_to_stop() {
                return;
            }
            self.wait(&mut pause).await;
        }
    }

    /// Until the ledger is closed and everything delivered; none where it was told to stop.
    async fn follow(&mut self) -> Result<(), Option<String>> {
        let mut delivered = self.beginning().await.map_err(|error| Some(error.to_string()))?;
        let mut follow = self.ledger.follow(Some(delivered));
        loop {
            let batch = self.batch(&mut follow).await.map_err(|error| Some(error.to_string()))?;
            let (Some(first), Some(last)) = (batch.first(), batch.last()) else { return Ok(()) };
            let (first, last) = (first.position, last.position);
            if first > delivered.next() {
                let missed = first.0.saturating_sub(delivered.next().0);
                tracing::error!(
                    sink = self.sink.name,
                    missed,
                    "records were removed before the sink took them"
                );
            }
            self.insist(&batch).await.map_err(|Stopped| None)?;
            self.keep(last).await.map_err(|error| Some(error.to_string()))?;
            delivered = last;
        }
    }

    /// Behind which record the sink goes on.
    async fn beginning(&self) -> io::Result<Position> {
        let last = self.ledger.last().unwrap_or(Position(0));
        let (cursors, name) = (Arc::clone(&self.cursors), self.sink.name.clone());
        let kept = blocking(move || cursors.read(&name)).await?;
        match kept {
            Some(kept) if kept <= last => {
                self.sink.delivered.store(kept.0, Ordering::Relaxed);
                return Ok(kept);
            }
            Some(kept) => tracing::error!(
                sink = self.sink.name,
                delivered = kept.0,
                last = last.0,
                "the ledger is shorter than what the sink took; it goes on behind its end"
            ),
            None if self.sink.from_start => {
                self.sink.delivered.store(0, Ordering::Relaxed);
                return Ok(Position(0));
            }
            None => {}
        }
        self.keep(last).await?;
        Ok(last)
    }

    /// At least one record; none at the ledger's end, and where there is to be an end and nothing is left.
    async fn batch(&self, follow: &mut Follow) -> Result<Vec<Record>, ReadError> {
        let (mut batch, mut bytes) = (Vec::new(), 0_usize);
        let mut stop = self.stop.clone();
        let first = tokio::select! {
            biased;
            first = next(follow) => first?,
            _ = stop.wait_for(|stop| *stop) => None,
        };
        let Some(first) = first else { return Ok(batch) };
        bytes = bytes.saturating_add(weight(&first));
        batch.push(first);
        let more = async {
            while batch.len() < MOST_RECORDS && bytes < MOST_BYTES {
                match next(follow).await {
                    Ok(Some(record)) => {
                        bytes = bytes.saturating_add(weight(&record));
                        batch.push(record);
                    }
                    Ok(None) => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        };
        let linger = if *self.stop.borrow() { Duration::ZERO } else { self.inner.pace.linger };
        // What was read before the time was up is in the batch.
        tokio::time::timeout(linger, more).await.unwrap_or(Ok(()))?;
        Ok(batch)
    }

    /// Until the sink took the batch.
    async fn insist(&mut self, batch: &[Record]) -> Result<(), Stopped> {
        let mut pause = self.inner.pace.first;
        loop {
            let last_try = self.has_to_stop();
            let delivered = self.sink.deliver(batch, self.inner.clock.now()).await;
            let failed = delivered.is_err();
            if self.sink.fails.swap(failed, Ordering::Relaxed) && !failed {
                tracing::info!(sink = self.sink.name, "sink takes records again");
            }
            let Err(error) = delivered else { return Ok(()) };
            tracing::warn!(sink = self.sink.name, %error, records = batch.len(), "records not delivered yet");
            if last_try {
                return Err(Stopped);
            }
            self.wait(&mut pause).await;
        }
    }

    async fn keep(&self, delivered: Position) -> io::Result<()> {
        let (cursors, name) = (Arc::clone(&self.cursors), self.sink.name.clone());
        blocking(move || cursors.write(&name, delivered)).await?;
        self.sink.delivered.store(delivered.0, Ordering::Relaxed);
        Ok(())
    }

    /// Between half and all of the pause, which is longer the next time. Ends at once when there is to be an end.
    async fn wait(&mut self, pause: &mut Duration) {
        let share = f64::from(u32::from_be_bytes(random::bytes(&*self.inner.rng))) / f64::from(u32::MAX);
        let now = pause.mul_f64(0.5 + share / 2.0);
        *pause = pause.saturating_mul(2).min(self.inner.pace.longest);
        tokio::select! {
            () = tokio::time::sleep(now) => {}
            _ = self.stop.wait_for(|stop| *stop) => {}
        }
    }

    fn has_to_stop(&self) -> bool {
        *self.stop.borrow()
    }
}

/// The next record this version can read.
async fn next(follow: &mut Follow) -> Result<Option<Record>, ReadError> {
    loop {
        match follow.next().await {
            Err(error @ ReadError::Unknown { .. }) => tracing::warn!(%error, "record not delivered"),
            other => return other,
        }
    }
}

/// About how many bytes a record is.
fn weight(record: &Record) -> usize {
    let event = &record.event;
    let texts = [event.resource.len(), event.user_agent.as_ref().map_or(0, String::len)];
    let metadata = event.metadata.iter().map(|(key, value)| key.len().saturating_add(value.len()));
    let texts = texts.into_iter().chain([event.reason.as_ref().map_or(0, String::len)]).chain(metadata);
    texts.fold(1024, usize::saturating_add)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

impl fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.sinks.iter().map(|sink| &sink.name);
        formatter.debug_list().entries(names).finish()
    }
}

const UNKNOWN: u64 = u64::MAX;
/// In one batch.
const MOST_RECORDS: usize = 500;
const MOST_BYTES: usize = 1 << 20;
