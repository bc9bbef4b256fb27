//! The machine's source of random bytes.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use gabion_model::Rng;

/// Random bytes fit for keys and tickets, from aws-lc-rs (seeded by the operating system).
///
/// INVARIANT: never returns bytes it could not draw. When the source fails the process aborts: a
/// predictable ticket or key would be worse than an outage, and there is no caller that could go on.
#[derive(Debug, Default)]
pub struct SystemRng(SystemRandom);

impl SystemRng {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Rng for SystemRng {
    fn fill(&self, out: &mut [u8]) {
        if self.0.fill(out).is_err() {
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::random;

    #[test]
    fn draws_differ_and_fill_everything() {
        let rng = SystemRng::new();
        let mut long = [0_u8; 4096];
        rng.fill(&mut long);
        assert!(long.chunks(32).all(|chunk| chunk.iter().any(|byte| *byte != 0)));
        assert_ne!(random::bytes::<32>(&rng), random::bytes::<32>(&rng));
        rng.fill(&mut []);
    }
}
