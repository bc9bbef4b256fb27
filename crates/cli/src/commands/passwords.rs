//! `gabion passwords`.

use std::time::Duration;

use gabion_model::Secret;
use gabion_vault::SystemRng;
use gabion_vault::password::{Cost, hash, verify};

use crate::arguments::{Calibrate, Passwords};
use crate::failure::{Exit, Failure};
use crate::output::{self, STRONG};

pub(super) fn run(verb: &Passwords) -> Result<Exit, Failure> {
    match verb {
        Passwords::Calibrate(arguments) => calibrate(arguments),
    }
}

/// Prints the table to write into the configuration; what was tried goes to the notes.
fn calibrate(arguments: &Calibrate) -> Result<Exit, Failure> {
    let target = Duration::from_millis(arguments.milliseconds);
    let mut measured = |cost: Cost| {
        let taken = measure(cost)?;
        output::note(format_args!(
            "{:>3} MiB, {:>2} passes: {:>6.1} ms",
            cost.memory_bytes() >> 20,
            cost.passes(),
            taken.as_secs_f64() * 1_000.0
        ));
        Ok(taken)
    };
    let least = measured(Cost::FLOOR)?;
    if least > target {
        output::note(format_args!(
            "this machine takes longer than {STRONG}{} ms{STRONG:#} for the least that is allowed",
            target.as_millis()
        ));
    }
    let cost = dearest(target, &mut measured)?;
    output::data(format_args!(
        "[passwords]\nmemory = \"{}MiB\"\npasses = {}\nlanes = {}",
        cost.memory_bytes() >> 20,
        cost.passes(),
        cost.lanes()
    ))?;
    Ok(Exit::Success)
}

/// The most that takes no longer than `target`: first the most memory, which costs an attacker more than
/// anything (RFC 9106, section 4), then the most passes over it.
fn dearest(
    target: Duration,
    measured: &mut impl FnMut(Cost) -> Result<Duration, Failure>,
) -> Result<Cost, Failure> {
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

/// The least of three: noise only ever adds.
#[expect(clippy::disallowed_methods, reason = "a measurement reads the machine's clock")]
fn measure(cost: Cost) -> Result<Duration, Failure> {
    let password = Secret::new("a password to measure with".to_owned());
    let stored = hash(&password, cost, &SystemRng::new())
        .map_err(|error| Failure::new("a password cannot be hashed at this cost").because(&error))?;
    let times = (0..3).map(|_| {
        let start = std::time::Instant::now();
        let _ = verify(&password, &stored);
        start.elapsed()
    });
    Ok(times.min().unwrap_or_default())
}

/// Between the floor and the ceiling.
const MEMORY_MIB: [u32; 8] = [24, 32, 46, 64, 96, 128, 192, 256];

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine on which one pass over one MiB takes so many microseconds.
    fn machine(micros: u64) -> impl FnMut(Cost) -> Result<Duration, Failure> {
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
