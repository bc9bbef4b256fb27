//! Secrets in archives: what was packed for somebody else is what they get. Nothing is written anywhere; a member's name is only shown.
//!
//! Zip and what is made like it (`.jar`, `.whl`, `.nupkg`, `.apk`), tar, gzip, and archives in them. Bounded: how long an archive and
//! a member may be, how many members are looked at, how much is unpacked, how deep archives lie in archives. What was not read is said.

use std::collections::HashSet;
use std::io::{self, BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::read::MultiGzDecoder;
use gabion_finding::{Fingerprint, Scanner, Unread, UnreadReason};
use zip::ZipArchive;

use crate::elsewhere::{Elsewhere, SECRETS, look};
use crate::engine::Watch;
use crate::open;
use crate::text::{self, Decoded};
use crate::walk::{self, WalkOptions, WalkedFile};

/// What archives hold.
#[derive(Debug, Default)]
pub struct Archives {
    /// At `archive!/member`.
    pub findings: Vec<Elsewhere>,
    pub unread: Vec<Unread>,
    pub archives: usize,
    pub texts: usize,
}

/// Bounds of looking into archives.
#[derive(Debug, Clone)]
pub struct ArchiveOptions {
    pub threads: usize,
    /// Longer members are not read.
    pub largest: u64,
    /// Longer archives are not opened.
    pub packed: u64,
    /// Of one archive, with all archives in it: bytes that are unpacked.
    pub unpacked: u64,
    /// Of one archive, with all archives in it.
    pub members: usize,
}

impl Default for ArchiveOptions {
    fn default() -> Self {
        Self { threads: 1, largest: crate::LARGEST, packed: 512 << 20, unpacked: 2 << 30, members: 100_000 }
    }
}

/// Archives in archives.
const DEEPEST: usize = 3;
/// An archive in an archive is held whole.
const INNER: u64 = 64 << 20;
/// Of a member's name, in characters.
const NAME: usize = 1024;

/// Looks into every archive a walk would come by. `known` are findings of the present, which are not said again.
///
/// # Errors
/// When the folder cannot be read.
pub fn archives(
    root: &Path,
    walk: &WalkOptions,
    scanners: &[Box<dyn Scanner>],
    known: &HashSet<Fingerprint>,
    options: &ArchiveOptions,
    watch: &dyn Watch,
) -> io::Result<Archives> {
    let scanners: Vec<&dyn Scanner> =
        scanners.iter().filter(|scanner| scanner.name() == SECRETS).map(AsRef::as_ref).collect();
    let mut files = walk::walk(root, walk, &[])?.files;
    files.retain(|file| Kind::of(&file.path).is_some());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Archives::default();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(at) else { break found };
            watch.reading(&file.path, at, files.len());
            one(file, &scanners, known, options, &mut found);
        }
    };
    let parts: Vec<Archives> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..options.threads.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let mut all = Archives::default();
    for part in parts {
        all.findings.extend(part.findings);
        all.unread.extend(part.unread);
        all.archives = all.archives.saturating_add(part.archives);
        all.texts = all.texts.saturating_add(part.texts);
    }
    all.findings.sort_by(|one, other| {
        let key = |one: &Elsewhere| (one.finding.place.clone(), one.finding.fingerprint);
        key(one).cmp(&key(other))
    });
    all.unread.sort();
    Ok(all)
}

/// How it is packed, by its name: what says otherwise of itself is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zip,
    Tar,
    /// A tar archive inside, by its name.
    TarGzip,
    Gzip,
}

const ENDINGS: &[(&str, Kind)] = &[
    (".tar.gz", Kind::TarGzip),
    (".tgz", Kind::TarGzip),
    (".crate", Kind::TarGzip),
    (".gem", Kind::Tar),
    (".tar", Kind::Tar),
    (".gz", Kind::Gzip),
    (".zip", Kind::Zip),
    (".jar", Kind::Zip),
    (".war", Kind::Zip),
    (".ear", Kind::Zip),
    (".aar", Kind::Zip),
    (".whl", Kind::Zip),
    (".egg", Kind::Zip),
    (".nupkg", Kind::Zip),
    (".apk", Kind::Zip),
    (".ipa", Kind::Zip),
    (".vsix", Kind::Zip),
    (".xpi", Kind::Zip),
];

impl Kind {
    fn of(path: &str) -> Option<Self> {
        let path = path.to_ascii_lowercase();
        ENDINGS.iter().find(|(ending, _)| path.ends_with(ending)).map(|(_, kind)| *kind)
    }
}

