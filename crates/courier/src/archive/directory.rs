//! An archive in a directory, best one of another machine. An object appears under its name whole and durable, and never in the
//! place of another: it is written beside, synced, and linked (`link` makes no name that is there).

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use gabion_ledger::SegmentId;

use super::ArchiveError;
use super::target::{Content, MANIFESTS, Put, Take, told};

#[derive(Debug)]
pub(super) struct DirectoryTarget {
    directory: PathBuf,
}

impl DirectoryTarget {
    pub(super) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    pub(super) fn name(&self) -> String {
        self.directory.display().to_string()
    }

    pub(super) async fn put(&self, name: &str, content: Content) -> Result<Put, ArchiveError> {
        let path = self.directory.join(name);
        blocking(move || put(&path, |take| content.pieces(take))).await
    }

    pub(super) async fn read(&self, name: &str, most: u64, take: Take<'_>) -> Result<bool, ArchiveError> {
        let path = self.directory.join(name);
        let opened = blocking(move || match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            // A pipe would be waited for.
            Ok(found) if !found.is_file() => Err(io::ErrorKind::InvalidInput.into()),
            Ok(_) => File::open(&path).map(Some),
        });
        let Some(mut file) = opened.await? else { return Ok(false) };
        let mut left = most;
        loop {
            let (back, piece) = blocking(move || {
                let mut piece = Vec::new();
                (&mut file).take(PIECE).read_to_end(&mut piece)?;
                Ok((file, piece))
            })
            .await?;
            file = back;
            if piece.is_empty() {
                return Ok(true);
            }
            left =
                left.checked_sub(piece.len() as u64).ok_or_else(|| ArchiveError::Wrong(name.to_owned()))?;
            take(&piece)?;
        }
    }

    pub(super) async fn segments(&self) -> Result<Vec<SegmentId>, ArchiveError> {
        let folder = self.directory.join(MANIFESTS);
        let directory = self.directory.clone();
        blocking(move || {
            let listed = match fs::read_dir(&folder) {
                // Nothing was copied yet; but the place itself has to be there.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return fs::metadata(&directory).map(|_| Vec::new());
                }
                listed => listed?,
            };
            let mut segments = Vec::new();
            for entry in listed {
                segments.extend(entry?.file_name().to_str().and_then(told));
            }
            segments.sort_unstable();
            Ok(segments)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ArchiveError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(io::Error::other)??)
}

/// Makes a file whole and durable, unless there is one of that name.
pub(super) fn put(
    path: &Path,
    write: impl FnOnce(&mut dyn FnMut(Vec<u8>) -> io::Result<()>) -> io::Result<()>,
) -> io::Result<Put> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Err(io::ErrorKind::InvalidFilename.into());
    };
    if path.try_exists()? {
        return Ok(Put::There);
    }
    if !folder.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        if let Some(above) = folder.parent() {
            File::open(above)?.sync_all()?;
        }
    }
    let beside = folder.join(format!(".{name}.part"));
    let made = (|| {
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        write(&mut |piece: Vec<u8>| file.write_all(&piece))?;
        file.sync_all()?;
        match fs::hard_link(&beside, path) {
            Ok(()) => Ok(Put::Made),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Put::There),
            // Some file systems have no links.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) =>
            {
                fs::rename(&beside, path).map(|()| Put::Made)
            }
            Err(error) => Err(error),
        }
    })();
    // A leftover is harmless and replaced by the next attempt.
    let _ = fs::remove_file(&beside);
    File::open(folder)?.sync_all()?;
    made
}

const PIECE: u64 = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tree/tile/0/000");
        let write = |text: &'static [u8]| {
            put(&path, move |take: &mut dyn FnMut(Vec<u8>) -> io::Result<()>| take(text.to_vec()))
        };
        assert_eq!(write(b"one").unwrap(), Put::Made);
        assert_eq!(write(b"two").unwrap(), Put::There);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
        let failed = put(&path.with_extension("new"), |_| Err(io::ErrorKind::StorageFull.into()));
        assert!(failed.is_err());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
