//! What is kept of a scan, so that the next one reads only what changed.
//!
//! One file for each tree and set of scanners, with a hash over all of it: one that is torn, damaged or of another version is as
//! good as none. It is written beside and renamed, so two scans at once each leave a whole one. It holds findings, never texts; a
//! report in which a hidden text stands all the same is left out of it.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_vault::{Sha256, sha256_of};

use crate::open;
use crate::row::Entry;

/// Where scans are kept.
#[derive(Debug, Clone)]
pub struct CacheFolder(PathBuf);

/// What was kept, and whose hash was right.
#[derive(Debug, Default)]
pub(crate) struct Pack {
    entries: HashMap<Box<str>, Entry>,
    trees: HashMap<[u8; 32], Box<[u8]>>,
    /// When the scan that wrote it began, in nanoseconds since 1970.
    pub(crate) began: i64,
}

const MAGIC: &[u8] = b"gabion scan 2\n";
const HASH: usize = 32;
/// A larger one is neither written nor read.
const LARGEST: u64 = 768 << 20;
/// Read and written at once.
const CHUNK: usize = 1 << 18;
/// All of them together; the oldest go.
const LARGEST_FOLDER: u64 = 2 << 30;

impl CacheFolder {
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// The file for a tree under some settings.
    pub(crate) fn file(&self, root: &Path, settings: &str) -> PathBuf {
        let name = sha256_of(&[root.as_os_str().as_encoded_bytes(), &[0], settings.as_bytes()]);
        let name: String = name.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.0.join(format!("{name}.pack"))
    }

    /// Nobody else may read what is kept.
    fn make(&self) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt as _;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)
    }

    /// Removes the oldest when there is too much.
    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.0) else { return };
        let mut packs: Vec<(std::time::SystemTime, u64, PathBuf)> = entries
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|end| end == "pack"))
            .filter_map(|entry| {
                let metadata = entry.metadata().ok()?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        packs.sort();
        let mut all: u64 = packs.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in packs {
            if all <= LARGEST_FOLDER {
                break;
            }
            if fs::remove_file(path).is_ok() {
                all = all.saturating_sub(size);
            }
        }
    }
}

impl Pack {
    /// What was kept there; nothing where that is not whole.
    pub(crate) fn read(file: &Path) -> Self {
        let Ok(opened) = open::file(file) else { return Self::default() };
        let Ok(length) = opened.metadata().map(|metadata| metadata.len()) else { return Self::default() };
        if length > LARGEST {
            return Self::default();
        }
        Self::parse(io::BufReader::with_capacity(CHUNK, opened), length).unwrap_or_default()
    }

    fn parse(from: impl io::Read, length: u64) -> Option<Self> {
        let mut stream = Stream { from, hash: Sha256::default(), left: length };
        let (magic, hash): ([u8; MAGIC.len()], [u8; HASH]) = (stream.array()?, stream.array()?);
        if magic != MAGIC {
            return None;
        }
        stream.hash = Sha256::default();
        let began = i64::from_le_bytes(stream.array()?);
        let mut trees = HashMap::new();
        for _ in 0..stream.number()? {
            let key = stream.array()?;
            trees.insert(key, stream.blob()?.into());
        }
        let scanners = stream.number()?;
        let mut entries = HashMap::new();
        for _ in 0..stream.number()? {
            let path = String::from_utf8(stream.blob()?).ok()?;
            let row = stream.blob()?.into();
            let mut facts: Vec<Arc<[u8]>> = Vec::new();
            for _ in 0..scanners {
                facts.push(stream.blob()?.into());
            }
            entries.insert(path.into(), Entry { row, facts: facts.into() });
        }
        (stream.left == 0 && stream.hash.finish() == hash).then_some(Self { entries, trees, began })
    }

    pub(crate) fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    pub(crate) fn tree(&self, key: &[u8; 32]) -> Option<&[u8]> {
        self.trees.get(key).map(AsRef::as_ref)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// A file that is read piece by piece, never past its length, and hashed on the way.
struct Stream<R> {
    from: R,
    hash: Sha256,
    left: u64,
}

impl<R: io::Read> Stream<R> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut array = [0; N];
        self.left = self.left.checked_sub(u64::try_from(N).ok()?)?;
        self.from.read_exact(&mut array).ok()?;
        self.hash.update(&array);
        Some(array)
    }

    fn number(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).ok()
    }

    fn blob(&mut self) -> Option<Vec<u8>> {
        let length = self.number()?;
        let long = u64::try_from(length).ok()?;
        self.left = self.left.checked_sub(long)?;
        let mut bytes = Vec::with_capacity(length);
        self.from.by_ref().take(long).read_to_end(&mut bytes).ok()?;
        self.hash.update(&bytes);
        (bytes.len() == length).then_some(bytes)
    }
}

