//! An answer's body being judged while it leaves.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use gabion_checks::{Exchange, Followed, Pipeline};
use http_body::Frame;

/// Who judges, and whom to tell.
pub(crate) struct Follow {
    followed: Followed,
    exchange: Box<Exchange>,
    pipeline: Arc<Pipeline>,
    /// Bytes taken and not yet given out.
    held: u64,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Judging,
    /// What is watched only passes by, once something was found.
    Letting,
    Done,
}

type Polled = Poll<Option<io::Result<Frame<Bytes>>>>;

impl Follow {
    pub(crate) fn new(followed: Followed, exchange: Box<Exchange>, pipeline: &Arc<Pipeline>) -> Self {
        Self { followed, exchange, pipeline: Arc::clone(pipeline), held: 0, state: State::Judging }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    pub(crate) fn held(&self) -> u64 {
        self.held
    }

    /// The next bytes that may leave; `next` gives those that came.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut next: impl FnMut(&mut Context<'_>) -> Polled,
    ) -> Polled {
        loop {
            if self.state == State::Done {
                return Poll::Ready(None);
            }
            let piece = match ready!(next(cx)) {
                Some(Ok(frame)) => frame.into_data().ok(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => None,
            };
            let last = piece.is_none();
            let came = piece.clone().unwrap_or_default();
            let judged = match self.state {
                State::Judging => self.followed.leaving.take(piece),
                State::Letting | State::Done => Ok(came.clone()),
            };
            if last {
                self.state = State::Done;
            }
            let out = match judged {
                Ok(_) if self.followed.watched => came,
                Ok(out) => {
                    let so_far = self.held.saturating_add(came.len() as u64);
                    self.held = so_far.saturating_sub(out.len() as u64);
                    out
                }
                Err(denial) => {
                    self.pipeline.late(&self.exchange, &self.followed, &denial);
                    if !self.followed.watched {
                        self.state = State::Done;
                        tracing::warn!(request_id = %self.exchange.request_id(), detail = %denial.detail, "answer broken off");
                        return Poll::Ready(Some(Err(io::ErrorKind::PermissionDenied.into())));
                    }
                    if !last {
                        self.state = State::Letting;
                    }
                    came
                }
            };
            if !out.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(out))));
            }
        }
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Follow").field("state", &self.state).finish_non_exhaustive()
    }
}
