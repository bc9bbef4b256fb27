//! The ledger's checkpoints, sent to witnesses ([`WitnessSettings`]; C2SP tlog-witness): each new one, with a pause between
//! two, to all of them at once. When enough have cosigned the same checkpoint, it is kept with their lines (`tree/cosigned`
//! beside the ledger's tree).
//!
//! Nothing waits for a witness, and none is believed beyond its signature:
//!
//! | a witness that | |
//! |---|---|
//! | is away, hangs, floods | fails this round, after its `witness_timeout` or 16 KiB; the next is sent the next checkpoint |
//! | knows another size (409) | is asked once more in the same round, from that size on |
//! | signs something else, or with another key | fails this round |
//! | knows a larger tree than there is, or another one of the same size, or no continuation (422) | contradicts: an event says so, once, for somebody has put a former copy back or has written the history anew |
//!
//! When nothing new was cosigned by enough of them for `witness_alarm`, an event says so, and another one when it is over.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gabion_egress::{Client, EgressSettings, Scheme, Target, TlsError};
use gabion_ledger::{Ledger, SealError, Sealed, TreeStorage, WitnessSettings};
use gabion_model::outbound::{Fetch, FetchError, FetchMethod, FetchRequest};
use gabion_model::{
    Actor, Clock, ControlId, Event, EventKind, Outcome, Period, Problem, Secret, Severity, Timestamp,
};
use gabion_tlog::note::Signature;
use gabion_tlog::trust::Trust;
use gabion_tlog::witness::{AddCheckpoint, Answer, NoAnswer};
use gabion_tlog::{Checkpoint, Note, VerifyingKey};
use tokio::task::{JoinHandle, JoinSet};

/// Everything wrong with the addresses of witnesses; paths are relative to the table `[ledger]`.
#[must_use]
pub fn witness_problems(settings: &gabion_ledger::Settings) -> Vec<Problem> {
    let problem = |(index, witness): (usize, &WitnessSettings)| {
        let reason = match Target::parse(&witness.url) {
            Ok(target)
                if target.scheme == Scheme::Https
                    || crate::sinks::is_this_machine(&target.authority.host) =>
            {
                return None;
            }
            Ok(_) => "it is not `https`".to_owned(),
            Err(refusal) => refusal.to_string(),
        };
        Some(
            Problem::new(format!("witnesses[{index}].url"), reason)
                .hint("for instance `https://witness.example`; plain `http` only to this machine"),
        )
    };
    settings.witnesses.iter().enumerate().filter_map(problem).collect()
}

/// The witnesses of a running gate. Ends with this.
#[derive(Debug)]
pub struct Witnesses {
    figures: Arc<Figures>,
    task: Option<JoinHandle<()>>,
}

/// What is told of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WitnessStanding {
    /// Records that enough witnesses have cosigned; 0 when none.
    pub cosigned: u64,
    /// When that was; none when it never was since the start.
    pub at: Option<Timestamp>,
    /// Witnesses whose last answer was none.
    pub failing: u64,
}

#[derive(Debug)]
struct Figures {
    cosigned: AtomicU64,
    at: AtomicI64,
    failing: AtomicU64,
}

/// Where the ledger and its tree are, and what the gate's own key is.
#[derive(Debug)]
pub struct Witnessed {
    pub ledger: Ledger,
    pub tree: Arc<dyn TreeStorage>,
    pub log: VerifyingKey,
    pub clock: Arc<dyn Clock>,
}

/// A witness cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum WitnessSetupError {
    #[error("`ledger.witnesses[{0}].key`: {1}")]
    Key(usize, String),
    #[error("`ledger.witnesses[{0}]`: its connection cannot be secured: {1}")]
    Tls(usize, TlsError),
    #[error("the cosigned checkpoint cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Why a witness gave no cosignature.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Answer(#[from] NoAnswer),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("it has cosigned {0} records, and there are {1}: a former copy of this ledger was put back")]
    Ahead(u64, u64),
    #[error("it names another size each time it is asked")]
    Undecided,
    #[error(transparent)]
    Tree(#[from] SealError),
}

impl Failed {
    /// Whether it is a word against this ledger, not a missing one.
    const fn contradicts(&self) -> bool {
        matches!(self, Self::Ahead(..) | Self::Answer(NoAnswer::Contradicted(_)))
    }
}

