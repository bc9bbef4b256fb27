//! Secrets that were committed once: every text in a repository's history, each object looked at once, from all branches, tags and
//! other references. What was taken out again is still in everybody's clone.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gabion_finding::{Fingerprint, Scanner, Unread, UnreadReason};
use gix::bstr::ByteSlice as _;
use gix::revision::walk::Sorting;
use gix::traverse::commit::simple::CommitTimeOrder;
use gix::{ObjectId, Repository as Local};

use crate::elsewhere::{Elsewhere, SECRETS, look};
use crate::engine::Watch;
use crate::git::{GitError, Repository, guarded, unreadable};
use crate::text::{self, Decoded};
use crate::walk::is_vendored;

/// What the history holds.
#[derive(Debug, Default)]
pub struct History {
    /// By path; the commit, its author and its date are properties.
    pub findings: Vec<Elsewhere>,
    pub unread: Vec<Unread>,
    pub commits: usize,
    pub texts: usize,
}

/// Bounds of a walk through the history.
#[derive(Debug, Clone)]
pub struct HistoryOptions {
    pub threads: usize,
    /// Longer files are not read.
    pub largest: u64,
    pub most_commits: usize,
    /// Objects, trees included.
    pub most_objects: usize,
}

impl Default for HistoryOptions {
    fn default() -> Self {
        Self { threads: 1, largest: crate::LARGEST, most_commits: 2_000_000, most_objects: 4_000_000 }
    }
}

struct Text {
    id: ObjectId,
    path: Arc<str>,
    /// The oldest commit that has it.
    commit: usize,
}

struct Hit {
    found: Elsewhere,
    commit: usize,
    blobs: HashSet<ObjectId>,
}

/// Looks through the history of the repository `root` is in. `known` are findings of the present, which are not said again.
///
/// # Errors
/// When there is no repository, or none of its commits can be read.
pub fn history(
    root: &Path,
    scanners: &[Box<dyn Scanner>],
    known: &HashSet<Fingerprint>,
    options: &HistoryOptions,
    watch: &dyn Watch,
) -> Result<History, GitError> {
    let repository = Repository::of(root)?;
    let scanners: Vec<&dyn Scanner> =
        scanners.iter().filter(|scanner| scanner.name() == SECRETS).map(AsRef::as_ref).collect();
    let mut history = History::default();
    let commits = guarded(|| commits(&repository.shared.to_thread_local(), options, &mut history))?;
    history.commits = commits.len();
    let texts = guarded(|| Ok(texts(&repository, &commits, &scanners, options, &mut history)))?;
    history.texts = texts.len();
    let hits = search(&repository, &texts, &scanners, known, options, watch, &mut history);
    guarded(|| {
        say(&repository, &commits, hits, &mut history);
        Ok(())
    })?;
    history.unread.sort();
    history.unread.dedup();
    Ok(history)
}

impl History {
    fn leave(&mut self, path: &str, reason: UnreadReason, detail: impl Into<String>) {
        self.unread.push(Unread { path: path.into(), reason, detail: detail.into() });
    }
}

/// All that any reference leads to, oldest first.
fn commits(
    local: &Local,
    options: &HistoryOptions,
    history: &mut History,
) -> Result<Vec<ObjectId>, GitError> {
    let mut tips: Vec<ObjectId> = local.head_id().ok().map(gix::Id::detach).into_iter().collect();
    let platform = local.references().map_err(unreadable)?;
    for reference in platform.all().map_err(unreadable)? {
        match reference.map_err(|error| error.to_string()).and_then(|mut one| {
            one.peel_to_commit().map(|commit| commit.id).map_err(|error| error.to_string())
        }) {
            Ok(tip) => tips.push(tip),
            Err(error) => history.leave(
                ".git",
                UnreadReason::Syntax,
                format!("a reference leads to no commit: {error}"),
            ),
        }
    }
    tips.sort_unstable();
    tips.dedup();
    let walk = local.rev_walk(tips).sorting(Sorting::ByCommitTime(CommitTimeOrder::NewestFirst));
    let mut commits = Vec::new();
    for info in walk.all().map_err(unreadable)? {
        if commits.len() >= options.most_commits {
            let most = options.most_commits;
            history.leave(
                ".git",
                UnreadReason::Budget,
                format!("more than {most} commits; older ones were not read"),
            );
            break;
        }
        match info {
            Ok(info) => commits.push(info.id),
            Err(error) => {
                history.leave(".git", UnreadReason::Syntax, format!("a commit cannot be read: {error}"));
                break;
            }
        }
    }
    commits.reverse();
    Ok(commits)
}

