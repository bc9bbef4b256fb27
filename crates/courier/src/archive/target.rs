//! Where an archive is, and what can be done there: put an object that is not there yet, read one, list the manifests.

use std::io;
use std::sync::Arc;

use gabion_ledger::archive::piece;
use gabion_ledger::{ArchiveSettings, SegmentId, SegmentSource};
use gabion_model::Clock;
use tokio::sync::mpsc;

use super::directory::DirectoryTarget;
use super::s3::S3Target;
use super::{ArchiveError, ArchiveSetupError};

/// A place.
#[derive(Debug)]
pub(super) enum Target {
    Directory(DirectoryTarget),
    S3(Box<S3Target>),
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    Made,
    /// There is one of this name; it was not touched.
    There,
}

/// What is put.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) content: Content,
    pub(super) sha256: [u8; 32],
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Bytes(Vec<u8>),
    Segment { source: Arc<dyn SegmentSource>, segment: SegmentId, size: u64 },
}

/// Takes what is read, piece by piece.
pub(super) type Take<'a> = &'a mut (dyn FnMut(&[u8]) -> Result<(), ArchiveError> + Send);

impl Target {
    pub(super) fn new(settings: &ArchiveSettings, clock: Arc<dyn Clock>) -> Result<Self, ArchiveSetupError> {
        match &settings.directory {
            Some(directory) => Ok(Self::Directory(DirectoryTarget::new(directory))),
            None => S3Target::new(settings, clock).map(Box::new).map(Self::S3),
        }
    }

    /// For people; also what says that it is another one now.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Directory(target) => target.name(),
            Self::S3(target) => target.name(),
        }
    }

    /// Puts an object where there is none of that name; durable on return.
    pub(super) async fn put(&self, name: &str, object: Object) -> Result<Put, ArchiveError> {
        match self {
            Self::Directory(target) => target.put(name, object.content).await,
            Self::S3(target) => target.put(name, object).await,
        }
    }

    /// Reads an object of at most so many bytes; whether it is there.
    pub(super) async fn read(&self, name: &str, most: u64, take: Take<'_>) -> Result<bool, ArchiveError> {
        match self {
            Self::Directory(target) => target.read(name, most, take).await,
            Self::S3(target) => target.read(name, most, take).await,
        }
    }

    /// The same, held whole.
    pub(super) async fn whole(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>, ArchiveError> {
        let mut bytes = Vec::new();
        let mut take = |piece: &[u8]| {
            if piece.len() > most.saturating_sub(bytes.len()) {
                return Err(ArchiveError::Wrong(name.to_owned()));
            }
            bytes.extend_from_slice(piece);
            Ok(())
        };
        let is_there = self.read(name, most as u64, &mut take).await?;
        Ok(is_there.then_some(bytes))
    }

    /// The segments that have a manifest, ascending.
    pub(super) async fn segments(&self) -> Result<Vec<SegmentId>, ArchiveError> {
        match self {
            Self::Directory(target) => target.segments().await,
            Self::S3(target) => target.segments().await,
        }
    }
}

impl Content {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Segment { size, .. } => *size,
        }
    }

    /// Hands it over in pieces; ends early where nobody takes them.
    pub(super) fn pieces(self, mut take: impl FnMut(Vec<u8>) -> io::Result<()>) -> io::Result<()> {
        match self {
            Self::Bytes(bytes) => take(bytes),
            Self::Segment { source, segment, size } => {
                let mut at = 0;
                while at < size {
                    let length = size.saturating_sub(at).min(PIECE);
                    let length = usize::try_from(length).unwrap_or_default();
                    take(piece(&source, segment, at, length)?)?;
                    at = at.saturating_add(length as u64);
                }
                Ok(())
            }
        }
    }

    /// The same on a thread that may block.
    pub(super) fn stream(self) -> mpsc::Receiver<io::Result<Vec<u8>>> {
        let (sender, pieces) = mpsc::channel(PIECES);
        tokio::task::spawn_blocking(move || {
            let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
            let sent = self.pieces(|piece| sender.blocking_send(Ok(piece)).map_err(gone));
            if let Err(error) = sent {
                // Nobody listens: then nobody needs to know.
                let _ = sender.blocking_send(Err(error));
            }
        });
        pieces
    }
}

/// Bytes read at once.
const PIECE: u64 = 256 << 10;
/// Pieces that wait to be sent.
const PIECES: usize = 4;

/// The name of a segment's copy.
pub(super) fn copy(segment: SegmentId) -> String {
    segment.file_name()
}

/// The name of its manifest.
pub(super) fn manifest(segment: SegmentId) -> String {
    format!("{MANIFESTS}/{}", manifest_file(segment))
}

pub(super) fn manifest_file(segment: SegmentId) -> String {
    format!("{:020}{SUFFIX}", segment.0)
}

/// The segment a file in the folder of manifests tells of; none where it is none.
pub(super) fn told(file: &str) -> Option<SegmentId> {
    let digits = file.strip_suffix(SUFFIX)?;
    SegmentId::from_file_name(&format!("{digits}.segment"))
}

pub(super) const MANIFESTS: &str = "manifests";
const SUFFIX: &str = ".json";
