//! `gabion witness`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueHint};

#[derive(Debug, Args)]
pub(crate) struct Witness {
    /// Where it keeps its key and what it cosigned last; no gate's data directory
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data: PathBuf,

    /// The key of a log it cosigns, as `gabion ledger key` prints it; may be repeated
    #[arg(long = "log", value_name = "KEY", required = true)]
    pub(crate) logs: Vec<String>,

    /// Its name, a URL without scheme: `witness.example/w1`. Needed once; its key keeps it
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Where it listens; beyond this machine, put a gate with TLS before it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7380")]
    pub(crate) listen: SocketAddr,
}
