//! The words of `gabion identity`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::{ConfigFile, OutputFormat, PasswordFrom};

#[derive(Debug, Subcommand)]
pub(crate) enum IdentityVerb {
    /// Show what would be created, changed and removed, and change nothing
    ///
    /// Exits with 4 when there is something to change, with 0 when everything is as the file says.
    Plan(IdentityPlan),
    /// Make everything as the file says, now
    ///
    /// The same happens at every start and reload. Done twice, the second time does nothing. What the file
    /// does not say of somebody stays as it is.
    Apply(IdentityApply),
    /// Print what there is as a file that declares it
    Export(IdentityExport),
    /// Print the hash of a password, for `password_hash`
    HashPassword(IdentityHash),
    /// Print the JSON Schema of identity.toml
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct IdentityPlan {
    /// The file, instead of `identity.file` or `identity.toml` beside the configuration
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,

    /// Also remove what an earlier file made and this one names no more
    #[arg(long)]
    pub(crate) prune: bool,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct IdentityApply {
    /// The file, instead of `identity.file` or `identity.toml` beside the configuration
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,

    /// Also remove what an earlier file made and this one names no more
    #[arg(long)]
    pub(crate) prune: bool,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct IdentityExport {
    /// Also hashes of passwords and digests of client secrets: enough to go on elsewhere, and to try
    /// passwords offline
    #[arg(long)]
    pub(crate) with_secrets: bool,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct IdentityHash {
    /// The name the person signs in with: a password must not contain it
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) password: PasswordFrom,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}
