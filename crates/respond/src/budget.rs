//! How much is done without a person.

use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use gabion_model::Timestamp;

use crate::{Budget, Measure, Target};

/// Out of how many.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Population {
    /// Clients seen in the last hour. Whoever can pretend to be anybody makes them as many as it likes.
    pub addresses: u64,
    pub accounts: u64,
    /// From where somebody is signed in, each client once: these nobody makes up.
    pub known: Vec<IpAddr>,
}

/// What one more measure would mean for those from where somebody is signed in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Touched {
    /// It is about one of them.
    pub(crate) anybody: bool,
    /// So many would be under a measure.
    pub(crate) all: usize,
}

impl Budget {
    /// Whether one more measure is within it, beside those that hold.
    pub(crate) fn allows<'a>(
        &self,
        target: &Target,
        holding: impl Iterator<Item = &'a Measure>,
        population: &Population,
        touched: Touched,
    ) -> bool {
        let weigh = |target: &Target| match target {
            Target::Network { network } => (network.clients(), 0_u64),
            Target::Account { .. } | Target::Key { .. } => (0, 1),
            // A route is everybody's.
            Target::Route { .. } => (u64::MAX, 0),
        };
        let (mut addresses, mut accounts) = weigh(target);
        for measure in holding.filter(|measure| !matches!(measure.target, Target::Route { .. })) {
            let (more, others) = weigh(&measure.target);
            addresses = addresses.saturating_add(more);
            accounts = accounts.saturating_add(others);
        }
        let share = |of: u64, percent: u8| (of.saturating_mul(percent.into()) / 100).max(self.floor.into());
        match target {
            Target::Network { .. } => {
                let most = share(population.addresses, self.addresses_percent);
                let known = u64::try_from(population.known.len()).unwrap_or(u64::MAX);
                let all = u64::try_from(touched.all).unwrap_or(u64::MAX);
                addresses <= most.min(self.most.max(self.floor).into())
                    && (!touched.anybody || all <= share(known, self.addresses_percent))
            }
            Target::Account { .. } | Target::Key { .. } => {
                accounts <= share(population.accounts, self.accounts_percent)
            }
            Target::Route { .. } => false,
        }
    }
}

/// About how many clients were seen lately, in 32 KiB however many they are: linear counting (Whang, Vander-Zanden,
/// Taylor 1990) over two halves of an hour. Whoever has many addresses makes it larger by as many as it has.
pub(crate) struct Traffic {
    halves: [Box<[AtomicU64]>; 2],
    /// Which half of which hour the first one is about.
    begun: AtomicI64,
}

impl Traffic {
    pub(crate) fn new() -> Self {
        let half = || (0..WORDS).map(|_| AtomicU64::new(0)).collect();
        Self { halves: [half(), half()], begun: AtomicI64::new(0) }
    }

    /// Counts a client. A load, and a store the first time.
    pub(crate) fn saw(&self, key: u64, now: Timestamp) {
        let period = now.as_secs().div_euclid(HALF);
        if self.begun.load(Ordering::Relaxed) < period {
            self.turn(period);
        }
        let half = if period.rem_euclid(2) == 0 { &self.halves[0] } else { &self.halves[1] };
        let bit = usize::try_from(mix(key) % BITS).unwrap_or(0);
        let Some(word) = half.get(bit / 64) else { return };
        let mask = 1_u64 << (bit % 64);
        if word.load(Ordering::Relaxed) & mask == 0 {
            word.fetch_or(mask, Ordering::Relaxed);
        }
    }

    /// Forgets what is too old.
    fn turn(&self, period: i64) {
        let former = self.begun.swap(period, Ordering::Relaxed);
        if former >= period {
            return;
        }
        let own = usize::try_from(period.rem_euclid(2)).unwrap_or(0);
        for (index, half) in self.halves.iter().enumerate() {
            if index == own || period.saturating_sub(former) > 1 {
                half.iter().for_each(|word| word.store(0, Ordering::Relaxed));
            }
        }
    }

