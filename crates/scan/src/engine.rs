//! One pass over a tree: each file is opened once, every scanner that reads it sees it, then each sees all files together.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gabion_finding::{Endpoint, FileReport, Finding, Scanner, Source, Span, Unread, UnreadReason, Verdict};
use gabion_model::Timestamp;
use gabion_vault::sha256;

use crate::allow::{self, Allow};
use crate::cache::{self, CacheFolder, Pack};
use crate::frame::{Redactor, merge};
use crate::git::Repository;
use crate::row::{Entry, Own, Row};
use crate::text::{self, Decoded};
use crate::trees::Trees;
use crate::walk::{self, WalkOptions, WalkedFile};
use crate::{ScanError, open};

/// How a tree is scanned.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// A folder or a file.
    pub root: PathBuf,
    pub walk: WalkOptions,
    /// Longer files are not read. Lock files may be [`LOCK_FILE`] long.
    pub largest: u64,
    pub threads: usize,
    /// Where results are kept for the next scan; none keeps nothing.
    pub cache: Option<CacheFolder>,
    pub now: Timestamp,
}

/// How long a file may be unless somebody says otherwise: 2 MiB.
pub const LARGEST: u64 = 2 << 20;
/// How long a lock file may be: 32 MiB. Those of large projects are long, and what they say is not said elsewhere.
pub const LOCK_FILE: u64 = 32 << 20;

/// Is told what is being read, from several threads.
pub trait Watch: Sync {
    fn reading(&self, path: &str, done: usize, all: usize);
}

/// Nobody watches.
impl Watch for () {
    fn reading(&self, _: &str, _: usize, _: usize) {}
}

