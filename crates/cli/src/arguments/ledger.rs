//! What `gabion ledger` can be asked.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::{ConfigFile, OutputFormat, RecordFormat};

#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// Print the latest records
    Tail(LedgerTail),
    /// Print the records that match
    Search(LedgerSearch),
    /// Print all records that match, oldest first, for other programs
    Export(LedgerExport),
    /// Check that no record was changed, removed, added or moved since it was signed
    Verify(LedgerVerify),
    /// Print the proof that one record is in the ledger, to be checked by `gabion ledger verify --proof`
    Prove(LedgerProve),
    /// Print the request by which a witness cosigns the last checkpoint (C2SP tlog-witness)
    Checkpoint(LedgerCheckpoint),
    /// Print the key by which the ledger is verified
    Key(LedgerKey),
    /// Replace the key that the records are sealed with; no record is written anew
    Rekey(LedgerKey),
    /// Destroy the key of a removed account's personal data: in every record it reads as erased
    Erase(LedgerErase),
    /// Print how much there is, how far the archive is and what is held
    Status(LedgerStatus),
    /// Finished segments in another place: list, fetch and verify them
    #[command(subcommand)]
    Archive(LedgerArchive),
    /// Legal holds: what may not be removed or erased
    #[command(subcommand)]
    Hold(LedgerHold),
}

#[derive(Debug, Args)]
pub(crate) struct LedgerVerify {
    /// The ledger's key, as `gabion ledger key` printed it; without it the one in the data directory
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,

    /// A former checkpoint you kept, of which the ledger must be a continuation; may be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) after: Vec<PathBuf>,

    /// Check against this checkpoint instead of the ledger's last one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) checkpoint: Option<PathBuf>,

    /// The key of a witness whose cosignature the checkpoint must have; may be repeated
    #[arg(long, value_name = "KEY")]
    pub(crate) witness: Vec<String>,

    /// How many of the witnesses are enough; without it all of them
    #[arg(long, value_name = "COUNT", requires = "witness")]
    pub(crate) quorum: Option<usize>,

