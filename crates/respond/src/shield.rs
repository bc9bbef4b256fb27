//! What the request path asks: is somebody under a measure?
//!
//! One load of a pointer and one lookup per length of prefix that is in use; nothing in force costs the load alone. It
//! forgets by the clock of the request, so that a measure ends in the moment its time is over.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use gabion_model::{AccountId, Timestamp};
use tokio::sync::Notify;

use crate::budget::{self, Traffic};
use crate::{Action, Measure, Network, Target};

/// The measures in force, as the request path needs them.
#[derive(Debug)]
pub struct Shield {
    table: ArcSwap<Table>,
    traffic: Traffic,
    changed: Notify,
    /// How many requests wait for their turn.
    waiting: Arc<AtomicUsize>,
}

/// How an address stands.
#[derive(Debug)]
pub enum Verdict {
    Blocked,
    Free,
    /// This request waits for its turn.
    Later(Turn),
    /// Too many wait already; it may be tried again in so many seconds.
    TooSoon(u32),
}

/// The place of a request that is slowed down; given back on drop.
#[derive(Debug)]
pub struct Turn {
    wait: Duration,
    _seat: Seat,
}

impl Turn {
    /// How long it waits, at most [`LONGEST_WAIT`].
    #[must_use]
    pub const fn wait(&self) -> Duration {
        self.wait
    }
}

#[derive(Debug)]
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(waiting: &Arc<AtomicUsize>) -> Option<Self> {
        let one_more = |count: usize| (count < MOST_WAITING).then(|| count.saturating_add(1));
        waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Self(Arc::clone(waiting)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Disabled,
    Free,
    /// Whoever proved before this who they are must do it again.
    StepUp {
        since: Timestamp,
    },
}

#[derive(Debug, Default)]
struct Table {
    /// By length of prefix.
    v4: BTreeMap<u8, HashMap<u32, Entry, Seed>>,
    v6: BTreeMap<u8, HashMap<u128, Entry, Seed>>,
    accounts: HashMap<AccountId, Held>,
    keys: HashMap<String, Timestamp>,
    routes: HashMap<String, Timestamp>,
}

/// Addresses are short, and looked up by every request: a keyed mix in place of SipHash. How many there are is bounded
/// before anybody could choose them for a slow table.
#[derive(Debug, Clone)]
struct Seed(u64);

impl Default for Seed {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0_u8))
    }
}

impl BuildHasher for Seed {
    type Hasher = Mixer;

    fn build_hasher(&self) -> Mixer {
        Mixer(self.0)
    }
}

struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = budget::mix(self.0 ^ value);
    }

    fn write_u128(&mut self, value: u128) {
        self.write_u64(u64::try_from(value >> 64).unwrap_or(0));
        self.write_u64(u64::try_from(value & u128::from(u64::MAX)).unwrap_or(0));
    }
}

#[derive(Debug, Clone)]
struct Entry {
    blocked: Timestamp,
    slowed: Timestamp,
    /// When the next request may come.
    next: Arc<AtomicI64>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    disabled: Timestamp,
    step_up: Timestamp,
    since: Timestamp,
}

impl Shield {
    pub(crate) fn new() -> Self {
        Self {
            table: ArcSwap::default(),
            traffic: Traffic::new(),
            changed: Notify::new(),
            waiting: Arc::default(),
        }
    }

    /// Judges a request, and counts its client.
    #[must_use]
    pub fn judge(&self, address: IpAddr, now: Timestamp) -> Verdict {
        self.traffic.saw(budget::key(address), now);
        let table = self.table.load();
        match table.find(address, now) {
            None => Verdict::Free,
            Some((true, _)) => Verdict::Blocked,
            Some((false, entry)) => entry.turn(now, &self.waiting),
        }
    }

    /// Whether an address is blocked.
    #[must_use]
    pub fn is_blocked(&self, address: IpAddr, now: Timestamp) -> bool {
        matches!(self.table.load().find(address, now), Some((true, _)))
    }

    /// Whether an address is blocked or slowed down.
    pub(crate) fn is_held(&self, address: IpAddr, now: Timestamp) -> bool {
        self.table.load().find(address, now).is_some()
    }

    #[must_use]
    pub fn account(&self, account: &AccountId, now: Timestamp) -> Standing {
        let table = self.table.load();
        match table.accounts.get(account) {
            Some(held) if now < held.disabled => Standing::Disabled,
            Some(held) if now < held.step_up => Standing::StepUp { since: held.since },
            _ => Standing::Free,
        }
    }

    /// Whether an API key is disabled.
    #[must_use]
    pub fn is_key_disabled(&self, id: &str, now: Timestamp) -> bool {
        self.table.load().keys.get(id).is_some_and(|until| now < *until)
    }

    /// Whether the route of that path asks everybody to sign in.
    #[must_use]
    pub fn is_strict(&self, path: &str, now: Timestamp) -> bool {
        self.table.load().routes.get(path).is_some_and(|until| now < *until)
    }

