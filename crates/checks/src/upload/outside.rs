//! What judging uploads needs from outside, as traits: room that is not memory, time that is nobody's turn,
//! and somebody who knows viruses.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use gabion_model::outbound::BoxFuture;

/// Given by whoever has files, threads and sockets.
pub trait Outside: Send + Sync + fmt::Debug {
    /// Room for one request's upload.
    ///
    /// # Errors
    /// That there is none.
    fn spool(&self) -> io::Result<Box<dyn Spool>>;

    /// Does work that takes long where it holds up no other request. It may never be done, when there is too much.
    fn aside(&self, work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()>;

    /// The virus scanner of the settings; `None` where they name none.
    fn scanner(&self) -> Option<Arc<dyn Scanner>>;
}

/// Room that is gone when this is dropped, also after a crash.
pub trait Spool: Send + fmt::Debug {
    /// Puts bytes behind those that are there.
    ///
    /// # Errors
    /// No more room.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Reads exactly so many bytes.
    ///
    /// # Errors
    /// Also when they are not there.
    fn read(&mut self, at: u64, into: &mut [u8]) -> io::Result<()>;
}

/// Looks for viruses.
pub trait Scanner: Send + Sync + fmt::Debug {
    /// Judges a file, and gives it back.
    fn scan(&self, file: Box<dyn Source>) -> BoxFuture<'_, (Scan, Box<dyn Source>)>;
}

/// A file being read from its beginning.
pub trait Source: Send {
    /// Bytes in all.
    fn length(&self) -> u64;

    /// The next piece, of at most 64 kB; `None` at the end.
    ///
    /// # Errors
    /// When it cannot be read any more.
    fn next(&mut self) -> io::Result<Option<Bytes>>;

    /// Gives it back.
    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any + Send>;
}

/// What a scanner says. Whatever is not [`Scan::Clean`] is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scan {
    Clean,
    /// By the name the scanner has for it.
    Infected(String),
    /// It has too much to do.
    Busy,
    /// No answer, or none that says anything.
    Failed(String),
}

/// Does work aside and gives what came of it; `None` when it was not done.
pub(crate) async fn aside<T: Send + 'static>(
    outside: Option<&Arc<dyn Outside>>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let Some(outside) = outside else { return Some(work()) };
    let done = Arc::new(Mutex::new(None));
    let inner = Arc::clone(&done);
    let work = move || {
        let value = work();
        *inner.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    };
    outside.aside(Box::new(work)).await;
    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
    done.take()
}
