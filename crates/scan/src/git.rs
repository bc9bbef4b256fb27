//! A repository's objects, read by a library: git itself is never run, since a repository's configuration can name programs for it
//! to start. The configuration is read as that of somebody who is not trusted, nothing outside the repository is, and no object
//! may make it take more than 64 MiB at a time, whatever its deltas promise.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use gix::bstr::ByteSlice as _;
use gix::{ObjectId, ThreadSafeRepository};

/// Why a repository could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("`{0}` is in no git repository")]
    None(PathBuf),
    #[error("the repository cannot be read: {0}")]
    Unreadable(String),
    #[error("there is no revision `{0}`")]
    Revision(String),
}

/// A repository that may be hostile.
#[derive(Debug)]
pub(crate) struct Repository {
    pub(crate) shared: ThreadSafeRepository,
    /// The scanned folder below the working tree, with `/` at its end; empty for all of it.
    pub(crate) prefix: String,
}

impl Repository {
    /// The repository that a folder is in.
    pub(crate) fn of(root: &Path) -> Result<Self, GitError> {
        let root = root.canonicalize().map_err(|error| GitError::Unreadable(error.to_string()))?;
        let folder = root
            .ancestors()
            .take(64)
            .find(|folder| folder.join(".git").symlink_metadata().is_ok())
            .ok_or_else(|| GitError::None(root.clone()))?;
        let options = gix::open::Options::isolated()
            .with(gix::sec::Trust::Reduced)
            .config_overrides(["gitoxide.objects.allocLimit=67108864"]);
        let shared = guarded(|| options.open(folder).map_err(unreadable))?;
        let below = root.strip_prefix(folder).unwrap_or(Path::new(""));
        let mut prefix = below.to_string_lossy().into_owned();
        if !prefix.is_empty() {
            prefix.push('/');
        }
        Ok(Self { shared, prefix })
    }

    /// What the index has, relative to `root`; nothing where there is no index.
    pub(crate) fn tracked(root: &Path) -> Vec<String> {
        let Ok(repository) = Self::of(root) else { return Vec::new() };
        guarded(|| {
            let local = repository.shared.to_thread_local();
            let index = local.try_index().map_err(unreadable)?;
            let Some(index) = index else { return Ok(Vec::new()) };
            let below = |entry: &gix::index::Entry| {
                let path = entry.path(&index).to_str().ok()?;
                Some(path.strip_prefix(repository.prefix.as_str())?.to_owned())
            };
            Ok(index
                .entries()
                .iter()
                .filter(|entry| entry.mode.contains(gix::index::entry::Mode::FILE))
                .filter_map(below)
                .collect())
        })
        .unwrap_or_default()
    }

    /// The commit by which changes are told: where the revision and what is checked out parted.
    pub(crate) fn base(&self, revision: &str) -> Result<ObjectId, GitError> {
        guarded(|| {
            let local = self.shared.to_thread_local();
            let unknown = || GitError::Revision(revision.to_owned());
            let id = local.rev_parse_single(revision).map_err(|_| unknown())?;
            let commit = id.object().map_err(|_| unknown())?.peel_to_commit().map_err(|_| unknown())?.id;
            let head = local.head_id().ok().map(gix::Id::detach);
            let parted = head.and_then(|head| local.merge_base(commit, head).ok().flatten());
            Ok(parted.map_or(commit, gix::Id::detach))
        })
    }

    /// A file as it was in a commit; none where it was not there or is longer than `largest`.
    pub(crate) fn file(
        &self,
        commit: ObjectId,
        path: &str,
        largest: u64,
    ) -> Result<Option<Vec<u8>>, GitError> {
        guarded(|| {
            let local = self.shared.to_thread_local();
            let tree = local.find_commit(commit).map_err(unreadable)?.tree().map_err(unreadable)?;
            let path = format!("{}{path}", self.prefix);
            let Some(entry) = tree.lookup_entry_by_path(&path).map_err(unreadable)? else { return Ok(None) };
            if !entry.mode().is_blob() {
                return Ok(None);
            }
            let header = local.find_header(entry.object_id()).map_err(unreadable)?;
            if header.size() > largest {
                return Ok(None);
            }
            Ok(Some(local.find_blob(entry.object_id()).map_err(unreadable)?.detach().data))
        })
    }
}

impl Repository {
    /// Every file of a commit below the scanned folder, with its object; a part of them where there are too many.
    pub(crate) fn files(&self, commit: ObjectId) -> Result<BTreeMap<String, ObjectId>, GitError> {
        guarded(|| {
            let local = self.shared.to_thread_local();
            let tree = local.find_commit(commit).map_err(unreadable)?.tree_id().map_err(unreadable)?.detach();
            let mut files = BTreeMap::new();
            let mut waiting = vec![(tree, String::new())];
            while let Some((id, folder)) = waiting.pop() {
                let tree = local.find_tree(id).map_err(unreadable)?;
                for entry in tree.iter() {
                    let entry = entry.map_err(unreadable)?;
                    let name = entry.filename().to_str_lossy();
                    let path = if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") };
                    let inside = path.starts_with(&self.prefix);
                    let above = self.prefix.starts_with(&format!("{path}/"));
                    if entry.mode().is_tree() && path.len() < LONGEST_PATH && (inside || above) {
                        waiting.push((entry.object_id(), path));
                    } else if entry.mode().is_blob()
                        && let Some(below) = path.strip_prefix(self.prefix.as_str())
                    {
                        files.insert(below.to_owned(), entry.object_id());
                    }
                }
                if files.len().saturating_add(waiting.len()) > MOST_FILES {
                    return Err(GitError::Unreadable(format!("a commit has more than {MOST_FILES} files")));
                }
            }
            Ok(files)
        })
    }

    /// The object a file with this content is.
    pub(crate) fn object_of(&self, bytes: &[u8]) -> Option<ObjectId> {
        let kind = self.shared.to_thread_local().object_hash();
        gix::objs::compute_hash(kind, gix::objs::Kind::Blob, bytes).ok()
    }
}

const LONGEST_PATH: usize = 4_096;
const MOST_FILES: usize = 1_000_000;

/// A fault of the library is not the end of the scan.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, GitError>) -> Result<T, GitError> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(GitError::Unreadable("it is damaged".to_owned())))
}

pub(crate) fn unreadable(error: impl std::fmt::Display) -> GitError {
    GitError::Unreadable(error.to_string())
}
