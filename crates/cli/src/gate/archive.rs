//! The copy of the ledger's finished segments: how far it is, in a small file of the data directory.

use std::io;
use std::sync::Arc;

use gabion_courier::{Archive, ArchiveProgress, ArchiveSetupError, Archived, Pace};
use gabion_gateway::{Probe, Reading};
use gabion_store::Directory;

use super::state::State;
use crate::config::Config;
use crate::failure::Failure;

/// Its name.
const FILE: &str = "ledger-archive";

/// How far the archive is.
#[derive(Debug)]
pub(crate) struct Kept(pub(crate) Directory);

impl ArchiveProgress for Kept {
    fn read(&self) -> io::Result<Option<String>> {
        let bytes = self.0.read_file(FILE).map_err(io::Error::other)?;
        Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    fn write(&self, line: &str) -> io::Result<()> {
        self.0.write_file(FILE, line.as_bytes()).map_err(io::Error::other)
    }
}

/// Begins to copy, where the configuration names a place.
///
/// # Errors
/// When the place cannot be used.
pub(crate) fn start(config: &Config, state: &State) -> Result<Archive, Failure> {
    let archived = Archived {
        ledger: state.ledger.clone(),
        tree: Arc::new(state.directory.ledger_tree()),
        key: super::state::seal(&state.directory, config, &*state.rng)?.key,
        retention: Arc::clone(&state.retention),
        progress: Arc::new(Kept(state.directory.clone())),
        board: state.archive.clone(),
        clock: Arc::clone(&state.clock),
        pace: Pace::default(),
    };
    Archive::start(config.ledger.archive.as_ref(), archived).map_err(|error: ArchiveSetupError| {
        Failure::new("the ledger's archive cannot be used")
            .because(&error)
            .hint("see the table `[ledger.archive]`")
    })
}

/// How far it is; nothing where there is none.
pub(super) fn probes(config: &Config, state: &State) -> Vec<Probe> {
    if config.ledger.archive.is_none() {
        return Vec::new();
    }
    let reading = |count: u64| Reading { value: u32::try_from(count).unwrap_or(u32::MAX).into(), well: true };
    let (records, waiting, failing) = (state.archive.clone(), state.archive.clone(), state.archive.clone());
    let records = move || reading(records.standing().and_then(|it| it.record).map_or(0, |record| record.0));
    let waiting = move || reading(waiting.standing().map_or(0, |it| it.waiting));
    let failing = move || reading(u64::from(failing.standing().is_some_and(|it| it.failing.is_some())));
    vec![
        Probe {
            name: "ledger_archived_records",
            help: "the last record that is in the archive",
            read: Box::new(records),
        },
        Probe {
            name: "ledger_archive_waiting",
            help: "finished segments that are not in the archive yet",
            read: Box::new(waiting),
        },
        Probe {
            name: "ledger_archive_failing",
            help: "1 when the last try to copy to the archive failed",
            read: Box::new(failing),
        },
    ]
}
