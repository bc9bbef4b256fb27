//! Which decisions were recorded a short while ago: the same again is not worth another event.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gabion_model::Timestamp;
use gabion_policy::{Decision, Question};

/// Fingerprints of the last one to two hours. Bounded; what was forgotten too early is recorded once more.
#[derive(Debug)]
pub(super) struct Recent {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    young: HashSet<u64>,
    old: HashSet<u64>,
    since: Option<Timestamp>,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// Whether such a decision was not seen lately; from now on it was.
    pub(super) fn is_new(&self, now: Timestamp, question: &Question<'_>, decision: &Decision) -> bool {
        let mut state = self.hasher.build_hasher();
        question.principal.kind().hash(&mut state);
        question.principal.id().hash(&mut state);
        question.action.hash(&mut state);
        question.resource.entity.hash(&mut state);
        decision.effect.hash(&mut state);
        decision.generation.hash(&mut state);
        let hash = state.finish();
        #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
        let Some(shard) = self.shards.get(hash as usize % SHARDS) else { return true };
        shard.lock().unwrap_or_else(PoisonError::into_inner).is_new(now, hash)
    }
}

impl Shard {
    fn is_new(&mut self, now: Timestamp, hash: u64) -> bool {
        let over = self.since.is_none_or(|since| now < since || now.saturating_since(since) >= HOUR);
        if over || self.young.len() >= MOST {
            self.old =
                if over && self.since.is_none() { HashSet::new() } else { std::mem::take(&mut self.young) };
            self.since = Some(now);
        }
        if self.young.contains(&hash) {
            return false;
        }
        self.young.insert(hash);
        !self.old.remove(&hash)
    }
}

const SHARDS: usize = 16;
/// Per shard and generation: 1 MiB in all.
const MOST: usize = 4096;
const HOUR: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_new_once_and_again_later() {
        let mut shard = Shard::default();
        let at = Timestamp::from_secs;
        assert!(shard.is_new(at(0), 1));
        assert!(!shard.is_new(at(1), 1));
        assert!(shard.is_new(at(1), 2));
        assert!(!shard.is_new(at(3600), 1), "moved to the young");
        assert!(shard.is_new(at(7200), 2), "not seen for more than an hour");
        for hash in 0..100_000 {
            shard.is_new(at(7200), hash);
            assert!(shard.young.len() + shard.old.len() <= 2 * MOST);
        }
    }
}
