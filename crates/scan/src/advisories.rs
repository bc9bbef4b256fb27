//! The database of advisories: where it is read from, and what it is made of.
//!
//! [`load`] reads it for a scan and says what is wrong with it; [`Import`] makes one of what OSV, RustSec and PyPA publish: archives,
//! folders, single files. Nothing is fetched here.

mod import;

use std::io::{self, Write as _};
use std::path::Path;

use gabion_dependencies::{Advisories, Database, DatabaseError};
use gabion_model::Timestamp;

use crate::open;

pub use import::{Import, ImportError, Imported};

/// The name of its file.
pub const FILE: &str = "advisories.db";
/// How old it may be, in days, unless somebody says otherwise.
pub const OLDEST: u32 = 14;
/// No database is longer.
const LARGEST: u64 = 1 << 31;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Form(#[from] DatabaseError),
}

/// The database itself; none where there is no such file.
///
/// # Errors
/// When it cannot be read, or is damaged.
pub fn read(path: &Path) -> Result<Option<Database>, LoadError> {
    let found = match path.canonicalize() {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let bytes = open::whole(&found, LARGEST)?;
    Ok(Some(Database::read(bytes)?))
}

/// What packages are judged by: `oldest` is the age in days from which on there is no whole verdict.
#[must_use]
pub fn load(path: &Path, now: Timestamp, oldest: u32) -> Advisories {
    match read(path) {
        Ok(Some(database)) => Advisories::judge(database, now.as_secs(), oldest),
        Ok(None) => Advisories::Missing,
        Err(error) => Advisories::Unusable(error.to_string()),
    }
}

/// Puts a database where the next scan finds it: the former one stands until this one is whole.
///
/// # Errors
/// When the folder cannot be made, or the file not written.
pub fn store(path: &Path, database: &Database) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(database.bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// A day as `2026-01-31`, in seconds since 1970.
#[must_use]
pub fn day(text: &str) -> Option<i64> {
    let day: jiff::civil::Date = text.parse().ok()?;
    Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests;
