//! The record nobody edits: append, fold, search.

mod error;
pub mod query;
pub mod settings;
pub mod storage;

use std::fmt;
use std::sync::Arc;

use gabion_model::{Clock, Event};
use serde::{Deserialize, Serialize};

pub use error::{Damage, LedgerError, OpenError, ReadError};
pub use query::{Order, Query, Record};
pub use settings::Settings;
pub use storage::memory::MemorySegments;
pub use storage::{SegmentId, SegmentSource, SegmentStorage};

/// The place of a record: its sequence number. The first is 1, and there are no gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What opening found and mended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The last record there is.
    pub last: Option<Position>,
    /// The torn ends that were cut, none after an orderly stop. They had never been acknowledged.
    pub cuts: Vec<Cut>,
}

/// Bytes that were cut from the end of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    pub segment: SegmentId,
    /// Where the intact part ends.
    pub offset: u64,
    /// How many bytes were dropped.
    pub bytes: u64,
}

/// Whether events can be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Closed,
    /// The last write failed for a reason other than space.
    Failing,
    /// The last write found no space.
    Full,
    Ready,
}

/// The ledger, opened for writing. Clones share one writer thread.
#[derive(Debug, Clone)]
pub struct Ledger {}

impl Ledger {
    /// Reads the end of the last segment, cuts what a crash left torn there, and starts the writer.
    pub fn open(
        storage: Arc<dyn SegmentStorage>,
        settings: &Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Recovery), OpenError> {
        let _ = (storage, settings, clock);
        todo!()
    }

    /// A ledger in memory, for tests.
    #[must_use]
    pub fn in_memory(clock: Arc<dyn Clock>) -> Self {
        let _ = clock;
        todo!()
    }

    /// Records the event; its bytes are durable when this answers with its place. Strings are bounded
    /// and cleaned first (see `sanitise`).
    pub async fn record(&self, event: Event) -> Result<Position, LedgerError> {
        let _ = event;
        std::future::ready(()).await;
        todo!()
    }

    /// Counts a refusal. Never blocks and never fails; the first of a kind is written at once, repeats
    /// as one event with their count.
    pub fn observe(&self, event: Event) {
        let _ = event;
        todo!()
    }

    /// Makes durable what was observed and is due: first ones, and counts whose window has ended by
    /// the clock.
    pub async fn flush(&self) -> Result<(), LedgerError> {
        std::future::ready(()).await;
        todo!()
    }

    /// Writes every open count, makes everything durable and ends the writer. Later calls to `record`
    /// answer [`LedgerError::Closed`].
    pub async fn close(&self) -> Result<(), LedgerError> {
        std::future::ready(()).await;
        todo!()
    }

    /// Searches the durable records. Reads files: call it where blocking is allowed.
    #[must_use]
    pub fn search(&self, query: Query) -> Search {
        let _ = query;
        todo!()
    }

    /// The last `count` records, oldest first.
    pub fn tail(&self, count: usize) -> Result<Vec<Record>, ReadError> {
        let _ = count;
        todo!()
    }

    /// Records as they become durable, beginning behind `after`, or with the next one.
    #[must_use]
    pub fn follow(&self, after: Option<Position>) -> Follow {
        let _ = after;
        todo!()
    }

    /// The last durable record.
    #[must_use]
    pub fn last(&self) -> Option<Position> {
        todo!()
    }

    #[must_use]
    pub fn status(&self) -> Status {
        todo!()
    }
}

/// The answers to a search, read as they are asked for. Ends after an error.
#[derive(Debug)]
pub struct Search {}

impl Iterator for Search {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}

/// A subscription to the ledger.
#[derive(Debug)]
pub struct Follow {}

impl Follow {
    /// The next record; none when the ledger was closed and everything was read.
    pub async fn next(&mut self) -> Result<Option<Record>, ReadError> {
        std::future::ready(()).await;
        todo!()
    }
}
