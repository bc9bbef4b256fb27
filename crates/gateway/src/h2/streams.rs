//! The open streams of one connection, and whether the client takes what is there for it.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::h1::Patience;
use crate::proxy::AnswerBody;
use crate::settings::Settings;
use crate::watch::Watched;

/// Every open stream with the tick by which its client must have taken something; 0 where nothing waits
/// for the client.
#[derive(Debug, Default)]
pub(super) struct Streams(Mutex<Vec<Arc<AtomicU32>>>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Stream {
    all: Arc<Streams>,
    deadline: Arc<AtomicU32>,
}

/// An answer's body on its stream.
#[derive(Debug)]
pub(super) struct StreamBody {
    body: AnswerBody,
    watch: Arc<Watched>,
    stream: Stream,
    patience: Patience,
    /// Bytes the client has still to take.
    offered: usize,
}

impl Streams {
    pub(super) fn enter(self: &Arc<Self>) -> Stream {
        let deadline = Arc::<AtomicU32>::default();
        self.open().push(Arc::clone(&deadline));
        Stream { all: Arc::clone(self), deadline }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open().is_empty()
    }

    /// How many answers wait for longer than the client may let them, and whether these are all there are.
    pub(super) fn stuck(&self, now: u32) -> (usize, bool) {
        let open = self.open();
        let late = |deadline: &&Arc<AtomicU32>| (1..=now).contains(&deadline.load(Relaxed));
        let stuck = open.iter().filter(late).count();
        (stuck, stuck == open.len())
    }

    fn open(&self) -> MutexGuard<'_, Vec<Arc<AtomicU32>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.all.open().retain(|deadline| !Arc::ptr_eq(deadline, &self.deadline));
    }
}

impl StreamBody {
    pub(super) fn new(body: AnswerBody, watch: Arc<Watched>, stream: Stream, settings: &Settings) -> Self {
        let mut body = Self { body, watch, stream, patience: Patience::new(settings), offered: 0 };
        body.offer(0);
        body
    }

    fn offer(&mut self, bytes: usize) {
        self.offered = bytes;
        self.stream.deadline.store(self.patience.until(bytes, self.watch.registry().now()), Relaxed);
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = io::Error;

    /// Is asked for more only when the client has room for it: between two calls we wait for the client.
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        this.patience.moved(std::mem::take(&mut this.offered), this.watch.registry().now());
        this.stream.deadline.store(0, Relaxed);
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            this.offer(frame.data_ref().map_or(0, Bytes::len));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_stuck_from_its_deadline_on() {
        let streams = Arc::<Streams>::default();
        assert!(streams.is_empty());
        let (one, other) = (streams.enter(), streams.enter());
        one.deadline.store(5, Relaxed);
        assert_eq!([4, 5].map(|now| streams.stuck(now)), [(0, false), (1, false)]);
        drop(other);
        assert_eq!(streams.stuck(6), (1, true));
        one.deadline.store(0, Relaxed);
        assert_eq!(streams.stuck(6), (0, false));
        drop(one);
        assert!(streams.is_empty());
    }
}
