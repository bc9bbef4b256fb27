//! What may be used once: the ids of assertions and proofs that were seen lately.
//!
//! Two generations of hashes; each lives one window, so that every id is known for at least a window after
//! it was seen and for at most two. Bounded in all and per owner: when there is no more room, nothing more
//! is believed, so that flooding it does not open it.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gabion_model::Timestamp;
use gabion_vault::sha256;

/// Remembers for at least `window`.
pub struct Replay {
    window: Duration,
    began: Timestamp,
    most: usize,
    most_of_one: u32,
    state: Mutex<State>,
}

/// Why an id is not believed. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// There is no room to remember one more.
    #[error("too many were seen lately")]
    Full,
    #[error("it was seen before")]
    Seen,
}

#[derive(Default)]
struct State {
    turned: Timestamp,
    now: Generation,
    before: Generation,
}

#[derive(Default)]
struct Generation {
    seen: HashSet<[u8; 16]>,
    owners: HashMap<[u8; 16], u32>,
}

impl Replay {
    #[must_use]
    pub fn new(window: Duration, began: Timestamp) -> Self {
        Self::with_room(window, began, MOST, MOST_OF_ONE)
    }

    /// With room for `most` ids per window, `most_of_one` of them by one owner.
    #[must_use]
    pub fn with_room(window: Duration, began: Timestamp, most: usize, most_of_one: u32) -> Self {
        Self { window, began, most, most_of_one, state: Mutex::default() }
    }

    /// When remembering began: what was made before may have been used before, and nobody knows.
    #[must_use]
    pub const fn began(&self) -> Timestamp {
        self.began
    }

    /// Notes an id of an owner; of any number of callers with the same id, one gets `Ok`.
    ///
    /// # Errors
    /// [`ReplayError::Seen`] for all others.
    pub fn first_use(&self, owner: &str, id: &str, now: Timestamp) -> Result<(), ReplayError> {
        let owner_hash = short(&[owner.as_bytes()]);
        let hash = short(&[&owner_hash, id.as_bytes()]);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_since(state.turned) >= self.window {
            let long_ago = now.saturating_since(state.turned) >= self.window.saturating_mul(2);
            let former = std::mem::take(&mut state.now);
            state.before = if long_ago { Generation::default() } else { former };
            state.turned = now;
        }
        if state.now.seen.contains(&hash) || state.before.seen.contains(&hash) {
            return Err(ReplayError::Seen);
        }
        let own = state.now.owners.get(&owner_hash).copied().unwrap_or(0);
        if state.now.seen.len() >= self.most || own >= self.most_of_one {
            return Err(ReplayError::Full);
        }
        state.now.owners.insert(owner_hash, own.saturating_add(1));
        state.now.seen.insert(hash);
        Ok(())
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Replay").field("window", &self.window).finish_non_exhaustive()
    }
}

fn short(parts: &[&[u8]]) -> [u8; 16] {
    let mut out = [0; 16];
    for (to, from) in out.iter_mut().zip(sha256(&parts.concat())) {
        *to = from;
    }
    out
}

/// Some 8 MB when two generations are full.
const MOST: usize = 100_000;
const MOST_OF_ONE: u32 = 20_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn an_id_is_believed_once_within_its_window() {
        let replay = Replay::new(MINUTE, NOW);
        assert_eq!(replay.first_use("shop", "1", NOW), Ok(()));
        assert_eq!(replay.first_use("shop", "1", NOW), Err(ReplayError::Seen));
        assert_eq!(replay.first_use("other", "1", NOW), Ok(()), "owners have ids of their own");
        for seconds in [1, 59, 60, 61] {
            let later = NOW.saturating_add(Duration::from_secs(seconds));
            assert_eq!(replay.first_use("shop", "1", later), Err(ReplayError::Seen), "{seconds}");
        }
        let later = NOW.saturating_add(MINUTE * 3);
        assert_eq!(replay.first_use("shop", "1", later), Ok(()));
    }

    #[test]
    fn many_at_once_are_one() {
        let replay = Replay::new(MINUTE, NOW);
        let good = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..16).map(|_| scope.spawn(|| replay.first_use("shop", "1", NOW).is_ok())).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|good| *good).count()
        });
        assert_eq!(good, 1);
    }

    #[test]
    fn one_owner_cannot_fill_it_and_full_is_closed() {
        let replay = Replay::new(MINUTE, NOW);
        for id in 0..MOST_OF_ONE {
            assert_eq!(replay.first_use("flood", &id.to_string(), NOW), Ok(()));
        }
        assert_eq!(replay.first_use("flood", "more", NOW), Err(ReplayError::Full));
        assert_eq!(replay.first_use("shop", "1", NOW), Ok(()));
    }
}
