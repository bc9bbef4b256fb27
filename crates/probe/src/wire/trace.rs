//! What went out and what became of it, request by request: for whoever wants to know what a run costs and why.
//!
//! Kept in memory up to [`MOST`] and written when the run is over, for only then everything that must be hidden is known.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// When its turn came, since the beginning of the run.
    pub at: Duration,
    /// What it was for: the id of a test, or a part of the run.
    pub step: String,
    /// Who sent it; empty where it is nobody of the facts.
    pub who: String,
    pub method: String,
    /// With its query, cut.
    pub path: String,
    /// Nothing where no answer came.
    pub status: Option<u16>,
    /// Of the body of the answer.
    pub bytes: usize,
    /// How long it waited for its turn: the rate, or because the target asked for patience.
    pub waited: Duration,
    /// From the first byte sent to the last one read.
    pub took: Duration,
}

/// Requests that are kept; of those beyond nothing is.
const MOST: usize = 50_000;
/// The longest path that is kept, in characters.
const LONGEST: usize = 300;

tokio::task_local! {
    static STEP: String;
    static WHO: String;
}

/// Everything sent by a future is for that.
pub async fn step<F: Future>(step: &str, future: F) -> F::Output {
    STEP.scope(step.to_owned(), future).await
}

/// What things are sent for now.
pub(crate) fn current_step() -> String {
    STEP.try_with(Clone::clone).unwrap_or_default()
}

/// Everything sent by a future is sent by them.
pub(crate) async fn sent_by<F: Future>(who: &str, future: F) -> F::Output {
    WHO.scope(who.to_owned(), future).await
}

/// The requests of a run.
#[derive(Debug, Default)]
pub(crate) struct Trace(Mutex<Vec<Traced>>);

/// What is known of a request before it goes out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) waited: Duration,
    pub(crate) came: Instant,
}

impl Trace {
    pub(crate) fn add(&self, mut traced: Traced) {
        traced.step = current_step();
        traced.who = WHO.try_with(Clone::clone).unwrap_or_default();
        traced.path = traced.path.chars().take(LONGEST).collect();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST {
            all.push(traced);
        }
    }

    pub(crate) fn all(&self) -> Vec<Traced> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Traced {
    #[must_use]
    pub(crate) fn new(method: &str, path: &str, at: Duration) -> Self {
        Self {
            at,
            step: String::new(),
            who: String::new(),
            method: method.to_owned(),
            path: path.to_owned(),
            status: None,
            bytes: 0,
            waited: Duration::ZERO,
            took: Duration::ZERO,
        }
    }
}
