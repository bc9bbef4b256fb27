//! Opens what is surely a file, without waiting and without following a link.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// The whole of a regular file that is not longer than `largest`.
///
/// # Errors
/// When it is no such file; [`io::ErrorKind::FileTooLarge`] when it is longer.
pub(crate) fn whole(path: &Path, largest: u64) -> io::Result<Vec<u8>> {
    whole_in(path, largest, Vec::new())
}

/// The same, in memory that was used before.
pub(crate) fn whole_in(path: &Path, largest: u64, room: Vec<u8>) -> io::Result<Vec<u8>> {
    let (file, length) = opened(path)?;
    if length > largest {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = room;
    bytes.clear();
    bytes.reserve(usize::try_from(length).unwrap_or(0).saturating_add(1));
    // It may have grown since.
    file.take(largest.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > largest) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

pub(crate) fn file(path: &Path) -> io::Result<File> {
    opened(path).map(|(file, _)| file)
}

/// With its length.
fn opened(path: &Path) -> io::Result<(File, u64)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata.len())) } else { Err(io::Error::other("is no file")) }
}
