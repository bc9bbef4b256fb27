//! Finding records without reading all of them: beside each finished segment a file that says which of its records may hold
//! what is looked for (`file` says what its bytes are), and the same in memory for the segment that grows.
//!
//! - The index is a cache. It says "perhaps" or "surely not": every candidate is read from its segment and compared with the
//!   query itself (`walk`), so that a search answers as if it had read everything.
//! - It is made by a thread of its own (`keeper`), behind the durable records, never on the request path. What has no index
//!   yet is read as it is.
//! - It tells nothing of what it indexes to whoever has the file alone: words are keyed with the segment's key. How often a word
//!   occurs, and which records share one, does show.
//! - Missing, torn, made by somebody else, of another segment: it is noticed when it is opened, by a keyed sum over all of
//!   it, and made again.

mod build;
mod file;
mod keeper;
mod lists;
mod walk;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::format::Header;
use crate::{Position, Reader, SegmentId};

use build::Builder;
use file::Opened;
pub(crate) use keeper::{catch_up, keep};
pub(crate) use walk::Indexed;

/// Where indexes lie.
pub trait IndexStorage: Send + Sync + fmt::Debug {
    /// The index of a segment; none when there is no such file. What is open stays as it is when it is replaced.
    fn open(&self, segment: SegmentId) -> io::Result<Option<Box<dyn IndexFile>>>;

    /// Replaces the index, whole or not at all. It need not be durable.
    fn put(&self, segment: SegmentId, bytes: &[u8]) -> io::Result<()>;

    /// Removes the index, if it is there.
    fn remove(&self, segment: SegmentId) -> io::Result<()>;

    /// Every segment that has one.
    fn list(&self) -> io::Result<Vec<SegmentId>>;
}

/// An open index.
pub trait IndexFile: Send + Sync + fmt::Debug {
    /// Bytes it holds.
    fn size(&self) -> io::Result<u64>;

    /// Fills the buffer with the bytes from `offset`; an error when there are fewer.
    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

/// The indexes of a ledger.
#[derive(Debug)]
pub(crate) struct Indexes {
    storage: Arc<dyn IndexStorage>,
    /// Those that were looked through and believed.
    opened: Mutex<BTreeMap<SegmentId, Arc<Opened>>>,
    /// Of the segment that grows.
    growing: Mutex<Option<Builder>>,
    /// One at a time makes them.
    making: Mutex<()>,
    /// Something is to be made again.
    asked: AtomicBool,
    wanted: Notify,
    /// How often all of them were forgotten.
    generation: AtomicU64,
}

/// Opened indexes held at once: a few dozen kilobytes each.
const HELD: usize = 512;

impl Indexes {
    pub(crate) fn new(storage: Arc<dyn IndexStorage>) -> Self {
        Self {
            storage,
            opened: Mutex::default(),
            growing: Mutex::default(),
            making: Mutex::default(),
            asked: AtomicBool::new(false),
            wanted: Notify::new(),
            generation: AtomicU64::new(0),
        }
    }

    /// The index of a finished segment whose records end before `next`; none when there is none to be believed.
    fn opened(&self, reader: &Reader, header: &Header, next: Position) -> Option<Arc<Opened>> {
        let held = || self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = held().get(&header.segment) {
            return opened.is_of(header, next).then(|| Arc::clone(opened));
        }
        let key = reader.index_key(header.segment).ok()?;
        match Opened::open(&*self.storage, header, next, key) {
            Ok(opened) => {
                let opened = opened.map(Arc::new)?;
                let mut held = held();
                if held.len() >= HELD {
                    held.pop_first();
                }
                held.insert(header.segment, Arc::clone(&opened));
                Some(opened)
            }
            Err(fault) => {
                self.distrust(header.segment, &fault);
                None
            }
        }
    }

    /// An index is not what it should be: it is left out from now on, and made again.
    fn distrust(&self, segment: SegmentId, fault: &Fault) {
        tracing::warn!(segment = segment.0, %fault, "ledger index not believed, is made again");
        self.forget(segment);
        self.make_again();
    }

    fn make_again(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.wanted.notify_one();
    }

    fn forget(&self, segment: SegmentId) {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).remove(&segment);
        if let Err(error) = self.storage.remove(segment) {
            tracing::warn!(segment = segment.0, %error, "ledger index not removed");
        }
    }

    /// Makes all of them again: for instance after something was erased that they know of.
    pub(crate) fn forget_all(&self) -> io::Result<()> {
        self.generation.fetch_add(1, Ordering::SeqCst);
        *self.growing() = None;
        self.storage.list()?.into_iter().for_each(|segment| self.forget(segment));
        self.make_again();
        Ok(())
    }

    fn growing(&self) -> MutexGuard<'_, Option<Builder>> {
        self.growing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For the fuzz target: reads everything there is to be read of an index with these bytes and the right sum.
#[cfg(fuzzing)]
pub fn probe(bytes: &[u8]) {
    let _ = file::probe(bytes);
}

/// Why an index is not believed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("it is damaged, or was made without the segment's key")]
    Sum,
    #[error("it is of another segment")]
    Foreign,
    #[error("{0}")]
    Malformed(&'static str),
}
