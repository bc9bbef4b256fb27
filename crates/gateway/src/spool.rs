//! What judging uploads needs from outside: unlinked files, threads for long work, and the virus scanner.

use std::fmt;
use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use gabion_checks::upload::{Outside, Scanner, Settings, Spool};
use gabion_model::outbound::BoxFuture;
use tokio::sync::Semaphore;

use crate::upstream::antivirus;

/// Room and time for uploads.
#[derive(Debug)]
pub struct UploadRoom {
    directory: PathBuf,
    limit: u64,
    /// How much long work is done at once.
    turns: Arc<Semaphore>,
    scanner: Option<Arc<dyn Scanner>>,
}

impl UploadRoom {
    /// Files lie in `directory`, which is made when it is needed. No name leads to them, and they are gone with the
    /// process.
    #[must_use]
    pub fn new(settings: &Settings, directory: &Path) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            directory: directory.to_owned(),
            limit: settings.spool.bytes(),
            turns: Arc::new(Semaphore::new(cores.saturating_mul(2).max(4))),
            scanner: settings.antivirus.as_ref().map(antivirus::scanner),
        }
    }
}

impl Outside for UploadRoom {
    fn spool(&self) -> io::Result<Box<dyn Spool>> {
        std::fs::create_dir_all(&self.directory)?;
        let file = tempfile::tempfile_in(&self.directory)?;
        Ok(Box::new(Spooled { file, length: 0, limit: self.limit }))
    }

    fn aside(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
        let turns = Arc::clone(&self.turns);
        Box::pin(async move {
            let Ok(turn) = turns.acquire_owned().await else { return };
            let done = tokio::task::spawn_blocking(move || {
                work();
                drop(turn);
            });
            if let Err(error) = done.await {
                tracing::error!(%error, "judging an upload failed");
            }
        })
    }

    fn scanner(&self) -> Option<Arc<dyn Scanner>> {
        self.scanner.clone()
    }
}

/// One request's room.
struct Spooled {
    file: File,
    length: u64,
    limit: u64,
}

impl Spool for Spooled {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let more = bytes.len() as u64;
        let used = USED.fetch_add(more, Relaxed);
        if used.saturating_add(more) > self.limit {
            USED.fetch_sub(more, Relaxed);
            tracing::warn!(limit = self.limit, "no room in the spool");
            return Err(io::ErrorKind::StorageFull.into());
        }
        let at = self.length;
        self.length = self.length.saturating_add(more);
        self.file.write_all_at(bytes, at)
    }

    fn read(&mut self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(into, at)
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        USED.fetch_sub(self.length, Relaxed);
    }
}

impl fmt::Debug for Spooled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Spooled").field("length", &self.length).finish_non_exhaustive()
    }
}

/// Bytes in all spools of the process, also across a reload.
static USED: AtomicU64 = AtomicU64::new(0);

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::ByteSize;

    #[test]
    fn a_spool_keeps_what_it_was_given_and_no_name() {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings { spool: ByteSize::new(1_000_000_000), ..Settings::default() };
        let room = UploadRoom::new(&settings, &directory.path().join("spool"));
        let mut spool = room.spool().unwrap();
        spool.append(b"hello ").unwrap();
        spool.append(b"world").unwrap();
        let mut read = [0; 5];
        spool.read(6, &mut read).unwrap();
        assert_eq!(&read, b"world");
        assert!(spool.read(8, &mut read).is_err(), "not that much");
        assert_eq!(
            std::fs::read_dir(directory.path().join("spool")).unwrap().count(),
            0,
            "no name leads there"
        );
        let none = UploadRoom::new(&Settings { spool: ByteSize::new(4), ..settings }, directory.path());
        assert!(none.spool().unwrap().append(b"hello").is_err());
    }
}
