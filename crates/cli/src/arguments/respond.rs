//! The words of `gabion respond`.

use clap::{Args, Subcommand};
use gabion_model::Period;

use super::{ConfigFile, OutputFormat};

#[derive(Debug, Subcommand)]
pub(crate) enum Respond {
    /// List the measures: what is in force, what waits for you, what ended
    List(RespondList),
    /// Show everything about one measure
    Show(MeasureId),
    /// Refuse everything from an address or a network, for a while
    ///
    /// An IPv6 address stands for its /64.
    Block(RespondBlock),
    /// End the blocks of an address or a network
    Unblock(RespondUnblock),
    /// End a measure, or say no to one that waits
    Undo(MeasureId),
    /// Take a measure that waits because it is beyond `respond.budget`
    Approve(MeasureId),
    /// Do something else than block: slow down, disable, ask for a new sign-in
    Take(RespondTake),
    /// Print who is blocked, for other machines that block
    Export(RespondExport),
}

#[derive(Debug, Args)]
pub(crate) struct RespondList {
    /// Those that ended, too
    #[arg(long)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct MeasureId {
    /// Its number, as `gabion respond list` shows it
    pub(crate) id: u64,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct RespondBlock {
    /// For instance `192.0.2.7` or `2001:db8::/48`
    pub(crate) address: String,

    /// How long, for instance `1h`; without it, as long as `respond.for` says
    #[arg(long = "for", value_name = "PERIOD")]
    pub(crate) life: Option<Period>,

    /// Why, for whoever reads the list
    #[arg(long, value_name = "TEXT", default_value = "by hand")]
    pub(crate) reason: String,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct RespondUnblock {
    /// As it was blocked, for instance `192.0.2.7`
    pub(crate) address: String,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct RespondTake {
    /// `slow_down`, `disable_account`, `disable_key`, `require_step_up`, `revoke_sessions`, `strict_route`,
    /// `block_address` or `block_network`
    pub(crate) action: String,

    /// The address, the account's name, the key's id or the route's path
    pub(crate) target: String,

    /// How long, for instance `1h`; without it, as long as `respond.for` says
    #[arg(long = "for", value_name = "PERIOD")]
    pub(crate) life: Option<Period>,

    /// Why, for whoever reads the list
    #[arg(long, value_name = "TEXT", default_value = "by hand")]
    pub(crate) reason: String,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct RespondExport {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}
