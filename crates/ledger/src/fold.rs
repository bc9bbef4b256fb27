//! Folding floods: the first refusal of a kind is written, repeats are counted.
//!
//! A kind is written at once, then at the end of a window (10 s, doubling to 60 s while repeats go on)
//! as one event with the count of the window; a window without repeats forgets the kind. At most
//! [`KINDS`] kinds are told apart. What they write is paid from a bucket of bytes that refills with the
//! clock; a new kind may not take the last quarter of it, so that counting what is known goes on.
//! What does not fit is counted per control in one event a window, which is always written: nobody can
//! choose how many controls there are.
//!
//! INVARIANT: the counts of all events handed out and the counts still held add up to the refusals
//! taken in.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use gabion_model::{Actor, ControlId, Event, EventKind, Outcome, Timestamp};

use crate::format::FRAME_OVERHEAD;
use crate::kind::{self, Fold};
use crate::sanitise;

/// Kinds told apart at one time.
const KINDS: usize = 1024;
const FIRST_WINDOW: Duration = Duration::from_secs(10);
const LONGEST_WINDOW: Duration = Duration::from_secs(60);
/// The period in which the bucket fills from empty.
const REFILL: Duration = Duration::from_secs(60);

/// The folding state. Pure: time comes with the calls, what is to be written goes out.
#[derive(Debug)]
pub(crate) struct Folder {
    kinds: HashMap<u64, Kind>,
    others: BTreeMap<Remainder, Fold>,
    others_window: Window,
    budget: Budget,
}

#[derive(Debug)]
struct Kind {
    sample: Event,
    repeats: Option<Fold>,
    window: Window,
}

/// What is still told apart of refusals that are not told apart.
type Remainder = (ControlId, EventKind, Outcome);

impl Folder {
    /// `bytes_per_minute` is also what may be written at once.
    pub(crate) fn new(bytes_per_minute: u64, now: Timestamp) -> Self {
        Self {
            kinds: HashMap::new(),
            others: BTreeMap::new(),
            others_window: Window::begin(now),
            budget: Budget {
                capacity: bytes_per_minute,
                left: bytes_per_minute,
                refilled: now,
                starved: false,
            },
        }
    }

    /// Nothing is counted and no window is open.
    pub(crate) fn is_idle(&self) -> bool {
        self.kinds.is_empty() && self.others.is_empty()
    }

    /// Takes refusals of the kind with this fingerprint; what is to be written goes to `out`.
    pub(crate) fn take(&mut self, fingerprint: u64, fold: Fold, now: Timestamp, out: &mut Vec<Event>) {
        self.budget.refill(now);
        let places = KINDS.saturating_sub(self.kinds.len());
        match self.kinds.get_mut(&fingerprint) {
            Some(known) if kind::same(&known.sample, &fold.event) => match &mut known.repeats {
                Some(repeats) => repeats.join(&fold),
                None => known.repeats = Some(fold),
            },
            None if places > 0 && self.budget.may_allow_new() => {
                let first = clean(&fold);
                if self.budget.pay_new(size(&first)) {
                    let (sample, repeats, window) = (fold.event, None, Window::begin(now));
                    self.kinds.insert(fingerprint, Kind { sample, repeats, window });
                    out.push(first);
                } else {
                    self.remain(&fold, now);
                }
            }
            _ => self.remain(&fold, now),
        }
    }

    /// Counts what could not be written after all.
    pub(crate) fn give_back(&mut self, event: Event, now: Timestamp) {
        self.remain(&Fold::new(event), now);
    }

    /// What is due by now goes to `out`.
    pub(crate) fn due(&mut self, now: Timestamp, out: &mut Vec<Event>) {
        self.budget.refill(now);
        let mut unpaid = Vec::new();
        let budget = &mut self.budget;
        self.kinds.retain(|_, kind| {
            if !kind.window.is_over(now) {
                return true;
            }
            let Some(repeats) = kind.repeats.take() else { return false };
            let event = clean(&repeats);
            if budget.pay(size(&event)) {
                out.push(event);
            } else {
                unpaid.push(repeats);
            }
            kind.window.next(now);
            true
        });
        for repeats in unpaid {
            self.remain(&repeats, now);
        }
        if !self.others.is_empty() && self.others_window.is_over(now) {
            self.write_others(out);
            self.others_window.next(now);
        }
    }

    /// Everything still counted goes to `out`.
    pub(crate) fn drain(&mut self, now: Timestamp, out: &mut Vec<Event>) {
        self.budget.refill(now);
        for (_, kind) in std::mem::take(&mut self.kinds) {
            let Some(repeats) = kind.repeats else { continue };
            let event = clean(&repeats);
            if self.budget.pay(size(&event)) {
                out.push(event);
            } else {
                self.remain(&repeats, now);
            }
        }
        self.write_others(out);
    }

    /// Counts refusals that are not told apart.
    pub(crate) fn remain(&mut self, fold: &Fold, now: Timestamp) {
        if self.others.is_empty() && self.others_window.is_over(now) {
            self.others_window = Window::begin(now);
        }
        let event = &fold.event;
        let remainder = (event.control, event.kind, event.outcome);
        match self.others.get_mut(&remainder) {
            Some(others) => others.join(fold),
            None => {
                // Nothing of the single refusal stays: the next one would differ in everything.
                let (time, count) = (event.time, event.count);
                let mut event =
                    Event::new(time, event.kind, OTHERS, Actor::Gate, event.outcome, event.control);
                event.count = count;
                event.reason = Some(OTHERS_REASON.to_owned());
                let mut others = Fold::new(event);
                others.earliest = fold.earliest;
                self.others.insert(remainder, others);
            }
        }
    }