impl Witnesses {
    /// Begins to send checkpoints, on the current tokio runtime; with no witness nothing.
    ///
    /// # Errors
    /// When a witness's key or authorities cannot be used.
    pub fn start(
        settings: &gabion_ledger::Settings,
        witnessed: Witnessed,
    ) -> Result<Self, WitnessSetupError> {
        let figures = Arc::new(Figures {
            cosigned: AtomicU64::new(0),
            at: AtomicI64::new(i64::MIN),
            failing: AtomicU64::new(0),
        });
        if settings.witnesses.is_empty() {
            return Ok(Self { figures, task: None });
        }
        let mut witnesses = Vec::new();
        for (index, one) in settings.witnesses.iter().enumerate() {
            witnesses.push(Arc::new(Witness::new(index, one, settings.witness_timeout)?));
        }
        let trust = Trust {
            log: witnessed.log.clone(),
            witnesses: witnesses.iter().map(|witness| witness.key.clone()).collect(),
            quorum: settings.quorum(),
        };
        // What is kept counts by whom it is believed now: of witnesses that were replaced, nothing does.
        let kept = witnessed.tree.cosigned()?.and_then(|bytes| Note::parse(&bytes).ok());
        let cosigned = kept.and_then(|note| trust.open(&note).ok()).map_or(0, |kept| kept.size);
        figures.cosigned.store(cosigned, Ordering::Relaxed);
        let begun = witnessed.clock.now();
        let task = Task {
            witnesses,
            trust,
            every: settings.witness_every.as_duration(),
            alarm: settings.witness_alarm.as_duration(),
            witnessed,
            figures: Arc::clone(&figures),
            waiting: None,
            missing: false,
            begun,
        };
        Ok(Self { figures, task: Some(tokio::spawn(task.run())) })
    }

    /// Whether there are any.
    #[must_use]
    pub const fn are_asked(&self) -> bool {
        self.task.is_some()
    }

