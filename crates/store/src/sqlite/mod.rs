//! Identity's storage on SQLite: one file, opened by one process (the data directory's lock sees to
//! that), written ahead and synchronised at every commit, so that what was acknowledged survives
//! `kill -9` and power loss.

mod accounts;
mod clients;
mod declared;
mod documents;
mod factors;
mod federation;
mod group;
mod groups;
mod incidents;
mod invitations;
mod keys;
mod mail;
mod migrations;
mod oauth;
mod resources;
mod sessions;
mod signing_keys;
mod subjects;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gabion_identity::StorageError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use self::group::Writer;
pub use self::subjects::SubjectKeys;

/// An open database. Cheap to clone; the clones share two connections, one that reads and one that
/// writes, so that a sign-in does not wait for another's disk.
#[derive(Clone)]
pub struct Database(Arc<Connections>);

struct Connections {
    reader: Mutex<Connection>,
    writer: Writer,
}

/// Why the database cannot be opened. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseError {
    #[error("the database is damaged: {0}")]
    Damaged(String),
    #[error("the database cannot be opened: {0}")]
    Io(String),
    /// A later Gabion wrote it; opening it would lose what it knows.
    #[error(
        "the database has schema version {found} and this gabion knows versions up to {known}: use the newer gabion"
    )]
    Newer { found: u32, known: u32 },
    #[error("the file is a database of another program")]
    NotOurs,
}

impl Database {
    /// Opens the database, makes it when there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// When it cannot be read and written, is not ours, is damaged, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        create_private(path)?;
        let mut writer = connect(path)?;
        migrations::run(&mut writer)?;
        let reader = connect(path)?;
        reader.pragma_update(None, "query_only", true)?;
        Ok(Self(Arc::new(Connections { reader: Mutex::new(reader), writer: Writer::new(writer) })))
    }

    /// Opens a database that another process may have open, and that is up to date, to look things up; it cannot be written.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open_to_read(path: &Path) -> Result<Self, DatabaseError> {
        let connection = || -> Result<Connection, DatabaseError> {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY)?;
            connection.pragma_update(None, "trusted_schema", false)?;
            connection.pragma_update(None, "query_only", true)?;
            Ok(connection)
        };
        let (reader, writer) = (Mutex::new(connection()?), Writer::new(connection()?));
        Ok(Self(Arc::new(Connections { reader, writer })))
    }

    /// Refuses to let the database grow beyond so many pages of 4 KiB: writes that would are answered
    /// with [`StorageError::Full`] and change nothing.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn limit_pages(&self, pages: u32) -> Result<(), DatabaseError> {
        let limit =
            |writer: &Connection| writer.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()));
        Ok(self.0.writer.with(limit)?)
    }

    /// Looks the whole file over, as `gabion doctor` does.
    ///
    /// # Errors
    /// [`DatabaseError::Damaged`] with what SQLite found.
    pub fn check(&self) -> Result<(), DatabaseError> {
        let reader = self.0.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict: String = reader.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        if verdict == "ok" { Ok(()) } else { Err(DatabaseError::Damaged(verdict)) }
    }

    /// Moves what was written ahead into the file and empties the log, so that nothing that was deleted stays there.
    fn truncate_log(&self) -> Result<(), StorageError> {
        // The reader waits: what it is in the middle of would keep the log.
        let _reader = self.0.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = self.0.writer.with(|writer| {
            writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        });
        match busy.map_err(Failure::from) {
            Ok(0) => Ok(()),
            Ok(_) => Err(StorageError::Io("another program holds the database's log".to_owned())),
            Err(Failure(error)) => Err(error),
        }
    }

    fn read<T>(&self, act: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, StorageError> {
        let reader = self.0.reader.lock().unwrap_or_else(PoisonError::into_inner);
        act(&reader).map_err(|Failure(error)| error)
    }

    /// Runs `act` in a transaction that is committed when this returns and has no trace of `act` when it
    /// fails. Callers at the same time share the commit.
    fn write<T>(&self, act: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, StorageError> {
        self.0.writer.run(act)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Database").finish_non_exhaustive()
    }
}

/// A storage error that `?` makes from SQLite's.
struct Failure(StorageError);

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self(match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StorageError::Full,
            Some(ErrorCode::ConstraintViolation) => StorageError::Taken,
            _ => StorageError::Io(error.to_string()),
        })
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self(error)
    }
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error.to_string()),
            _ => Self::Io(error.to_string()),
        }
    }
}

/// Makes the file, readable by its owner only, also when it is there already (restored from a backup,
/// say): it holds password hashes. SQLite gives its side files the same mode.
fn create_private(path: &Path) -> Result<(), DatabaseError> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let private = file.and_then(|file| file.set_permissions(Permissions::from_mode(0o600)));
    private.map_err(|error| DatabaseError::Io(error.to_string()))
}

fn connect(path: &Path) -> Result<Connection, DatabaseError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A schema somebody tampered with may not run functions with side effects.
    connection.pragma_update(None, "trusted_schema", false)?;
    // What is deleted is overwritten: keys of personal data, names of removed accounts.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Plans do not depend on bound values, so that a statement is not prepared anew for each of them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// More than there are, so that none is prepared twice.
const STATEMENTS: usize = 256;

/// Nobody else writes, so waiting is for an operator who looks at the file with another tool.
const BUSY: Duration = Duration::from_secs(5);
