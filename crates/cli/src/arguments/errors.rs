//! The words of `gabion errors`.

use clap::{Args, Subcommand};

use super::{ConfigFile, OutputFormat};

#[derive(Debug, Subcommand)]
pub(crate) enum ErrorsVerb {
    /// List what goes wrong behind the gate, grouped; what was seen last comes first
    List(ErrorsList),
    /// Show one group
    Show(ErrorsOne),
    /// Say that it is over; seen again, it is a regression
    Resolve(ErrorsOne),
}

#[derive(Debug, Args)]
pub(crate) struct ErrorsList {
    /// Also those that were resolved
    #[arg(long)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct ErrorsOne {
    /// The group, as `gabion errors list` shows it; its beginning is enough where that is one group's alone
    pub(crate) fingerprint: String,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}
