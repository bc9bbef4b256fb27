//! Indexes in memory, for tests.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::SegmentId;
use crate::{IndexFile, IndexStorage};

/// Indexes in memory.
#[derive(Debug, Default)]
pub struct MemoryIndexes(Mutex<BTreeMap<SegmentId, Arc<Vec<u8>>>>);

#[derive(Debug)]
struct Open(Arc<Vec<u8>>);

impl MemoryIndexes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<SegmentId, Arc<Vec<u8>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes of an index; empty when there is none.
    #[must_use]
    pub fn bytes(&self, segment: SegmentId) -> Vec<u8> {
        self.lock().get(&segment).map(|bytes| bytes.to_vec()).unwrap_or_default()
    }
}

impl IndexStorage for MemoryIndexes {
    fn open(&self, segment: SegmentId) -> io::Result<Option<Box<dyn IndexFile>>> {
        Ok(self.lock().get(&segment).map(|bytes| Box::new(Open(Arc::clone(bytes))) as Box<dyn IndexFile>))
    }

    fn put(&self, segment: SegmentId, bytes: &[u8]) -> io::Result<()> {
        self.lock().insert(segment, Arc::new(bytes.to_vec()));
        Ok(())
    }

    fn remove(&self, segment: SegmentId) -> io::Result<()> {
        self.lock().remove(&segment);
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<SegmentId>> {
        Ok(self.lock().keys().copied().collect())
    }
}

impl IndexFile for Open {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.0.get(start..).and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(rest.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}