    fn write_others(&mut self, out: &mut Vec<Event>) {
        for (_, others) in std::mem::take(&mut self.others) {
            let event = clean(&others);
            self.budget.charge(size(&event));
            out.push(event);
        }
    }
}

/// The action of an event that counts refusals of many kinds.
pub const OTHERS: &str = "flood.counted";
const OTHERS_REASON: &str = "more kinds of refusal than are told apart";

/// The event to write for a fold. Only here are the texts cleaned: most of a flood is never written.
fn clean(fold: &Fold) -> Event {
    let mut event = fold.clone().into_event();
    sanitise::event(&mut event);
    event
}

/// Bytes an event takes in a segment.
fn size(event: &Event) -> u64 {
    (FRAME_OVERHEAD + serde_json::to_vec(event).map_or(0, |payload| payload.len())) as u64
}

/// A stretch of time that doubles while it is renewed.
#[derive(Debug, Clone, Copy)]
struct Window {
    begin: Timestamp,
    length: Duration,
}

impl Window {
    const fn begin(now: Timestamp) -> Self {
        Self { begin: now, length: FIRST_WINDOW }
    }

    fn is_over(&mut self, now: Timestamp) -> bool {
        // A clock that was set back must not keep a window open for as long.
        self.begin = self.begin.min(now);
        now.saturating_since(self.begin) >= self.length
    }

    fn next(&mut self, now: Timestamp) {
        *self = Self { begin: now, length: self.length.saturating_mul(2).min(LONGEST_WINDOW) };
    }
}

/// A bucket of bytes that fills with time.
#[derive(Debug)]
struct Budget {
    capacity: u64,
    left: u64,
    refilled: Timestamp,
    /// A new kind was refused since the last refill; others are not even tried.
    starved: bool,
}

impl Budget {
    fn refill(&mut self, now: Timestamp) {
        let passed = now.saturating_since(self.refilled).min(REFILL).as_micros();
        let bytes = u128::from(self.capacity).saturating_mul(passed).checked_div(REFILL.as_micros());
        let bytes = bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0);
        // Time too short for a byte is not lost: it counts until there is one.
        if bytes > 0 || now < self.refilled {
            self.left = self.left.saturating_add(bytes).min(self.capacity);
            self.refilled = now;
            self.starved = false;
        }
    }

    /// Whether a new kind may be worth the trouble of encoding it.
    const fn may_allow_new(&self) -> bool {
        !self.starved && self.left > self.capacity / 4
    }

    /// Pays for a new kind, or not at all.
    const fn pay_new(&mut self, bytes: u64) -> bool {
        self.starved = bytes.saturating_add(self.capacity / 4) > self.left;
        !self.starved && self.pay(bytes)
    }

    /// Pays for what is known, or not at all.
    const fn pay(&mut self, bytes: u64) -> bool {
        let enough = bytes <= self.left;
        if enough {
            self.charge(bytes);
        }
        enough
    }

    /// Pays for what is written anyhow.
    const fn charge(&mut self, bytes: u64) {
        self.left = self.left.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(time: Timestamp) -> Fold {
        let (kind, control) = (EventKind::Refusal, ControlId::WEB_CSRF);
        Fold::new(Event::new(time, kind, "request.refused", Actor::Anonymous, Outcome::Failure, control))
    }

    #[test]
    fn a_clock_set_back_keeps_no_window_open() {
        let (late, early) = (Timestamp::from_secs(1_000_000), Timestamp::from_secs(500));
        let mut folder = Folder::new(1 << 16, late);
        let mut out = Vec::new();
        folder.take(1, refusal(late), late, &mut out);
        folder.take(1, refusal(late), early, &mut out);
        folder.due(early, &mut out);
        assert_eq!(out.len(), 1);
        folder.due(early.saturating_add(FIRST_WINDOW), &mut out);
        assert_eq!(out.len(), 2);
    }

    #[test]
    fn an_empty_bucket_fills_again_and_leaves_a_quarter_to_what_is_known() {
        let start = Timestamp::from_secs(1000);
        let mut folder = Folder::new(16 << 10, start);
        let mut out = Vec::new();
        for fingerprint in 0..1000 {
            folder.take(fingerprint, refusal(start), start, &mut out);
        }
        let written: u64 = out.iter().map(size).sum();
        assert!((11 << 10..=12 << 10).contains(&written), "{written}");
        let kinds = out.len();
        // A minute later there is room for what was refused, once more only for so many.
        let later = start.saturating_add(REFILL);
        out.clear();
        for fingerprint in 1000..2000 {
            folder.take(fingerprint, refusal(later), later, &mut out);
        }
        assert_eq!(out.len(), kinds);
        assert!(!folder.is_idle());
        out.clear();
        folder.drain(later, &mut out);
        assert_eq!(out.iter().map(|event| event.count).sum::<u64>(), 2000 - 2 * kinds as u64);
        assert!(folder.is_idle());
    }

    #[test]
    fn two_kinds_with_one_fingerprint_are_not_mixed() {
        let now = Timestamp::from_secs(1000);
        let mut folder = Folder::new(1 << 16, now);
        let mut out = Vec::new();
        folder.take(1, refusal(now), now, &mut out);
        let mut other = refusal(now);
        other.event.control = ControlId::WEB_CORS;
        folder.take(1, other, now, &mut out);
        folder.drain(now, &mut out);
        assert_eq!(
            out.iter().map(|event| event.control).collect::<Vec<_>>(),
            [ControlId::WEB_CSRF, ControlId::WEB_CORS]
        );
    }
}
