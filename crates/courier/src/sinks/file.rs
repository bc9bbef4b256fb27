//! One line a record, at the end of a file that only its owner reads.
//!
//! The file is opened for every batch, so that it can be moved away at any time (logrotate). A batch is durable when it
//! was taken; one that does not fit is taken back whole. What a crash left torn stays a line of its own.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_ledger::Record;
use gabion_telemetry::Source;
use tokio::sync::Mutex;

use super::settings::{SinkFormat, SinkSettings};
use super::{SinkError, blocking};

pub(super) struct FileSink {
    path: PathBuf,
    format: SinkFormat,
    /// Held by the one write there is, also by one that nobody waits for any more.
    turn: Arc<Mutex<()>>,
}

impl FileSink {
    pub(super) fn new(settings: &SinkSettings) -> Self {
        let path = settings.path.clone().unwrap_or_default();
        Self { path, format: settings.format, turn: Arc::default() }
    }

    pub(super) async fn deliver(&self, source: &Source<'_>, batch: &[Record]) -> Result<(), SinkError> {
        let mut lines = String::new();
        for record in batch {
            lines.push_str(&self.format.line(source, record));
            lines.push('\n');
        }
        let (path, turn) = (self.path.clone(), Arc::clone(&self.turn).lock_owned().await);
        blocking(move || {
            let written = append(&path, &lines);
            drop(turn);
            written
        })
        .await?;
        Ok(())
    }
}

fn append(path: &Path, lines: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let before = metadata.len();
    let written = (|| {
        if before > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        file.write_all(lines.as_bytes())?;
        file.sync_data()
    })();
    if written.is_err() {
        // The cause is told; the batch comes again.
        let _ = file.set_len(before);
    }
    written
}
