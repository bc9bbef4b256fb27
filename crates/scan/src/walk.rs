//! Which files there are: everything below a folder that git would not ignore, in order, and what was left out.
//!
//! Links are never followed: what a link inside the tree points to is read where it stands. Nothing but regular files is opened,
//! and none in a way that waits (a pipe that nobody writes to would wait for ever), the files of ignore rules included.

mod ignored;
mod vendored;

use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_finding::{Unread, UnreadReason};

use self::ignored::Ignored;

/// Bounds and wishes of a walk.
#[derive(Debug, Clone)]
pub struct WalkOptions {
    /// Also folders of other people's code, such as `node_modules`.
    pub vendored: bool,
    /// Also what `.gitignore` and `.gabionignore` name.
    pub ignored: bool,
    /// No more files than these are read.
    pub most_files: usize,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self { vendored: false, ignored: false, most_files: 1_000_000 }
    }
}

/// What a walk found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Walked {
    /// In the order of their paths.
    pub files: Vec<WalkedFile>,
    /// What was left out: vendored folders, links that leave, what is no file.
    pub unread: Vec<Unread>,
}

/// A regular file.
#[derive(Debug, Clone)]
pub(crate) struct WalkedFile {
    /// Relative to the root, with `/`; bytes that are no UTF-8 as `\xFF`.
    pub path: Arc<str>,
    /// Where to open it.
    pub at: PathBuf,
    pub stamp: Stamp,
}

/// By which a file that did not change is recognised without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub size: u64,
    /// Nanoseconds since 1970.
    pub modified: i64,
    /// Of the inode: nobody but the file system sets it.
    pub changed: i64,
    pub inode: u64,
    pub device: u64,
}

impl Stamp {
    pub(crate) fn of(metadata: &fs::Metadata) -> Self {
        let nanoseconds =
            |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Self {
            size: metadata.len(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }
}

/// Everything below `root`, or the one file it is. `tracked` are paths git knows: they are read though an ignore rule names them.
///
/// # Errors
/// When the root cannot be read.
pub(crate) fn walk(root: &Path, options: &WalkOptions, tracked: &[String]) -> io::Result<Walked> {
    let root = root.canonicalize()?;
    let metadata = fs::metadata(&root)?;
    let mut walked = Walked::default();
    if metadata.is_file() {
        let name = root.file_name().map(|name| shown(name.as_bytes())).unwrap_or_default();
        walked.files.push(WalkedFile { path: name.into(), at: root, stamp: Stamp::of(&metadata) });
        return Ok(walked);
    }
    let mut waiting = vec![Folder { at: root.clone(), path: String::new(), depth: 0 }];
    let mut ignored = Ignored::above(&root);
    let mut first = true;
    while let Some(folder) = waiting.pop() {
        ignored.enter(&folder.at, folder.depth);
        match entries(&folder.at) {
            Ok(entries) => {
                for entry in entries {
                    one(&root, &folder, &entry, options, &ignored, &mut waiting, &mut walked);
                }
            }
            Err(error) if first => return Err(error),
            Err(error) => walked.leave(&folder.path, UnreadReason::Io, error.to_string()),
        }
        first = false;
        if walked.files.len() >= options.most_files {
            let most = options.most_files;
            walked.leave(
                "",
                UnreadReason::Budget,
                format!("more than {most} files; the rest was not looked at"),
            );
            break;
        }
    }
    add_tracked(&root, tracked, options, &mut walked);
    walked.files.sort_by(|one, other| one.path.cmp(&other.path));
    walked.files.dedup_by(|one, other| one.path == other.path);
    walked.unread.sort();
    Ok(walked)
}

struct Folder {
    at: PathBuf,
    path: String,
    depth: usize,
}

impl Walked {
    fn leave(&mut self, path: &str, reason: UnreadReason, detail: impl Into<String>) {
        self.unread.push(Unread { path: path.into(), reason, detail: detail.into() });
    }
}

/// By name, last first: they are put on a stack.
fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<DirEntry>>>()?;
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.file_name()));
    Ok(entries)
}

