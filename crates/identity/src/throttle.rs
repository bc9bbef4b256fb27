//! How many wrong tries are allowed (OWASP ASVS 6.3.1; CWE-307).
//!
//! 1. A try is reserved before the password is looked at and counts as wrong until it is settled as
//!    right. N tries at once therefore count N: there is no gap between looking at the count and
//!    raising it.
//! 2. Three counters must all have room: the account name's (known or not, so that the answer tells
//!    nothing), the address's (IPv6: its /64, which is what one subscriber holds), and everybody's.
//! 3. A right try gives its own reservation back and clears nothing else: whoever has one password
//!    cannot use it to wash away wrong tries at others'.
//! 4. A refused try is not counted: knocking on prolongs nothing.
//! 5. Times are kept, not windows: at no instant are there more than the allowed wrong tries in the
//!    `window` before it.
//!
//! **Memory** is bounded by a fixed number of counters. Which counter a name or address has is decided
//! by a keyed hash, so nobody can aim at somebody else's. Two that share one are counted together: the
//! mistake is too strict, never too lax, and filling the table pushes no counter out. With 65,536
//! counters of each kind, an attacker would have to make some 300,000 wrong tries within the window,
//! from as many addresses, to block strangers, and the counter for everybody stops that long before.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gabion_model::{Rng, Timestamp, random};
use gabion_vault::hmac_sha256;

use crate::settings::LoginSettings;

/// Counts wrong tries. Cheap to clone; the clones count together.
#[derive(Clone)]
pub struct Throttle(Arc<Inner>);

/// The right to look at one password. Dropped or [`failed`](Self::failed), it counts as a wrong try.
#[derive(Debug)]
#[must_use = "a reservation that is dropped counts as a wrong try"]
pub struct Reservation {
    throttle: Throttle,
    keys: [Key; 3],
    time: Timestamp,
}

/// Too many wrong tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many failed attempts")]
pub struct Throttled {
    /// When a next try can be allowed.
    pub retry_after: Duration,
}

struct Inner {
    key: [u8; 32],
    state: Mutex<State>,
}

struct State {
    limits: Limits,
    /// The times of wrong and unsettled tries, oldest first. At most `2 * COUNTERS + 1` entries, each
    /// of at most the limit of its kind.
    tries: HashMap<Key, Vec<Timestamp>>,
    sweep_at: usize,
}

#[derive(Clone, Copy)]
struct Limits {
    account: usize,
    address: usize,
    all: usize,
    window: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Account(u16),
    Address(u16),
    All,
}

impl Throttle {
    #[must_use]
    pub fn new(settings: &LoginSettings, rng: &dyn Rng) -> Self {
        let state = State { limits: Limits::of(settings), tries: HashMap::new(), sweep_at: SWEEP };
        Self(Arc::new(Inner { key: random::bytes(rng), state: Mutex::new(state) }))
    }

    /// Takes over changed settings; what was counted stays counted.
    pub fn set_settings(&self, settings: &LoginSettings) {
        self.state().limits = Limits::of(settings);
    }

    /// Reserves one try at `name` (normalised by the caller; any text is allowed) from `address`.
    ///
    /// # Errors
    /// When one of the counters is full.
    pub fn reserve(&self, name: &str, address: IpAddr, now: Timestamp) -> Result<Reservation, Throttled> {
        let keys = [
            Key::Account(self.counter(b'n', name.as_bytes())),
            Key::Address(self.counter(b'a', &prefix(address))),
            Key::All,
        ];
        let mut state = self.state();
        state.sweep(now);
        let waits = keys.iter().filter_map(|key| state.wait(*key, now));
        if let Some(retry_after) = waits.max() {
            return Err(Throttled { retry_after });
        }
        for key in keys {
            state.tries.entry(key).or_default().push(now);
        }
        Ok(Reservation { throttle: self.clone(), keys, time: now })
    }

    fn counter(&self, kind: u8, value: &[u8]) -> u16 {
        let [high, low, ..] = hmac_sha256(&self.0.key, &[&[kind], value].concat());
        u16::from_be_bytes([high, low])
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// The password was right: the try is not counted.
    pub fn succeeded(self) {
        let mut state = self.throttle.state();
        for key in self.keys {
            state.release(key, self.time);
        }
    }

    /// The password was wrong: the try stays counted.
    pub fn failed(self) {}
}

impl State {
    /// Forgets tries older than the window; how long to wait if the counter is full all the same.
    fn wait(&mut self, key: Key, now: Timestamp) -> Option<Duration> {
        let (limit, window) = (self.limits.of_key(key), self.limits.window);
        let tries = self.tries.get_mut(&key)?;
        tries.retain(|time| now.saturating_since(*time) < window);
        // Room comes when so many have aged that one less than the limit is left.
        let deciding = tries.get(tries.len().checked_sub(limit)?)?;
        Some(deciding.saturating_add(window).saturating_since(now).max(Duration::from_secs(1)))
    }

    fn release(&mut self, key: Key, time: Timestamp) {
        if let Some(tries) = self.tries.get_mut(&key) {
            if let Some(position) = tries.iter().rposition(|other| *other == time) {
                tries.remove(position);
            }
            if tries.is_empty() {
                self.tries.remove(&key);
            }
        }
    }

    /// Removes counters whose tries have all aged, whenever the table has doubled since the last time.
    fn sweep(&mut self, now: Timestamp) {
        if self.tries.len() < self.sweep_at {
            return;
        }
        let window = self.limits.window;
        self.tries.retain(|_, tries| tries.iter().any(|time| now.saturating_since(*time) < window));
        self.sweep_at = SWEEP.max(self.tries.len() * 2);
    }
}

impl Limits {
    fn of(settings: &LoginSettings) -> Self {
        let number = |number: u32| usize::try_from(number.max(1)).unwrap_or(usize::MAX);
        Self {
            account: number(settings.failures_per_account),
            address: number(settings.failures_per_address),
            all: number(settings.failures_in_all),
            window: settings.window.as_duration(),
        }
    }

    const fn of_key(&self, key: Key) -> usize {
        match key {
            Key::Account(_) => self.account,
            Key::Address(_) => self.address,
            Key::All => self.all,
        }
    }
}

/// What one subscriber holds: an IPv4 address, or the /64 of an IPv6 address. An IPv4 address written
/// as IPv6 is the IPv4 address.
fn prefix(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().iter().take(8).copied().collect(),
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Throttle").finish_non_exhaustive()
    }
}

/// The table is not looked through before it has this many counters.
const SWEEP: usize = 1024;