    /// About how many there were in the last half hour to hour.
    pub(crate) fn clients(&self, now: Timestamp) -> u64 {
        let period = now.as_secs().div_euclid(HALF);
        if self.begun.load(Ordering::Relaxed) < period {
            self.turn(period);
        }
        let [first, second] = &self.halves;
        let set: u32 = first
            .iter()
            .zip(second)
            .map(|(one, other)| (one.load(Ordering::Relaxed) | other.load(Ordering::Relaxed)).count_ones())
            .sum();
        let bits = f64::from(u32::try_from(BITS).unwrap_or(u32::MAX));
        let clear = (bits - f64::from(set)).max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive and below 2^32"
        )]
        let about = (-bits * (clear / bits).ln()).round() as u64;
        about
    }
}

impl std::fmt::Debug for Traffic {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Traffic").finish_non_exhaustive()
    }
}

/// One number for what counts as one client; see [`Network::client`](crate::Network::client).
pub(crate) fn key(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or(0),
    }
}

/// The finalizer of MurmurHash3: neighbours go to places far apart.
pub(crate) const fn mix(mut key: u64) -> u64 {
    key ^= key >> 33;
    key = key.wrapping_mul(0xff51_afd7_ed55_8ccd);
    key ^= key >> 33;
    key = key.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    key ^ (key >> 33)
}

/// Half an hour, in seconds.
const HALF: i64 = 1800;
const BITS: u64 = 1 << 17;
const WORDS: usize = 1 << 11;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn about_as_many_as_there_were_and_none_after_an_hour() {
        let traffic = Traffic::new();
        assert_eq!(traffic.clients(NOW), 0);
        for round in 0..2 {
            for client in 0..10_000_u64 {
                traffic.saw(client, NOW);
            }
            let about = traffic.clients(NOW);
            assert!((9_700..10_300).contains(&about), "round {round}: {about}");
        }
        let later = NOW.saturating_add(std::time::Duration::from_secs(1800));
        assert!(traffic.clients(later) > 9_000);
        for client in 10_000..10_100_u64 {
            traffic.saw(client, later);
        }
        assert!(traffic.clients(later) > 9_700);
        let last = later.saturating_add(std::time::Duration::from_secs(1800));
        let left = traffic.clients(last);
        assert!((90..110).contains(&left), "{left}");
        assert_eq!(traffic.clients(last.saturating_add(std::time::Duration::from_secs(7200))), 0);
    }

    #[test]
    fn a_network_weighs_what_can_be_in_it_and_a_route_is_never_within() {
        let budget = Budget { addresses_percent: 5, accounts_percent: 2, floor: 2, most: 400 };
        let allows = |target: &str, addresses: u64| {
            let target = match target.parse() {
                Ok(network) => Target::Network { network },
                Err(_) => Target::Route { path: target.into() },
            };
            let population = Population { addresses, accounts: 1000, known: Vec::new() };
            budget.allows(&target, [].iter(), &population, Touched::default())
        };
        assert!(allows("192.0.2.0/24", 6000));
        assert!(!allows("192.0.2.0/24", 5000));
        assert!(!allows("0.0.0.0/0", 1_000_000_000));
        assert!(!allows("192.0.2.0/23", 1_000_000_000), "however many were seen");
        assert!(allows("192.0.2.1", 0), "the floor");
        assert!(!allows("/*", 6000));
    }

    #[test]
    fn those_who_are_signed_in_are_counted_for_themselves() {
        let budget = Budget { addresses_percent: 5, accounts_percent: 2, floor: 2, most: 1000 };
        let target = Target::Network { network: "192.0.2.1".parse().unwrap() };
        let known = (0..100).map(|number| IpAddr::from([192, 0, 2, number])).collect();
        let population = Population { addresses: 1_000_000, accounts: 10, known };
        let allows = |anybody, all| budget.allows(&target, [].iter(), &population, Touched { anybody, all });
        assert!(allows(true, 5) && !allows(true, 6));
        assert!(allows(false, 6), "a stranger is none of them");
    }
}
