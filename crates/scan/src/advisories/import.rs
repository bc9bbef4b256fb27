//! Makes a database: opens archives and folders, each file within its bounds.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use flate2::read::MultiGzDecoder;
use gabion_dependencies::{AdvisoryBuilder, Database, DatabaseError};
use zip::ZipArchive;
use zip::result::ZipError;

/// Takes advisories until a database is made of them.
#[derive(Debug, Default)]
pub struct Import {
    builder: AdvisoryBuilder,
    imported: Imported,
    /// Bytes that were unpacked.
    unpacked: u64,
}

/// What was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Files that were read.
    pub files: u64,
    /// Packages that were spoken of, each as often as by an advisory.
    pub packages: u64,
    /// Files that should have been advisories and are none; the first ones by name and reason.
    pub broken: Vec<String>,
    /// How many of them.
    pub broken_files: u64,
    /// When what was imported was written: the newest file of each path, and the oldest of those. Seconds since 1970.
    pub written: Option<i64>,
}

/// Why nothing more is taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("cannot read `{path}`")]
    Io { path: PathBuf, source: io::Error },
    #[error("`{path}` is no zip archive")]
    Zip { path: PathBuf, source: ZipError },
    #[error("`{path}` {what}")]
    Large { path: PathBuf, what: &'static str },
}

/// Bytes of an archive.
const ARCHIVE: u64 = 8 << 30;
/// Bytes of everything that is unpacked.
const UNPACKED: u64 = 32 << 30;
/// Files of an archive or of a folder.
const FILES: usize = 4_000_000;
/// Folders in each other.
const DEPTH: usize = 24;
/// So many broken files are named.
const NAMED: usize = 20;

impl Import {
    /// Upon what a database has.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn upon(database: &Database) -> Result<Self, DatabaseError> {
        Ok(Self { builder: AdvisoryBuilder::upon(database)?, ..Self::default() })
    }

    /// Takes an archive, every file and archive of a folder, or one file.
    ///
    /// # Errors
    /// When it cannot be read or is larger than anything of the kind. Files that are no advisories are counted and do not end it.
    pub fn add(&mut self, path: &Path) -> Result<(), ImportError> {
        let failed = |source| ImportError::Io { path: path.to_path_buf(), source };
        let path = path.canonicalize().map_err(failed)?;
        let mut newest = None;
        if path.is_dir() {
            let mut files = Vec::new();
            list(&path, &mut files, 0)?;
            files.sort();
            for file in files {
                newest = newest.max(written(&file));
                self.file(&file)?;
            }
        } else {
            newest = written(&path);
            self.file(&path)?;
        }
        self.imported.written = match (self.imported.written, newest) {
            (Some(before), Some(now)) => Some(before.min(now)),
            (before, now) => before.or(now),
        };
        Ok(())
    }

    #[must_use]
    pub const fn imported(&self) -> &Imported {
        &self.imported
    }

    /// For how many flaws a likelihood of attacks is known, and how many are known to be used by attackers.
    #[must_use]
    pub fn scored(&self) -> (usize, usize) {
        self.builder.scored()
    }

    /// The database: where it is from, and of when it is, in seconds since 1970.
    #[must_use]
    pub fn build(self, source: &str, fetched: i64) -> Database {
        self.builder.build(source, fetched)
    }

    fn file(&mut self, path: &Path) -> Result<(), ImportError> {
        let failed = |source| ImportError::Io { path: path.to_path_buf(), source };
        let name = path.to_string_lossy().into_owned();
        if ends(&name, ".zip") {
            return self.archive(path);
        }
        let packed = if ends(&name, ".gz") { name.get(..name.len().saturating_sub(3)) } else { None };
        let inner = packed.unwrap_or(&name);
        let Some(limit) = AdvisoryBuilder::limit(inner) else { return Ok(()) };
        let file = BufReader::new(File::open(path).map_err(failed)?);
        let read = if packed.is_some() {
            self.whole(MultiGzDecoder::new(file), limit)
        } else {
            self.whole(file, limit)
        };
        match read {
            Ok(bytes) => self.take(inner, &bytes),
            // Damage within, not of the disk.
            Err(error) if packed.is_some() => self.broken(format!("`{name}`: {error}")),
            Err(error) => return Err(failed(error)),
        }
        Ok(())
    }

    /// At most one byte more than the limit, so that whoever is asked next refuses it.
    fn whole(&mut self, from: impl Read, limit: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let length = from.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        self.unpacked = self.unpacked.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        Ok(bytes)
    }

    fn take(&mut self, name: &str, bytes: &[u8]) {
        self.imported.files = self.imported.files.saturating_add(1);
        match self.builder.add(name, bytes) {
            Ok(packages) => {
                let packages = u64::try_from(packages).unwrap_or(u64::MAX);
                self.imported.packages = self.imported.packages.saturating_add(packages);
            }
            Err(error) => self.broken(error.to_string()),
        }
    }

    fn broken(&mut self, why: String) {
        self.imported.broken_files = self.imported.broken_files.saturating_add(1);
        if self.imported.broken.len() < NAMED {
            self.imported.broken.push(why);
        }
    }

    fn archive(&mut self, path: &Path) -> Result<(), ImportError> {
        let failed = |source| ImportError::Io { path: path.to_path_buf(), source };
        let large = |what| ImportError::Large { path: path.to_path_buf(), what };
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() > ARCHIVE {
            return Err(large("is larger than 8 GiB"));
        }
        let damaged = |source| ImportError::Zip { path: path.to_path_buf(), source };
        let mut archive = ZipArchive::new(BufReader::new(file)).map_err(damaged)?;
        if archive.len() > FILES {
            return Err(large("has more than 4 000 000 files"));
        }
        for at in 0..archive.len() {
            if self.unpacked > UNPACKED {
                return Err(large("unpacks to more than 32 GiB"));
            }
            let entry = match archive.by_index(at) {
                Ok(entry) => entry,
                Err(error) => {
                    self.broken(format!("file {at} of `{}`: {error}", path.display()));
                    continue;
                }
            };
            let name = entry.name().map_or_else(|_| format!("{at}"), std::borrow::Cow::into_owned);
            // Archives in archives are nobody's database.
            let Some(limit) = AdvisoryBuilder::limit(&name).filter(|_| entry.is_file()) else { continue };
            match self.whole(entry, limit) {
                Ok(bytes) => self.take(&name, &bytes),
                Err(error) => self.broken(format!("`{name}`: {error}")),
            }
        }
        Ok(())
    }
}

fn ends(name: &str, end: &str) -> bool {
    name.len() > end.len() && name.to_ascii_lowercase().ends_with(end)
}

fn written(path: &Path) -> Option<i64> {
    let time = path.metadata().ok()?.modified().ok()?;
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

/// Every file below a folder; follows no link and leaves out hidden folders.
fn list(folder: &Path, into: &mut Vec<PathBuf>, depth: usize) -> Result<(), ImportError> {
    let failed = |source| ImportError::Io { path: folder.to_path_buf(), source };
    if depth > DEPTH {
        return Err(ImportError::Large { path: folder.to_path_buf(), what: "lies too deep" });
    }
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            list(&entry.path(), into, depth.saturating_add(1))?;
        } else if kind.is_file() {
            into.push(entry.path());
        }
        if into.len() > FILES {
            return Err(ImportError::Large {
                path: folder.to_path_buf(),
                what: "has more than 4 000 000 files",
            });
        }
    }
    Ok(())
}
