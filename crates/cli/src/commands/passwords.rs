//! `gabion passwords`.

use std::time::Duration;

use gabion_service::calibrate::{Cost, Trial, dearest};
use gabion_vault::SystemRng;

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
        Ok::<_, Failure>(taken)
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

/// The least of three: noise only ever adds.
#[expect(clippy::disallowed_methods, reason = "a measurement reads the machine's clock")]
fn measure(cost: Cost) -> Result<Duration, Failure> {
    let trial = Trial::new(cost, &SystemRng::new())
        .map_err(|error| Failure::new("a password cannot be hashed at this cost").because(&error))?;
    let times = (0..3).map(|_| {
        let start = std::time::Instant::now();
        trial.run();
        start.elapsed()
    });
    Ok(times.min().unwrap_or_default())
}
