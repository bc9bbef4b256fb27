//! Where segments live, as a trait: files in `store`, memory and injected faults here.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

pub mod faulty;
pub mod memory;
#[cfg(feature = "write")]
pub mod memory_index;
pub mod memory_tenants;

/// The number of a segment; they are numbered from 1 and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SegmentId(pub u64);

impl SegmentId {
    pub const FIRST: Self = Self(1);

    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The name of its file: the number in 20 digits, and `.segment`.
    #[must_use]
    pub fn file_name(self) -> String {
        format!("{:020}{SUFFIX}", self.0)
    }

    /// From the name of a file; none when the file is no segment.
    #[must_use]
    pub fn from_file_name(name: &str) -> Option<Self> {
        let digits = name.strip_suffix(SUFFIX)?;
        let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok().map(Self)).flatten()
    }
}

const SUFFIX: &str = ".segment";

impl fmt::Display for SegmentId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Reading segments: all that an auditor needs.
pub trait SegmentSource: Send + Sync + fmt::Debug {
    /// Every segment, ascending.
    fn list(&self) -> io::Result<Vec<SegmentId>>;

    /// Bytes the segment holds.
    fn size(&self, segment: SegmentId) -> io::Result<u64>;

    /// Reads from `offset` into `buffer`; the number of bytes read is less than asked for only at the
    /// segment's end, and 0 behind it.
    fn read(&self, segment: SegmentId, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

/// Writing segments. One writer at a time; the owner of the directory's lock.
pub trait SegmentStorage: SegmentSource {
    /// Makes a segment holding `header`, whole or not at all, durable on return. An existing one of
    /// the same number is replaced.
    fn create(&self, segment: SegmentId, header: &[u8]) -> io::Result<()>;

    /// Appends at the end and says how many of the bytes were taken (possibly fewer than given).
    /// Durable only after [`sync`](Self::sync).
    fn append(&self, segment: SegmentId, bytes: &[u8]) -> io::Result<usize>;

    /// Everything appended to the segment is durable on return. After an error it is unknown which
    /// bytes are.
    fn sync(&self, segment: SegmentId) -> io::Result<()>;

    /// Cuts the segment to `size` bytes, durable on return.
    fn truncate(&self, segment: SegmentId, size: u64) -> io::Result<()>;

    /// Replaces the header of a segment by one of the same length, durable on return. A crash leaves one of the two.
    fn replace_header(&self, segment: SegmentId, header: &[u8]) -> io::Result<()>;

    /// Removes the segment.
    fn remove(&self, segment: SegmentId) -> io::Result<()>;
}