/// What a scan found, before anybody chose from it.
#[derive(Debug, Default)]
pub struct Scan {
    /// The folder, or the folder of the file.
    pub root: PathBuf,
    /// By path and place; none stands here twice.
    pub findings: Vec<Finding>,
    pub unread: Vec<Unread>,
    /// What the program answers, by path and method.
    pub endpoints: Vec<Endpoint>,
    /// By path.
    pub allows: BTreeMap<Arc<str>, Vec<Allow>>,
    pub files: Vec<ScannedFile>,
    /// By path: what must not be shown of a file, in order.
    pub hidden: BTreeMap<Arc<str>, Vec<Span>>,
    /// Name and version.
    pub scanners: Vec<(&'static str, String)>,
    /// What a scanner judged by besides rules, by its name: a database, and its age.
    pub judged_by: Vec<(&'static str, String)>,
    /// Files whose former result still held.
    pub kept: usize,
}

/// A file that was read by a scanner.
#[derive(Debug, Clone)]
pub struct ScannedFile {
    pub path: Arc<str>,
    pub at: PathBuf,
    /// SHA-256 of its bytes.
    pub hash: [u8; 32],
    pub bytes: u64,
    pub lines: u32,
    /// Which of [`Scan::scanners`] read it, a bit each.
    pub(crate) readers: u64,
}

impl Scan {
    /// How many files one of these scanners read.
    #[must_use]
    pub fn read_by(&self, scanners: &[&str]) -> usize {
        let bits = self.scanners.iter().zip(0_u32..).filter(|((name, _), _)| scanners.contains(name));
        // The rules of the scan itself look at whatever is read.
        let own = if scanners.contains(&"scan") { u64::MAX } else { 0 };
        let wanted = bits.fold(own, |bits, (_, at)| bits | 1_u64.checked_shl(at).unwrap_or(0));
        self.files.iter().filter(|file| file.readers & wanted != 0).count()
    }

    /// What was never opened, or was no text, nobody read; what programs wrote, those who read such.
    fn note_readers(&mut self, scanners: &[Box<dyn Scanner>]) {
        let mut left: BTreeMap<&str, bool> = BTreeMap::new();
        for unread in &self.unread {
            match unread.reason {
                UnreadReason::Binary | UnreadReason::Large | UnreadReason::Io => {
                    left.insert(&unread.path, false);
                }
                UnreadReason::Generated | UnreadReason::Minified => {
                    left.entry(&unread.path).or_insert(true);
                }
                _ => {}
            }
        }
        for file in &mut self.files {
            let made = left.get(&*file.path);
            if made == Some(&false) {
                continue;
            }
            let reads = |scanner: &dyn Scanner| {
                scanner.reads(&file.path) && (made.is_none() || scanner.reads_generated())
            };
            for (scanner, at) in scanners.iter().zip(0_u32..) {
                if reads(scanner.as_ref()) {
                    file.readers |= 1_u64.checked_shl(at).unwrap_or(0);
                }
            }
        }
    }

    #[must_use]
    pub fn file(&self, path: &str) -> Option<&ScannedFile> {
        let at = self.files.binary_search_by(|file| (*file.path).cmp(path)).ok()?;
        self.files.get(at)
    }

    /// The text of a file, provided that it is still what was scanned: places in it hold for nothing else.
    #[must_use]
    pub fn source(&self, path: &str) -> Option<Source> {
        let file = self.file(path)?;
        let bytes = open::whole(&file.at, file.bytes).ok()?;
        if sha256(&bytes) != file.hash {
            return None;
        }
        match text::decode(bytes) {
            Decoded::Text(text) | Decoded::Damaged(text) => Some(Source::new(path, &text)),
            Decoded::Binary => None,
        }
    }
}

/// What is to be done with what is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// It was kept already.
    Kept,
    New,
    /// Must not be kept.
    Private,
}

/// A file that was read, or whose former result still holds.
pub(crate) struct Done {
    pub(crate) at: usize,
    keep: Keep,
    pub(crate) entry: Entry,
    pub(crate) row: Row,
}

/// Scans a tree.
///
/// # Errors
/// When the root cannot be read.
pub fn scan(
    options: &ScanOptions,
    scanners: &[Box<dyn Scanner>],
    watch: &dyn Watch,
) -> Result<Scan, ScanError> {
    let unreadable = |source| ScanError::Root { path: options.root.clone(), source };
    let root = options.root.canonicalize().map_err(unreadable)?;
    let folder = if root.is_dir() { root.clone() } else { root.parent().unwrap_or(&root).to_path_buf() };
    let tracked =
        if root.is_dir() && !options.walk.ignored { Repository::tracked(&root) } else { Vec::new() };
    let walked = walk::walk(&root, &options.walk, &tracked).map_err(unreadable)?;
    let scanners_named: Vec<(&'static str, String)> =
        scanners.iter().map(|scanner| (scanner.name(), scanner.version())).collect();
    let file = options.cache.as_ref().map(|cache| cache.file(&root, &settings(options, &scanners_named)));
    let pack = file.as_deref().map(Pack::read).unwrap_or_default();

    let read: Vec<&WalkedFile> =
        walked.files.iter().filter(|file| scanners.iter().any(|scanner| scanner.reads(&file.path))).collect();
    let job = Job { options, scanners, watch, pack: &pack, files: &read };
    let done = job.run();
    let paths: Vec<Arc<str>> = walked.files.iter().map(|file| Arc::clone(&file.path)).collect();
    let trees = Trees { scanners, pack: &pack, files: &read, done: &done, paths: &paths }.run();

    let mut scan = Scan {
        root: folder,
        judged_by: trees.judged_by,
        unread: walked.unread,
        scanners: scanners_named,
        ..Scan::default()
    };
    scan.kept = done.iter().filter(|done| done.keep == Keep::Kept).count();
    if let (Some(cache), Some(file)) = (&options.cache, &file) {
        let unchanged = trees.kept && scan.kept == done.len() && pack.len() == done.len();
        let entries: Vec<(&str, &Entry)> = done
            .iter()
            .filter(|done| done.keep != Keep::Private)
            .filter_map(|done| Some((&*read.get(done.at)?.path, &done.entry)))
            .collect();
        if !unchanged && entries.iter().all(|(_, entry)| !entry.row.is_empty()) {
            let began = nanoseconds(options.now);
            let _ = cache::write(cache, file, began, &trees.kept_as, scanners.len(), entries.into_iter());
        }
    }
    scan.collect(&read, done);
    for verdict in trees.verdicts {
        scan.findings.extend(verdict.findings);
        scan.unread.extend(verdict.unread);
        scan.endpoints.extend(verdict.endpoints);
    }
    scan.finish();
    scan.note_readers(scanners);
    Ok(scan)
}

fn settings(options: &ScanOptions, scanners: &[(&'static str, String)]) -> String {
    let scanners: Vec<String> = scanners.iter().map(|(name, version)| format!("{name}={version}")).collect();
    format!("{}\n{}\n{}", env!("CARGO_PKG_VERSION"), options.largest, scanners.join("\n"))
}

const fn nanoseconds(now: Timestamp) -> i64 {
    now.as_micros().saturating_mul(1000)
}

struct Job<'a> {
    options: &'a ScanOptions,
    scanners: &'a [Box<dyn Scanner>],
    watch: &'a dyn Watch,
    pack: &'a Pack,
    files: &'a [&'a WalkedFile],
}

impl Job<'_> {
    /// Every file once, on all threads, in order.
    fn run(&self) -> Vec<Done> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            // One after the other is read into the same memory.
            let mut room = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(file) = self.files.get(at) else { break done };
                self.watch.reading(&file.path, at, self.files.len());
                done.push(self.one(at, file, &mut room));
            }
        };
        let mut done = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.options.threads.max(1))
                .filter_map(|_| std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).ok())
                .collect();
            // Where no thread can be had, this one does it.
            let mut done = if threads.is_empty() { work() } else { Vec::new() };
            done.extend(threads.into_iter().filter_map(|thread| thread.join().ok()).flatten());
            done
        });
        done.sort_by_key(|done| done.at);
        done
    }

    fn one(&self, at: usize, file: &WalkedFile, room: &mut Vec<u8>) -> Done {
        let kept = self.pack.entry(&file.path);
        let head = kept.and_then(|entry| Row::head(&entry.row));
        if let (Some(entry), Some((stamp, _))) = (kept, head)
            && stamp == file.stamp
            && stamp.modified.max(stamp.changed).saturating_add(RACY) < self.pack.began
            && let Some(row) = Row::decode(&entry.row, self.scanners.len())
        {
            return Done { at, keep: Keep::Kept, entry: entry.clone(), row };
        }
        let largest = if is_lock_file(&file.path) { LOCK_FILE } else { self.options.largest };
        let bytes = match open::whole_in(&file.at, largest, std::mem::take(room)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
                let detail = format!("{} bytes, over {largest}", file.stamp.size);
                return self.unread(at, file, UnreadReason::Large, detail);
            }
            Err(error) => return self.unread(at, file, UnreadReason::Io, error.to_string()),
        };
        let hash = sha256(&bytes);
        if let (Some(entry), Some((_, former))) = (kept, head)
            && former == hash
            && let Some(mut row) = Row::decode(&entry.row, self.scanners.len())
        {
            // The same bytes with another stamp: only the stamp is new.
            row.stamp = file.stamp;
            *room = bytes;
            return Done { at, keep: Keep::New, entry: entry.restamped(file.stamp), row };
        }
        self.look(at, file, bytes, hash, room)
    }

    fn unread(&self, at: usize, file: &WalkedFile, reason: UnreadReason, detail: String) -> Done {
        let unread = vec![Unread { path: Arc::clone(&file.path), reason, detail }];
        let own = Own { allows: Vec::new(), verdict: Verdict { unread, ..Verdict::default() } };
        let reports = vec![FileReport::default(); self.scanners.len()];
        self.done(at, file, [0; 32], 0, &own, reports, reason == UnreadReason::Io, &Redactor::default())
    }

    fn look(&self, at: usize, file: &WalkedFile, bytes: Vec<u8>, hash: [u8; 32], room: &mut Vec<u8>) -> Done {
        let mut own = Own::default();
        let mut leave = |reason, detail: String| {
            own.verdict.unread.push(Unread { path: Arc::clone(&file.path), reason, detail });
        };
        let text = match text::decode(bytes) {
            Decoded::Text(text) => text,
            Decoded::Damaged(text) => {
                leave(UnreadReason::Encoding, "read with the strange bytes replaced".to_owned());
                text
            }
            Decoded::Binary => return self.unread_whole(at, file, hash),
        };
        let generated = text::generated(&text).map(|mark| (UnreadReason::Generated, mark.to_owned()));
        let made = generated
            .or_else(|| text::minified(&file.path, &text).map(|detail| (UnreadReason::Minified, detail)));
        let source = Source::of(Arc::clone(&file.path), text);
        let mut reports = Vec::with_capacity(self.scanners.len());
        let mut left = Vec::new();
        for scanner in self.scanners {
            if !scanner.reads(&file.path) {
                reports.push(FileReport::default());
            } else if made.is_some() && !scanner.reads_generated() {
                left.push(scanner.name());
                reports.push(FileReport::default());
            } else {
                reports.push(careful(scanner.as_ref(), &source));
            }
        }
        if let Some((reason, detail)) = made.filter(|_| !left.is_empty()) {
            leave(reason, format!("{detail}; not read for {}", left.join(", ")));
        }
        let (allows, findings) = allow::read(&source);
        own.allows = allows;
        own.verdict.findings = findings;
        let hidden = reports.iter().flat_map(|report| &report.verdict.findings).flat_map(|one| &one.hidden);
        let redactor = Redactor::new(source.text(), &merge(hidden.copied().collect()));
        let ended = source.text().is_empty() || source.text().ends_with('\n');
        let lines = source.lines().lines().saturating_sub(usize::from(ended));
        let lines = u32::try_from(lines).unwrap_or(u32::MAX);
        own.allows.iter_mut().for_each(|allow| redactor.apply(&mut allow.reason));
        for report in &mut reports {
            for finding in &mut report.verdict.findings {
                redactor.apply(&mut finding.message);
                finding.properties.values_mut().for_each(|value| redactor.apply(value));
                finding.trace.iter_mut().for_each(|step| redactor.apply(&mut step.says));
            }
        }
        let done = self.done(at, file, hash, lines, &own, reports, false, &redactor);
        if let Some(text) = source.into_text().filter(|text| text.capacity() <= ROOM) {
            *room = text.into_bytes();
        }
        done
    }

    fn unread_whole(&self, at: usize, file: &WalkedFile, hash: [u8; 32]) -> Done {
        let unread = vec![Unread {
            path: Arc::clone(&file.path),
            reason: UnreadReason::Binary,
            detail: String::new(),
        }];
        let own = Own { allows: Vec::new(), verdict: Verdict { unread, ..Verdict::default() } };
        let reports = vec![FileReport::default(); self.scanners.len()];
        self.done(at, file, hash, 0, &own, reports, false, &Redactor::default())
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a row, in one place")]
    fn done(
        &self,
        at: usize,
        file: &WalkedFile,
        hash: [u8; 32],
        lines: u32,
        own: &Own,
        mut reports: Vec<FileReport>,
        private: bool,
        redactor: &Redactor,
    ) -> Done {
        let entry = Entry::new(file.stamp, hash, lines, own, &mut reports).unwrap_or_default();
        let row = Row::decode(&entry.row, self.scanners.len()).unwrap_or_else(|| Row {
            stamp: file.stamp,
            hash,
            lines,
            own: own.clone(),
            parts: Vec::new(),
        });
        let shows = || redactor.finds(&entry.row) || entry.facts.iter().any(|facts| redactor.finds(facts));
        let private = private || entry.row.is_empty() || shows();
        Done { at, keep: if private { Keep::Private } else { Keep::New }, entry, row }
    }
}

