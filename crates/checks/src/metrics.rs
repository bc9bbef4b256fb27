//! Counters by check, control and verdict, sharded so that cores do not wait for each other.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use gabion_model::ControlId;

use crate::shard::{SHARDS, shard};

/// One counter, ready to be rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// The check's name; `gateway` for refusals made outside the pipeline, `pipeline` for admissions.
    pub check: &'static str,
    /// `None` for admissions, which no single control decides.
    pub control: Option<ControlId>,
    pub verdict: Verdict,
    pub count: u64,
}

/// What became of a request or an answer. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Every check let the request pass.
    Admitted,
    /// The gate answered in the application's place.
    Answered,
    /// Would have been refused, had the check not only observed.
    Observed,
    Refused,
    /// The upstream's body was replaced.
    Replaced,
}

impl Verdict {
    /// The label in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Answered => "answered",
            Self::Observed => "observed",
            Self::Refused => "refused",
            Self::Replaced => "replaced",
        }
    }
}

/// All counters of a pipeline. Admissions are the fast path and lock-free; refusals take a short lock
/// of their own core's shard.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    shards: [Shard; SHARDS],
}

type Key = (&'static str, ControlId, Verdict);

#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    admitted: AtomicU64,
    others: Mutex<BTreeMap<Key, u64>>,
}

impl Counters {
    pub(crate) fn admitted(&self) {
        if let Some(shard) = self.shards.get(shard()) {
            shard.admitted.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn add(&self, check: &'static str, control: ControlId, verdict: Verdict) {
        if let Some(Ok(mut others)) = self.shards.get(shard()).map(|shard| shard.others.lock()) {
            *others.entry((check, control, verdict)).or_default() += 1;
        }
    }

    pub(crate) fn read(&self) -> Vec<Metric> {
        let mut sums: BTreeMap<Key, u64> = BTreeMap::new();
        let mut admitted = 0_u64;
        for shard in &self.shards {
            admitted = admitted.saturating_add(shard.admitted.load(Ordering::Relaxed));
            let Ok(others) = shard.others.lock() else { continue };
            for (key, count) in others.iter() {
                *sums.entry(*key).or_default() += count;
            }
        }
        let first = Metric { check: "pipeline", control: None, verdict: Verdict::Admitted, count: admitted };
        let rest = sums.into_iter().map(|((check, control, verdict), count)| Metric {
            check,
            control: Some(control),
            verdict,
            count,
        });
        std::iter::once(first).chain(rest).collect()
    }
}
