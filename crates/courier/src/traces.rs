//! Spans on their way to a collector (OTLP/HTTP).
//!
//! Unlike records of the ledger, spans may be lost, and are counted when they are: the request path hands them over by a
//! bounded queue and never waits. They leave in batches, as one request each; a batch that is not taken is tried three times,
//! then dropped.

mod settings;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gabion_model::Clock;
use gabion_telemetry::Source;
use gabion_telemetry::otlp::{self, Encoding, Span};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::sinks::http::{Post, refused};
use crate::sinks::{SinkEncoding, SinkError, SinkSetupError};

pub use settings::TraceSettings;

/// What became of spans since the start, over all configurations.
#[derive(Debug, Default)]
pub struct TraceCounts {
    pub exported: AtomicU64,
    pub dropped: AtomicU64,
}

/// Takes spans. Cheap to clone; what waits is sent when the last one is dropped.
#[derive(Clone)]
pub struct Spans {
    sender: mpsc::Sender<Vec<Span>>,
    counts: Arc<TraceCounts>,
}

impl Spans {
    /// Hands over the spans of one request. Never waits.
    pub fn send(&self, spans: Vec<Span>) {
        let count = spans.len() as u64;
        if self.sender.try_send(spans).is_err() {
            self.counts.dropped.fetch_add(count, Ordering::Relaxed);
        }
    }
}

/// Sends the spans of one configuration.
#[derive(Debug)]
pub struct TraceExporter {
    worker: JoinHandle<()>,
}

impl TraceExporter {
    /// Begins, on the current tokio runtime. None where no collector is configured.
    ///
    /// # Errors
    /// When the collector cannot be reached as the settings say.
    pub fn start(
        settings: &TraceSettings,
        (version, host): (&str, &str),
        clock: &Arc<dyn Clock>,
        counts: &Arc<TraceCounts>,
    ) -> Result<Option<(Spans, Self)>, SinkSetupError> {
        let Some(url) = &settings.url else { return Ok(None) };
        let (sender, received) = mpsc::channel(QUEUE);
        let worker = Worker {
            post: Post::new(&settings.as_sink(), url.clone())?,
            encoding: match settings.encoding {
                SinkEncoding::Json => Encoding::Json,
                SinkEncoding::Protobuf => Encoding::Protobuf,
            },
            service: settings.service.clone(),
            version: version.to_owned(),
            host: host.to_owned(),
            clock: Arc::clone(clock),
            counts: Arc::clone(counts),
            received,
            failing: false,
        };
        let spans = Spans { sender, counts: Arc::clone(counts) };
        Ok(Some((spans, Self { worker: tokio::spawn(worker.run()) })))
    }

    /// Whether everything is sent, and nobody can send more.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.worker.is_finished()
    }

    /// Waits until everything is sent, after the last [`Spans`] was dropped; no longer than `deadline`.
    pub async fn close(self, deadline: Duration) {
        let abort = self.worker.abort_handle();
        if tokio::time::timeout(deadline, self.worker).await.is_err() {
            abort.abort();
        }
    }
}

struct Worker {
    post: Post,
    encoding: Encoding,
    service: String,
    version: String,
    host: String,
    clock: Arc<dyn Clock>,
    counts: Arc<TraceCounts>,
    received: mpsc::Receiver<Vec<Span>>,
    failing: bool,
}

impl Worker {
    async fn run(mut self) {
        while let Some(mut batch) = self.received.recv().await {
            let more = async {
                while batch.len() < BATCH {
                    match self.received.recv().await {
                        Some(spans) => batch.extend(spans),
                        None => return,
                    }
                }
            };
            // What came before the time was up is in the batch.
            let _ = tokio::time::timeout(LINGER, more).await;
            let count = batch.len() as u64;
            let sent = self.send(&batch).await;
            let (good, lost) =
                sent.as_ref().map_or((0, count), |rejected| (count - (*rejected).min(count), *rejected));
            self.counts.exported.fetch_add(good, Ordering::Relaxed);
            self.counts.dropped.fetch_add(lost.min(count), Ordering::Relaxed);
            match &sent {
                Err(error) if !self.failing => tracing::warn!(%error, spans = count, "spans dropped"),
                Ok(_) if self.failing => tracing::info!("collector takes spans again"),
                _ => {}
            }
            self.failing = sent.is_err();
        }
    }

    /// How many were not taken though the others were.
    async fn send(&self, batch: &[Span]) -> Result<u64, SinkError> {
        let source = Source { version: &self.version, host: &self.host };
        let body = otlp::spans(self.encoding, &source, &self.service, batch);
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.once(body.clone()).await {
                Ok(rejected) => return Ok(rejected),
                // The collector will not take it later either (OTLP/HTTP, "Failures").
                Err(error @ SinkError::Status(status, _)) if ![429, 502, 503, 504].contains(&status) => {
                    return Err(error);
                }
                Err(SinkError::Status(_, asked)) => {
                    tokio::time::sleep(asked.map_or(pause, |asked| asked.clamp(pause, LONGEST_PAUSE))).await;
                }
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause = pause.saturating_mul(2);
        }
        self.once(body).await
    }

    async fn once(&self, body: Vec<u8>) -> Result<u64, SinkError> {
        let answer = self.post.send(self.encoding.content_type(), body, LARGEST).await?;
        if answer.status != 200 {
            return Err(refused(&answer, self.clock.now()));
        }
        let said = otlp::partial_success(self.encoding, &answer.body);
        said.map(|otlp::Rejected(count)| count).map_err(|fault| SinkError::Nonsense(fault.to_string()))
    }
}

impl fmt::Debug for Spans {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Spans")
    }
}

/// Requests whose spans may wait.
const QUEUE: usize = 2048;
/// Spans in one request to the collector.
const BATCH: usize = 512;
const LINGER: Duration = Duration::from_secs(1);
const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// What a collector may ask for; whoever waits longer has lost the queue meanwhile.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const LARGEST: usize = 64 * 1024;
