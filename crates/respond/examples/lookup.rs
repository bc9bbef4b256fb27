//! What it costs a request to be asked for: nanoseconds of one thread per lookup, by how many measures are in force.
//!
//! ```sh
//! cargo run --release --package gabion-respond --example lookup
//! ```

#![expect(clippy::disallowed_methods, reason = "it measures")]

use std::error::Error;
use std::hint::black_box;
use std::io::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use gabion_model::{Clock as _, DocumentChange, Documents, MemoryDocuments, SystemClock, Timestamp};
use gabion_respond::{Action, Measure, Origin, Register, State, Target};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    let now = SystemClock.now();
    for count in [0_u32, 1, 100, 20_000, 100_000] {
        let register = with(count, now)?;
        let shield = register.shield();
        let addresses: Vec<IpAddr> = (0..4_096_u32)
            // Half of them are under a measure where there are as many.
            .map(|number| {
                if number % 2 == 0 {
                    address(number / 2)
                } else {
                    IpAddr::from((number + (99 << 24)).to_be_bytes())
                }
            })
            .collect();
        let mut best = f64::INFINITY;
        // The best of many short ones: nobody else had the core meanwhile.
        for _ in 0..200 {
            let began = Instant::now();
            for _ in 0..ROUNDS {
                for address in &addresses {
                    black_box(shield.judge(black_box(*address), now));
                }
            }
            let asked = f64::from(ROUNDS) * 4_096.0;
            best = best.min(began.elapsed().as_secs_f64() * 1e9 / asked);
        }
        writeln!(out, "{count:>7} measures  {best:>6.1} ns a request")?;
    }
    Ok(())
}

/// A register with so many blocks, some of them of networks.
fn with(count: u32, now: Timestamp) -> Result<Register, Box<dyn Error>> {
    let storage: Arc<dyn Documents> = Arc::new(MemoryDocuments::default());
    let until = Timestamp::from_micros(i64::MAX);
    let mut changes = Vec::new();
    for number in 0..count {
        let text = match number % 100 {
            99 => format!("{}/24", address(number)),
            _ => address(number).to_string(),
        };
        let measure = Measure {
            id: u64::from(number) + 1,
            action: Action::BlockNetwork,
            target: Target::Network { network: text.parse()? },
            origin: Origin::Hand { by: "operator".to_owned() },
            reason: String::new(),
            from: now,
            until,
            state: State::Active,
            changed: now,
            approved_by: None,
            ended: None,
        };
        let text = serde_json::to_string(&measure)?;
        changes.push(DocumentChange::Put { id: format!("{:020}", measure.id), text });
    }
    storage.change_documents("respond", &changes)?;
    Ok(Register::open(storage)?)
}

fn address(number: u32) -> IpAddr {
    IpAddr::from((number.wrapping_mul(257) + (11 << 24)).to_be_bytes())
}

const ROUNDS: u32 = 20;