    /// Tells how it stands, whenever it is called.
    pub fn standing(&self) -> impl Fn() -> WitnessStanding + Send + Sync + use<> {
        let figures = Arc::clone(&self.figures);
        move || WitnessStanding {
            cosigned: figures.cosigned.load(Ordering::Relaxed),
            at: Some(figures.at.load(Ordering::Relaxed))
                .filter(|at| *at != i64::MIN)
                .map(Timestamp::from_micros),
            failing: figures.failing.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Witnesses {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

struct Witness {
    client: Client,
    url: String,
    key: VerifyingKey,
    timeout: Duration,
    /// What is remembered between rounds.
    state: Mutex<State>,
}

#[derive(Debug, Default, Clone, Copy)]
struct State {
    /// The size it cosigned last, as far as known.
    old: u64,
    failing: bool,
    contradicts: bool,
}

impl Witness {
    fn new(index: usize, settings: &WitnessSettings, timeout: Period) -> Result<Self, WitnessSetupError> {
        let target = Target::parse(&settings.url).ok();
        let egress = EgressSettings {
            allow: target.map(|target| target.authority.to_string()).into_iter().collect(),
            ca_file: settings.ca_file.clone(),
            timeout,
            ..EgressSettings::default()
        };
        Ok(Self {
            client: Client::new(&egress).map_err(|error| WitnessSetupError::Tls(index, error))?,
            url: format!("{}/add-checkpoint", settings.url.trim_end_matches('/')),
            key: settings.verifying_key().map_err(|error| WitnessSetupError::Key(index, error))?,
            timeout: timeout.as_duration(),
            state: Mutex::default(),
        })
    }

    fn state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Its lines for the last checkpoint of `sealed`.
    async fn cosign(&self, sealed: &Arc<Sealed>) -> Result<Vec<Signature>, Failed> {
        let size = sealed.checkpoint().size;
        for _ in 0..2 {
            let old = self.state(|state| state.old);
            let tree = Arc::clone(sealed);
            let proof = tokio::task::spawn_blocking(move || tree.consistency(old)).await;
            let proof = proof.map_err(|_| SealError::Tree)??.ok_or(Failed::Ahead(old, size))?;
            let request = AddCheckpoint { old, proof, checkpoint: sealed.note().clone() };
            let fetched = self.client.fetch(FetchRequest {
                method: FetchMethod::Post,
                url: self.url.clone(),
                headers: vec![(
                    "content-type".to_owned(),
                    Secret::new("text/plain; charset=utf-8".to_owned()),
                )],
                body: Secret::new(request.to_string().into_bytes()),
                largest: Answer::LONGEST,
                deadline: self.timeout,
                redirects: 0,
            });
            let fetched = fetched.await?;
            match Answer::read(&request, &self.key, fetched.status, &fetched.body)? {
                Answer::Cosigned(lines) => {
                    self.state(|state| state.old = size);
                    return Ok(lines);
                }
                Answer::Knows(larger) if larger > size => return Err(Failed::Ahead(larger, size)),
                Answer::Knows(known) => self.state(|state| state.old = known),
            }
        }
        Err(Failed::Undecided)
    }
}

struct Task {
    witnesses: Vec<Arc<Witness>>,
    trust: Trust,
    every: Duration,
    alarm: Duration,
    witnessed: Witnessed,
    figures: Arc<Figures>,
    /// Since when something waits to be cosigned.
    waiting: Option<Timestamp>,
    /// Whether the alarm was raised.
    missing: bool,
    begun: Timestamp,
}

impl Task {
    async fn run(mut self) {
        loop {
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "checkpoint not sent to witnesses");
            }
            self.look().await;
            tokio::time::sleep(self.every).await;
        }
    }

    /// Sends the last checkpoint to every witness, if it is a new one, and keeps it when enough cosigned it.
    async fn round(&mut self) -> Result<(), SealError> {
        let (tree, ledger) = (Arc::clone(&self.witnessed.tree), self.witnessed.ledger.clone());
        let sealed = tokio::task::spawn_blocking(move || last(&tree, &ledger))
            .await
            .map_err(|_| SealError::Tree)??;
        let Some(sealed) = sealed.map(Arc::new) else { return Ok(()) };
        let size = sealed.checkpoint().size;
        if size <= self.figures.cosigned.load(Ordering::Relaxed) {
            self.waiting = None;
            return Ok(());
        }
        self.waiting.get_or_insert(self.witnessed.clock.now());
        let mut asked = JoinSet::new();
        for witness in &self.witnesses {
            let (witness, sealed) = (Arc::clone(witness), Arc::clone(&sealed));
            asked.spawn(async move {
                let answer = witness.cosign(&sealed).await;
                (witness, answer)
            });
        }
        let mut note = sealed.note().clone();
        while let Some(answered) = asked.join_next().await {
            let Ok((witness, answer)) = answered else { continue };
            let failing = answer.is_err();
            let before = witness.state(|state| std::mem::replace(&mut state.failing, failing));
            match answer {
                Ok(lines) => {
                    note.signatures.extend(lines);
                    witness.state(|state| state.contradicts = false);
                }
                Err(error) => {
                    if !before {
                        tracing::warn!(witness = witness.key.name(), %error, "witness does not cosign");
                    }
                    if error.contradicts()
                        && !witness.state(|state| std::mem::replace(&mut state.contradicts, true))
                    {
                        self.contradicted(witness.key.name(), &error, size).await;
                    }
                }
            }
        }
        let failing = self.witnesses.iter().filter(|witness| witness.state(|state| state.failing)).count();
        self.figures.failing.store(failing as u64, Ordering::Relaxed);
        self.keep(&note).await
    }

    async fn keep(&mut self, note: &Note) -> Result<(), SealError> {
        let Ok(Checkpoint { size, .. }) = self.trust.open(note) else { return Ok(()) };
        let (tree, bytes) = (Arc::clone(&self.witnessed.tree), note.to_string());
        let kept = tokio::task::spawn_blocking(move || tree.put_cosigned(bytes.as_bytes())).await;
        kept.map_err(|_| SealError::Tree)??;
        if self.figures.at.load(Ordering::Relaxed) == i64::MIN {
            tracing::info!(records = size, "ledger cosigned by witnesses");
        }
        self.figures.cosigned.store(size, Ordering::Relaxed);
        self.figures.at.store(self.witnessed.clock.now().as_micros(), Ordering::Relaxed);
        self.waiting = None;
        Ok(())
    }

    /// Raises the alarm, or takes it back.
    async fn look(&mut self) {
        let now = self.witnessed.clock.now();
        let waits = self.waiting.is_some_and(|since| now.saturating_since(since) >= self.alarm);
        if waits == self.missing || (self.missing && self.waiting.is_some()) {
            return;
        }
        let (action, outcome) = if waits {
            ("ledger.witness.missing", Outcome::Failure)
        } else {
            ("ledger.witness.back", Outcome::Success)
        };
        let mut event = self.event(action, outcome);
        let standing = self.figures.at.load(Ordering::Relaxed);
        let last = if standing == i64::MIN { self.begun } else { Timestamp::from_micros(standing) };
        event
            .metadata
            .insert("cosigned".to_owned(), self.figures.cosigned.load(Ordering::Relaxed).to_string());
        event.metadata.insert("quorum".to_owned(), self.trust.quorum.to_string());
        if waits {
            event.severity = Some(Severity::High);
            event.reason = Some(format!(
                "no new checkpoint was cosigned by {} witnesses since {last}",
                self.trust.quorum
            ));
        }
        if self.record(event).await {
            self.missing = waits;
        }
    }

    async fn contradicted(&self, witness: &str, error: &Failed, size: u64) {
        let mut event = self.event("ledger.witness.contradicts", Outcome::Failure);
        event.resource = witness.to_owned();
        event.severity = Some(Severity::Critical);
        event.reason = Some(error.to_string());
        event.metadata.insert("size".to_owned(), size.to_string());
        self.record(event).await;
    }

    fn event(&self, action: &str, outcome: Outcome) -> Event {
        let (now, kind) = (self.witnessed.clock.now(), EventKind::Configuration);
        Event::new(now, kind, action, Actor::Gate, outcome, ControlId::LEDGER_TAMPER_EVIDENCE)
    }

    async fn record(&self, event: Event) -> bool {
        let recorded = self.witnessed.ledger.record(event).await;
        if let Err(error) = &recorded {
            tracing::error!(%error, "what witnesses do is not recorded");
        }
        recorded.is_ok()
    }
}

/// The tree of the last checkpoint; none while there is none.
fn last(tree: &Arc<dyn TreeStorage>, ledger: &Ledger) -> Result<Option<Sealed>, SealError> {
    let mut left = 3;
    loop {
        match Sealed::open(Arc::clone(tree), &ledger.reader()) {
            // The gate signed between the two looks.
            Err(SealError::RolledBack { .. }) if left > 0 => left -= 1,
            opened => return opened,
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Task")
    }
}

#[cfg(test)]
mod tests;
