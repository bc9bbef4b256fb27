//! The data directory: its permissions, its lock and the small files in it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::sqlite::{Database, DatabaseError};
use crate::{IndexFiles, SegmentFiles, TenantFiles, TreeFiles};

/// The data directory, locked for this process until the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Directory {
    path: PathBuf,
    _lock: Arc<File>,
}

/// Why a data directory or a file in it cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    #[error("`{name}` is not the name of a file in the data directory")]
    BadName { name: String },
    /// `access` is what the mode allows to people other than the owner.
    #[error("`{path}` is readable or writable by others (mode {mode:04o}) (hint: `chmod 600 {path}`)")]
    ExposedFile { path: PathBuf, mode: u32 },
    #[error(
        "`{path}` belongs to user {owner}, and this process runs as user {user} (hint: run as the directory's owner, or `chown {user} {path}`)"
    )]
    ForeignOwner { path: PathBuf, owner: u32, user: u32 },
    #[error("cannot {act} `{path}`")]
    Io {
        act: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the data directory `{path}` is in use by {} (hint: stop that process, or give this one another `data.directory`)", holder(*pid))]
    Locked { path: PathBuf, pid: Option<u32> },
    #[error("`{path}` is not a directory")]
    NotADirectory { path: PathBuf },
    #[error("others may write to the data directory `{path}` (mode {mode:04o}) (hint: `chmod 700 {path}`)")]
    Writable { path: PathBuf, mode: u32 },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

impl Directory {
    /// The folder of the ledger's segments.
    pub const LEDGER: &str = "ledger";
    /// In it, the folder of its tree.
    pub const TREE: &str = "tree";
    /// Beside it, the folder of the tenants' trees.
    pub const TENANTS: &str = "tenants";
    /// Beside it, the folder of its indexes.
    pub const INDEX: &str = "index";

    /// Opens the data directory, made with mode 0700 where there is none, and takes its lock.
    pub fn open(path: &Path) -> Result<Self, DirectoryError> {
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed("make", path))?;
        let path = path.canonicalize().map_err(failed("find", path))?;
        let metadata = fs::metadata(&path).map_err(failed("inspect", &path))?;
        if !metadata.is_dir() {
            return Err(DirectoryError::NotADirectory { path });
        }
        if metadata.mode() & 0o022 != 0 {
            return Err(DirectoryError::Writable { path, mode: metadata.mode() & 0o7777 });
        }
        let user = own_user(&path)?;
        if metadata.uid() != user {
            return Err(DirectoryError::ForeignOwner { path, owner: metadata.uid(), user });
        }
        // Only now: in somebody else's directory the name of the lock may be a link to any file.
        let lock = lock(&path)?;
        Ok(Self { path, _lock: Arc::new(lock) })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the running gate listens for the CLI.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        self.path.join("control.sock")
    }

    /// The SQLite file.
    #[must_use]
    pub fn database_path(&self) -> PathBuf {
        self.path.join("gabion.db")
    }

    /// Opens the SQLite file. Keep the directory, and with it the lock, as long as the database.
    pub fn database(&self) -> Result<Database, DatabaseError> {
        Database::open(&self.database_path())
    }

    /// The ledger's segment files. Keep the directory, and with it the lock, as long as the ledger.
    pub fn segments(&self) -> Result<SegmentFiles, DirectoryError> {
        let path = self.path.join(Self::LEDGER);
        let files = SegmentFiles::open(&path).map_err(failed("open", &path))?;
        files.mend().map_err(failed("mend", &path))?;
        Ok(files)
    }

    /// The indexes of the ledger's segments.
    #[must_use]
    pub fn ledger_indexes(&self) -> IndexFiles {
        IndexFiles::open(&self.path.join(Self::LEDGER).join(Self::INDEX))
    }

    /// The tree over the ledger's records, beside its segments.
    #[must_use]
    pub fn ledger_tree(&self) -> TreeFiles {
        TreeFiles::open(&self.path.join(Self::LEDGER).join(Self::TREE))
    }

    /// The trees of the tenants' records, beside the segments.
    #[must_use]
    pub fn ledger_tenants(&self) -> TenantFiles {
        TenantFiles::open(&self.path.join(Self::LEDGER).join(Self::TENANTS))
    }

    /// The content of a small file; none where there is no such file. A file that others may read or
    /// write is refused: it holds keys.
    pub fn read_file(&self, name: &str) -> Result<Option<Vec<u8>>, DirectoryError> {
        read_secret(&self.file_path(name)?)
    }

    /// Replaces a small file: mode 0600, the old or the new content after a crash, durable on return.
    pub fn write_file(&self, name: &str, content: &[u8]) -> Result<(), DirectoryError> {
        let path = self.file_path(name)?;
        replace(&self.path, name, content).map_err(failed("write", &path))
    }

    /// Removes a small file, if it is there; durable on return.
    pub fn remove_file(&self, name: &str) -> Result<(), DirectoryError> {
        let path = self.file_path(name)?;
        let removed = match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.and_then(|()| File::open(&self.path)?.sync_all()),
        };
        removed.map_err(failed("remove", &path))
    }

    fn file_path(&self, name: &str) -> Result<PathBuf, DirectoryError> {
        let mut components = Path::new(name).components();
        let plain = matches!((components.next(), components.next()), (Some(Component::Normal(only)), None) if only == name);
        if plain && !name.starts_with('.') && !name.contains('\0') {
            Ok(self.path.join(name))
        } else {
            Err(DirectoryError::BadName { name: name.to_owned() })
        }
    }
}

