//! Where the application's events, alerts and incidents are read.

use std::path::PathBuf;

use gabion_model::Period;
use serde::Deserialize;

/// An operation that tells events, or a file of them; and where it is told what came of them.
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
    /// How soon an event, an alert and an incident must be there.
    #[serde(default = "Monitoring::usual_time")]
    pub within: Period,
    /// Where alerts are. Without it those of a gate of Gabion's, where somebody of these facts may read them.
    #[serde(default)]
    pub alerts: Option<Watched>,
    /// Where incidents are.
    #[serde(default)]
    pub incidents: Option<Watched>,
}

/// An operation that is asked again and again, or a file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watched {
    /// `GET /api/alerts`: the newest must be in its answer.
    #[serde(default)]
    pub request: Option<String>,
    /// Who asks; nobody where it is not said.
    #[serde(default)]
    pub identity: Option<String>,
    /// A file in place of an operation.
    #[serde(default)]
    pub file: Option<PathBuf>,
}

impl Monitoring {
    /// How long is waited where nothing is said.
    #[must_use]
    pub fn usual_time() -> Period {
        Period::from_secs(30)
    }

    /// Where events are; nothing where it is not said.
    #[must_use]
    pub fn events(&self) -> Option<Watched> {
        let own = Watched {
            request: self.request.clone(),
            identity: self.identity.clone(),
            file: self.file.clone(),
        };
        (own.request.is_some() || own.file.is_some()).then_some(own)
    }

    /// All operations that are named, by their place.
    pub(super) fn requests(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let more =
            [("monitoring.alerts.request", &self.alerts), ("monitoring.incidents.request", &self.incidents)];
        let more = more.into_iter().filter_map(|(at, own)| Some((at, own.as_ref()?.request.as_deref()?)));
        self.request.as_deref().map(|request| ("monitoring.request", request)).into_iter().chain(more)
    }
}