fn one(
    root: &Path,
    folder: &Folder,
    entry: &DirEntry,
    options: &WalkOptions,
    ignored: &Ignored,
    waiting: &mut Vec<Folder>,
    walked: &mut Walked,
) {
    let name: OsString = entry.file_name();
    let path = join(&folder.path, &shown(name.as_bytes()));
    let at = entry.path();
    let kind = match entry.file_type() {
        Ok(kind) => kind,
        Err(error) => return walked.leave(&path, UnreadReason::Io, error.to_string()),
    };
    if name == ".git" || (!options.ignored && ignored.is(&at, kind.is_dir())) {
        return;
    }
    if kind.is_symlink() {
        if let Some(why) = strays(root, &at) {
            walked.leave(&path, UnreadReason::Link, why);
        }
    } else if kind.is_dir() {
        if !options.vendored
            && let Some(what) = vendored::folder(&at, &name.to_string_lossy())
        {
            return walked.leave(&path, UnreadReason::Vendored, what);
        }
        if folder.depth >= DEEPEST {
            return walked.leave(&path, UnreadReason::Deep, format!("more than {DEEPEST} folders deep"));
        }
        waiting.push(Folder { at, path, depth: folder.depth.saturating_add(1) });
    } else if kind.is_file() {
        match entry.metadata() {
            Ok(metadata) => {
                walked.files.push(WalkedFile { path: path.into(), at, stamp: Stamp::of(&metadata) })
            }
            Err(error) => walked.leave(&path, UnreadReason::Io, error.to_string()),
        }
    } else {
        let what = if kind.is_fifo() {
            "a pipe"
        } else if kind.is_socket() {
            "a socket"
        } else {
            "a device"
        };
        walked.leave(&path, UnreadReason::Io, format!("{what}, not opened"));
    }
}

/// Folders below folders.
const DEEPEST: usize = 128;

/// Why what a link points to is not read elsewhere in the tree.
fn strays(root: &Path, link: &Path) -> Option<String> {
    let target = match link.canonicalize() {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Some("points to nothing".to_owned()),
        Err(error) => return Some(error.to_string()),
    };
    if !target.starts_with(root) {
        return Some("leaves the tree".to_owned());
    }
    link.starts_with(&target).then(|| "comes back to itself".to_owned())
}

/// What an ignore rule names and git has nevertheless: it is in everybody's clone.
fn add_tracked(root: &Path, tracked: &[String], options: &WalkOptions, walked: &mut Walked) {
    let left: Vec<String> =
        walked.unread.iter().map(|one| format!("{}/", one.path)).filter(|path| path != "/").collect();
    let known: std::collections::HashSet<Arc<str>> =
        walked.files.iter().map(|file| Arc::clone(&file.path)).collect();
    for path in tracked.iter().filter(|path| !known.contains(path.as_str())) {
        let within = left.iter().any(|folder| path.starts_with(folder.as_str()));
        let plain = path.split('/').all(|part| !matches!(part, "" | "." | ".." | ".git"));
        if within || !plain || walked.files.len() >= options.most_files {
            continue;
        }
        if !options.vendored && vendored::within(root, path) {
            continue;
        }
        // No folder on the way may be a link.
        let at = root.join(path);
        let straight = at.parent().and_then(|parent| parent.canonicalize().ok());
        if straight.as_deref() != at.parent() {
            continue;
        }
        if let Ok(metadata) = fs::symlink_metadata(&at)
            && metadata.is_file()
        {
            let file = WalkedFile { path: path.as_str().into(), at, stamp: Stamp::of(&metadata) };
            walked.files.push(file);
        }
    }
}

/// Whether a folder's name alone says that it holds other people's code.
pub(crate) fn is_vendored(name: &str) -> bool {
    vendored::by_name(name)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// A name as text, whatever its bytes.
fn shown(name: &[u8]) -> String {
    let mut text = String::new();
    for chunk in name.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests;
