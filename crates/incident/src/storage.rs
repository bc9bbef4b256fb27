//! Where steps and evidence are kept.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A step as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStep {
    pub number: u64,
    /// JSON, byte for byte what the digest covers.
    pub step: Vec<u8>,
    pub digest: [u8; 32],
    /// The record of the ledger that has the digest.
    pub record: u64,
}

/// Keeps incidents. Implementations are synchronous; what was acknowledged is durable.
pub trait IncidentStorage: Send + Sync + fmt::Debug {
    /// The highest id there is; 0 when there is none.
    fn latest(&self) -> Result<u64, StorageError>;

    /// Ids below `before`, the highest first; with `open`, only of those that are not closed.
    fn ids(&self, before: Option<u64>, open: bool, limit: usize) -> Result<Vec<u64>, StorageError>;

    /// The steps of an incident, in their order; none when there is no such incident.
    fn steps(&self, incident: u64) -> Result<Vec<StoredStep>, StorageError>;

    /// Adds a step, and the content of the evidence it keeps, together or not at all. The first step makes the incident.
    ///
    /// # Errors
    /// [`StorageError::Taken`] when there is a step of this number.
    fn append(
        &self,
        incident: u64,
        step: &StoredStep,
        is_closed: bool,
        content: Option<(u64, &[u8])>,
    ) -> Result<(), StorageError>;

    /// What a piece of evidence is.
    fn content(&self, incident: u64, evidence: u64) -> Result<Option<Vec<u8>>, StorageError>;

    /// The last record of the ledger that was looked at for alerts.
    fn cursor(&self) -> Result<Option<u64>, StorageError>;

    fn set_cursor(&self, position: u64) -> Result<(), StorageError>;
}

/// Why nothing was read or kept. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    #[error("the disk is full")]
    Full,
    #[error("the incidents cannot be read or written: {0}")]
    Io(String),
    /// Somebody else was quicker.
    #[error("there is such a step already")]
    Taken,
}

/// Incidents in memory, for tests.
#[derive(Debug, Default)]
pub struct MemoryIncidents(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    incidents: BTreeMap<u64, (Vec<StoredStep>, bool)>,
    contents: BTreeMap<(u64, u64), Vec<u8>>,
    cursor: Option<u64>,
}

impl MemoryIncidents {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IncidentStorage for MemoryIncidents {
    fn latest(&self) -> Result<u64, StorageError> {
        Ok(self.kept().incidents.last_key_value().map_or(0, |(id, _)| *id))
    }

    fn ids(&self, before: Option<u64>, open: bool, limit: usize) -> Result<Vec<u64>, StorageError> {
        let kept = self.kept();
        let fits = |(id, (_, closed)): &(&u64, &(Vec<StoredStep>, bool))| {
            before.is_none_or(|before| **id < before) && !(open && *closed)
        };
        Ok(kept.incidents.iter().rev().filter(fits).map(|(id, _)| *id).take(limit).collect())
    }

    fn steps(&self, incident: u64) -> Result<Vec<StoredStep>, StorageError> {
        Ok(self.kept().incidents.get(&incident).map(|(steps, _)| steps.clone()).unwrap_or_default())
    }

    fn append(
        &self,
        incident: u64,
        step: &StoredStep,
        is_closed: bool,
        content: Option<(u64, &[u8])>,
    ) -> Result<(), StorageError> {
        let mut kept = self.kept();
        let (steps, closed) = kept.incidents.entry(incident).or_default();
        if steps.len() as u64 + 1 != step.number {
            return Err(StorageError::Taken);
        }
        steps.push(step.clone());
        *closed = is_closed;
        if let Some((evidence, bytes)) = content {
            kept.contents.insert((incident, evidence), bytes.to_vec());
        }
        Ok(())
    }

    fn content(&self, incident: u64, evidence: u64) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.kept().contents.get(&(incident, evidence)).cloned())
    }

    fn cursor(&self) -> Result<Option<u64>, StorageError> {
        Ok(self.kept().cursor)
    }

    fn set_cursor(&self, position: u64) -> Result<(), StorageError> {
        self.kept().cursor = Some(position);
        Ok(())
    }
}
