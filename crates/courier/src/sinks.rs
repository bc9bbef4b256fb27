//! Where the ledger's records go besides: a file, a log server, a webhook, a collector, Sentry, a search cluster
//! ([`SinkSettings`]).
//!
//! Each sink follows the ledger by position, on a task of its own (`worker`), beside the requests and beside the other sinks.
//! Records leave in batches, in order. The position a sink has delivered is kept durable ([`Cursors`]) *after* it took the
//! batch: whatever happens in between, a record is delivered again, never left out. A sink that does not take a batch is
//! tried again with growing pauses and goes no further meanwhile; the ledger waits for nobody.
//!
//! | a sink that | |
//! |---|---|
//! | is away, refuses, lies about its name | the batch again, after 1 s, 2 s … 5 min, or when it says so (`Retry-After`) |
//! | takes a part of a batch | the rest again |
//! | will never take a record, and says so | the record is left out, and that is a record: `sink.rejected` |
//! | hangs | the same batch again, after its `timeout` |
//! | floods back | cut off at 64 KiB (a search cluster: 1 MiB), the same |
//! | was away for longer than the ledger keeps records | goes on with the oldest there is; the log says how many it missed |
//!
//! Receivers see a record twice when an answer was lost: its position (`metadata.uid`) tells.
//!
//! Another configuration is prepared whole before anything changes ([`Sinks::prepare`]); then a sink that changed is followed by
//! its successor, which begins when the former one has ended, with the position it kept ([`Sinks::adopt`]).

mod elasticsearch;
mod file;
pub(crate) mod http;
mod otlp;
mod sentry;
mod settings;
mod syslog;
mod webhook;
mod worker;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gabion_ledger::{Ledger, Position, Record};
use gabion_model::outbound::FetchError;
use gabion_model::{Actor, Clock, ControlId, Event, EventKind, Outcome, Rng, Timestamp};
use gabion_telemetry::Source;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use settings::is_this_machine;
pub use settings::{SinkAuth, SinkEncoding, SinkFormat, SinkKind, SinkSettings, SinkSeverity, sink_problems};
use worker::{Until, Worker};

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

/// Why a sink cannot be used at all. Alphabetical.
#[derive(Debug, thiserror::Error)]
pub enum SinkSetupError {
    #[error("`{path}` holds no DSN of Sentry: {reason}")]
    Dsn { path: PathBuf, reason: &'static str },
    #[error("cannot read `{path}`: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("line {line} of `{path}` is no key of Standard Webhooks: {reason}")]
    Key { path: PathBuf, line: usize, reason: String },
    #[error("`{0}` has no key in it")]
    NoKey(PathBuf),
    #[error("`{0}` holds no secret that can stand in a header field: one line of printable ASCII")]
    NoSecret(PathBuf),
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
    #[error("it takes nothing now")]
    Full,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("its answer cannot be read: {0}")]
    Nonsense(String),
    #[error("it ended the connection without saying that it has everything (close_notify)")]
    NotClosed,
    /// The record is never taken; only of a test, where nothing else is told.
    #[error("it took the connection, but not the record: {0}")]
    Rejected(String),
    /// With how long the server asks to wait.
    #[error("it answered with status {0}")]
    Status(u16, Option<Duration>),
    #[error("it did not take it in time")]
    TimedOut,
    #[error("the message cannot be signed: {0}")]
    Unsigned(gabion_vault::webhook::SignFault),
}

/// What a sink made of a batch: whatever is in neither list was taken.
#[derive(Debug, Default)]
struct Report {
    /// Places in the batch that come again, in order.
    left: Vec<usize>,
    /// How long the server asks to wait before they do.
    pause: Option<Duration>,
    /// What will never be taken.
    rejected: Vec<Rejected>,
}

#[derive(Debug)]
struct Rejected {
    first: Position,
    last: Position,
    count: u64,
    /// A word of ours, or one that was checked to be a word.
    reason: String,
}

impl Rejected {
    fn one(record: &Record, reason: impl Into<String>) -> Self {
        Self { first: record.position, last: record.position, count: 1, reason: reason.into() }
    }
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
    /// Records it will never take, since the start.
    pub rejected: u64,
}

/// All sinks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sinks(Arc<Inner>);

struct Inner {
    running: Mutex<Running>,
    tools: Tools,
}

/// What every worker needs.
#[derive(Clone)]
struct Tools {
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    pace: Pace,
}