/// Every blob once, with the oldest commit that has it.
fn texts(
    repository: &Repository,
    commits: &[ObjectId],
    scanners: &[&dyn Scanner],
    options: &HistoryOptions,
    history: &mut History,
) -> Vec<Text> {
    let local = repository.shared.to_thread_local();
    let mut seen: HashSet<ObjectId> = HashSet::new();
    let mut texts = Vec::new();
    let mut vendored: HashSet<String> = HashSet::new();
    for (number, commit) in commits.iter().enumerate() {
        let tree =
            local.find_commit(*commit).ok().and_then(|commit| commit.tree_id().ok().map(gix::Id::detach));
        let Some(tree) = tree else {
            history.leave(".git", UnreadReason::Syntax, format!("the commit {commit} cannot be read"));
            continue;
        };
        let mut waiting = vec![(tree, String::new())];
        while let Some((id, folder)) = waiting.pop() {
            if !seen.insert(id) {
                continue;
            }
            if seen.len() > options.most_objects {
                let most = options.most_objects;
                history.leave(
                    ".git",
                    UnreadReason::Budget,
                    format!("more than {most} objects; newer ones were not read"),
                );
                return texts;
            }
            let Ok(tree) = local.find_tree(id) else {
                history.leave(".git", UnreadReason::Syntax, format!("the tree {id} cannot be read"));
                continue;
            };
            for entry in tree.iter() {
                let Ok(entry) = entry else {
                    history.leave(".git", UnreadReason::Syntax, format!("the tree {id} is damaged"));
                    break;
                };
                let name = entry.filename().to_str_lossy();
                let path = if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") };
                let mode = entry.mode();
                if mode.is_tree() {
                    if is_vendored(&name) {
                        vendored.insert(path);
                    } else if path.len() < LONGEST_PATH && touches(&path, &repository.prefix) {
                        waiting.push((entry.object_id(), path));
                    } else if path.len() >= LONGEST_PATH {
                        history.leave(
                            &shortened(&path),
                            UnreadReason::Deep,
                            "a path of more than 4,096 bytes",
                        );
                    }
                } else if mode.is_blob()
                    && let Some(below) = path.strip_prefix(repository.prefix.as_str())
                    && scanners.iter().any(|scanner| scanner.reads(below))
                    && seen.insert(entry.object_id())
                {
                    texts.push(Text { id: entry.object_id(), path: below.into(), commit: number });
                }
            }
        }
    }
    for folder in vendored {
        history.leave(&folder, UnreadReason::Vendored, "in the history");
    }
    texts
}

const LONGEST_PATH: usize = 4096;

fn shortened(path: &str) -> String {
    format!("{}…", path.chars().take(100).collect::<String>())
}

/// Whether a folder is above or below the scanned one.
fn touches(folder: &str, prefix: &str) -> bool {
    let folder = format!("{folder}/");
    prefix.starts_with(&folder) || folder.starts_with(prefix)
}

/// Scans the texts on all threads; what is found several times is one hit.
fn search(
    repository: &Repository,
    texts: &[Text],
    scanners: &[&dyn Scanner],
    known: &HashSet<Fingerprint>,
    options: &HistoryOptions,
    watch: &dyn Watch,
    history: &mut History,
) -> BTreeMap<(Arc<str>, Fingerprint), Hit> {
    let next = AtomicUsize::new(0);
    let work = || {
        let local = repository.shared.to_thread_local();
        let (mut hits, mut unread) = (Vec::new(), Vec::new());
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(text) = texts.get(at) else { break (hits, unread) };
            watch.reading(&text.path, at, texts.len());
            let found = guarded(|| Ok(one(&local, text, scanners, known, options.largest)));
            match found.unwrap_or_else(|error| Err((UnreadReason::Syntax, error.to_string()))) {
                Ok(found) => hits.extend(found),
                Err((reason, detail)) => {
                    let detail = format!("{detail} (object {})", text.id);
                    unread.push(Unread { path: Arc::clone(&text.path), reason, detail });
                }
            }
        }
    };
    let (hits, unread): (Vec<Vec<Hit>>, Vec<Vec<Unread>>) = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..options.threads.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).unzip()
    });
    history.unread.extend(unread.into_iter().flatten());
    let mut merged: BTreeMap<(Arc<str>, Fingerprint), Hit> = BTreeMap::new();
    for hit in hits.into_iter().flatten() {
        let key = (Arc::clone(&hit.found.finding.place.path), hit.found.finding.fingerprint);
        match merged.entry(key) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(hit);
            }
            std::collections::btree_map::Entry::Occupied(mut place) => {
                let present = place.get_mut();
                let mut blobs = std::mem::take(&mut present.blobs);
                blobs.extend(&hit.blobs);
                let earlier =
                    (hit.commit, &hit.found.finding.place) < (present.commit, &present.found.finding.place);
                if earlier {
                    *present = hit;
                }
                present.blobs = blobs;
            }
        }
    }
    merged
}

