//! `cargo xtask soak`: what a test does a few times, as often as one likes.

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

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

/// Builds the program and the end-to-end tests, and runs the one that kills (`e2e/crashes.rs`).
pub(crate) fn run(root: &Path, what: &What) -> ExitCode {
    let What::Ledger { kills, seed } = what;
    // All of it in one build, with the features that the tests have elsewhere.
    let built =
        cargo(root).args(["build", "--workspace", "--bins", "--test", "e2e", "--locked", "--quiet"]).status();
    if !built.is_ok_and(|status| status.success()) {
        output::error("the program or its end-to-end tests do not build");
        return ExitCode::FAILURE;
    }
    let ran = cargo(root)
        .args(["test", "--workspace", "--bins", "--test", "e2e", "--locked", "--quiet", "--"])
        .args(["crashes::", "--nocapture"])
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
