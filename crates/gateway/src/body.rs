//! The body of a request, whichever protocol it came by, and its limit.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use gabion_checks::Denial;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::h1::{H1Body, Patience};
use crate::passage::Passage;
use crate::settings::Settings;
use crate::watch::{Side, Watched};

/// A request's body on its way to the application or to the gate's own pages. Streams: nothing is read
/// from the client before somebody asks for the next frame. Trailers are not passed on.
#[derive(Debug)]
pub struct RequestBody {
    source: Source,
    /// Bytes that may still come.
    left: u64,
    /// Read already, to be passed on before the rest.
    prefix: Bytes,
    /// What judges it on its way.
    passage: Option<Box<Passage>>,
}

#[derive(Debug)]
enum Source {
    Empty,
    H1(H1Body),
    H2(H2Body),
}

/// A stream being received, by a client that must keep moving.
#[derive(Debug)]
struct H2Body {
    incoming: Incoming,
    watch: Arc<Watched>,
    patience: Patience,
}

/// Why a body ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error("the client closed the connection")]
    Closed,
    #[error("the body is malformed: {0}")]
    Malformed(&'static str),
    #[error("the body was refused: {}", .0.detail)]
    Refused(Box<Denial>),
    #[error("the body is longer than allowed")]
    TooLarge,
    #[error("the client sends too slowly")]
    TooSlow,
}

impl RequestBody {
    #[must_use]
    pub fn empty() -> Self {
        Self::of(Source::Empty, 0)
    }

    fn of(source: Source, left: u64) -> Self {
        Self { source, left, prefix: Bytes::new(), passage: None }
    }

    /// A body that is here whole.
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self { prefix: bytes, ..Self::empty() }
    }

    /// Lets somebody judge what passes. Returns when the first of it may be passed on, or there is nothing.
    pub(crate) async fn judged_by(&mut self, mut passage: Passage) -> Result<(), BodyError> {
        let first = poll_fn(|cx| passage.poll_first(cx, |cx| self.poll_source(cx))).await;
        self.passage = Some(Box::new(passage));
        first
    }

    /// Reads up to so many bytes, which are passed on all the same. True when that is all there is.
    pub(crate) async fn read_prefix(&mut self, limit: usize) -> Result<bool, BodyError> {
        let mut read = BytesMut::from(std::mem::take(&mut self.prefix));
        let ended = loop {
            if read.len() > limit {
                break false;
            }
            match poll_fn(|cx| self.poll_source(cx)).await {
                None => break true,
                Some(Err(error)) => return Err(error),
                Some(Ok(data)) => read.extend_from_slice(&data),
            }
        };
        self.prefix = read.freeze();
        Ok(ended)
    }

    /// What [`read_prefix`](Self::read_prefix) read.
    pub(crate) fn prefix(&self) -> &Bytes {
        &self.prefix
    }

    pub(crate) fn h1(body: H1Body) -> Self {
        Self::of(Source::H1(body), u64::MAX)
    }

    /// `watch` is the stream's own.
    pub(crate) fn h2(incoming: Incoming, watch: &Arc<Watched>, settings: &Settings) -> Self {
        if incoming.is_end_stream() {
            return Self::empty();
        }
        let body = H2Body { incoming, watch: Arc::clone(watch), patience: Patience::new(settings) };
        Self::of(Source::H2(body), u64::MAX)
    }

    /// Fails with [`BodyError::TooLarge`] after so many bytes, those already read among them. Answers whether
    /// it is longer than that by its own account.
    #[must_use]
    pub(crate) fn limit(&mut self, bytes: u64) -> bool {
        let left = bytes.checked_sub(self.prefix.len() as u64);
        self.left = left.unwrap_or(0);
        left.is_none() || self.rest().lower() > self.left
    }

    /// What is known of the length of what was not read yet.
    fn rest(&self) -> SizeHint {
        match &self.source {
            Source::Empty => SizeHint::with_exact(0),
            Source::H1(body) => body.size_hint(),
            Source::H2(body) => body.incoming.size_hint(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.source, Source::Empty) && self.prefix.is_empty()
    }

    /// The next bytes, as they came.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if !self.prefix.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.prefix))));
        }
        let data = match &mut self.source {
            Source::Empty => return Poll::Ready(None),
            Source::H1(body) => ready!(body.poll_data(cx)),
            Source::H2(body) => ready!(body.poll_data(cx)),
        };
        Poll::Ready(match data {
            None => {
                self.source = Source::Empty;
                None
            }
            Some(Err(error)) => Some(Err(error)),
            Some(Ok(data)) => match self.left.checked_sub(data.len() as u64) {
                None => Some(Err(BodyError::TooLarge)),
                Some(left) => {
                    self.left = left;
                    Some(Ok(data))
                }
            },
        })
    }

    /// Waits for the end of a body that may hold nothing.
    pub(crate) async fn end(&mut self) -> Result<(), BodyError> {
        loop {
            match poll_fn(|cx| Pin::new(&mut *self).poll_frame(cx)).await {
                None => return Ok(()),
                Some(Err(error)) => return Err(error),
                Some(Ok(_)) => {}
            }
        }
    }
}

impl H2Body {
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(frame) => {
                    self.watch.disarm(Side::Client);
                    match frame.map(|frame| frame.map(Frame::into_data)) {
                        None => return Poll::Ready(None),
                        Some(Err(_)) => return Poll::Ready(Some(Err(BodyError::Closed))),
                        Some(Ok(Ok(data))) => {
                            self.patience.moved(data.len(), self.watch.registry().now());
                            return Poll::Ready(Some(Ok(data)));
                        }
                        Some(Ok(Err(_))) => {}
                    }
                }
                Poll::Pending => {
                    self.patience.wait(&self.watch);
                    let expired = self.watch.poll_expired(Side::Client, cx);
                    return expired.map(|()| Some(Err(BodyError::TooSlow)));
                }
            }
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let data = match this.passage.take() {
            None => ready!(this.poll_source(cx)),
            Some(mut passage) => {
                let polled = passage.poll(cx, |cx| this.poll_source(cx));
                this.passage = Some(passage);
                ready!(polled)
            }
        };
        Poll::Ready(data.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        if let Some(passage) = &self.passage {
            return passage.is_done();
        }
        self.prefix.is_empty()
            && match &self.source {
                Source::Empty => true,
                Source::H1(body) => body.is_end(),
                Source::H2(body) => body.incoming.is_end_stream(),
            }
    }

    fn size_hint(&self) -> SizeHint {
        if let Some(passage) = self.passage.as_ref().filter(|passage| passage.changes_length()) {
            return passage.rest().map_or_else(SizeHint::default, SizeHint::with_exact);
        }
        let rest = self.rest();
        match rest.exact() {
            Some(exact) => SizeHint::with_exact(exact.saturating_add(self.prefix.len() as u64)),
            None => rest,
        }
    }
}
