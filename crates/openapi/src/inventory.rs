//! Which operations are used: those of the contract, and those that it does not know (shadow API).
//!
//! Paths outside the contract are kept as guessed templates, never as they came: a segment that does not look like a
//! word of an interface is `{id}`, and so is one of many different ones in the same place. Counts and times are kept;
//! addresses, people and values are not.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gabion_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::contract::Contract;

/// What was seen since the inventory was begun. Shared by every core.
#[derive(Debug, Default)]
pub struct Inventory {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    contracts: BTreeMap<String, Arc<Seen>>,
    shadows: BTreeMap<(String, String, String), Times>,
    /// What no room was left for.
    forgotten: u64,
}

/// How often the operations of one contract were used.
#[derive(Debug, Default)]
pub struct Seen {
    operations: Vec<Counter>,
}

#[derive(Debug)]
struct Counter {
    method: String,
    path: String,
    count: AtomicU64,
    first: AtomicI64,
    last: AtomicI64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Times {
    answered: u64,
    refused: u64,
    first: i64,
    last: i64,
}

/// Everything in an inventory; what is kept over a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Report {
    pub operations: Vec<Usage>,
    pub shadows: Vec<Shadow>,
    /// Requests to paths outside the contracts for which no room was left.
    pub forgotten: u64,
}

/// An operation of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    pub contract: String,
    pub method: String,
    pub path: String,
    pub count: u64,
    /// None: never seen.
    pub first_seen: Option<Timestamp>,
    pub last_seen: Option<Timestamp>,
}

/// An operation that a contract does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shadow {
    pub contract: String,
    pub method: String,
    /// A guessed template.
    pub path: String,
    /// The application had an answer to it: it is there.
    pub answered: u64,
    /// The gate refused it, or the application did not know it.
    pub refused: u64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
}

impl Seen {
    /// Counts one request.
    pub fn count(&self, operation: usize, now: Timestamp) {
        let Some(counter) = self.operations.get(operation) else { return };
        counter.count.fetch_add(1, Ordering::Relaxed);
        let _ = counter.first.compare_exchange(0, now.as_micros(), Ordering::Relaxed, Ordering::Relaxed);
        counter.last.fetch_max(now.as_micros(), Ordering::Relaxed);
    }
}

impl Inventory {
    /// Goes on with what was kept. Entries over the bound are left out.
    #[must_use]
    pub fn restore(report: Report) -> Self {
        let mut state = State { forgotten: report.forgotten, ..State::default() };
        let mut contracts: BTreeMap<String, Seen> = BTreeMap::new();
        for usage in report.operations.into_iter().take(MOST_OPERATIONS) {
            let seen = contracts.entry(usage.contract).or_default();
            let micros = |moment: Option<Timestamp>| AtomicI64::new(moment.map_or(0, Timestamp::as_micros));
            seen.operations.push(Counter {
                method: usage.method,
                path: usage.path,
                count: AtomicU64::new(usage.count),
                first: micros(usage.first_seen),
                last: micros(usage.last_seen),
            });
        }
        state.contracts = contracts.into_iter().map(|(name, seen)| (name, Arc::new(seen))).collect();
        for shadow in report.shadows.into_iter().take(MOST_SHADOWS) {
            let times = Times {
                answered: shadow.answered,
                refused: shadow.refused,
                first: shadow.first_seen.as_micros(),
                last: shadow.last_seen.as_micros(),
            };
            state.shadows.insert((shadow.contract, shadow.method, shadow.path), times);
        }
        Self { state: Mutex::new(state) }
    }

    /// The counters of a contract, in the order of its operations. Those of an earlier version live on.
    pub fn register(&self, name: &str, contract: &Contract) -> Arc<Seen> {
        let mut state = self.lock();
        let before = state.contracts.get(name).cloned().unwrap_or_default();
        let counters = contract.operations().iter().map(|operation| {
            let same = |counter: &&Counter| {
                counter.method == operation.method() && counter.path == operation.template()
            };
            let known = before.operations.iter().find(same);
            let count = |read: fn(&Counter) -> i64| AtomicI64::new(known.map_or(0, read));
            Counter {
                method: operation.method().to_owned(),
                path: operation.template().to_owned(),
                count: AtomicU64::new(known.map_or(0, |counter| counter.count.load(Ordering::Relaxed))),
                first: count(|counter| counter.first.load(Ordering::Relaxed)),
                last: count(|counter| counter.last.load(Ordering::Relaxed)),
            }
        });
        let seen = Arc::new(Seen { operations: counters.collect() });
        state.contracts.insert(name.to_owned(), Arc::clone(&seen));
        seen
    }