/// What a thread keeps to read the next file into, in bytes at most.
const ROOM: usize = 4 << 20;
/// Deep trees of syntax are followed by functions that call themselves.
const STACK: usize = gabion_code::STACK + (32 << 20);
/// A file that changed so shortly before the scan that kept it may have changed again in the same tick of its clock.
const RACY: i64 = 2_000_000_000;

/// No fault of a scanner ends the scan; it is said.
fn careful(scanner: &dyn Scanner, source: &Source) -> FileReport {
    let report = catch_unwind(AssertUnwindSafe(|| scanner.file(source)));
    report.unwrap_or_else(|_| FileReport {
        verdict: failed(source.path(), scanner.name()),
        ..FileReport::default()
    })
}

pub(crate) fn failed(path: &Arc<str>, scanner: &str) -> Verdict {
    let detail = format!("the scanner `{scanner}` failed here; this is a fault of Gabion");
    Verdict {
        unread: vec![Unread { path: Arc::clone(path), reason: UnreadReason::Budget, detail }],
        ..Verdict::default()
    }
}

pub(crate) fn is_lock_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.ends_with(".lock")
        || name.ends_with(".lockfile")
        || name.ends_with("-lock.json")
        || name.ends_with("-lock.yaml")
        || matches!(
            name,
            "npm-shrinkwrap.json" | "packages.lock.json" | "go.sum" | "pylock.toml" | "bom.json" | "bom.xml"
        )
        || [".spdx.json", ".cdx.json", ".cdx.xml", ".spdx"].iter().any(|end| name.ends_with(end))
}

