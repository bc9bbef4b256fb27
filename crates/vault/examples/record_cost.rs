//! What sealing costs the ledger's writer for each record: `cargo run --release -p gabion-vault --no-default-features --example record_cost`.
//!
//! Prints nanoseconds for one record of each size: its leaf's hash alone, which a ledger in the clear pays as well, then key,
//! commitment and AES-256-GCM beside it, and opening it again.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use gabion_model::Secret;
use gabion_vault::{SegmentKey, sha256_of};

const ROUNDS: u32 = 200_000;

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn nanoseconds(mut act: impl FnMut(u64)) -> u128 {
    for round in 0..u64::from(ROUNDS / 10) {
        act(round);
    }
    let begun = Instant::now();
    for round in 0..u64::from(ROUNDS) {
        act(round);
    }
    begun.elapsed().as_nanos() / u128::from(ROUNDS)
}

fn main() -> std::io::Result<()> {
    let segment = SegmentKey::from_bytes(Secret::new([7; 32]));
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:>6}  {:>9}  {:>9}  {:>9}", "bytes", "leaf", "sealing", "opening")?;
    for size in [200, 500, 2000, 8000] {
        let text = vec![b'x'; size];
        let leaf = nanoseconds(|_| {
            black_box(sha256_of(&[b"\0", &text]));
        });
        let sealing = nanoseconds(|at| drop(black_box(segment.record(at, 1).seal(at, &text))));
        let stored = segment.record(1, 1).seal(1, &text).map_err(std::io::Error::other)?;
        let opening = nanoseconds(|_| drop(black_box(segment.record(1, 1).open(1, &stored))));
        writeln!(out, "{size:>6}  {leaf:>9}  {sealing:>9}  {opening:>9}")?;
    }
    Ok(())
}
