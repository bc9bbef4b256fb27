//! Which messages were taken.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gabion_model::Timestamp;

/// Messages of all senders by what is the same for the same message. Outlives a reload.
#[derive(Debug, Default)]
pub(crate) struct Replays(Mutex<HashMap<[u8; 32], Seen>>);

#[derive(Debug, Clone, Copy)]
struct Seen {
    began: Timestamp,
    until: Timestamp,
    taken: bool,
}

/// What [`Replays::begin`] finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Began {
    Full,
    New,
    Taken,
    UnderWay,
}

impl Replays {
    /// Notes that a message is being answered, unless it is or was.
    pub(crate) fn begin(&self, key: [u8; 32], now: Timestamp, known: Duration, most: usize) -> Began {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match table.get(&key) {
            Some(seen) if seen.taken && now <= seen.until => return Began::Taken,
            Some(seen) if !seen.taken && now.saturating_since(seen.began) < PATIENCE => {
                return Began::UnderWay;
            }
            Some(_) => {}
            None if table.len() >= most => {
                // Rare: the table is full, and whoever fills it holds a key.
                table.retain(|_, seen| now <= seen.until);
                if table.len() >= most {
                    return Began::Full;
                }
            }
            None => {}
        }
        table.insert(key, Seen { began: now, until: now.saturating_add(known), taken: false });
        Began::New
    }

    /// It was answered: taken, or forgotten so that it can come again.
    pub(crate) fn end(&self, key: [u8; 32], taken: bool) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !taken {
            table.remove(&key);
        } else if let Some(seen) = table.get_mut(&key) {
            seen.taken = true;
        }
    }
}

/// After so long without an answer its sender has given up waiting and may try again.
const PATIENCE: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    #[test]
    fn a_message_is_taken_once_and_may_come_again_when_it_was_not() {
        let replays = Replays::default();
        let minute = Duration::from_secs(60);
        assert_eq!(replays.begin([1; 32], at(0), minute, 2), Began::New);
        assert_eq!(replays.begin([1; 32], at(1), minute, 2), Began::UnderWay);
        replays.end([1; 32], false);
        assert_eq!(replays.begin([1; 32], at(2), minute, 2), Began::New);
        replays.end([1; 32], true);
        assert_eq!(replays.begin([1; 32], at(3), minute, 2), Began::Taken);
        assert_eq!(replays.begin([1; 32], at(62), minute, 2), Began::Taken);
        assert_eq!(replays.begin([2; 32], at(62), minute, 2), Began::New);
        assert_eq!(replays.begin([3; 32], at(62), minute, 2), Began::Full);
        assert_eq!(replays.begin([3; 32], at(63), minute, 2), Began::New, "the first is forgotten");
        assert_eq!(replays.begin([2; 32], at(182), minute, 2), Began::New, "nobody waits any more");
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_it_may(keys in proptest::collection::vec(0_u8..40, 0..200), most in 1_usize..20) {
            let replays = Replays::default();
            for (index, key) in keys.iter().enumerate() {
                let now = at(i64::try_from(index).unwrap());
                if replays.begin([*key; 32], now, Duration::from_secs(10), most) == Began::New {
                    replays.end([*key; 32], index % 3 != 0);
                }
                prop_assert!(replays.0.lock().unwrap().len() <= most);
            }
        }
    }
}
