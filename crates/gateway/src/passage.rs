//! A request's body being judged while it passes.

use std::collections::VecDeque;
use std::fmt;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use gabion_checks::{Denial, Passage as Judge, Passing};

use crate::body::BodyError;

/// What stands between a body and those it is for.
pub(crate) struct Passage {
    judge: State,
    /// Judged, and not yet asked for.
    out: VecDeque<Bytes>,
    changes_length: bool,
    /// Told of what would have been refused, where the judge may only watch.
    watched: Option<Box<dyn FnMut(&Denial) + Send>>,
}

enum State {
    Idle(Box<dyn Judge>),
    /// The second: the last piece is being judged.
    Busy(Passing, bool),
    Done,
}

impl Passage {
    pub(crate) fn new(judge: Box<dyn Judge>) -> Self {
        let changes_length = judge.changes_length();
        Self { judge: State::Idle(judge), out: VecDeque::new(), changes_length, watched: None }
    }

    /// The same, but everything goes on as it came, whatever is found.
    pub(crate) fn watching(judge: Box<dyn Judge>, told: impl FnMut(&Denial) + Send + 'static) -> Self {
        Self { changes_length: false, watched: Some(Box::new(told)), ..Self::new(judge) }
    }

    pub(crate) fn changes_length(&self) -> bool {
        self.changes_length
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.judge, State::Done) && self.out.is_empty()
    }

    /// The next bytes that may go on; `next` gives those that came.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>>,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            match std::mem::replace(&mut self.judge, State::Done) {
                State::Done => {
                    if let Some(piece) = self.out.pop_front() {
                        return Poll::Ready(Some(Ok(piece)));
                    }
                    // A watcher that gave up early lets the rest by.
                    return if self.watched.is_some() { next(cx) } else { Poll::Ready(None) };
                }
                State::Idle(judge) => {
                    if let Some(piece) = self.out.pop_front() {
                        self.judge = State::Idle(judge);
                        return Poll::Ready(Some(Ok(piece)));
                    }
                    let piece = match next(cx) {
                        Poll::Pending => {
                            self.judge = State::Idle(judge);
                            return Poll::Pending;
                        }
                        Poll::Ready(piece) => piece.transpose(),
                    };
                    let piece = match piece {
                        Ok(piece) => piece,
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    };
                    if self.watched.is_some() {
                        self.out.extend(piece.clone());
                    }
                    let last = piece.is_none();
                    self.judge = State::Busy(judge.take(piece), last);
                }
                State::Busy(mut passing, last) => {
                    let Poll::Ready(judged) = passing.as_mut().poll(cx) else {
                        self.judge = State::Busy(passing, last);
                        return Poll::Pending;
                    };
                    match (judged, &mut self.watched) {
                        (Ok((judge, pieces)), watched) => {
                            if watched.is_none() {
                                self.out.extend(pieces.into_iter().filter(|piece| !piece.is_empty()));
                            }
                            if !last {
                                self.judge = State::Idle(judge);
                            }
                        }
                        (Err(denial), Some(told)) => told(&denial),
                        (Err(denial), None) => {
                            self.out.clear();
                            return Poll::Ready(Some(Err(BodyError::Refused(Box::new(denial)))));
                        }
                    }
                }
            }
        }
    }

    /// Judges until there is something to pass on, or nothing more to come.
    pub(crate) fn poll_first(
        &mut self,
        cx: &mut Context<'_>,
        next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>>,
    ) -> Poll<Result<(), BodyError>> {
        if !self.out.is_empty() {
            return Poll::Ready(Ok(()));
        }
        match ready!(self.poll(cx, next)) {
            Some(Ok(piece)) => {
                self.out.push_front(piece);
                Poll::Ready(Ok(()))
            }
            Some(Err(error)) => Poll::Ready(Err(error)),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl fmt::Debug for Passage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Passage")
            .field("changes_length", &self.changes_length)
            .finish_non_exhaustive()
    }
}
