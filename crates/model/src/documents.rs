//! Small state that must survive a restart, as texts under a name: what an engine remembers and no other asks for by
//! its parts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Keeps texts. An area belongs to one engine. May block.
pub trait Documents: Send + Sync + fmt::Debug {
    /// All of an area: ids and texts, by id.
    ///
    /// # Errors
    /// When it cannot be read.
    fn documents(&self, area: &str) -> Result<Vec<(String, String)>, DocumentError>;

    /// All of the changes or none. Durable when this returns.
    ///
    /// # Errors
    /// When nothing was changed.
    fn change_documents(&self, area: &str, changes: &[DocumentChange]) -> Result<(), DocumentError>;
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentChange {
    Put { id: String, text: String },
    Remove { id: String },
}

/// Why documents were not read or kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the storage failed: {0}")]
pub struct DocumentError(pub String);

/// In memory: for what leaves nothing behind.
#[derive(Debug, Default)]
pub struct MemoryDocuments(Mutex<BTreeMap<(String, String), String>>);

impl Documents for MemoryDocuments {
    fn documents(&self, area: &str) -> Result<Vec<(String, String)>, DocumentError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = kept.iter().filter(|((own, _), _)| own == area);
        Ok(own.map(|((_, id), text)| (id.clone(), text.clone())).collect())
    }

    fn change_documents(&self, area: &str, changes: &[DocumentChange]) -> Result<(), DocumentError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                DocumentChange::Put { id, text } => {
                    kept.insert((area.to_owned(), id.clone()), text.clone());
                }
                DocumentChange::Remove { id } => {
                    kept.remove(&(area.to_owned(), id.clone()));
                }
            }
        }
        Ok(())
    }
}
