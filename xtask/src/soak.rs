//! `cargo xtask soak`: what a test does a few times, as often as one likes.

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use crate::bench::ground;
use crate::cargo::cargo;
use crate::output;

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Kills a gate under load at random moments; every acknowledged record must be there
    Ledger {
        /// How often
        #[arg(long, default_value_t = 200)]
        kills: u64,
        /// Where the moments come from; another one gives others
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

/// Builds the program as it is shipped (a ledger grows to hundreds of MB here, and is read again after each kill) and runs the
/// end-to-end test that kills it (`e2e/crashes.rs`).
pub(crate) fn run(root: &Path, what: &What) -> ExitCode {
    let What::Ledger { kills, seed } = what;
    let program = match ground::build(root) {
        Ok(program) => program,
        Err(error) => {
            output::error(&format!("the program does not build: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let ran = cargo(root)
        .args(["test", "--workspace", "--test", "e2e", "--locked", "--quiet", "--"])
        .args(["crashes::", "--nocapture"])
        .env("GABION_PROGRAM", program)
        .env("GABION_SOAK_KILLS", kills.to_string())
        .env("GABION_SOAK_SEED", seed.to_string())
        .status();
    match ran {
        Ok(status) if status.success() => {
            output::note(&format!("{kills} kills, and nothing that was acknowledged is lost"));
            ExitCode::SUCCESS
        }
        _ => ExitCode::FAILURE,
    }
}