    /// Forgets contracts that are no longer there.
    pub fn retain(&self, names: &[&str]) {
        let mut state = self.lock();
        state.contracts.retain(|name, _| names.contains(&name.as_str()));
        state.shadows.retain(|(name, ..), _| names.contains(&name.as_str()));
    }

    /// Counts a request that the contract does not know. `answered`: the application knew it.
    pub fn shadow(&self, contract: &str, method: &str, path: &str, answered: bool, now: Timestamp) {
        let method = if method.len() <= 16 { method } else { "OTHER" };
        let mut key = (contract.to_owned(), method.to_owned(), template(path));
        let mut state = self.lock();
        if !state.shadows.contains_key(&key) {
            let full = state.shadows.len() >= MOST_SHADOWS;
            if full && !answered {
                // A scan costs no more than this, once the room is taken.
                state.forgotten = state.forgotten.saturating_add(1);
                return;
            }
            key.2 = state.merged(contract, &key.2, answered);
            if full && !state.shadows.contains_key(&key) && !state.make_room() {
                state.forgotten = state.forgotten.saturating_add(1);
                return;
            }
        }
        let times = state.shadows.entry(key).or_insert(Times { first: now.as_micros(), ..Times::default() });
        let count = if answered { &mut times.answered } else { &mut times.refused };
        *count = count.saturating_add(1);
        times.last = times.last.max(now.as_micros());
    }

