//! What a correlation remembers of its groups.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use gabion_model::Timestamp;

use crate::bounds;
use crate::correlation::What;

/// One hit of a rule, for the correlation that counts it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit {
    /// Which of the named rules.
    pub(crate) place: usize,
    pub(crate) time: Timestamp,
    /// How many events it stands for, or what is summed up.
    pub(crate) amount: u64,
    /// A keyed hash of the value, where values are counted.
    pub(crate) value: u64,
    pub(crate) position: u64,
}

/// The groups of one correlation.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    known: HashMap<String, Window>,
    /// For who comes when all places are taken.
    shared: HashMap<u64, Window>,
    swept: Option<Timestamp>,
}

/// How often places are looked for when there are none, in the time of the events.
const SWEEP: Duration = Duration::from_secs(1);

impl Groups {
    /// The group's window, and whether others share it. `hash` is a keyed hash of `key`.
    pub(crate) fn window(
        &mut self,
        key: &str,
        hash: u64,
        now: Timestamp,
        timespan: Duration,
    ) -> (&mut Window, bool) {
        let is_due = self.swept.is_none_or(|swept| apart(swept, now) >= SWEEP);
        if self.known.len() >= bounds::GROUPS && is_due && !self.known.contains_key(key) {
            self.swept = Some(now);
            self.known.retain(|_, window| !window.is_over(now, timespan));
        }
        if self.known.contains_key(key) || self.known.len() < bounds::GROUPS {
            return (self.known.entry(key.to_owned()).or_default(), false);
        }
        (self.shared.entry(hash % bounds::SHARED as u64).or_default(), true)
    }
}

impl Groups {
    /// Bytes it holds, roughly.
    pub(crate) fn held(&self) -> usize {
        let window = |window: &Window| {
            window.entries.capacity() * size_of::<Entry>()
                + window.stages.capacity() * size_of::<Option<Timestamp>>()
        };
        let known = self.known.iter().map(|(key, own)| key.capacity() + window(own)).sum::<usize>();
        let shared = self.shared.values().map(window).sum::<usize>();
        let places = self.known.capacity() * (size_of::<(String, Window)>() + 1)
            + self.shared.capacity() * (size_of::<(u64, Window)>() + 1);
        known + shared + places
    }
}

/// What was seen of one group.
#[derive(Debug, Default)]
pub(crate) struct Window {
    entries: VecDeque<Entry>,
    /// Of rules in order: when the latest chain that came so far began.
    stages: Vec<Option<Timestamp>>,
    last: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    time: Timestamp,
    amount: u64,
    /// The value's hash, or the rule's place.
    value: u64,
    position: u64,
}

impl Window {
    fn is_over(&self, now: Timestamp, timespan: Duration) -> bool {
        self.last.is_none_or(|last| apart(last, now) > timespan)
    }

    /// Adds a hit; how much there is now, where that is enough.
    pub(crate) fn add(&mut self, what: &What, rules: usize, timespan: Duration, hit: Hit) -> Option<u64> {
        self.last = Some(hit.time);
        self.entries.retain(|entry| apart(entry.time, hit.time) <= timespan);
        let value = match what {
            What::Together | What::InOrder => hit.place as u64,
            _ => hit.value,
        };
        let entry = Entry { time: hit.time, amount: hit.amount, value, position: hit.position };
        match what {
            What::Events(least) | What::Sum(_, least) => {
                self.entries.push_back(entry);
                if self.entries.len() > bounds::ENTRIES
                    && let Some(oldest) = self.entries.pop_front()
                    && let Some(next) = self.entries.front_mut()
                {
                    next.amount = next.amount.saturating_add(oldest.amount);
                }
                let sum = self.entries.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.amount));
                (sum >= *least).then_some(sum)
            }
            What::Values(_, least) => {
                self.entries.retain(|known| known.value != value);
                self.entries.push_back(entry);
                let most = usize::try_from(*least).unwrap_or(bounds::DISTINCT).max(bounds::NAMED_EVENTS);
                if self.entries.len() > most {
                    self.entries.pop_front();
                }
                let different = self.entries.len() as u64;
                (different >= *least).then_some(different)
            }
            What::Together => {
                self.entries.retain(|known| known.value != value);
                self.entries.push_back(entry);
                (self.entries.len() >= rules).then_some(rules as u64)
            }
            What::InOrder => {
                self.entries.retain(|known| known.value != value);
                self.entries.push_back(entry);
                self.stages.resize(rules, None);
                let begun = match hit.place.checked_sub(1) {
                    None => Some(hit.time),
                    Some(before) => self.stages.get(before).copied().flatten(),
                };
                let begun = begun.filter(|begun| apart(*begun, hit.time) <= timespan);
                if begun.is_some()
                    && let Some(stage) = self.stages.get_mut(hit.place)
                {
                    *stage = begun;
                }
                if begun.is_none() || hit.place + 1 < rules {
                    return None;
                }
                self.stages.clear();
                Some(rules as u64)
            }
        }
    }

    /// The places of the latest events, oldest first.
    pub(crate) fn positions(&self) -> Vec<u64> {
        let from = self.entries.len().saturating_sub(bounds::NAMED_EVENTS);
        self.entries.iter().skip(from).map(|entry| entry.position).collect()
    }
}

/// How far two times are apart, whichever is first: a clock that was set back ends a window too.
pub(crate) fn apart(one: Timestamp, other: Timestamp) -> Duration {
    one.saturating_since(other).max(other.saturating_since(one))
}
