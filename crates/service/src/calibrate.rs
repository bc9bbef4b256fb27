//! How much hashing a machine can bear.

use std::time::Duration;

use gabion_model::{Rng, Secret};
use gabion_vault::password::{HashFailed, hash, verify};

pub use gabion_vault::password::Cost;

/// One verification at a cost, to be timed by whoever has a clock.
#[derive(Debug)]
pub struct Trial {
    password: Secret<String>,
    stored: String,
}

impl Trial {
    /// # Errors
    /// When the memory for a hash cannot be had.
    pub fn new(cost: Cost, rng: &dyn Rng) -> Result<Self, HashFailed> {
        let password = Secret::new("a password to measure with".to_owned());
        let stored = hash(&password, cost, rng)?;
        Ok(Self { password, stored })
    }

    pub fn run(&self) {
        let _ = verify(&self.password, &self.stored);
    }
}

/// The most that takes no longer than `target`: first the most memory, which costs an attacker more than
/// anything (RFC 9106, section 4), then the most passes over it.
///
/// # Errors
/// Those of `measured`.
pub fn dearest<E>(
    target: Duration,
    measured: &mut impl FnMut(Cost) -> Result<Duration, E>,
) -> Result<Cost, E> {
    let mut best = Cost::FLOOR;
    for memory_mib in MEMORY_MIB {
        let Ok(cost) = Cost::new(memory_mib * 1024, Cost::FLOOR.passes(), Cost::FLOOR.lanes()) else { break };
        if measured(cost)? > target {
            break;
        }
        best = cost;
    }
    for passes in Cost::FLOOR.passes() + 1..=Cost::CEILING.passes() {
        let memory_kib = u32::try_from(best.memory_bytes() / 1024).unwrap_or(u32::MAX);
        let Ok(cost) = Cost::new(memory_kib, passes, best.lanes()) else { break };
        if measured(cost)? > target {
            break;
        }
        best = cost;
    }
    Ok(best)
}

/// Between the floor and the ceiling.
const MEMORY_MIB: [u32; 8] = [24, 32, 46, 64, 96, 128, 192, 256];

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine on which one pass over one MiB takes so many microseconds.
    fn machine(micros: u64) -> impl FnMut(Cost) -> Result<Duration, HashFailed> {
        move |cost| Ok(Duration::from_micros((cost.memory_bytes() >> 20) * u64::from(cost.passes()) * micros))
    }

    #[test]
    fn memory_is_raised_before_passes_and_never_past_the_target() {
        for (micros, milliseconds, memory, passes) in [
            (500, 100, 96, 2),
            (500, 70, 64, 2),
            (500, 400, 256, 3),
            (10, 10_000, 256, 16),
            // Slower than the floor allows: the floor all the same.
            (100_000, 1, 19, 2),
        ] {
            let cost = dearest(Duration::from_millis(milliseconds), &mut machine(micros)).unwrap();
            assert_eq!(
                (cost.memory_bytes() >> 20, cost.passes()),
                (memory, passes),
                "{micros} {milliseconds}"
            );
        }
    }

    #[test]
    fn every_step_is_an_allowed_cost() {
        for memory in MEMORY_MIB {
            Cost::new(memory * 1024, 2, 1).unwrap();
        }
    }
}
