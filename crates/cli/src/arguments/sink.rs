//! The words of `gabion sink`.

use clap::{Args, Subcommand};

use super::{ConfigFile, OutputFormat};

#[derive(Debug, Subcommand)]
pub(crate) enum Sink {
    /// Print the sinks of the configuration, and how far each has come
    List(SinkList),
    /// Send one event that says it is a test to a sink, now
    ///
    /// The running gate is not asked and its sinks stay where they are.
    Test(SinkTest),
}

#[derive(Debug, Args)]
pub(crate) struct SinkList {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct SinkTest {
    /// The sink, as in `[sinks.NAME]`
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}
