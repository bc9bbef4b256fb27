//! The words of `gabion passwords`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Passwords {
    /// Find out how much Argon2id this machine can bear, and print the table for gabion.toml
    ///
    /// Run it on the machine that will serve, while it does what it usually does. Passwords that were hashed
    /// with less are hashed anew as people sign in.
    Calibrate(Calibrate),
}

#[derive(Debug, Args)]
pub(crate) struct Calibrate {
    /// How long one verification may take, in milliseconds
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=5_000))]
    pub(crate) milliseconds: u64,
}