#[derive(Default)]
struct Running {
    sinks: Vec<Followed>,
    /// Before the start: nothing is followed.
    follows: Option<(Ledger, Arc<dyn Cursors>)>,
    /// Of sinks that are no longer there; they may still finish a batch.
    retired: Vec<JoinHandle<()>>,
}

struct Followed {
    sink: Arc<Sink>,
    settings: SinkSettings,
    until: watch::Sender<Until>,
    worker: Option<JoinHandle<()>>,
}

/// Sinks of a configuration that can be used, with everything read that they need.
pub struct Prepared(Vec<(Arc<Sink>, SinkSettings)>);

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
    rejected: AtomicU64,
}

enum Way {
    Elasticsearch(elasticsearch::ElasticsearchSink),
    File(file::FileSink),
    Otlp(otlp::OtlpSink),
    Sentry(sentry::SentrySink),
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
        own: (&str, &str),
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        pace: Pace,
    ) -> Result<Self, (String, SinkSetupError)> {
        let prepared = Self::prepare(settings, own)?;
        let followed =
            |(sink, settings)| Followed { sink, settings, until: watch::Sender::default(), worker: None };
        let sinks = prepared.0.into_iter().map(followed).collect();
        let running = Mutex::new(Running { sinks, ..Running::default() });
        Ok(Self(Arc::new(Inner { running, tools: Tools { clock, rng, pace } })))
    }

    /// The sinks of another configuration; nothing changes yet.
    ///
    /// # Errors
    /// The name of the first sink that cannot be used, and why.
    pub fn prepare(
        settings: &BTreeMap<String, SinkSettings>,
        (version, host): (&str, &str),
    ) -> Result<Prepared, (String, SinkSetupError)> {
        let sink = |(name, settings): (&String, &SinkSettings)| {
            let way = Way::new(name, settings).map_err(|error| (name.clone(), error))?;
            let sink = Sink {
                name: name.clone(),
                kind: settings.kind,
                from_start: settings.from_start,
                timeout: settings.timeout.as_duration(),
                way,
                host: host.to_owned(),
                version: version.to_owned(),
                delivered: AtomicU64::new(UNKNOWN),
                fails: AtomicBool::new(false),
                rejected: AtomicU64::new(0),
            };
            Ok((Arc::new(sink), settings.clone()))
        };
        settings.iter().map(sink).collect::<Result<_, _>>().map(Prepared)
    }

    /// Follows the ledger from now on, on the current tokio runtime.
    pub fn start(&self, ledger: &Ledger, cursors: &Arc<dyn Cursors>) {
        let mut running = self.running();
        running.follows = Some((ledger.clone(), Arc::clone(cursors)));
        for followed in &mut running.sinks {
            followed.worker = Some(self.spawn(&followed.sink, &followed.until, ledger, cursors, None));
        }
    }

    /// Goes over to other sinks. One that is as it was, and reads no file, goes on untouched; any other begins when its former
    /// self has ended, behind what that delivered. Must be called on a tokio runtime.
    pub fn adopt(&self, prepared: Prepared) {
        let mut running = self.running();
        let Some((ledger, cursors)) = running.follows.clone() else { return };
        let mut former: BTreeMap<String, Followed> =
            std::mem::take(&mut running.sinks).into_iter().map(|it| (it.sink.name.clone(), it)).collect();
        running.retired.retain(|worker| !worker.is_finished());
        for (sink, settings) in prepared.0 {
            let before = former.remove(&sink.name);
            if let Some(before) = before {
                if before.settings == settings && !settings.reads_files() {
                    running.sinks.push(before);
                    continue;
                }
                sink.rejected.store(before.sink.rejected.load(Ordering::Relaxed), Ordering::Relaxed);
                before.until.send_replace(Until::Replaced);
                let until = watch::Sender::default();
                let worker = Some(self.spawn(&sink, &until, &ledger, &cursors, before.worker));
                running.sinks.push(Followed { sink, settings, until, worker });
            } else {
                let until = watch::Sender::default();
                let worker = Some(self.spawn(&sink, &until, &ledger, &cursors, None));
                running.sinks.push(Followed { sink, settings, until, worker });
            }
        }
        for gone in former.into_values() {
            gone.until.send_replace(Until::Replaced);
            running.retired.extend(gone.worker);
        }
    }

    /// Gives every sink one more try with what it has not taken, for at most `deadline`: close the ledger before, so that
    /// nothing comes after. What is left then leaves after the next start.
    pub async fn close(&self, deadline: Duration) {
        let workers: Vec<JoinHandle<()>> = {
            let mut running = self.running();
            let mut workers = std::mem::take(&mut running.retired);
            for followed in &mut running.sinks {
                followed.until.send_replace(Until::Taken);
                workers.extend(followed.worker.take());
            }
            workers
        };
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
        let sink = {
            let running = self.running();
            running.sinks.iter().find(|it| it.sink.name == name).map(|it| Arc::clone(&it.sink))?
        };
        let (now, kind, control) =
            (self.0.tools.clock.now(), EventKind::Configuration, ControlId::LEDGER_SHIPPING);
        let mut event = Event::new(now, kind, "sink.test", Actor::Operator, Outcome::Success, control);
        if let Way::Sentry(sentry) = &sink.way {
            // What is too little to be sent would prove nothing.
            event.severity = Some(sentry.least());
        }
        let record = Record { position: Position(0), event };
        Some(match sink.deliver(&[record], now).await {
            Ok(report) => match (report.rejected.into_iter().next(), report.left.is_empty()) {
                (Some(rejected), _) => Err(SinkError::Rejected(rejected.reason)),
                (None, true) => Ok(()),
                (None, false) => Err(SinkError::Rejected("it may take it later".to_owned())),
            },
            Err(error) => Err(error),
        })
    }

    #[must_use]
    pub fn standings(&self) -> Vec<SinkStanding> {
        let standing = |followed: &Followed| {
            let sink = &followed.sink;
            let delivered = sink.delivered.load(Ordering::Relaxed);
            SinkStanding {
                name: sink.name.clone(),
                kind: sink.kind,
                delivered: (delivered != UNKNOWN).then_some(Position(delivered)),
                fails: sink.fails.load(Ordering::Relaxed),
                rejected: sink.rejected.load(Ordering::Relaxed),
            }
        };
        self.running().sinks.iter().map(standing).collect()
    }

    fn spawn(
        &self,
        sink: &Arc<Sink>,
        until: &watch::Sender<Until>,
        ledger: &Ledger,
        cursors: &Arc<dyn Cursors>,
        former: Option<JoinHandle<()>>,
    ) -> JoinHandle<()> {
        let worker = Worker::new(sink, &self.0.tools, ledger, cursors, until.subscribe());
        tokio::spawn(async move {
            if let Some(former) = former {
                // INVARIANT: one worker follows and keeps a sink's position at any time.
                let _ = former.await;
            }
            worker.run().await;
        })
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Way {
    fn new(name: &str, settings: &SinkSettings) -> Result<Self, SinkSetupError> {
        match settings.kind {
            SinkKind::Elasticsearch => {
                elasticsearch::ElasticsearchSink::new(settings).map(Self::Elasticsearch)
            }
            SinkKind::File => Ok(Self::File(file::FileSink::new(settings))),
            SinkKind::Otlp => otlp::OtlpSink::new(settings).map(Self::Otlp),
            SinkKind::Sentry => sentry::SentrySink::new(settings).map(Self::Sentry),
            SinkKind::Syslog => syslog::SyslogSink::new(settings).map(Self::Syslog),
            SinkKind::Webhook => webhook::WebhookSink::new(name, settings).map(Self::Webhook),
        }
    }
}

impl Sink {
    async fn deliver(&self, batch: &[Record], now: Timestamp) -> Result<Report, SinkError> {
        let source = Source { version: &self.version, host: &self.host };
        let whole = |()| Report::default();
        let work = async {
            match &self.way {
                Way::Elasticsearch(cluster) => cluster.deliver(&source, batch, now).await,
                Way::File(file) => file.deliver(&source, batch).await.map(whole),
                Way::Otlp(otlp) => otlp.deliver(&source, batch, now).await,
                Way::Sentry(sentry) => sentry.deliver(&source, batch, now).await,
                Way::Syslog(syslog) => syslog.deliver(&source, batch).await.map(whole),
                Way::Webhook(webhook) => webhook.deliver(&source, batch, now).await.map(whole),
            }
        };
        tokio::time::timeout(self.timeout, work).await.unwrap_or(Err(SinkError::TimedOut))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

impl fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        formatter.debug_list().entries(running.sinks.iter().map(|it| &it.sink.name)).finish()
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|(sink, _)| &sink.name)).finish()
    }
}

const UNKNOWN: u64 = u64::MAX;