type Left = (UnreadReason, String);

fn one(
    local: &Local,
    text: &Text,
    scanners: &[&dyn Scanner],
    known: &HashSet<Fingerprint>,
    largest: u64,
) -> Result<Vec<Hit>, Left> {
    let failed = |error: &dyn std::fmt::Display| (UnreadReason::Syntax, error.to_string());
    let size = local.find_header(text.id).map_err(|error| failed(&error))?.size();
    if size > largest {
        return Err((UnreadReason::Large, format!("{size} bytes, over {largest}")));
    }
    let bytes = local.find_blob(text.id).map_err(|error| failed(&error))?.detach().data;
    let (Decoded::Text(decoded) | Decoded::Damaged(decoded)) = text::decode(bytes) else {
        return Ok(Vec::new());
    };
    let found = look(scanners, &text.path, &decoded, known).into_iter();
    Ok(found.map(|found| Hit { found, commit: text.commit, blobs: HashSet::from([text.id]) }).collect())
}

/// Adds who and when.
fn say(
    repository: &Repository,
    commits: &[ObjectId],
    hits: BTreeMap<(Arc<str>, Fingerprint), Hit>,
    history: &mut History,
) {
    let local = repository.shared.to_thread_local();
    let last = last_commits(repository, &local, commits, &hits);
    for (key, mut hit) in hits {
        let first = commits.get(hit.commit).copied();
        let last = last.get(&key).and_then(|number| commits.get(*number)).copied();
        let properties = &mut hit.found.finding.properties;
        for (name, commit) in [("commit", first), ("last_commit", last)] {
            let Some(commit) = commit else { continue };
            properties.insert(name.to_owned(), commit.to_string());
            let Ok(commit) = local.find_commit(commit) else { continue };
            let author = commit.author().ok().map(|author| {
                let name = format!("{} <{}>", author.name.to_str_lossy(), author.email.to_str_lossy());
                name.chars().take(LONGEST_NAME).collect::<String>()
            });
            let date = commit.time().ok().and_then(|time| jiff::Timestamp::from_second(time.seconds).ok());
            let (author_key, date_key) =
                if name == "commit" { ("author", "date") } else { ("last_author", "last_date") };
            properties.extend(author.map(|author| (author_key.to_owned(), author)));
            properties.extend(date.map(|date| (date_key.to_owned(), date.to_string())));
        }
        history.findings.push(hit.found);
    }
}

const LONGEST_NAME: usize = 200;

/// The newest commit that still has it, for each hit that can be found with bounded work.
fn last_commits(
    repository: &Repository,
    local: &Local,
    commits: &[ObjectId],
    hits: &BTreeMap<(Arc<str>, Fingerprint), Hit>,
) -> HashMap<(Arc<str>, Fingerprint), usize> {
    let mut pending: Vec<(&(Arc<str>, Fingerprint), &Hit)> = hits.iter().collect();
    let mut last = HashMap::new();
    let mut asked = 0_usize;
    let mut former = None;
    for (number, commit) in commits.iter().enumerate().rev() {
        if pending.is_empty() || asked > MOST_ASKED {
            break;
        }
        let Ok(tree) =
            local.find_commit(*commit).map_err(unreadable).and_then(|one| one.tree().map_err(unreadable))
        else {
            continue;
        };
        // Many commits change nothing, and merges bring back what was.
        if former == Some(tree.id) {
            continue;
        }
        former = Some(tree.id);
        pending.retain(|(key, hit)| {
            asked = asked.saturating_add(1);
            let path = format!("{}{}", repository.prefix, key.0);
            let entry = tree.lookup_entry_by_path(&path).ok().flatten();
            let here = entry.is_some_and(|entry| hit.blobs.contains(&entry.object_id()));
            if here {
                last.insert((*key).clone(), number);
            }
            !here
        });
    }
    last
}

const MOST_ASKED: usize = 2_000_000;
