//! What can go wrong with an archive, by who has to know it.

use std::io;
use std::path::PathBuf;

use gabion_egress::TlsError;
use gabion_ledger::archive::{MalformedManifest, NoSegment};
use gabion_ledger::{Position, ReadError, SealError, SegmentId};
use gabion_model::outbound::FetchError;

/// Something was not copied, or not read. Alphabetical.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The segment here is not the one that was sealed.
    #[error("record {0} is not the one that was sealed")]
    Changed(Position),
    #[error("`{0}` is there already, and is something else")]
    Conflict(String),
    #[error("`{name}` of the archive is no copy of a segment: {reason}")]
    Copy { name: String, reason: NoSegment },
    #[error("it cannot be reached: {0}")]
    Fetch(#[from] FetchError),
    /// Records between two copies are nowhere.
    #[error("the archive has no record {0}, and later ones")]
    Gap(Position),
    #[error("`{0}` is in the way")]
    InTheWay(PathBuf),
    #[error("the directory of the archive: {0}")]
    Io(#[from] io::Error),
    #[error("`{name}` of the archive is not believed: {reason}")]
    Manifest { name: String, reason: MalformedManifest },
    #[error("`{0}` is not in the archive")]
    Missing(String),
    #[error("the archive has nothing of that range")]
    Nothing,
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The copies are not what the log signed.
    #[error("the records of segment {0} of the archive do not come to the root that was signed")]
    Root(SegmentId),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("`{path}` holds no secret: {reason}")]
    Secret { path: PathBuf, reason: String },
    /// With the server's own word for it, where it is one.
    #[error("it answered with status {status}{}", word(code))]
    Status { status: u16, code: String },
    /// What came back is not what was sent.
    #[error("`{0}` came back as something else")]
    Wrong(String),
}

impl ArchiveError {
    /// Whether it is a contradiction, which no further try ends.
    #[must_use]
    pub const fn contradicts(&self) -> bool {
        matches!(
            self,
            Self::Changed(_) | Self::Conflict(_) | Self::Copy { .. } | Self::Manifest { .. } | Self::Wrong(_)
        )
    }
}

fn word(code: &str) -> String {
    if code.is_empty() { String::new() } else { format!(" ({code})") }
}

/// An archive cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveSetupError {
    #[error("`ledger.archive.{0}` is missing")]
    Missing(&'static str),
    #[error("its connection cannot be secured: {0}")]
    Tls(#[from] TlsError),
    #[error("its address cannot be used: {0}")]
    Url(String),
}