/// The content of a small file that holds a key, wherever it lies; none where there is no such file. One that others may
/// read or write is refused.
pub fn read_secret(path: &Path) -> Result<Option<Vec<u8>>, DirectoryError> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed("open", path))?,
    };
    let mode = file.metadata().map_err(failed("inspect", path))?.mode();
    if mode & 0o077 != 0 {
        return Err(DirectoryError::ExposedFile { path: path.to_owned(), mode: mode & 0o7777 });
    }
    let mut content = Vec::new();
    (&mut file).take(LARGEST_SECRET).read_to_end(&mut content).map_err(failed("read", path))?;
    Ok(Some(content))
}

/// Replaces such a file: mode 0600, the old or the new content after a crash, durable on return.
pub fn write_secret(path: &Path, content: &[u8]) -> Result<(), DirectoryError> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| DirectoryError::BadName { name: path.display().to_string() })?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    replace(directory, name, content).map_err(failed("write", path))
}

/// More than any file of keys and state that a gate keeps.
const LARGEST_SECRET: u64 = 64 << 20;

/// Writes a file whole: beside it first, then renamed over it. `directory` is durable on return.
pub(crate) fn replace(directory: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    put(directory, name, content, File::sync_all)?;
    sync_directory(directory)
}

/// The same, and durable when the system gets to it: for what can be made again.
pub(crate) fn place(directory: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    put(directory, name, content, |_| Ok(()))
}

fn put(
    directory: &Path,
    name: &str,
    content: &[u8],
    sync: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = directory.join(format!(".{name}.new"));
    let written = (|| {
        let mut file = create(&temporary)?;
        file.write_all(content)?;
        sync(&file)?;
        fs::rename(&temporary, directory.join(name))
    })();
    if written.is_err() {
        // The cause is reported; a leftover is harmless and replaced by the next attempt.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Makes names made, renamed or removed in the directory durable.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// A new, empty file of mode 0600, whatever was there before under the name.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn lock(directory: &Path) -> Result<File, DirectoryError> {
    let path = directory.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // Who holds it is a courtesy; that it is held is the answer.
            let _ = file.read_to_string(&mut text);
            return Err(DirectoryError::Locked { path: directory.to_owned(), pid: text.trim().parse().ok() });
        }
        Err(TryLockError::Error(source)) => return Err(failed("lock", &path)(source)),
    }
    let pid = format!("{}\n", std::process::id());
    file.set_len(0).and_then(|()| file.write_all(pid.as_bytes())).map_err(failed("write", &path))?;
    Ok(file)
}

/// The user this process makes files as: what the file system says of a file just made. Its name is
/// this process's own, because nobody holds the lock yet.
fn own_user(directory: &Path) -> Result<u32, DirectoryError> {
    let path = directory.join(format!(".owner.{}", std::process::id()));
    let user = create(&path).and_then(|file| file.metadata()).map(|metadata| metadata.uid());
    let removed = fs::remove_file(&path);
    let user = user.map_err(failed("write", &path))?;
    removed.map_err(failed("remove", &path))?;
    Ok(user)
}

pub(crate) fn failed(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DirectoryError {
    let path = path.to_owned();
    move |source| DirectoryError::Io { act, path, source }
}
