//! The counters: a fixed table of atomics, eight clients to a cache line.

use std::sync::atomic::{AtomicU64, Ordering};

use gabion_model::{Rng, Timestamp, random};

use super::Profile;

/// A quota in the table's unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    /// Time one request costs.
    cost: u64,
    burst: u64,
}

/// What came of counting one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charge {
    Passed {
        /// How many more would pass right now.
        remaining: u64,
        /// Seconds until the whole quota is there again.
        reset: u64,
    },
    Refused {
        /// Seconds until one would pass.
        retry_after: u64,
    },
}

/// A slot is one word: 20 bits that name the client, 44 bits for the time at which it owes nothing any
/// more (GCRA's theoretical arrival time), counted from the table's beginning. Zero is free.
#[derive(Debug)]
pub(crate) struct Table {
    buckets: Box<[Bucket]>,
    keys: [u64; 2],
    epoch: Timestamp,
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct Bucket([AtomicU64; 8]);

impl Quota {
    /// One request in 24 hours, for what cannot be.
    pub(crate) const STRICT: Self = Self { cost: 24 * 3600 * PER_SECOND, burst: 1 };

    pub(crate) fn of(profile: Profile) -> Option<Self> {
        let period = u64::try_from(profile.per.as_duration().as_micros()).ok()? / MICROS;
        let cost = period.checked_div(u64::from(profile.requests))?;
        let burst = u64::from(profile.burst.unwrap_or(profile.requests));
        let fits = cost > 0 && burst > 0 && cost <= Self::STRICT.cost && cost.checked_mul(burst)? < TIME / 4;
        fits.then_some(Self { cost, burst })
    }

    pub(crate) const fn burst(&self) -> u64 {
        self.burst
    }

    /// Seconds in which the whole burst comes back.
    pub(crate) const fn window(&self) -> u64 {
        (self.cost * self.burst).div_ceil(PER_SECOND)
    }
}

impl Table {
    pub(crate) fn new(now: Timestamp, rng: &dyn Rng) -> Self {
        let keys = [random::bytes(rng), random::bytes(rng)].map(|bytes| u64::from_le_bytes(bytes) | 1);
        Self { buckets: (0..BUCKETS).map(|_| Bucket::default()).collect(), keys, epoch: now }
    }

    /// Names a client. Keyed, so that nobody can choose whom to share a bucket with.
    pub(crate) fn hash(&self, profile: u64, client: &[u8]) -> u64 {
        let [first, second] = self.keys;
        client.chunks(8).fold(fold(profile ^ first, second), |hash, chunk| {
            let word = chunk.iter().rev().fold(chunk.len() as u64, |word, byte| word << 8 | u64::from(*byte));
            let high = chunk.last().map_or(0, |byte| u64::from(*byte));
            fold(hash ^ word, first ^ high.wrapping_mul(second) | 1)
        })
    }

    /// Counts one request of the client at `now`.
    pub(crate) fn charge(&self, key: u64, now: Timestamp, quota: &Quota) -> Charge {
        let micros = now.as_micros().saturating_sub(self.epoch.as_micros());
        // Never 0, so that a slot in use is never taken for a free one.
        let now = u64::try_from(micros).unwrap_or(0) / MICROS + 1;
        let tag = key & TAGS;
        let index = usize::try_from((key >> 20) % BUCKETS).unwrap_or(0);
        let Some(Bucket(slots)) = self.buckets.get(index) else { return quota.refusal(quota.cost) };
        for _ in 0..ATTEMPTS {
            let (mut chosen, mut least) = (None, u64::MAX);
            for slot in slots {
                let word = slot.load(Ordering::Relaxed);
                if word & TAGS == tag && word != 0 {
                    chosen = Some((slot, word));
                    break;
                }
                if word >> 20 < least {
                    least = word >> 20;
                    chosen = Some((slot, word));
                }
            }
            let Some((slot, word)) = chosen else { break };
            // The client's own debt, or that of the one whose place it takes. A clock that was set back
            // must not lock anybody out for longer than the quota can.
            let most = now + quota.cost * quota.burst;
            let debt = (word >> 20).clamp(now, most);
            if debt + quota.cost > most {
                return quota.refusal(debt + quota.cost - most);
            }
            let next = (debt + quota.cost) << 20 | tag;
            if slot.compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                let owed = debt + quota.cost - now;
                return Charge::Passed {
                    remaining: quota.burst - owed.div_ceil(quota.cost),
                    reset: owed.div_ceil(PER_SECOND),
                };
            }
        }
        // So many at once can only be a flood of one client.
        quota.refusal(quota.cost)
    }
}

impl Quota {
    const fn refusal(&self, wait: u64) -> Charge {
        Charge::Refused { retry_after: wait.div_ceil(PER_SECOND) }
    }
}

/// The high and low half of a product, mixed: every bit of the input reaches every bit of the result.
fn fold(word: u64, key: u64) -> u64 {
    let product = u128::from(word ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(u128::from(key));
    let bytes = product.to_le_bytes();
    let (low, high) = bytes.split_at(8);
    let half = |half: &[u8]| half.iter().rev().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
    half(low) ^ half(high)
}

/// The unit of time: 10 microseconds.
const MICROS: u64 = 10;
const PER_SECOND: u64 = 1_000_000 / MICROS;
const TAGS: u64 = (1 << 20) - 1;
/// 44 bits: five years.
const TIME: u64 = 1 << 44;
/// 131,072 clients in 1 MiB.
const BUCKETS: u64 = 1 << 14;
const ATTEMPTS: u32 = 64;