fn one(
    file: &WalkedFile,
    scanners: &[&dyn Scanner],
    known: &HashSet<Fingerprint>,
    options: &ArchiveOptions,
    found: &mut Archives,
) {
    let mut leave = |reason: UnreadReason, detail: String| {
        found.unread.push(Unread { path: Arc::clone(&file.path), reason, detail });
    };
    let Some(kind) = Kind::of(&file.path) else { return };
    if file.stamp.size > options.packed {
        leave(UnreadReason::Large, format!("{} bytes, over {}", file.stamp.size, options.packed));
        return;
    }
    let opened = match open::file(&file.at) {
        Ok(opened) => opened,
        Err(error) => return leave(UnreadReason::Io, error.to_string()),
    };
    unpack(kind, BufReader::new(opened), &file.path, scanners, known, options, found);
}

/// Looks into one archive that is held in memory; none of it where its name is not an archive's.
#[must_use]
pub fn archive(
    name: &str,
    bytes: &[u8],
    scanners: &[Box<dyn Scanner>],
    options: &ArchiveOptions,
) -> Archives {
    let scanners: Vec<&dyn Scanner> = scanners.iter().map(AsRef::as_ref).collect();
    let mut found = Archives::default();
    if let Some(kind) = Kind::of(name) {
        unpack(kind, Cursor::new(bytes), name, &scanners, &HashSet::new(), options, &mut found);
    }
    found
}

fn unpack<R: Read + Seek>(
    kind: Kind,
    reader: R,
    path: &str,
    scanners: &[&dyn Scanner],
    known: &HashSet<Fingerprint>,
    options: &ArchiveOptions,
    found: &mut Archives,
) {
    found.archives = found.archives.saturating_add(1);
    let mut work = Unpacking {
        scanners,
        known,
        largest: options.largest,
        bytes: options.unpacked,
        members: options.members,
        opaque: 0,
        found,
    };
    let ended = work.archive(kind, reader, path, 0);
    let opaque = work.opaque;
    let mut leave = |reason: UnreadReason, detail: String| {
        found.unread.push(Unread { path: path.into(), reason, detail });
    };
    match ended {
        Ok(()) => {}
        Err(Stop::Damaged(detail)) => leave(UnreadReason::Syntax, detail),
        Err(Stop::Budget(detail)) => leave(UnreadReason::Budget, detail),
    }
    if opaque > 0 {
        leave(UnreadReason::Binary, format!("{opaque} of its members are no text"));
    }
}

/// Why an archive is not looked into any further.
enum Stop {
    Damaged(String),
    Budget(String),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Spent>()) {
            Some(spent) => Self::Budget(spent.to_string()),
            None => Self::Damaged(error.to_string()),
        }
    }
}

/// What is left of one archive's bounds.
struct Unpacking<'a> {
    scanners: &'a [&'a dyn Scanner],
    known: &'a HashSet<Fingerprint>,
    largest: u64,
    bytes: u64,
    members: usize,
    opaque: usize,
    found: &'a mut Archives,
}

