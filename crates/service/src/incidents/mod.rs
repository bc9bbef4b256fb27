//! Incidents: who may do what, and each step on record before it is taken.
//!
//! A step is judged, its digest is written to the ledger, then it is kept ([`steps`]). What the ledger has of it is enough to
//! show later that nobody changed, added or removed one.
//!
//! The storage and the ledger can disagree after a crash in one way only: the ledger has the beginning of a step that was
//! not kept. Such a step was never acknowledged to anybody and does not count; the next one takes its number. Everything
//! else is told: by `agrees` in what is read, and by whoever verifies a pack of evidence.

mod alerts;
mod change;
mod evidence;
mod open;
mod personal;
mod read;
mod steps;

use std::sync::Arc;

use gabion_incident::{
    Incident, IncidentStorage, MemoryIncidents, Procedures, Refused, Settings, StorageError, pack,
};
use gabion_ledger::TreeStorage;
use gabion_model::Problem;
use serde::Serialize;

pub use alerts::Rang;
pub use change::Change;
pub use evidence::{NewEvidence, Taken};
pub use open::NewIncident;
pub use read::Summary;

use crate::{ActError, Service};

/// Where incidents are kept, and by which rules.
#[derive(Debug, Clone)]
pub struct Desk {
    pub storage: Arc<dyn IncidentStorage>,
    pub procedures: Arc<Procedures>,
    pub settings: Arc<Settings>,
    /// The ledger's tree, which proves evidence; none where the ledger is not sealed.
    pub tree: Option<Arc<dyn TreeStorage>>,
}

/// In memory, with the program's own procedures.
impl Default for Desk {
    fn default() -> Self {
        Self {
            storage: Arc::new(MemoryIncidents::default()),
            procedures: Arc::new(Procedures::load(&pack::sources()).unwrap_or_default()),
            settings: Arc::new(Settings::default()),
            tree: None,
        }
    }
}

/// Why nothing was done. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IncidentError {
    #[error(transparent)]
    Act(#[from] ActError),
    /// What is kept is not an incident: a step was changed or is missing.
    #[error("incident {incident} cannot be read: step {step} does not follow from those before it")]
    Damaged { incident: u64, step: u64 },
    #[error("{0}")]
    Invalid(Problem),
    #[error("there is no such incident")]
    NotFound,
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The ledger has not signed yet what is to be proved.
    #[error("the ledger's next checkpoint is not written yet; try again in a second")]
    Unsealed,
}

impl IncidentError {
    pub(crate) fn invalid(field: &str, reason: impl Into<String>) -> Self {
        Self::Invalid(Problem::new(field, reason))
    }
}

impl From<StorageError> for IncidentError {
    fn from(error: StorageError) -> Self {
        tracing::error!(%error, "incident refused by the storage");
        Self::Act(ActError::Unavailable)
    }
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changed {
    pub incident: Incident,
    /// Why what the gate was to do for it was not done; the try is on record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl Service {
    /// From now on incidents are kept there and by these rules.
    pub fn set_incidents(&self, desk: Desk) {
        self.0.desk.store(Arc::new(desk));
    }

    /// Other rules; what is kept stays where it is.
    pub fn set_incident_rules(&self, procedures: Arc<Procedures>, settings: Arc<Settings>) {
        let desk = Desk::clone(&self.0.desk.load());
        self.0.desk.store(Arc::new(Desk { procedures, settings, ..desk }));
    }
}
