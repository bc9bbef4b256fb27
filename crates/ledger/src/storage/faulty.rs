//! Storage that fails on demand, to prove what happens when a disk does.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{SegmentId, SegmentSource, SegmentStorage};

/// Passes everything on to `inner`, except for the faults that were asked for.
#[derive(Debug)]
pub struct FaultySegments<S> {
    inner: S,
    faults: Mutex<Faults>,
    syncs: AtomicU64,
}

/// What goes wrong from now on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// After so many more bytes there is no space left on the device (short write, then `ENOSPC`).
    pub space: Option<u64>,
    /// One call takes at most so many bytes.
    pub short_writes: Option<usize>,
    /// So many of the next syncs fail with `EIO`.
    pub failing_syncs: u64,
    /// So many of the next truncations fail with `EIO`.
    pub failing_truncations: u64,
    /// So many of the next creations fail with `EIO`.
    pub failing_creations: u64,
}

impl<S> FaultySegments<S> {
    pub const fn new(inner: S) -> Self {
        Self {
            inner,
            faults: Mutex::new(Faults {
                space: None,
                short_writes: None,
                failing_syncs: 0,
                failing_truncations: 0,
                failing_creations: 0,
            }),
            syncs: AtomicU64::new(0),
        }
    }

    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// Replaces the faults; the default heals the disk.
    pub fn inject(&self, faults: Faults) {
        self.with(|current| *current = faults);
    }

    /// How many syncs succeeded.
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Faults) -> T) -> T {
        act(&mut self.faults.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn fails(&self, counter: impl FnOnce(&mut Faults) -> &mut u64) -> io::Result<()> {
        self.with(|faults| {
            let left = counter(faults);
            if *left == 0 {
                return Ok(());
            }
            *left -= 1;
            Err(io::Error::other("injected input/output error"))
        })
    }
}

impl<S: SegmentSource> SegmentSource for FaultySegments<S> {
    fn list(&self) -> io::Result<Vec<SegmentId>> {
        self.inner.list()
    }

    fn size(&self, segment: SegmentId) -> io::Result<u64> {
        self.inner.size(segment)
    }

    fn read(&self, segment: SegmentId, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(segment, offset, buffer)
    }
}

impl<S: SegmentStorage> SegmentStorage for FaultySegments<S> {
    fn create(&self, segment: SegmentId, header: &[u8]) -> io::Result<()> {
        self.fails(|faults| &mut faults.failing_creations)?;
        if self.with(|faults| faults.space.is_some_and(|space| space < header.len() as u64)) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.inner.create(segment, header)?;
        self.with(|faults| {
            faults.space = faults.space.map(|space| space.saturating_sub(header.len() as u64));
        });
        Ok(())
    }

    fn append(&self, segment: SegmentId, bytes: &[u8]) -> io::Result<usize> {
        let allowed = self.with(|faults| {
            let space = faults.space.map_or(usize::MAX, |space| usize::try_from(space).unwrap_or(usize::MAX));
            bytes.len().min(space).min(faults.short_writes.unwrap_or(usize::MAX))
        });
        if allowed == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = self.inner.append(segment, bytes.get(..allowed).unwrap_or(bytes))?;
        self.with(|faults| faults.space = faults.space.map(|space| space.saturating_sub(taken as u64)));
        Ok(taken)
    }

    fn sync(&self, segment: SegmentId) -> io::Result<()> {
        self.fails(|faults| &mut faults.failing_syncs)?;
        self.inner.sync(segment)?;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn truncate(&self, segment: SegmentId, size: u64) -> io::Result<()> {
        self.fails(|faults| &mut faults.failing_truncations)?;
        self.inner.truncate(segment, size)
    }

    fn replace_header(&self, segment: SegmentId, header: &[u8]) -> io::Result<()> {
        self.inner.replace_header(segment, header)
    }

    fn remove(&self, segment: SegmentId) -> io::Result<()> {
        self.inner.remove(segment)
    }
}
