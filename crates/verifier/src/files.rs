//! The files of a ledger, for reading only.
//!
//! Whoever made them may be the enemy: a file that is not a plain file is not opened (a pipe would be waited for), and
//! what has a bound is read no further than that.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_ledger::tenants::Mark;
use gabion_ledger::{Reader, SegmentId, SegmentSource, TenantStorage, TenantTag, TreeStorage};
use gabion_tlog::tile::Tile;
use gabion_tlog::{Hash, Note, note};

use crate::Refusal;
use crate::check::unread;

/// A directory with segments, and the folder `tree` in it with tiles and a checkpoint.
#[derive(Debug, Clone)]
pub struct Files {
    segments: Arc<dyn SegmentSource>,
    pub tree: Arc<dyn TreeStorage>,
    /// The tenants' own logs.
    pub tenants: Arc<dyn TenantStorage>,
}

impl Files {
    /// `directory` holds the segments itself, or a folder `ledger` that does, as a gate's data directory has it.
    pub fn open(directory: &Path) -> Result<Self, Refusal> {
        let inner = directory.join("ledger");
        let directory = if inner.is_dir() { inner } else { directory.to_owned() };
        let segments = Segments { directory: directory.clone() };
        if !directory.is_dir() || segments.list().is_ok_and(|list| list.is_empty()) {
            return Err(Refusal::new(format!("there is no ledger at `{}`", directory.display()))
                .hint("segments are files like `00000000000000000001.segment`"));
        }
        let tree = Arc::new(Tree { directory: directory.join("tree") });
        let tenants = Arc::new(Tenants { directory: directory.join("tenants") });
        Ok(Self { segments: Arc::new(segments), tree, tenants })
    }

    /// The records. Ask after the checkpoint was read: a gate that is running writes on, and what it signed last must
    /// be among what is read.
    pub fn reader(&self) -> Result<Reader, Refusal> {
        Reader::open(Arc::clone(&self.segments)).map_err(|error| unread(&error))
    }

    /// The last checkpoint.
    pub fn checkpoint(&self) -> Result<Note, Refusal> {
        let bytes = self.tree.checkpoint().map_err(|error| unread(&error))?;
        let bytes = bytes.ok_or_else(|| {
            Refusal::new("the ledger has no checkpoint, so nothing vouches for it")
                .hint("a gate writes one each second; was the directory `ledger/tree` copied, too?")
        })?;
        Note::parse(&bytes).map_err(|error| unread(&error))
    }

    /// The last checkpoint that enough witnesses cosigned, as the gate kept it; none when there never was one.
    pub fn cosigned(&self) -> Result<Option<Note>, Refusal> {
        let bytes = self.tree.cosigned().map_err(|error| unread(&error))?;
        bytes.map(|bytes| Note::parse(&bytes).map_err(|error| unread(&error))).transpose()
    }
}

/// A file of at most so many bytes.
pub fn read(path: &Path, most: usize) -> Result<Vec<u8>, Refusal> {
    bounded(path, most)
        .and_then(|bytes| bytes.ok_or_else(|| io::ErrorKind::NotFound.into()))
        .map_err(|error| Refusal::new(format!("cannot read `{}`", path.display())).because(&error))
}

#[derive(Debug)]
struct Segments {
    directory: PathBuf,
}

impl Segments {
    fn file(&self, segment: SegmentId) -> io::Result<File> {
        plain(&self.directory.join(segment.file_name()))
    }
}

impl SegmentSource for Segments {
    fn list(&self) -> io::Result<Vec<SegmentId>> {
        let mut segments = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            segments.extend(entry?.file_name().to_str().and_then(SegmentId::from_file_name));
        }
        segments.sort_unstable();
        Ok(segments)
    }

    fn size(&self, segment: SegmentId) -> io::Result<u64> {
        Ok(fs::metadata(self.directory.join(segment.file_name()))?.len())
    }

    fn read(&self, segment: SegmentId, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let file = self.file(segment)?;
        let mut read = 0;
        while let Some(rest) = buffer.get_mut(read..)
            && !rest.is_empty()
        {
            match file.read_at(rest, offset.saturating_add(read as u64)) {
                Ok(0) => break,
                Ok(count) => read += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }
}

#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) directory: PathBuf,
}

impl TreeStorage for Tree {
    fn tile(&self, tile: Tile) -> io::Result<Option<Vec<u8>>> {
        bounded(&self.directory.join(tile.to_string()), usize::from(tile.width) * Hash::SIZE)
    }

    fn put_tile(&self, _: Tile, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        bounded(&self.directory.join("checkpoint"), note::LONGEST)
    }

    fn put_checkpoint(&self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn cosigned(&self) -> io::Result<Option<Vec<u8>>> {
        bounded(&self.directory.join("cosigned"), note::LONGEST)
    }

    fn put_cosigned(&self, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

#[derive(Debug)]
struct Tenants {
    directory: PathBuf,
}

impl TenantStorage for Tenants {
    fn list(&self) -> io::Result<Vec<TenantTag>> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut tenants = Vec::new();
        for entry in entries {
            tenants.extend(entry?.file_name().to_str().and_then(TenantTag::parse));
        }
        tenants.sort_unstable();
        Ok(tenants)
    }

    fn tree(&self, tenant: TenantTag) -> Arc<dyn TreeStorage> {
        Arc::new(Tree { directory: self.directory.join(tenant.to_string()) })
    }

    fn mark(&self) -> io::Result<Option<Mark>> {
        let bytes = bounded(&self.directory.join("through"), Mark::LONGEST)?;
        Ok(bytes.and_then(|bytes| Mark::parse(&bytes)))
    }

    fn put_mark(&self, _: Mark) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

/// Opens a plain file, and nothing that is waited for.
pub(crate) fn plain(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"));
    }
    File::open(path)
}

fn bounded(path: &Path, most: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match plain(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {most} bytes")));
    }
    Ok(Some(bytes))
}
