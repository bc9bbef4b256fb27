//! What can go wrong, by who has to know it.

use std::io;
#[cfg(feature = "write")]
use std::sync::Arc;

#[cfg(feature = "write")]
use crate::SealError;
use crate::{KeyError, SegmentId};

/// The event was not recorded. The act it belongs to must not happen.
#[cfg(feature = "write")]
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// The ledger was closed; nothing is recorded any more.
    #[error("the ledger is closed")]
    Closed,
    /// No space: the disk, the quota or the setting `ledger.max_size`. Recording works again by
    /// itself once there is space.
    #[error("the ledger is full")]
    Full,
    #[error("the ledger cannot be written: {0}")]
    Io(Arc<io::Error>),
    /// The event is larger than one record may be, even after its fields were bounded.
    #[error("the event is too large to record")]
    TooLarge,
}

/// Nothing was erased. Alphabetical.
#[cfg(feature = "write")]
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    #[error("the legal hold `{0}` keeps it")]
    Held(String),
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Whether a hold keeps it cannot be told.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The ledger does not open.
#[cfg(feature = "write")]
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the ledger cannot be opened")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Recorded bytes cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Bytes that had been written completely are not what was written. Nothing is skipped silently:
    /// reading ends here.
    #[error("the ledger is corrupted: segment {segment}, offset {offset}: {reason}")]
    Corrupted { segment: SegmentId, offset: u64, reason: Damage },
    #[error("segment {segment} of the ledger cannot be read")]
    Io {
        segment: SegmentId,
        #[source]
        source: io::Error,
    },
    /// A sealed segment, and no key that opens it.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store does not tell the keys of personal data.
    #[error("personal data cannot be opened")]
    Personal(#[source] io::Error),
    /// The listing of the segments failed.
    #[error("the segments of the ledger cannot be listed")]
    List(#[source] io::Error),
    /// An intact record whose event this version does not know; reading can go on behind it.
    #[error("segment {segment}, offset {offset}: the event is of another version: {reason}")]
    Unknown { segment: SegmentId, offset: u64, reason: String },
}

/// How recorded bytes are wrong. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("it is not sealed with the key of its place")]
    Commitment,
    #[error("the checksum does not match")]
    Checksum,
    #[error("it does not begin with the header of a segment")]
    Header,
    #[error("the length of the record is impossible")]
    Length,
    #[error("records are missing")]
    Missing,
    #[error("the sealed personal data was changed")]
    Personal,
    #[error("the sealed record was changed")]
    Seal,
    #[error("the record has the wrong sequence number")]
    Sequence,
    #[error("the record ends too early")]
    Short,
    #[error("the record is another tenant's than it says inside")]
    Tenant,
    #[error("the version of the format is not known")]
    Version,
}
