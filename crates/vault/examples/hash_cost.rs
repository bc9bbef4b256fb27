//! Prints the processor time of one password verification at the floor's cost, in nanoseconds: the mean of
//! many, alone on its thread.

#![expect(clippy::print_stdout, reason = "a measurement prints")]

use gabion_model::Secret;
use gabion_vault::SystemRng;
use gabion_vault::password::{Cost, hash, verify};

/// The gate's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let password = Secret::new("a password for one bench run 7391".to_owned());
    let phc = hash(&password, Cost::FLOOR, &SystemRng::new())?;
    let before = processor_ticks()?;
    for _ in 0..TIMES {
        if !verify(&password, &phc).matches() {
            return Err("the password is not its own".into());
        }
    }
    println!("{}", (processor_ticks()? - before) * NANOS_PER_TICK / TIMES);
    Ok(())
}

/// User and system time of this process, from the kernel.
fn processor_ticks() -> Result<u64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields = text.rsplit_once(')').ok_or("no name in stat")?.1.split_whitespace();
    Ok(fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum())
}

const TIMES: u64 = 100;
const NANOS_PER_TICK: u64 = 10_000_000;