/// Writes a pack. A cache that cannot be written is no failure of a scan.
pub(crate) fn write<'a>(
    folder: &CacheFolder,
    file: &Path,
    began: i64,
    trees: &[([u8; 32], Vec<u8>)],
    scanners: usize,
    entries: impl ExactSizeIterator<Item = (&'a str, &'a Entry)>,
) -> io::Result<()> {
    folder.make()?;
    // Of mode 0600.
    let beside = tempfile::NamedTempFile::new_in(&folder.0)?;
    let mut to = BufWriter::with_capacity(CHUNK, beside.as_file());
    to.write_all(MAGIC)?;
    to.write_all(&[0; HASH])?;
    let mut body = Body { to, hash: Sha256::default(), written: 0 };
    body.bytes(&began.to_le_bytes())?;
    body.number(trees.len())?;
    for (key, verdict) in trees {
        body.bytes(key)?;
        body.blob(verdict)?;
    }
    body.number(scanners)?;
    body.number(entries.len())?;
    for (path, entry) in entries {
        body.blob(path.as_bytes())?;
        body.blob(&entry.row)?;
        for scanner in 0..scanners {
            body.blob(entry.facts(scanner).map_or(&[], AsRef::as_ref))?;
        }
    }
    let hash = body.end()?;
    let mut head = beside.as_file();
    head.seek(SeekFrom::Start(u64::try_from(MAGIC.len()).unwrap_or(0)))?;
    head.write_all(&hash)?;
    beside.persist(file).map_err(|error| error.error)?;
    folder.sweep();
    Ok(())
}

/// What stands behind the hash, on its way to the file.
struct Body<W> {
    to: W,
    hash: Sha256,
    written: u64,
}

impl<W: io::Write> Body<W> {
    fn end(mut self) -> io::Result<[u8; HASH]> {
        self.to.flush()?;
        Ok(self.hash.finish())
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written = self.written.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.written > LARGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.hash.update(bytes);
        self.to.write_all(bytes)
    }

    fn number(&mut self, number: usize) -> io::Result<()> {
        let number = u32::try_from(number).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        self.bytes(&number.to_le_bytes())
    }

    fn blob(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.number(bytes.len())?;
        self.bytes(bytes)
    }
}

/// Bytes behind their length.
pub(crate) fn put(out: &mut Vec<u8>, bytes: &[u8]) -> io::Result<()> {
    put_number(out, bytes.len())?;
    out.extend_from_slice(bytes);
    Ok(())
}

fn put_number(out: &mut Vec<u8>, number: usize) -> io::Result<()> {
    let number = u32::try_from(number).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    out.extend_from_slice(&number.to_le_bytes());
    Ok(())
}

/// Reads what was put.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
}

impl Reader<'_> {
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let end = self.at.checked_add(N)?;
        let array = self.bytes.get(self.at..end)?.try_into().ok()?;
        self.at = end;
        Some(array)
    }

    pub(crate) fn number(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).ok()
    }

    pub(crate) fn blob(&mut self) -> Option<Range<usize>> {
        let length = self.number()?;
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        let range = self.at..end;
        self.at = end;
        Some(range)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(bytes: &[u8]) -> Option<Pack> {
        Pack::parse(bytes, u64::try_from(bytes.len()).unwrap())
    }

    #[test]
    fn what_is_written_is_read_and_what_is_not_whole_is_nothing() {
        let folder = tempfile::TempDir::new().unwrap();
        let cache = CacheFolder::new(folder.path().join("deep/scan"));
        let file = cache.file(Path::new("/a"), "one");
        assert_ne!(file, cache.file(Path::new("/a"), "two"));
        let entry = |row: &[u8], facts: &[u8]| Entry {
            row: row.into(),
            facts: [Arc::from(facts), Arc::default()].into(),
        };
        let entries = [("a.rs", entry(b"one", b"")), ("b.rs", entry(b"", b"facts"))];
        let listed: Vec<(&str, &Entry)> = entries.iter().map(|(path, entry)| (*path, entry)).collect();
        write(&cache, &file, 7, &[([1; 32], b"tree".to_vec())], 2, listed.into_iter()).unwrap();
        let pack = Pack::read(&file);
        assert_eq!((pack.began, pack.len()), (7, 2));
        assert_eq!(*pack.entry("a.rs").unwrap().row, *b"one");
        assert_eq!(pack.entry("a.rs").unwrap().facts(0), None);
        assert_eq!(pack.entry("b.rs").unwrap().facts(0).map(AsRef::as_ref), Some(&b"facts"[..]));
        assert_eq!(pack.tree(&[1; 32]), Some(&b"tree"[..]));
        assert_eq!(pack.tree(&[2; 32]), None);
        let whole = fs::read(&file).unwrap();
        assert!(parse(&whole).is_some());
        for at in 0..whole.len() {
            let mut torn = whole.clone();
            torn[at] ^= 1;
            assert!(parse(&torn).is_none(), "byte {at}");
            assert!(parse(&whole[..at]).is_none(), "cut at {at}");
        }
        assert!(parse(&[whole, vec![0]].concat()).is_none());
    }

    proptest! {
        #[test]
        fn any_body_with_a_right_hash_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = MAGIC.to_vec();
            bytes.extend_from_slice(&sha256_of(&[&body]));
            bytes.extend_from_slice(&body);
            let _ = parse(&bytes);
        }
    }
}
