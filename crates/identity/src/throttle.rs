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

use std::collections::{HashMap, VecDeque};
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
    tries: HashMap<Key, VecDeque<Timestamp>>,
    swept: Timestamp,
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
        let state =
            State { limits: Limits::of(settings), tries: HashMap::new(), swept: Timestamp::default() };
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
            state.tries.entry(key).or_default().push_back(now);
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
        while tries.front().is_some_and(|time| is_aged(*time, now, window)) {
            tries.pop_front();
        }
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

    /// Once a window, removes the counters whose tries have all aged.
    fn sweep(&mut self, now: Timestamp) {
        let window = self.limits.window;
        if is_aged(self.swept, now, window) {
            self.swept = now;
            self.tries.retain(|_, tries| tries.back().is_some_and(|time| !is_aged(*time, now, window)));
        }
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

/// A window ago; or a window ahead, which only a clock that was set back since can have noted: nobody
/// waits until it is that late again.
fn is_aged(time: Timestamp, now: Timestamp, window: Duration) -> bool {
    now.saturating_since(time).max(time.saturating_since(now)) >= window
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

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::Period;
    use gabion_model::random::SeededRng;
    use proptest::prelude::*;
    use std::sync::Barrier;
    use std::thread;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn throttle() -> Throttle {
        Throttle::new(&LoginSettings::default(), &SeededRng::new(1))
    }

    fn v4(last: u32) -> IpAddr {
        IpAddr::from(u32::to_be_bytes(0x0A00_0000 + last))
    }

    fn after(seconds: u64) -> Timestamp {
        NOW.saturating_add(Duration::from_secs(seconds))
    }

    fn is_throttled(throttle: &Throttle, name: &str, address: IpAddr, now: Timestamp) -> bool {
        throttle.reserve(name, address, now).map(Reservation::succeeded).is_err()
    }

    #[test]
    fn the_sixth_wrong_try_in_a_quarter_of_an_hour_waits() {
        let throttle = throttle();
        for second in 0..5 {
            throttle.reserve("ada", v4(1), after(second * 60)).unwrap().failed();
        }
        let refused = throttle.reserve("ada", v4(1), after(300)).unwrap_err();
        assert_eq!(refused.retry_after, Duration::from_secs(600));
        assert!(is_throttled(&throttle, "ada", v4(2), after(300)), "from elsewhere, too");
        assert!(is_throttled(&throttle, "eve", v4(1), after(300)), "and at others' accounts");
        assert!(!is_throttled(&throttle, "eve", v4(2), after(300)), "but others are not affected");
        assert!(is_throttled(&throttle, "ada", v4(1), after(899)));
        assert!(!is_throttled(&throttle, "ada", v4(1), after(900)), "exactly when it was promised");
        throttle.reserve("ada", v4(1), after(900)).unwrap().failed();
        assert!(is_throttled(&throttle, "ada", v4(1), after(901)), "one came back, not five");
    }

    #[test]
    fn right_tries_are_not_counted_and_wash_nothing_away() {
        let throttle = throttle();
        for _ in 0..100 {
            throttle.reserve("ada", v4(1), NOW).unwrap().succeeded();
        }
        for _ in 0..4 {
            throttle.reserve("victim", v4(1), NOW).unwrap().failed();
            throttle.reserve("own", v4(1), NOW).unwrap().succeeded();
        }
        throttle.reserve("victim", v4(1), NOW).unwrap().failed();
        assert!(is_throttled(&throttle, "victim", v4(1), NOW));
        assert!(is_throttled(&throttle, "own", v4(1), NOW), "the address has used up its tries");
    }

    #[test]
    fn a_dropped_reservation_is_a_wrong_try_and_a_refused_try_is_none() {
        let throttle = throttle();
        for _ in 0..5 {
            drop(throttle.reserve("ada", v4(1), NOW).unwrap());
        }
        for second in 0..800 {
            assert!(is_throttled(&throttle, "ada", v4(1), after(second)));
        }
        assert!(!is_throttled(&throttle, "ada", v4(1), after(900)), "knocking on prolongs nothing");
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out_for_long() {
        let throttle = throttle();
        for _ in 0..5 {
            throttle.reserve("ada", v4(1), after(86_400)).unwrap().failed();
        }
        assert!(is_throttled(&throttle, "ada", v4(2), after(86_400 - 899)), "a small step forgets nothing");
        assert!(!is_throttled(&throttle, "ada", v4(2), NOW));
        for _ in 0..5 {
            throttle.reserve("ada", v4(1), NOW).unwrap().failed();
        }
        assert!(is_throttled(&throttle, "ada", v4(2), NOW));
    }

    #[test]
    fn one_subscriber_is_one_address() {
        let throttle = throttle();
        for host in 1..=5 {
            let address = format!("2001:db8:1:2::{host}").parse().unwrap();
            throttle.reserve(&format!("name-{host}"), address, NOW).unwrap().failed();
        }
        assert!(is_throttled(&throttle, "ada", "2001:db8:1:2:ffff::1".parse().unwrap(), NOW));
        assert!(!is_throttled(&throttle, "ada", "2001:db8:1:3::1".parse().unwrap(), NOW));
        for _ in 0..5 {
            throttle.reserve("bob", v4(7), NOW).unwrap().failed();
        }
        assert!(is_throttled(&throttle, "eve", "::ffff:10.0.0.7".parse().unwrap(), NOW), "the same address");
    }

    #[test]
    fn all_addresses_together_are_slowed() {
        let settings = LoginSettings { failures_in_all: 100, ..Default::default() };
        let throttle = Throttle::new(&settings, &SeededRng::new(1));
        let mut failed = 0;
        for index in 0..1000 {
            if let Ok(reservation) = throttle.reserve(&format!("name-{index}"), v4(index), NOW) {
                reservation.failed();
                failed += 1;
            }
        }
        assert_eq!(failed, 100);
        assert!(is_throttled(&throttle, "quite another", v4(5000), after(899)));
        assert!(!is_throttled(&throttle, "quite another", v4(5000), after(900)));
    }

    /// Zitadel GHSA-7h8m-vrxx-vr4m: parallel attempts beat the counter.
    #[test]
    fn zitadel_ghsa_7h8m_of_many_tries_at_once_as_many_as_allowed_get_through() {
        for round in 0..50 {
            let (throttle, barrier) = (throttle(), Barrier::new(16));
            let through: usize = thread::scope(|scope| {
                let (throttle, barrier) = (&throttle, &barrier);
                let knock = move |index| {
                    barrier.wait();
                    // Odd rounds: one account from many addresses. Even: many accounts from one.
                    let (name, address) = if round % 2 == 1 { (0, index) } else { (index, 0) };
                    let reservation = throttle.reserve(&format!("name-{name}"), v4(address), NOW);
                    let through = reservation.is_ok();
                    // Settled only after everybody has knocked, as when hashing takes long.
                    barrier.wait();
                    drop(reservation);
                    usize::from(through)
                };
                let threads: Vec<_> = (0..16).map(|index| scope.spawn(move || knock(index))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).sum()
            });
            assert_eq!(through, 5, "round {round}");
        }
    }

    /// Zitadel GHSA-7h8m-vrxx-vr4m: a thousand wrong passwords at once count a thousand, no more and no less.
    #[test]
    fn zitadel_ghsa_7h8m_a_thousand_parallel_wrong_tries_count_a_thousand() {
        let settings = LoginSettings {
            failures_per_account: 1000,
            failures_per_address: 10_000,
            failures_in_all: 10_000,
            ..LoginSettings::default()
        };
        let throttle = Throttle::new(&settings, &SeededRng::new(1));
        let wrong = || throttle.reserve("ada", v4(1), NOW).map(Reservation::failed).is_ok();
        let counted: usize = thread::scope(|scope| {
            let tries = || (0..125).filter(|_| wrong()).count();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(tries)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(counted, 1000, "every one was looked at");
        assert!(is_throttled(&throttle, "ada", v4(2), NOW), "and every one was counted");
        assert!(!is_throttled(&throttle, "eve", v4(1), NOW));
    }

    #[test]
    fn memory_is_bounded_and_no_flood_pushes_a_counter_out() {
        let settings = LoginSettings { failures_in_all: 100_000, ..Default::default() };
        let throttle = Throttle::new(&settings, &SeededRng::new(1));
        for _ in 0..5 {
            throttle.reserve("victim", v4(0), NOW).unwrap().failed();
        }
        for index in 1..90_000 {
            drop(throttle.reserve(&format!("name-{index}"), v4(index), NOW));
        }
        assert!(throttle.state().tries.len() <= 2 * 65_536 + 1);
        assert!(is_throttled(&throttle, "victim", v4(100_000), after(1)));
        // When all has aged, the table shrinks again.
        drop(throttle.reserve("ada", v4(0), after(3600)));
        assert!(throttle.state().tries.len() <= 3);
    }

    proptest! {
        /// Against the obvious model: at no instant more wrong tries in the window before it than
        /// allowed, and nobody with room is refused.
        #[test]
        fn agrees_with_the_obvious_model(
            acts in proptest::collection::vec((0..3_usize, 0..3_u32, 0..200_u64, any::<bool>()), 1..200),
            account in 1..6_u32,
            address in 1..6_u32,
        ) {
            let settings = LoginSettings {
                failures_per_account: account,
                failures_per_address: address,
                window: Period::from_secs(600),
                ..Default::default()
            };
            let throttle = Throttle::new(&settings, &SeededRng::new(1));
            let (mut now, mut wrong) = (NOW, Vec::new());
            for (name, host, wait, right) in acts {
                now = now.saturating_add(Duration::from_secs(wait));
                let recent = |of: &dyn Fn(&(usize, u32, Timestamp)) -> bool| {
                    let is_recent = |one: &&(usize, u32, Timestamp)| {
                        of(one) && now.saturating_since(one.2) < Duration::from_secs(600)
                    };
                    u32::try_from(wrong.iter().filter(is_recent).count()).unwrap()
                };
                let room = recent(&|one| one.0 == name) < account && recent(&|one| one.1 == host) < address;
                match throttle.reserve(&format!("name-{name}"), v4(host), now) {
                    Ok(reservation) => {
                        prop_assert!(room);
                        if right {
                            reservation.succeeded();
                        } else {
                            reservation.failed();
                            wrong.push((name, host, now));
                        }
                    }
                    Err(throttled) => {
                        prop_assert!(!room);
                        let then = now.saturating_add(throttled.retry_after);
                        let copy = throttle.clone_counts();
                        let name = format!("name-{name}");
                        prop_assert!(!is_throttled(&copy, &name, v4(host), then));
                    }
                }
            }
        }
    }

    impl Throttle {
        /// A copy that counts on its own.
        fn clone_counts(&self) -> Self {
            let state = self.state();
            let copy = State { limits: state.limits, tries: state.tries.clone(), swept: state.swept };
            Self(Arc::new(Inner { key: self.0.key, state: Mutex::new(copy) }))
        }
    }
}