impl Scan {
    fn collect(&mut self, files: &[&WalkedFile], done: Vec<Done>) {
        for done in done {
            let Some(file) = files.get(done.at) else { continue };
            self.files.push(ScannedFile {
                path: Arc::clone(&file.path),
                at: file.at.clone(),
                hash: done.row.hash,
                bytes: file.stamp.size,
                lines: done.row.lines,
                readers: 0,
            });
            if !done.row.own.allows.is_empty() {
                self.allows.insert(Arc::clone(&file.path), done.row.own.allows);
            }
            let verdicts = done.row.parts.into_iter().map(|part| part.verdict);
            for verdict in std::iter::once(done.row.own.verdict).chain(verdicts) {
                self.findings.extend(verdict.findings);
                self.unread.extend(verdict.unread);
            }
        }
    }

    /// Puts everything in order; the same text under the same rule in a file gets a fingerprint of its own.
    fn finish(&mut self) {
        let key = |finding: &Finding| (finding.place.clone(), finding.rule.clone(), finding.message.clone());
        self.findings.sort_by_cached_key(key);
        self.findings.dedup_by(|one, other| {
            one.place == other.place && one.rule == other.rule && one.message == other.message
        });
        self.unread.sort();
        self.unread.dedup();
        let key =
            |endpoint: &Endpoint| (endpoint.path.clone(), endpoint.method.clone(), endpoint.place.clone());
        self.endpoints.sort_by_cached_key(key);
        self.endpoints.dedup();
        let mut seen: BTreeMap<gabion_finding::Fingerprint, usize> = BTreeMap::new();
        for finding in &mut self.findings {
            let times = seen.entry(finding.fingerprint).or_default();
            finding.fingerprint = finding.fingerprint.again(*times);
            *times = times.saturating_add(1);
            if !finding.hidden.is_empty() {
                self.hidden.entry(Arc::clone(&finding.place.path)).or_default().extend(&finding.hidden);
            }
        }
        for spans in self.hidden.values_mut() {
            *spans = merge(std::mem::take(spans));
        }
    }
}

/// A scan's folder as its users wrote it, for messages.
#[must_use]
pub fn shown(path: &Path) -> String {
    crate::visible::visible(&path.display().to_string())
}
