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
    watched: Option<Told>,
}

/// Hears of what would have been refused.
type Told = Box<dyn FnMut(&Denial) + Send>;

enum State {
    /// The second: the last piece was judged.
    Idle(Box<dyn Judge>, bool),
    /// The second: the last piece is being judged.
    Busy(Passing, bool),
    Done,
}

impl Passage {
    pub(crate) fn new(judge: Box<dyn Judge>) -> Self {
        let changes_length = judge.changes_length();
        Self { judge: State::Idle(judge, false), out: VecDeque::new(), changes_length, watched: None }
    }

    /// The same, but everything goes on as it came, whatever is found.
    pub(crate) fn watching(judge: Box<dyn Judge>, told: impl FnMut(&Denial) + Send + 'static) -> Self {
        Self { changes_length: false, watched: Some(Box::new(told)), ..Self::new(judge) }
    }

    pub(crate) fn changes_length(&self) -> bool {
        self.changes_length
    }

    /// How many bytes will still come out, once that is known.
    pub(crate) fn rest(&self) -> Option<u64> {
        let rest = match &self.judge {
            State::Idle(judge, _) => judge.rest()?,
            State::Busy(..) => return None,
            State::Done => 0,
        };
        Some(self.out.iter().fold(rest, |sum, piece| sum.saturating_add(piece.len() as u64)))
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
                State::Idle(judge, last) => {
                    if let Some(piece) = self.out.pop_front() {
                        self.judge = State::Idle(judge, last);
                        return Poll::Ready(Some(Ok(piece)));
                    }
                    if self.watched.is_none() && judge.has_more() {
                        self.judge = State::Busy(judge.more(), last);
                        continue;
                    }
                    if last {
                        continue;
                    }
                    let piece = match next(cx) {
                        Poll::Pending => {
                            self.judge = State::Idle(judge, last);
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
                            if !last || (watched.is_none() && judge.has_more()) {
                                self.judge = State::Idle(judge, last);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::sync::{Arc, Mutex};

    use gabion_checks::Denial;

    /// Holds everything back until a full stop, and refuses an exclamation mark.
    #[derive(Debug, Default)]
    struct Sentences {
        held: Vec<u8>,
    }

    impl Judge for Sentences {
        fn take(mut self: Box<Self>, piece: Option<Bytes>) -> Passing {
            Box::pin(async move {
                let last = piece.is_none();
                self.held.extend_from_slice(&piece.unwrap_or_default());
                if self.held.contains(&b'!') {
                    return Err(Denial::body_too_large());
                }
                let whole = last || self.held.ends_with(b".");
                let out = if whole { vec![std::mem::take(&mut self.held).into()] } else { Vec::new() };
                Ok((self as Box<dyn Judge>, out))
            })
        }
    }

    /// What comes out, and how it ended.
    async fn pass(mut passage: Passage, pieces: &[&'static str]) -> (Vec<String>, Result<(), BodyError>) {
        let mut pieces = pieces.iter();
        let mut next = move |_: &mut Context<'_>| {
            Poll::Ready(pieces.next().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))))
        };
        let mut out = Vec::new();
        if let Err(error) = poll_fn(|cx| passage.poll_first(cx, &mut next)).await {
            return (out, Err(error));
        }
        loop {
            match poll_fn(|cx| passage.poll(cx, &mut next)).await {
                None => {
                    assert!(passage.is_done());
                    return (out, Ok(()));
                }
                Some(Ok(piece)) => out.push(String::from_utf8(piece.to_vec()).unwrap()),
                Some(Err(error)) => return (out, Err(error)),
            }
        }
    }

    #[tokio::test]
    async fn only_what_was_judged_goes_on() {
        let judged = || Passage::new(Box::new(Sentences::default()));
        let (out, end) = pass(judged(), &["one", " two.", "three", " four"]).await;
        assert_eq!(
            (out.as_slice(), end),
            (["one two.".to_owned(), "three four".to_owned()].as_slice(), Ok(()))
        );
        assert_eq!(pass(judged(), &[]).await, (Vec::new(), Ok(())));
        let (out, end) = pass(judged(), &["one.", "two", "!", "three."]).await;
        assert_eq!(out, ["one."]);
        assert!(matches!(end, Err(BodyError::Refused(_))));
        let (out, end) = pass(judged(), &["!"]).await;
        assert!(out.is_empty() && matches!(end, Err(BodyError::Refused(_))), "before anybody hears of it");
    }

    #[tokio::test]
    async fn a_watcher_holds_nothing_back() {
        let seen = Arc::new(Mutex::new(0));
        let told = Arc::clone(&seen);
        let watching = Passage::watching(Box::new(Sentences::default()), move |_| *told.lock().unwrap() += 1);
        assert!(!watching.changes_length());
        let (out, end) = pass(watching, &["one", "two!", "three", "four!"]).await;
        assert_eq!((out.concat().as_str(), end), ("onetwo!threefour!", Ok(())));
        assert_eq!(*seen.lock().unwrap(), 1);
    }
}
