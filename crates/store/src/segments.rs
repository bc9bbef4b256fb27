//! Segments of the ledger as files.
//!
//! One file per segment, `<number, 20 digits>.segment`, mode 0600, in a directory of its own (0700).
//! A file appears under its name with its header whole and durable (written beside, synced, renamed,
//! directory synced). It is opened with `O_APPEND`; [`sync`](SegmentStorage::sync) is `fdatasync`.
//! Names that are not segments are left alone.
//!
//! A header is replaced in place, its new bytes durable beside it first (`<number>.header`): where a crash tears it, whoever
//! opens the directory next as its owner ([`SegmentFiles::mend`]) writes it again.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gabion_ledger::{SegmentId, SegmentSource, SegmentStorage};

use crate::directory::{replace, sync_directory};

/// Segment files in one directory.
#[derive(Debug)]
pub struct SegmentFiles {
    directory: PathBuf,
    /// The segment being appended to, kept open.
    open: Mutex<Option<(SegmentId, Arc<File>)>>,
}

const HEADER: &str = ".header";

impl SegmentFiles {
    /// Opens the directory, made where there is none. An auditor may open a copy without any lock.
    pub fn open(directory: &Path) -> io::Result<Self> {
        if !directory.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
            if let Some(parent) = directory.parent() {
                sync_directory(parent)?;
            }
        }
        Ok(Self { directory: directory.to_owned(), open: Mutex::new(None) })
    }

    /// Ends what a crash interrupted. Only for the owner of the directory's lock.
    pub fn mend(&self) -> io::Result<()> {
        for segment in self.names(HEADER)? {
            let path = self.directory.join(format!("{:020}{HEADER}", segment.0));
            match self.write_header(segment, &fs::read(&path)?) {
                // Its segment was removed since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                written => written?,
            }
            fs::remove_file(&path)?;
        }
        sync_directory(&self.directory)
    }

    fn write_header(&self, segment: SegmentId, header: &[u8]) -> io::Result<()> {
        // Not the one that appends: it would write at the end, wherever it was told to.
        let file = OpenOptions::new().write(true).open(self.path(segment))?;
        file.write_all_at(header, 0)?;
        file.sync_data()
    }

    fn names(&self, suffix: &str) -> io::Result<Vec<SegmentId>> {
        let mut segments = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            segments.extend(entry?.file_name().to_str().and_then(|name| parse_name(name, suffix)));
        }
        segments.sort_unstable();
        Ok(segments)
    }

    fn path(&self, segment: SegmentId) -> PathBuf {
        self.directory.join(segment.file_name())
    }

    /// The file, open for appending and reading.
    fn file(&self, segment: SegmentId) -> io::Result<Arc<File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((number, file)) = &*open
            && *number == segment
        {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(OpenOptions::new().read(true).append(true).open(self.path(segment))?);
        *open = Some((segment, Arc::clone(&file)));
        Ok(file)
    }

    fn forget(&self, segment: SegmentId) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.as_ref().is_some_and(|(number, _)| *number == segment) {
            *open = None;
        }
    }
}

fn parse_name(name: &str, suffix: &str) -> Option<SegmentId> {
    SegmentId::from_file_name(&format!("{}.segment", name.strip_suffix(suffix)?))
}

impl SegmentSource for SegmentFiles {
    fn list(&self) -> io::Result<Vec<SegmentId>> {
        self.names(".segment")
    }

    fn size(&self, segment: SegmentId) -> io::Result<u64> {
        Ok(fs::metadata(self.path(segment))?.len())
    }

    fn read(&self, segment: SegmentId, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let file = File::open(self.path(segment))?;
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

impl SegmentStorage for SegmentFiles {
    fn create(&self, segment: SegmentId, header: &[u8]) -> io::Result<()> {
        self.forget(segment);
        replace(&self.directory, &segment.file_name(), header)
    }

    fn append(&self, segment: SegmentId, bytes: &[u8]) -> io::Result<usize> {
        let file = self.file(segment)?;
        loop {
            match (&*file).write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => return written,
            }
        }
    }

    fn sync(&self, segment: SegmentId) -> io::Result<()> {
        self.file(segment)?.sync_data()
    }

    fn truncate(&self, segment: SegmentId, size: u64) -> io::Result<()> {
        let file = self.file(segment)?;
        file.set_len(size)?;
        file.sync_all()
    }

    fn replace_header(&self, segment: SegmentId, header: &[u8]) -> io::Result<()> {
        let name = format!("{:020}{HEADER}", segment.0);
        replace(&self.directory, &name, header)?;
        self.write_header(segment, header)?;
        fs::remove_file(self.directory.join(name))
    }

    fn remove(&self, segment: SegmentId) -> io::Result<()> {
        self.forget(segment);
        fs::remove_file(self.path(segment))?;
        sync_directory(&self.directory)
    }
}
