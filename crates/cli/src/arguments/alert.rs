//! The words of `gabion alert`.

use clap::{Args, Subcommand};
use gabion_model::Period;

use super::{ConfigFile, OutputFormat};

#[derive(Debug, Subcommand)]
pub(crate) enum Alert {
    /// List the alerts that are not closed
    List(AlertList),
    /// Show everything about one alert
    Show(AlertId),
    /// Say that you have it: nobody else is told, unless it becomes worse
    Ack(AlertId),
    /// Say that it is over
    Close(AlertId),
    /// Tell nobody of some alerts, for a while
    Silence(AlertSilence),
    /// List the silences
    Silences(Silences),
    /// End a silence now
    Unsilence(SilenceId),
    /// List the channels: what waits for each, and how it does
    Channels(AlertChannels),
    /// Send a test message to a channel, or to all, now
    ///
    /// Ends with 1 when one is not delivered. What came of each stands in the ledger.
    Test(AlertTest),
}

#[derive(Debug, Args)]
pub(crate) struct AlertChannels {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct AlertList {
    /// Those that are closed, too
    #[arg(long)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct AlertId {
    /// Its number, as `gabion alert list` shows it
    pub(crate) id: u64,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct AlertSilence {
    /// Only alerts of this rule, by name or id
    #[arg(long, value_name = "RULE")]
    pub(crate) rule: Option<String>,

    /// Only alerts about this, for instance `network=192.0.2.0/24`; can be repeated
    #[arg(long = "field", value_name = "NAME=VALUE")]
    pub(crate) fields: Vec<String>,

    /// Only alerts that are not worse: `low`, `medium`, `high`
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) at_most: Option<String>,

    /// How long, for instance `2h`; at most `30d`
    #[arg(long = "for", value_name = "PERIOD")]
    pub(crate) life: Period,

    /// Why nobody is to be told
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct Silences {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct SilenceId {
    /// Its number, as `gabion alert silences` shows it
    pub(crate) id: u64,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct AlertTest {
    /// The channel, as in `[[alerts.channels]]`; all when not given
    pub(crate) channel: Option<String>,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}