    /// Resolves when `is_so`, which is asked now and after every change: what a stream waits for beside its own work.
    pub async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        loop {
            // Registered before the table is read, so that a change between the two is not missed.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if is_so(self) {
                return;
            }
            changed.await;
        }
    }

    /// About how many clients were seen in the last hour.
    #[must_use]
    pub fn clients(&self, now: Timestamp) -> u64 {
        self.traffic.clients(now)
    }

    /// These measures and no others from now on.
    pub(crate) fn set<'a>(&self, measures: impl Iterator<Item = &'a Measure>) {
        let former = self.table.load_full();
        let mut table = Table::default();
        for measure in measures {
            table.add(measure, &former);
        }
        self.table.store(Arc::new(table));
        self.changed.notify_waiters();
    }
}

impl Table {
    /// The strictest entry that holds: whether it blocks, and which it is.
    fn find(&self, address: IpAddr, now: Timestamp) -> Option<(bool, &Entry)> {
        let mut slowed = None;
        let entries: &mut dyn Iterator<Item = &Entry> = match address.to_canonical() {
            IpAddr::V4(address) => {
                let bits = address.to_bits();
                let mask =
                    |prefix: u8| u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0);
                &mut self.v4.iter().filter_map(move |(prefix, map)| map.get(&(bits & mask(*prefix))))
            }
            IpAddr::V6(address) => {
                let bits = address.to_bits();
                let mask =
                    |prefix: u8| u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or(0);
                &mut self.v6.iter().filter_map(move |(prefix, map)| map.get(&(bits & mask(*prefix))))
            }
        };
        for entry in entries {
            if now < entry.blocked {
                return Some((true, entry));
            }
            if now < entry.slowed {
                slowed = Some((false, entry));
            }
        }
        slowed
    }

    fn add(&mut self, measure: &Measure, former: &Self) {
        let until = measure.until;
        match (&measure.target, measure.action) {
            (Target::Network { network }, action) => {
                let entry = self.entry(network, former);
                let end = if action == Action::SlowDown { &mut entry.slowed } else { &mut entry.blocked };
                *end = until.max(*end);
            }
            (Target::Account { id, .. }, action) => {
                let never = Timestamp::from_micros(i64::MIN);
                let none = Held { disabled: never, step_up: never, since: never };
                let held = self.accounts.entry(id.clone()).or_insert(none);
                if action == Action::DisableAccount {
                    held.disabled = until.max(held.disabled);
                } else if action == Action::RequireStepUp {
                    held.step_up = until.max(held.step_up);
                    held.since = measure.from.max(held.since);
                }
            }
            (Target::Key { id }, _) => {
                self.keys.insert(id.clone(), until);
            }
            (Target::Route { path }, _) => {
                self.routes.insert(path.clone(), until);
            }
        }
    }

    fn entry(&mut self, network: &Network, former: &Self) -> &mut Entry {
        let never = Timestamp::from_micros(i64::MIN);
        let old = former.exact(network).map(|entry| Arc::clone(&entry.next));
        let fresh = move || Entry { blocked: never, slowed: never, next: old.unwrap_or_default() };
        match network.address() {
            IpAddr::V4(address) => {
                self.v4.entry(network.prefix()).or_default().entry(address.to_bits()).or_insert_with(fresh)
            }
            IpAddr::V6(address) => {
                self.v6.entry(network.prefix()).or_default().entry(address.to_bits()).or_insert_with(fresh)
            }
        }
    }

    fn exact(&self, network: &Network) -> Option<&Entry> {
        match network.address() {
            IpAddr::V4(address) => self.v4.get(&network.prefix())?.get(&address.to_bits()),
            IpAddr::V6(address) => self.v6.get(&network.prefix())?.get(&address.to_bits()),
        }
    }
}

impl Entry {
    /// One request in each pause: whoever comes before its time waits, up to [`LONGEST_WAIT`], as long as there is a seat.
    fn turn(&self, now: Timestamp, waiting: &Arc<AtomicUsize>) -> Verdict {
        let now = now.as_micros();
        let wait = |next: i64| next.saturating_sub(now).max(0);
        // Taken before the turn: who gets no seat takes nobody's turn either.
        let seat = if now < self.next.load(Ordering::Relaxed) { Seat::take(waiting) } else { None };
        let turn = |next: i64| {
            let may = next <= now || (seat.is_some() && wait(next) <= LONGEST_MICROS);
            may.then(|| next.max(now).saturating_add(PAUSE))
        };
        match self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, turn) {
            Ok(next) => match seat {
                Some(seat) if next > now => {
                    let wait = Duration::from_micros(u64::try_from(wait(next)).unwrap_or(0));
                    Verdict::Later(Turn { wait, _seat: seat })
                }
                _ => Verdict::Free,
            },
            Err(next) => {
                let seconds = wait(next).saturating_add(999_999) / 1_000_000;
                Verdict::TooSoon(u32::try_from(seconds).unwrap_or(1).max(1))
            }
        }
    }
}

/// Between two requests of whoever is slowed down, in microseconds.
const PAUSE: i64 = 2_000_000;
/// The longest that a request which is slowed down waits.
pub const LONGEST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_MICROS: i64 = 10_000_000;
/// Requests that wait at once, all clients together: a small part of the connections a gate takes.
const MOST_WAITING: usize = 256;
