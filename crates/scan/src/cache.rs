//! What is kept of a scan, so that the next one reads only what changed.
//!
//! One file for each tree and set of scanners, with a hash over all of it: one that is torn, damaged or of another version is as
//! good as none. It is written beside and renamed, so two scans at once each leave a whole one. It holds findings, never texts; a
//! report in which a hidden text stands all the same is left out of it.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use gabion_vault::{sha256, sha256_of};

use crate::open;

/// Where scans are kept.
#[derive(Debug, Clone)]
pub struct CacheFolder(PathBuf);

/// What was kept, as bytes whose hash was right.
#[derive(Debug, Default)]
pub(crate) struct Pack {
    bytes: Vec<u8>,
    entries: HashMap<String, Range<usize>>,
    trees: Vec<([u8; 32], Range<usize>)>,
    /// When the scan that wrote it began, in nanoseconds since 1970.
    pub(crate) began: i64,
}

const MAGIC: &[u8] = b"gabion scan 1\n";
const HASH: usize = 32;
/// A larger one is neither written nor read.
const LARGEST: u64 = 512 << 20;
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
        open::whole(file, LARGEST).ok().and_then(Self::parse).unwrap_or_default()
    }

    fn parse(bytes: Vec<u8>) -> Option<Self> {
        let body = bytes.strip_prefix(MAGIC)?;
        let (hash, body) = body.split_at_checked(HASH)?;
        if sha256(body) != hash {
            return None;
        }
        let mut reader = Reader { bytes: &bytes, at: MAGIC.len() + HASH };
        let began = i64::from_le_bytes(reader.array()?);
        let mut trees = Vec::new();
        for _ in 0..reader.number()? {
            let key = reader.array()?;
            trees.push((key, reader.blob()?));
        }
        let mut entries = HashMap::new();
        for _ in 0..reader.number()? {
            let path = reader.blob()?;
            let path = std::str::from_utf8(bytes.get(path)?).ok()?.to_owned();
            entries.insert(path, reader.blob()?);
        }
        (reader.at == bytes.len()).then_some(())?;
        Some(Self { began, entries, trees, bytes })
    }

    pub(crate) fn entry(&self, path: &str) -> Option<Range<usize>> {
        self.entries.get(path).cloned()
    }

    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    pub(crate) fn tree(&self, key: &[u8; 32]) -> Option<&[u8]> {
        let (_, range) = self.trees.iter().find(|(one, _)| one == key)?;
        Some(self.bytes(range.clone()))
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// Writes a pack. A cache that cannot be written is no failure of a scan.
pub(crate) fn write<'a>(
    folder: &CacheFolder,
    file: &Path,
    began: i64,
    trees: &[([u8; 32], Vec<u8>)],
    entries: impl ExactSizeIterator<Item = (&'a str, &'a [u8])>,
) -> io::Result<()> {
    let mut body = Vec::new();
    body.extend_from_slice(&began.to_le_bytes());
    put_number(&mut body, trees.len())?;
    for (key, verdict) in trees {
        body.extend_from_slice(key);
        put(&mut body, verdict)?;
    }
    put_number(&mut body, entries.len())?;
    for (path, entry) in entries {
        put(&mut body, path.as_bytes())?;
        put(&mut body, entry)?;
        if u64::try_from(body.len()).is_ok_and(|length| length > LARGEST) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
    folder.make()?;
    // Of mode 0600.
    let mut beside = tempfile::NamedTempFile::new_in(&folder.0)?;
    beside.write_all(MAGIC)?;
    beside.write_all(&sha256(&body))?;
    beside.write_all(&body)?;
    beside.persist(file).map_err(|error| error.error)?;
    folder.sweep();
    Ok(())
}

/// Bytes behind their length.
pub(crate) fn put(out: &mut Vec<u8>, bytes: &[u8]) -> io::Result<()> {
    put_number(out, bytes.len())?;
    out.extend_from_slice(bytes);
    Ok(())
}

pub(crate) fn put_number(out: &mut Vec<u8>, number: usize) -> io::Result<()> {
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

    #[test]
    fn what_is_written_is_read_and_what_is_not_whole_is_nothing() {
        let folder = tempfile::TempDir::new().unwrap();
        let cache = CacheFolder::new(folder.path().join("deep/scan"));
        let file = cache.file(Path::new("/a"), "one");
        assert_ne!(file, cache.file(Path::new("/a"), "two"));
        let entries: [(&str, &[u8]); 2] = [("a.rs", b"one"), ("b.rs", b"")];
        write(&cache, &file, 7, &[([1; 32], b"tree".to_vec())], entries.into_iter()).unwrap();
        let pack = Pack::read(&file);
        assert_eq!((pack.began, pack.len()), (7, 2));
        assert_eq!(pack.bytes(pack.entry("a.rs").unwrap()), b"one");
        assert_eq!(pack.tree(&[1; 32]), Some(&b"tree"[..]));
        assert_eq!(pack.tree(&[2; 32]), None);
        let whole = fs::read(&file).unwrap();
        for at in 0..whole.len() {
            let mut torn = whole.clone();
            torn[at] ^= 1;
            assert!(Pack::parse(torn).is_none(), "byte {at}");
            assert!(Pack::parse(whole[..at].to_vec()).is_none(), "cut at {at}");
        }
    }

    proptest! {
        #[test]
        fn any_body_with_a_right_hash_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = MAGIC.to_vec();
            bytes.extend_from_slice(&sha256(&body));
            bytes.extend_from_slice(&body);
            let _ = Pack::parse(bytes);
        }
    }
}
