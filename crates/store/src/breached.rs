//! A sorted list of SHA-1 digests in a file, asked by halving: some forty reads for a billion lines.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use gabion_identity::passwords::breached::{BreachedList, Unreadable};

/// An open list. Lines are `DIGEST` or `DIGEST:COUNT`, in whatever case, sorted.
#[derive(Debug)]
pub struct BreachedFile {
    file: File,
    length: u64,
}

impl BreachedFile {
    /// # Errors
    /// When the file cannot be read, is empty, or does not begin with a digest.
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        let file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        let list = Self { file, length };
        match list.line_at(0)? {
            Some(_) => Ok(list),
            None => Err(Unreadable("it is empty".to_owned())),
        }
    }

    /// The digest of the first line that begins at or after `offset`.
    fn line_at(&self, offset: u64) -> Result<Option<([u8; 20], u64)>, Unreadable> {
        let mut buffer = [0; WINDOW];
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            let at = offset.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
            match self.file.read_at(room, at).map_err(unreadable)? {
                0 => break,
                read => filled = filled.saturating_add(read),
            }
        }
        let window = buffer.get(..filled).unwrap_or_default();
        // A line begins at the beginning or after the end of another.
        let start = match offset {
            0 => 0,
            _ => match window.iter().position(|byte| *byte == b'\n') {
                Some(end) => end.saturating_add(1),
                None => return Ok(None),
            },
        };
        let Some(line) = window.get(start..).filter(|line| !line.is_empty()) else { return Ok(None) };
        let digest = line
            .get(..40)
            .and_then(digest)
            .ok_or_else(|| Unreadable("a line does not begin with 40 hexadecimal digits".to_owned()))?;
        Ok(Some((digest, offset.saturating_add(u64::try_from(start).unwrap_or(u64::MAX)))))
    }
}

impl BreachedList for BreachedFile {
    fn contains(&self, wanted: &[u8; 20]) -> Result<bool, Unreadable> {
        if self.line_at(0)?.is_some_and(|(first, _)| first == *wanted) {
            return Ok(true);
        }
        // INVARIANT: the first line at or after `low` is not above `wanted`, nor is any before it equal.
        let (mut low, mut high) = (0, self.length);
        while low < high {
            let middle = low.midpoint(high);
            match self.line_at(middle.max(1))? {
                Some((found, _)) if found == *wanted => return Ok(true),
                Some((found, at)) if found < *wanted => low = at.max(middle.saturating_add(1)),
                _ => high = middle,
            }
        }
        Ok(false)
    }
}

fn digest(hex: &[u8]) -> Option<[u8; 20]> {
    let mut out = [0; 20];
    for (place, pair) in out.iter_mut().zip(hex.chunks(2)) {
        let text = std::str::from_utf8(pair).ok().filter(|text| !text.starts_with('+'))?;
        *place = u8::from_str_radix(text, 16).ok()?;
    }
    Some(out)
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unreadable(error: std::io::Error) -> Unreadable {
    Unreadable(error.to_string())
}

/// Two lines with their counts.
const WINDOW: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn number(number: u32) -> [u8; 20] {
        let mut digest = [0x5a; 20];
        digest[..4].copy_from_slice(&number.to_be_bytes());
        digest
    }

    fn file(numbers: &[u32], end: &str) -> (tempfile::TempDir, BreachedFile) {
        let folder = tempfile::tempdir().unwrap();
        let mut text = String::new();
        for one in numbers {
            let hex = number(*one).iter().fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02X}").unwrap();
                hex
            });
            write!(text, "{hex}:{}{end}", one % 100_000).unwrap();
        }
        std::fs::write(folder.path().join("list"), text).unwrap();
        let list = BreachedFile::open(&folder.path().join("list")).unwrap();
        (folder, list)
    }

    #[test]
    fn every_line_is_found_and_nothing_else() {
        for (count, end) in [(1, "\n"), (2, "\r\n"), (3, "\n"), (1000, "\r\n")] {
            let numbers: Vec<u32> = (0..count).map(|one| one * 7_919 + 3).collect();
            let (_folder, list) = file(&numbers, end);
            for one in numbers {
                assert_eq!(list.contains(&number(one)), Ok(true), "{one} of {count}");
                assert_eq!(list.contains(&number(one + 1)), Ok(false), "{one} of {count}");
            }
            assert_eq!(list.contains(&[0; 20]), Ok(false));
            assert_eq!(list.contains(&[0xff; 20]), Ok(false));
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        assert!(BreachedFile::open(&path).is_err());
        for wrong in ["", "password\n", "+A+A+A+A+A+A+A+A+A+A+A+A+A+A+A+A+A+A+A+A:1\n"] {
            std::fs::write(&path, wrong).unwrap();
            assert!(BreachedFile::open(&path).is_err(), "{wrong}");
        }
    }
}