    /// Everything, used and unknown most answered first.
    #[must_use]
    pub fn report(&self) -> Report {
        let state = self.lock();
        let mut operations = Vec::new();
        for (name, seen) in &state.contracts {
            for counter in &seen.operations {
                let moment = |at: &AtomicI64| match at.load(Ordering::Relaxed) {
                    0 => None,
                    micros => Some(Timestamp::from_micros(micros)),
                };
                operations.push(Usage {
                    contract: name.clone(),
                    method: counter.method.clone(),
                    path: counter.path.clone(),
                    count: counter.count.load(Ordering::Relaxed),
                    first_seen: moment(&counter.first),
                    last_seen: moment(&counter.last),
                });
            }
        }
        let mut shadows: Vec<Shadow> = state
            .shadows
            .iter()
            .map(|((contract, method, path), times)| Shadow {
                contract: contract.clone(),
                method: method.clone(),
                path: path.clone(),
                answered: times.answered,
                refused: times.refused,
                first_seen: Timestamp::from_micros(times.first),
                last_seen: Timestamp::from_micros(times.last),
            })
            .collect();
        shadows.sort_by_key(|shadow| std::cmp::Reverse((shadow.answered, shadow.refused)));
        Report { operations, shadows, forgotten: state.forgotten }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Counts stay counts whatever happened to whoever held them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Lets one go that no application has answered, the oldest first.
    fn make_room(&mut self) -> bool {
        let unanswered = self.shadows.iter().filter(|(_, times)| times.answered == 0);
        let oldest = unanswered.min_by_key(|(_, times)| times.last).map(|(key, _)| key.clone());
        oldest.is_some_and(|key| self.shadows.remove(&key).is_some())
    }

    /// The template with `{id}` where many different words were seen already; what scans only ask for says nothing
    /// about what is there.
    fn merged(&self, contract: &str, path: &str, answered: bool) -> String {
        let mut segments: Vec<&str> = path.split('/').collect();
        for at in 1..segments.len() {
            let (before, after) =
                (segments.get(..at).unwrap_or_default(), segments.get(at..).unwrap_or_default());
            let Some((own, after)) = after.split_first() else { break };
            let mut words: Vec<&str> = Vec::new();
            for ((name, _, other), times) in &self.shadows {
                if answered && times.answered == 0 {
                    continue;
                }
                let other: Vec<&str> = other.split('/').collect();
                let is_like = name == contract
                    && other.len() == segments.len()
                    && other.get(..at) == Some(before)
                    && other.get(at.saturating_add(1)..) == Some(after);
                if let Some(word) = other.get(at).filter(|_| is_like)
                    && !words.contains(word)
                {
                    words.push(word);
                }
            }
            if !words.contains(own)
                && (words.contains(&FREE) || words.len() >= MOST_WORDS)
                && let Some(slot) = segments.get_mut(at)
            {
                *slot = FREE;
            }
        }
        segments.join("/")
    }
}

/// A guess: words stay, everything else is `{id}`.
#[must_use]
pub fn template(path: &str) -> String {
    let mut out = String::new();
    for segment in path.split('/').skip(1).take(MOST_SEGMENTS) {
        out.push('/');
        out.push_str(if is_word(segment) { segment } else { FREE });
    }
    if path.split('/').count() > MOST_SEGMENTS.saturating_add(1) {
        out.push_str("/…");
    }
    out
}

/// Short, of letters with `-`, `_` or `.` between them, or a version such as `v2`.
fn is_word(segment: &str) -> bool {
    let version = segment.strip_prefix('v').is_some_and(|digits| {
        (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let plain = segment.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_' | b'.'));
    // Long runs of letters are rather tokens.
    let longest = segment.split(['-', '_', '.']).map(str::len).max().unwrap_or_default();
    segment.is_empty() || version || plain && segment.len() <= 40 && longest <= 20
}

const FREE: &str = "{id}";
const MOST_OPERATIONS: usize = 20_000;
const MOST_SEGMENTS: usize = 12;
const MOST_SHADOWS: usize = 500;
const MOST_WORDS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_kept_as_templates() {
        let rows = [
            ("/users/7", "/users/{id}"),
            ("/api/v2/orders/0189f5a2-aaaa-7bbb-8ccc-123456789abc/items", "/api/v2/orders/{id}/items"),
            ("/reset/dGhpc2lzYXRva2Vu", "/reset/{id}"),
            ("/mail/kim%40example.org", "/mail/{id}"),
            ("/password-reset/", "/password-reset/"),
            ("/a/b/c/d/e/f/g/h/i/j/k/l/m", "/a/b/c/d/e/f/g/h/i/j/k/l/…"),
            ("/xabcdefghijklmnopqrstuvwxyz", "/{id}"),
        ];
        for (path, guessed) in rows {
            assert_eq!(template(path), guessed);
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_secs(second)
    }

    #[test]
    fn many_words_in_one_place_are_one_name() {
        let inventory = Inventory::default();
        let names: Vec<String> =
            (b'a'..=b'z').map(|letter| format!("/users/{}", char::from(letter))).collect();
        for name in &names {
            inventory.shadow("shop", "GET", name, true, at(1));
        }
        let report = inventory.report();
        assert!(report.shadows.iter().any(|shadow| shadow.path == "/users/{id}" && shadow.answered == 10));
        assert_eq!(report.shadows.len(), 17);
    }

    #[test]
    fn a_scan_pushes_out_nothing_that_is_there_and_everything_outlives_a_restart() {
        let inventory = Inventory::default();
        inventory.shadow("shop", "GET", "/old/report", true, at(1));
        for number in 0..600_u32 {
            let word: String =
                number.to_string().bytes().map(|digit| char::from(digit + b'a' - b'0')).collect();
            inventory.shadow("shop", "GET", &format!("/scan{word}"), false, at(2));
            inventory.shadow("shop", &format!("M{number}"), "/scan", false, at(2));
        }
        inventory.shadow("shop", "POST", "/new", true, at(3));
        inventory.shadow("shop", "GET", "/old/report", true, at(4));
        let report = inventory.report();
        assert_eq!(report.shadows.len(), MOST_SHADOWS);
        assert!(report.forgotten > 0);
        let old = report.shadows.first().unwrap();
        assert_eq!(
            (old.path.as_str(), old.answered, old.first_seen, old.last_seen),
            ("/old/report", 2, at(1), at(4))
        );
        assert!(report.shadows.iter().any(|shadow| shadow.path == "/new"));
        let mut again = Inventory::restore(report.clone()).report();
        again.shadows.sort_by(|one, other| (&one.path, &one.method).cmp(&(&other.path, &other.method)));
        let mut report = report;
        report.shadows.sort_by(|one, other| (&one.path, &one.method).cmp(&(&other.path, &other.method)));
        assert_eq!(again, report);
    }
}
