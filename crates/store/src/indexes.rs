//! Indexes of the ledger as files: one beside each finished segment, `index/<number, 20 digits>.index`, modes 0600 and 0700. They
//! are a cache: nothing is synced, and all of them may be removed.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};

use gabion_ledger::{IndexFile, IndexStorage, SegmentId};

use crate::directory::place;

/// Index files in one directory.
#[derive(Debug)]
pub struct IndexFiles {
    directory: PathBuf,
}

#[derive(Debug)]
struct Open(File);

const SUFFIX: &str = ".index";

impl IndexFiles {
    /// Opens the directory; it is made with the first file.
    #[must_use]
    pub fn open(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    fn path(&self, segment: SegmentId) -> PathBuf {
        self.directory.join(file_name(segment))
    }
}

fn file_name(segment: SegmentId) -> String {
    format!("{:020}{SUFFIX}", segment.0)
}

fn parse_name(name: &str) -> Option<SegmentId> {
    let segment = name.strip_suffix(SUFFIX)?.parse().ok().map(SegmentId)?;
    (file_name(segment) == name).then_some(segment)
}

fn there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

impl IndexStorage for IndexFiles {
    fn open(&self, segment: SegmentId) -> io::Result<Option<Box<dyn IndexFile>>> {
        let file = there(File::open(self.path(segment)))?;
        Ok(file.map(|file| Box::new(Open(file)) as Box<dyn IndexFile>))
    }

    fn put(&self, segment: SegmentId, bytes: &[u8]) -> io::Result<()> {
        if !self.directory.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        }
        place(&self.directory, &file_name(segment), bytes)
    }

    fn remove(&self, segment: SegmentId) -> io::Result<()> {
        there(fs::remove_file(self.path(segment))).map(drop)
    }

    fn list(&self) -> io::Result<Vec<SegmentId>> {
        let mut segments = Vec::new();
        for entry in there(fs::read_dir(&self.directory))?.into_iter().flatten() {
            segments.extend(entry?.file_name().to_str().and_then(parse_name));
        }
        segments.sort_unstable();
        Ok(segments)
    }
}

impl IndexFile for Open {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let files = IndexFiles::open(&folder.path().join("index"));
        assert_eq!(files.list().unwrap(), []);
        assert!(IndexStorage::open(&files, SegmentId(7)).unwrap().is_none());
        files.remove(SegmentId(7)).unwrap();
        files.put(SegmentId(7), b"first").unwrap();
        fs::write(folder.path().join("index/9.index"), "no index").unwrap();
        assert_eq!(files.list().unwrap(), [SegmentId(7)]);
        let open = IndexStorage::open(&files, SegmentId(7)).unwrap().unwrap();
        files.put(SegmentId(7), b"second").unwrap();
        let mut buffer = [0; 3];
        open.read(2, &mut buffer).unwrap();
        assert_eq!((open.size().unwrap(), &buffer), (5, b"rst"));
        assert!(open.read(3, &mut buffer).is_err(), "beyond its end");
        files.remove(SegmentId(7)).unwrap();
        assert_eq!(files.list().unwrap(), []);
    }
}
