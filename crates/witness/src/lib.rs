//! A witness of transparency logs (C2SP tlog-witness): it cosigns a log's checkpoint when the log has only grown since the
//! last one it cosigned. Whoever asks for its cosignature notices a log that shows different people different histories.
//!
//! - [`Witness`] judges one request after the other, and keeps what it cosigned before it answers.
//! - [`router`] is `POST /add-checkpoint` over HTTP.
//! - [`Memory`] is where it keeps what it cosigned: durable, or the witness can be made to contradict itself.

mod server;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use gabion_model::Clock;
use gabion_tlog::note::Signature;
use gabion_tlog::witness::{AddCheckpoint, Refusal, Seen};
use gabion_tlog::{SigningKey, VerifyingKey, cosignature};

pub use server::router;

/// What was cosigned last, of each log.
pub trait Memory: Send + Sync + fmt::Debug {
    /// The last tree of the log with this origin; none when it was never cosigned.
    fn seen(&self, origin: &str) -> io::Result<Option<Seen>>;

    /// Replaces it, durable on return.
    fn keep(&self, origin: &str, seen: Seen) -> io::Result<()>;
}

/// Judges and cosigns.
#[derive(Debug)]
pub struct Witness {
    key: SigningKey,
    /// By origin, which is the name of the log's keys.
    logs: BTreeMap<String, Vec<VerifyingKey>>,
    memory: Box<dyn Memory>,
    clock: Arc<dyn Clock>,
    /// One request at a time: between looking and keeping nobody else may keep.
    turn: Mutex<()>,
}

/// No cosignature.
#[derive(Debug, thiserror::Error)]
pub enum NotCosigned {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("what was cosigned last cannot be read or kept")]
    Memory(#[from] io::Error),
    #[error("the key is no witness's, or the clock stands before 1970")]
    Key,
}

impl Witness {
    #[must_use]
    pub fn new(
        key: SigningKey,
        logs: impl IntoIterator<Item = VerifyingKey>,
        memory: Box<dyn Memory>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let mut by_origin: BTreeMap<String, Vec<VerifyingKey>> = BTreeMap::new();
        for log in logs {
            by_origin.entry(log.name().to_owned()).or_default().push(log);
        }
        Self { key, logs: by_origin, memory, clock, turn: Mutex::default() }
    }

    /// Cosigns the checkpoint of a request's body (C2SP tlog-witness). Blocks while it is kept.
    ///
    /// # Errors
    /// Whatever the specification refuses, and a memory that does not hold.
    pub fn add_checkpoint(&self, body: &[u8]) -> Result<Signature, NotCosigned> {
        let request = AddCheckpoint::parse(body)?;
        let origin = request.origin();
        let keys = self.logs.get(origin).map_or(&[][..], Vec::as_slice);
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = if keys.is_empty() { None } else { self.memory.seen(origin)? };
        let checkpoint = request.judge(keys, seen)?;
        let now_seen = Seen { size: checkpoint.size, root: checkpoint.root };
        if seen != Some(now_seen) {
            self.memory.keep(origin, now_seen)?;
        }
        let time = u64::try_from(self.clock.now().as_secs()).ok();
        time.and_then(|time| cosignature::cosign(&request.checkpoint.text, time, &self.key))
            .ok_or(NotCosigned::Key)
    }
}