impl Unpacking<'_> {
    fn archive<R: Read + Seek>(
        &mut self,
        kind: Kind,
        reader: R,
        path: &str,
        depth: usize,
    ) -> Result<(), Stop> {
        match kind {
            Kind::Zip => self.zip(reader, path, depth),
            Kind::Tar => self.tar(reader, path, depth),
            Kind::TarGzip => {
                let mut left = self.bytes;
                let ended =
                    self.tar(Metered { inner: MultiGzDecoder::new(reader), left: &mut left }, path, depth);
                self.bytes = self.bytes.min(left);
                ended
            }
            Kind::Gzip => {
                let name = path.rsplit('/').next().unwrap_or(path);
                let name = name.get(..name.len().saturating_sub(3)).unwrap_or(name).to_owned();
                self.member(MultiGzDecoder::new(reader), path, &name, depth)
            }
        }
    }

    fn zip<R: Read + Seek>(&mut self, reader: R, path: &str, depth: usize) -> Result<(), Stop> {
        let mut archive = ZipArchive::new(reader).map_err(|error| Stop::Damaged(error.to_string()))?;
        for at in 0..archive.len() {
            self.count()?;
            match archive.by_index(at) {
                Ok(entry) if entry.is_dir() => {}
                Ok(entry) => {
                    let name = entry.name().map_or_else(|_| at.to_string(), std::borrow::Cow::into_owned);
                    self.member(entry, path, &name, depth)?;
                }
                // Locked, or packed in a way nobody here knows.
                Err(error) => self.leave(&format!("{path}!/{at}"), UnreadReason::Encoding, error.to_string()),
            }
        }
        Ok(())
    }

    /// Entry by entry as they stand: names that are longer than a header are taken here, because they are bounded here.
    fn tar<R: Read>(&mut self, reader: R, path: &str, depth: usize) -> Result<(), Stop> {
        let mut archive = tar::Archive::new(reader);
        let mut longer: Option<String> = None;
        for entry in archive.entries()?.raw(true) {
            self.count()?;
            let mut entry = entry?;
            let kind = entry.header().entry_type();
            if kind.is_gnu_longname() || kind.is_pax_local_extensions() {
                let mut bytes = Vec::new();
                entry.by_ref().take(LONG_NAME).read_to_end(&mut bytes)?;
                longer =
                    if kind.is_gnu_longname() { Some(gnu_name(&bytes)) } else { pax_name(&bytes).or(longer) };
                continue;
            }
            let name =
                longer.take().unwrap_or_else(|| String::from_utf8_lossy(&entry.path_bytes()).into_owned());
            if kind.is_file() {
                self.member(entry, path, &name, depth)?;
            }
        }
        Ok(())
    }

    fn member<R: Read>(&mut self, reader: R, archive: &str, name: &str, depth: usize) -> Result<(), Stop> {
        let name: String = name.replace('\\', "/").chars().take(NAME).collect();
        let path = format!("{archive}!/{name}");
        if let Some(kind) = Kind::of(&name) {
            if depth >= DEEPEST {
                self.leave(&path, UnreadReason::Deep, format!("an archive in {DEEPEST} others"));
                return Ok(());
            }
            let Some(bytes) = self.whole(reader, INNER, &path)? else { return Ok(()) };
            return match self.archive(kind, Cursor::new(bytes), &path, depth.saturating_add(1)) {
                // What is damaged inside says nothing of what stands beside it.
                Err(Stop::Damaged(detail)) => {
                    self.leave(&path, UnreadReason::Syntax, detail);
                    Ok(())
                }
                ended => ended,
            };
        }
        if !self.scanners.iter().any(|scanner| scanner.reads(&name)) {
            return Ok(());
        }
        let Some(bytes) = self.whole(reader, self.largest, &path)? else { return Ok(()) };
        let (Decoded::Text(text) | Decoded::Damaged(text)) = text::decode(bytes) else {
            self.opaque = self.opaque.saturating_add(1);
            return Ok(());
        };
        self.found.texts = self.found.texts.saturating_add(1);
        for mut one in look(self.scanners, &path, &text, self.known) {
            one.finding.properties.insert("archive".to_owned(), archive.to_owned());
            self.found.findings.push(one);
        }
        Ok(())
    }

    /// All of a member; none where it is too long, or damaged by itself.
    fn whole<R: Read>(&mut self, reader: R, largest: u64, path: &str) -> Result<Option<Vec<u8>>, Stop> {
        let mut bytes = Vec::new();
        let metered = Metered { inner: reader, left: &mut self.bytes };
        match metered.take(largest.saturating_add(1)).read_to_end(&mut bytes).map_err(Stop::from) {
            Err(Stop::Damaged(detail)) => {
                self.leave(path, UnreadReason::Syntax, detail);
                Ok(None)
            }
            Err(stop) => Err(stop),
            Ok(_) if u64::try_from(bytes.len()).is_ok_and(|length| length > largest) => {
                self.leave(path, UnreadReason::Large, format!("over {largest} bytes"));
                Ok(None)
            }
            Ok(_) => Ok(Some(bytes)),
        }
    }

    fn count(&mut self) -> Result<(), Stop> {
        self.members = self
            .members
            .checked_sub(1)
            .ok_or_else(|| Stop::Budget("too many members; the rest was not looked at".to_owned()))?;
        Ok(())
    }

    fn leave(&mut self, path: &str, reason: UnreadReason, detail: String) {
        self.found.unread.push(Unread { path: path.into(), reason, detail });
    }
}

/// Of a name that has an entry of its own, in bytes.
const LONG_NAME: u64 = 16 << 10;

/// A name of GNU tar, ended by a zero byte.
fn gnu_name(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

/// The `path` of an extended header (POSIX pax): `27 path=some/long/name\n`.
fn pax_name(bytes: &[u8]) -> Option<String> {
    let mut extensions = tar::PaxExtensions::new(bytes).map_while(Result::ok);
    let path = extensions.find(|extension| extension.key() == Ok("path"))?;
    Some(String::from_utf8_lossy(path.value_bytes()).into_owned())
}

/// Reads so much and then fails: what was skipped was unpacked as well.
struct Metered<'a, R> {
    inner: R,
    left: &'a mut u64,
}

#[derive(Debug, thiserror::Error)]
#[error("it unpacks to more than is looked at; the rest was not")]
struct Spent;

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if *self.left == 0 && !into.is_empty() {
            return Err(io::Error::other(Spent));
        }
        let most = usize::try_from(*self.left).unwrap_or(usize::MAX).min(into.len());
        let read = self.inner.read(into.get_mut(..most).unwrap_or_default())?;
        *self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}
