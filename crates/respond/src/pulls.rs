//! What other machines that block have heard of, so that each is told what is new to it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gabion_model::Timestamp;

use crate::{Action, Measure, State};

/// When each machine asked last. Kept in memory alone: after a restart each hears everything again.
#[derive(Debug, Default)]
pub struct Pulls(Mutex<HashMap<String, Timestamp>>);

/// What a machine is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Blocks that hold, and that it has not heard of.
    pub new: Vec<Measure>,
    /// Blocks that are over, whose target is under no other.
    pub ended: Vec<Measure>,
}

impl Pulls {
    /// What is new to a machine since it asked last; everything the first time, and when it says that it starts.
    #[must_use]
    pub fn pull(&self, machine: &str, starts: bool, all: &[Measure], now: Timestamp) -> Pulled {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = last.get(machine).copied().filter(|since| !starts && *since <= now);
        if last.len() >= MOST && !last.contains_key(machine) {
            let oldest = last.iter().min_by_key(|(_, at)| **at).map(|(name, _)| name.clone());
            oldest.and_then(|name| last.remove(&name));
        }
        last.insert(machine.to_owned(), now);
        drop(last);
        // What was taken while the last answer was made may stand in neither: told twice rather than never.
        let after = match since {
            Some(since) => before(since, OVERLAP),
            None => before(now, LONG),
        };
        let holding: Vec<_> = all.iter().filter(|one| is_block(one) && one.holds(now)).collect();
        let is_held = |one: &Measure| holding.iter().any(|own| own.target.is(&one.target));
        let mut over: Vec<_> = all.iter().filter(|one| is_block(one) && is_over(one, after, now)).collect();
        let is_new = |one: &&&Measure| {
            // Another block of the same target that is over: it holds on by this one.
            since.is_none() || one.changed > after || over.iter().any(|own| own.target.is(&one.target))
        };
        let new = holding.iter().filter(is_new).map(|one| (*one).clone()).collect();
        over.retain(|one| !is_held(one));
        Pulled { new, ended: over.into_iter().cloned().collect() }
    }
}

pub(crate) const fn is_block(measure: &Measure) -> bool {
    matches!(measure.action, Action::BlockAddress | Action::BlockNetwork)
}

fn before(time: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_micros(time.as_micros().saturating_sub(seconds.saturating_mul(1_000_000)))
}

fn is_over(measure: &Measure, after: Timestamp, now: Timestamp) -> bool {
    let end = measure.ended.as_ref().map_or(measure.until, |ended| ended.at);
    matches!(measure.state, State::Active | State::Expired | State::Undone) && end <= now && end > after
}

/// In seconds.
const OVERLAP: i64 = 5;
/// How long ago what is over may have ended, for a machine that starts.
const LONG: i64 = 86_400;
/// Machines that are remembered.
const MOST: usize = 1_024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Ended, Origin, Target};

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn at(seconds: u64) -> Timestamp {
        NOW.saturating_add(Duration::from_secs(seconds))
    }

    fn block(id: u64, address: &str, from: u64, until: u64) -> Measure {
        Measure {
            id,
            action: Action::BlockAddress,
            target: Target::Network { network: address.parse().unwrap() },
            origin: Origin::Hand { by: "ann".into() },
            reason: String::new(),
            from: at(from),
            until: at(until),
            state: State::Active,
            changed: at(from),
            approved_by: None,
            ended: None,
        }
    }

    fn ids(measures: &[Measure]) -> Vec<u64> {
        measures.iter().map(|measure| measure.id).collect()
    }

    #[test]
    fn everything_first_then_what_is_new_to_each() {
        let pulls = Pulls::default();
        let mut all = vec![block(1, "192.0.2.1", 0, 1000), block(2, "192.0.2.2", 0, 50)];
        let told = |machine: &str, starts, all: &[Measure], seconds| {
            let pulled = pulls.pull(machine, starts, all, at(seconds));
            (ids(&pulled.new), ids(&pulled.ended))
        };
        assert_eq!(told("a", true, &all, 10), (vec![1, 2], vec![]));
        assert_eq!(told("a", false, &all, 20), (vec![], vec![]));
        assert_eq!(told("b", false, &all, 20), (vec![1, 2], vec![]), "not heard of before");
        all.push(block(3, "192.0.2.3", 40, 1000));
        assert_eq!(told("a", false, &all, 60), (vec![3], vec![2]), "whose time is over");
        assert_eq!(told("a", true, &all, 70), (vec![1, 3], vec![2]), "it starts again");
        all[0].state = State::Undone;
        all[0].ended = Some(Ended { at: at(80), by: "ann".into() });
        assert_eq!(told("a", false, &all, 90), (vec![], vec![1]));
        assert_eq!(told("a", false, &all, 100), (vec![], vec![]));
        all[2].until = at(5000);
        all[2].changed = at(110);
        assert_eq!(told("a", false, &all, 120), (vec![3], vec![]), "longer");
    }

    #[test]
    fn what_another_block_holds_has_not_ended_and_what_was_never_in_force_neither() {
        let pulls = Pulls::default();
        let mut all = vec![block(1, "192.0.2.1", 0, 50), block(2, "192.0.2.1", 0, 1000)];
        all[1].action = Action::BlockNetwork;
        let _ = pulls.pull("a", true, &all, at(10));
        let pulled = pulls.pull("a", false, &all, at(60));
        assert_eq!((ids(&pulled.new), ids(&pulled.ended)), (vec![2], vec![]));
        for state in [State::DryRun, State::Pending] {
            all = vec![block(1, "192.0.2.1", 0, 50)];
            all[0].state = state;
            assert_eq!(pulls.pull("b", true, &all, at(10)), Pulled::default());
            assert_eq!(pulls.pull("b", false, &all, at(60)), Pulled::default());
        }
    }

    #[test]
    fn memory_is_bounded_and_a_clock_that_goes_back_tells_everything() {
        let pulls = Pulls::default();
        for number in 0..2 * MOST {
            let _ = pulls.pull(&number.to_string(), false, &[], at(number as u64));
        }
        assert_eq!(pulls.0.lock().unwrap().len(), MOST);
        let all = [block(1, "192.0.2.1", 0, 100_000)];
        let _ = pulls.pull("a", true, &all, at(9_000));
        assert_eq!(ids(&pulls.pull("a", false, &all, at(8_000)).new), [1]);
    }
}