    /// Check one record's proof instead of the whole ledger
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["after", "checkpoint", "export"])]
    pub(crate) proof: Option<PathBuf>,

    /// Check what `gabion ledger export --tenant ID --to DIRECTORY` made of one tenant's records
    #[arg(long, value_name = "DIRECTORY", value_hint = ValueHint::DirPath, conflicts_with = "checkpoint")]
    pub(crate) export: Option<PathBuf>,

    /// The tenant whose records the proof or export must be; of a whole ledger, whose log to tell of
    #[arg(long, value_name = "ID")]
    pub(crate) tenant: Option<String>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerProve {
    /// The record's number, as `gabion ledger search --format json` tells it
    #[arg(value_name = "RECORD", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) record: u64,

    /// Prove it in the log of this tenant, whose record it is
    #[arg(long, value_name = "ID")]
    pub(crate) tenant: Option<String>,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerCheckpoint {
    /// How many records the checkpoint had that the witness cosigned last; 0 for the first
    #[arg(long, value_name = "SIZE", default_value_t = 0)]
    pub(crate) old: u64,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerKey {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerErase {
    /// The name the account had
    #[arg(value_name = "ACCOUNT")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerTail {
    /// How many
    #[arg(short = 'n', long = "lines", value_name = "COUNT", default_value_t = 20)]
    pub(crate) count: usize,

    /// Go on with what is recorded from now on, until interrupted
    #[arg(long, short)]
    pub(crate) follow: bool,

    /// How to print them
    #[arg(long, value_name = "FORMAT", default_value = "text", display_order = 800)]
    pub(crate) format: RecordFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerSearch {
    /// Found in action, resource, reason, user agent, the actor's name or the metadata
    #[arg(value_name = "TEXT")]
    pub(crate) text: Option<String>,

    #[command(flatten)]
    pub(crate) filters: LedgerFilters,

    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    pub(crate) limit: usize,

    /// Read the segments in this directory, as `gabion ledger archive fetch` made it, with the keys of the configuration
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) directory: Option<PathBuf>,

    /// How to print them
    #[arg(long, value_name = "FORMAT", default_value = "text", display_order = 800)]
    pub(crate) format: RecordFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerExport {
    #[command(flatten)]
    pub(crate) filters: LedgerFilters,

    /// Read the segments in this directory, as `gabion ledger archive fetch` made it, with the keys of the configuration
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) directory: Option<PathBuf>,

    /// Make a new directory of the tenant's whole log instead, with the proofs: for the tenant, who verifies it alone
    #[arg(long, value_name = "DIRECTORY", value_hint = ValueHint::DirPath, requires = "tenant", conflicts_with_all = ["directory", "action", "actor", "address", "control", "kind", "outcome", "request", "resource", "since", "format"])]
    pub(crate) to: Option<PathBuf>,

    /// How to print them
    #[arg(long, value_name = "FORMAT", default_value = "ocsf", display_order = 800)]
    pub(crate) format: RecordFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
pub(crate) struct LedgerFilters {
    /// What was done, for instance `account.disable`
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: Option<String>,

    /// Who: an account's name or id, `anonymous`, `gate` or `operator`
    #[arg(long, value_name = "ACTOR")]
    pub(crate) actor: Option<String>,

    /// From which address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<IpAddr>,

    /// Which control, for instance `web.csrf`
    #[arg(long, value_name = "CONTROL")]
    pub(crate) control: Option<String>,

    /// What kind: `administration`, `application`, `configuration`, `decision`, `login`, `logout`, `refusal` or `session`
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,

    /// How it ended: `begun`, `failure` or `success`
    #[arg(long, value_name = "OUTCOME")]
    pub(crate) outcome: Option<String>,

    /// The request id, as an error page shows it
    #[arg(long, value_name = "ID")]
    pub(crate) request: Option<String>,

    /// On what: a path or a name, with a `*` at its end everything that begins so
    #[arg(long, value_name = "RESOURCE")]
    pub(crate) resource: Option<String>,

    /// Not older than this, for instance `15m`, `24h` or `7d`
    #[arg(long, value_name = "PERIOD")]
    pub(crate) since: Option<String>,

    /// Whose: the id of a tenant other than the default one
    #[arg(long, value_name = "ID")]
    pub(crate) tenant: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerStatus {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerArchive {
    /// Print what is in the archive
    List(LedgerArchiveList),
    /// Fetch segments into a directory, with what proves them
    ///
    /// What was fetched is verified by `gabion-verify DIR`, and read by `gabion ledger search --directory DIR`.
    Fetch(LedgerArchiveFetch),
    /// Read all of the archive, compare it with what the ledger signed, and keep nothing
    Verify(LedgerArchiveVerify),
}

#[derive(Debug, Args)]
pub(crate) struct LedgerArchiveList {
    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerArchiveFetch {
    /// Where to; made where it is not there
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,

    /// From the segment with this record on
    #[arg(long, value_name = "RECORD", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) first: Option<u64>,

    /// Up to the segment with this record
    #[arg(long, value_name = "RECORD", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) last: Option<u64>,

    /// The ledger's key, as `gabion ledger key` printed it; without it the one in the data directory
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerArchiveVerify {
    /// The ledger's key, as `gabion ledger key` printed it; without it the one in the data directory
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,

    #[command(flatten)]
    pub(crate) output: OutputFormat,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerHold {
    /// Set a hold; what it keeps is neither removed by age nor erased while it stands
    Add(LedgerHoldAdd),
    /// Print the holds that stand
    List(LedgerStatus),
    /// Take a hold away
    Remove(LedgerHoldRemove),
}

#[derive(Debug, Args)]
pub(crate) struct LedgerHoldAdd {
    /// What it is called: lower-case letters, digits, `-` and `.`
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// Why, in words
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,

    /// Records not before this, for instance `2026-01-31` or `2026-01-31T09:00:00Z`
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,

    /// Records before this; of a day, up to its end
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,

    /// Records from this number on
    #[arg(long, value_name = "RECORD", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) first: Option<u64>,

    /// Records up to this number
    #[arg(long, value_name = "RECORD", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) last: Option<u64>,

    /// What is kept of this account
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) principal: Option<String>,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct LedgerHoldRemove {
    /// What it is called
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}
