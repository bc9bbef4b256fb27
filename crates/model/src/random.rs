//! Randomness as a parameter. The real source is `vault::SystemRng`; tests pass a seeded one.

use std::fmt;

/// A source of random bytes fit for secrets.
pub trait Rng: Send + Sync + fmt::Debug {
    /// Fills all of `out`.
    fn fill(&self, out: &mut [u8]);
}

/// The next `N` random bytes.
pub fn bytes<const N: usize>(rng: &dyn Rng) -> [u8; N] {
    let mut out = [0; N];
    rng.fill(&mut out);
    out
}

/// A repeatable source for tests (SplitMix64). Never for secrets: whoever knows the seed knows all.
#[derive(Debug)]
pub struct SeededRng(std::sync::atomic::AtomicU64);

impl SeededRng {
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(std::sync::atomic::AtomicU64::new(seed))
    }
}

impl Rng for SeededRng {
    fn fill(&self, out: &mut [u8]) {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        for chunk in out.chunks_mut(8) {
            let mut word = self.0.fetch_add(STEP, std::sync::atomic::Ordering::Relaxed).wrapping_add(STEP);
            word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            word ^= word >> 31;
            for (byte, random) in chunk.iter_mut().zip(word.to_le_bytes()) {
                *byte = random;
            }
        }
    }
}
