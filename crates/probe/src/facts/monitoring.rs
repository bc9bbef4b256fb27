//! Where the application's events are read.

use std::path::PathBuf;

use gabion_model::Period;
use serde::Deserialize;

/// An operation that tells events, or a file of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Monitoring {
    /// `GET /api/audit?limit=100`: the newest must be in its answer.
    #[serde(default)]
    pub request: Option<String>,
    /// Who asks; nobody where it is not said.
    #[serde(default)]
    pub identity: Option<String>,
    /// A log, in place of an operation; of a directory on this machine.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// How soon an event must be there.
    #[serde(default = "thirty_seconds")]
    pub within: Period,
}

fn thirty_seconds() -> Period {
    Period::from_secs(30)
}
