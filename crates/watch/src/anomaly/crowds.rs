//! How many accounts sign in from a network.
//!
//! Only successful sign-ins count, so that nobody becomes an office by guessing.

use gabion_model::Timestamp;

use super::table::Table;

/// Networks told apart.
const MOST: usize = 16_384;

#[derive(Debug)]
pub(crate) struct Crowds {
    known: Table<u128>,
}

impl Default for Crowds {
    fn default() -> Self {
        Self { known: Table::new(MOST) }
    }
}

impl Crowds {
    pub(crate) fn learn(&mut self, network: u64, person: u64, now: Timestamp) {
        if let Some(bits) = self.known.place(network, now, || 0) {
            *bits |= 1 << (person % 128);
        }
    }

    /// About how many; beyond some three hundred they are not told apart.
    pub(crate) fn of(&self, network: u64) -> u32 {
        self.known.find(network).map_or(0, |bits| estimate(bits.count_ones(), 128))
    }

    pub(crate) fn held(&self) -> usize {
        self.known.held()
    }
}

/// How many different things set so many of so many bits (linear counting).
fn estimate(set: u32, bits: u32) -> u32 {
    let (free, bits) = (f64::from(bits.saturating_sub(set).max(1)), f64::from(bits));
    (bits * (bits / free).ln()).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_told_from_a_few() {
        let mut crowds = Crowds::default();
        let now = Timestamp::from_secs(1_000_000_000);
        assert_eq!(crowds.of(1), 0);
        crowds.learn(1, 77, now);
        crowds.learn(1, 77, now);
        assert_eq!(crowds.of(1), 1);
        for person in 0..40_u64 {
            crowds.learn(2, person.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 7, now);
        }
        assert!((25..=60).contains(&crowds.of(2)), "{}", crowds.of(2));
        for person in 0..10_000 {
            crowds.learn(3, person, now);
        }
        assert!(crowds.of(3) > 300);
    }
}
