//! Prints the processor time of one password verification at the floor's cost, in nanoseconds: the least
//! of several, alone on its thread.

#![expect(clippy::print_stdout, reason = "a measurement prints")]

use gabion_model::Secret;
use gabion_vault::SystemRng;
use gabion_vault::password::{Cost, hash, verify};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let password = Secret::new("a password for one bench run 7391".to_owned());
    let phc = hash(&password, Cost::FLOOR, &SystemRng::new())?;
    let mut all = Vec::new();
    for _ in 0..15 {
        let before = processor_nanos()?;
        if !verify(&password, &phc).matches() {
            return Err("the password is not its own".into());
        }
        all.push(processor_nanos()? - before);
    }
    all.sort_unstable();
    println!("{}", all.get(all.len() / 2).copied().unwrap_or_default());
    Ok(())
}

/// Of this process, from the kernel.
fn processor_nanos() -> Result<u64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
}
