//! The words of `gabion watch`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use gabion_model::Period;

use super::{ConfigFile, OutputFormat};

#[derive(Debug, Subcommand)]
pub(crate) enum WatchVerb {
    /// List the rules that watch: those of the program and your own
    Rules(WatchRules),
    /// Read rules as the gate would, and say what is wrong with them
    ///
    /// Ends with 2 when something is.
    Check(WatchCheck),
    /// Show the record to the rules, and say what would have rung and why
    ///
    /// Nothing is recorded. Works beside a running gate.
    Replay(WatchReplay),
}

#[derive(Debug, Args)]
pub(crate) struct WatchRules {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct WatchCheck {
    /// A file of rules, or a folder of them, instead of `watch.directory`
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) path: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct WatchReplay {
    /// Only what happened in this time, for instance `24h`; without it, everything there is
    #[arg(long, value_name = "PERIOD")]
    pub(crate) since: Option<Period>,

    /// Only alerts of the rule with this id or name
    #[arg(long, value_name = "RULE")]
    pub(crate) rule: Option<String>,

    /// A file of rules, or a folder of them, instead of `watch.directory`
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) rules: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}
