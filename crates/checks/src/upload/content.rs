//! A file that is being judged: its beginning in memory, the rest in the spool, read by position.

use std::fmt;
use std::io::{self, Read};

use bytes::Bytes;

use super::broken::Broken;
use super::outside::{Source, Spool};

/// The bytes of one file.
pub(crate) struct Content {
    memory: Bytes,
    /// The rest, from where to where in the spool.
    spool: Option<Box<dyn Spool>>,
    spool_at: u64,
    spooled: u64,
    /// What was read last of it, and where it stands in the file.
    window: Vec<u8>,
    window_at: u64,
    next: u64,
}

/// A piece of what the application gets in a file's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// So much of the file itself.
    Keep {
        at: u64,
        length: u64,
    },
    New(Bytes),
}

impl Content {
    pub(crate) fn new(memory: Bytes, spool: Option<Box<dyn Spool>>, spool_at: u64, spooled: u64) -> Self {
        Self { memory, spool, spool_at, spooled, window: Vec::new(), window_at: 0, next: 0 }
    }

    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::new(bytes.into(), None, 0, 0)
    }

    /// The memory's part and the spool, to go on with.
    pub(crate) fn into_parts(self) -> (Bytes, Option<Box<dyn Spool>>) {
        (self.memory, self.spool)
    }

    pub(crate) fn length(&self) -> u64 {
        (self.memory.len() as u64).saturating_add(self.spooled)
    }

    /// Exactly these bytes, at most [`WINDOW`] of them.
    pub(crate) fn bytes(&mut self, at: u64, length: usize) -> Result<&[u8], Broken> {
        let end = at.checked_add(length as u64).ok_or(Broken::Malformed)?;
        if end > self.length() || length > WINDOW {
            return Err(Broken::Malformed);
        }
        if end <= self.memory.len() as u64 {
            let (from, to) = (index(at)?, index(end)?);
            return self.memory.get(from..to).ok_or(Broken::Malformed);
        }
        if at < self.window_at || end > self.window_at.saturating_add(self.window.len() as u64) {
            self.fill(at)?;
        }
        let from = index(at.saturating_sub(self.window_at))?;
        self.window.get(from..from.saturating_add(length)).ok_or(Broken::Malformed)
    }

    /// The bytes from there on: as many as there are, at most `most` and [`WINDOW`].
    pub(crate) fn up_to(&mut self, at: u64, most: usize) -> Result<&[u8], Broken> {
        let left = self.length().saturating_sub(at);
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(most).min(WINDOW);
        self.bytes(at, length)
    }

    pub(crate) fn array<const N: usize>(&mut self, at: u64) -> Result<[u8; N], Broken> {
        self.bytes(at, N)?.try_into().map_err(|_| Broken::Malformed)
    }

    pub(crate) fn reader(&mut self, at: u64, end: u64) -> Reader<'_> {
        Reader { content: self, at, end }
    }

    /// The whole file in memory, if it is no longer than that.
    pub(crate) fn all(&mut self, most: u64) -> Result<Bytes, Broken> {
        let length = self.length();
        if length > most {
            return Err(Broken::FileTooLong);
        }
        if self.spooled == 0 {
            return Ok(self.memory.clone());
        }
        let mut all = Vec::new();
        self.reader(0, length).read_to_end(&mut all).map_err(|_| Broken::Room)?;
        Ok(all.into())
    }

    /// Fills the window from `at` on.
    fn fill(&mut self, at: u64) -> Result<(), Broken> {
        let left = usize::try_from(self.length().saturating_sub(at)).unwrap_or(usize::MAX);
        self.window.resize(left.min(WINDOW), 0);
        self.window_at = at;
        let memory = self.memory.get(usize::try_from(at).unwrap_or(usize::MAX)..).unwrap_or_default();
        let inside = memory.len().min(self.window.len());
        let (start, rest) = self.window.split_at_mut(inside);
        start.copy_from_slice(memory.get(..start.len()).unwrap_or_default());
        if rest.is_empty() {
            return Ok(());
        }
        let from = at.saturating_add(start.len() as u64).saturating_sub(self.memory.len() as u64);
        let spool = self.spool.as_mut().ok_or(Broken::Room)?;
        spool.read(self.spool_at.saturating_add(from), rest).map_err(|_| Broken::Room)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Content").field("length", &self.length()).finish_non_exhaustive()
    }
}

impl Source for Content {
    fn length(&self) -> u64 {
        Self::length(self)
    }

    fn next(&mut self) -> io::Result<Option<Bytes>> {
        let at = self.next;
        let piece = self.up_to(at, WINDOW).map_err(io::Error::other)?;
        let piece = Bytes::copy_from_slice(piece);
        self.next = at.saturating_add(piece.len() as u64);
        Ok((!piece.is_empty()).then_some(piece))
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any + Send> {
        self
    }
}

/// A range of a file as a stream.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    content: &'a mut Content,
    at: u64,
    end: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = left.min(into.len());
        let bytes = self.content.up_to(self.at, most).map_err(io::Error::other)?;
        if let Some(into) = into.get_mut(..bytes.len()) {
            into.copy_from_slice(bytes);
        }
        self.at = self.at.saturating_add(bytes.len() as u64);
        Ok(bytes.len())
    }
}

fn index(at: u64) -> Result<usize, Broken> {
    usize::try_from(at).map_err(|_| Broken::Malformed)
}

/// The most that can be looked at in one piece.
pub(crate) const WINDOW: usize = 64 * 1024;
