//! The words of `gabion contract`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::{ConfigFile, OutputFormat};

#[derive(Debug, Subcommand)]
pub(crate) enum ContractVerb {
    /// Load a contract as the gate would, and list what of it is not enforced
    Check(ContractFile),
    /// Say where a contract is too loose to protect
    ///
    /// Ends with 1 when there is something to say.
    Lint(ContractFile),
    /// Draft a contract from traffic, recorded or live: types, bounds and formats, never values
    Learn(ContractLearn),
    /// List operations that were used and no contract knows, and those that were never used
    Shadow(ContractShadow),
}

#[derive(Debug, Args)]
pub(crate) struct ContractFile {
    /// The OpenAPI document; without it, all contracts of the configuration
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct ContractLearn {
    /// HTTP archives (HAR), as browsers and proxies write them
    #[arg(value_name = "HAR", required_unless_present = "live", value_hint = ValueHint::FilePath)]
    pub(crate) archives: Vec<PathBuf>,

    /// Only what was sent to this host (with its port, where there is one); may be given several times
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Vec<String>,

    /// What the gate has learned of routes with `learn`; the name may be left out where there is one draft
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) live: Option<String>,

    /// The title of the contract
    #[arg(long, value_name = "TEXT", default_value = "Draft")]
    pub(crate) title: String,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct ContractShadow {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}
