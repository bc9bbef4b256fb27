//! What a check is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use gabion_model::ControlId;
use http::{request, response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::denial::{Denial, Reply};
use crate::exchange::Exchange;

/// One stone of the wall: it reads a request, lets it pass or stops it, and may dress the answer.
///
/// A check answers at once, or says what it still [`Wants`] and is asked again when that is there. It
/// neither knows the other checks nor its own [`Mode`]; both belong to the pipeline.
pub trait Check: Send + Sync + fmt::Debug {
    /// The file name, which is also the configuration key: `csrf` for `[checks.csrf]`.
    fn name(&self) -> &'static str;

    /// The control the check enforces.
    fn control(&self) -> ControlId;

    /// Judges the request. `head` is what the upstream will get, so what is taken out of it here is
    /// never seen by the application.
    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        let _ = (head, exchange);
        Ok(())
    }

    /// Dresses the answer, whoever made it: the upstream, a page of the gate, or a refusal.
    fn response(&self, exchange: &mut Exchange, answer: &mut Answer<'_>) {
        let _ = (exchange, answer);
    }

    /// Whether the check wants to see the body of an application's answer, and how much of it in bytes. Asked
    /// before anything dresses the head.
    fn look(&self, exchange: &mut Exchange, head: &response::Parts) -> Option<usize> {
        let _ = (exchange, head);
        None
    }

    /// Judges a body it asked to see with [`Check::look`]. Each check sees what the one before it made of it.
    fn inspect(&self, exchange: &mut Exchange, head: &mut response::Parts, seen: &Seen<'_>) -> Inspected {
        let _ = (exchange, head, seen);
        Inspected::Pass
    }

    /// What judges the body of an application's answer while it leaves. Asked before anything dresses the head, when
    /// [`Check::inspect`] has not seen all of the body; it is given the whole body all the same. One check for each
    /// answer.
    fn follow(&self, exchange: &Exchange, head: &mut response::Parts) -> Option<Box<dyn Leaving>> {
        let _ = (exchange, head);
        None
    }

    /// Hears what was found in an answer whose head had left.
    fn late(&self, exchange: &Exchange, check: &'static str, denial: &Denial, refused: bool) {
        let _ = (exchange, check, denial, refused);
    }
}

/// Judges an answer's body while it leaves. As many bytes go out as come in.
pub trait Leaving: Send + fmt::Debug {
    /// The next piece, `None` at the end of the body: what may leave now. Some of it may be held back until more has
    /// come.
    ///
    /// # Errors
    /// That nothing more may leave: the connection is broken off.
    fn take(&mut self, piece: Option<Bytes>) -> Result<Bytes, Denial>;
}

/// What a check is shown of an answer's body.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// As much as the check that wanted most asked for, or all there is.
    pub bytes: &'a [u8],
    /// Nothing follows.
    pub complete: bool,
}

/// What becomes of an answer that was looked into.
#[derive(Debug, Clone)]
pub enum Inspected {
    Pass,
    /// This body instead, whole; the head was changed to fit.
    Replace(Bytes),
    /// It passes, but what is wrong with it is counted.
    Observe(Denial),
    /// Nothing of this answer may reach the client.
    Deny(Denial),
}

/// Judges a request's body while it passes: what it does not give out is seen by nobody.
///
/// Set by [`Exchange::watch_body`]. A piece may be held back until more of the body has come; the upstream is
/// not asked before the first piece was given out or the body has ended. A denial cuts the body off; when
/// the upstream has heard of the request by then, its connection is broken off, so that it never sees the
/// end of the body.
pub trait Passage: Send + fmt::Debug {
    /// The length of what goes out may differ from what comes in.
    fn changes_length(&self) -> bool {
        true
    }

    /// The next piece of the body; `None` at its end. Gives itself back with what may go on.
    fn take(self: Box<Self>, piece: Option<Bytes>) -> Passing;

    /// There is more to give out than what was given: [`more`](Self::more) is asked for it before the next piece
    /// is taken.
    fn has_more(&self) -> bool {
        false
    }

    /// More of what may go on.
    fn more(self: Box<Self>) -> Passing {
        Box::pin(async { Err(Denial::internal("a passage with nothing to give")) })
    }

    /// How many bytes are still to be given out, once that is known.
    fn rest(&self) -> Option<u64> {
        None
    }
}

/// What [`Passage::take`] comes to.
pub type Passing = Pin<Box<dyn Future<Output = Result<(Box<dyn Passage>, Vec<Bytes>), Denial>> + Send>>;

/// What a check has to wait for.
pub enum Wants {
    /// The whole body, then in [`Exchange::body`]. A longer one is refused with 413.
    Body {
        /// Bytes.
        limit: usize,
    },
    /// Nothing but that some time passes: whoever is slowed down waits, and nobody else does.
    Pause(Duration),
    /// Something from elsewhere. What comes of it is put into the exchange before the check is asked again.
    Arrival(Pin<Box<dyn Future<Output = Arrived> + Send>>),
}

/// Puts what a check waited for into the exchange, where it finds it.
pub type Arrived = Box<dyn FnOnce(&mut Exchange) + Send>;

impl fmt::Debug for Wants {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body { limit } => formatter.debug_struct("Body").field("limit", limit).finish(),
            Self::Arrival(_) => formatter.write_str("Arrival"),
            Self::Pause(wait) => formatter.debug_tuple("Pause").field(wait).finish(),
        }
    }
}

/// Why a request goes no further, or not yet.
#[derive(Debug)]
pub enum Stop {
    /// It is refused.
    Denied(Denial),
    /// The gate answers in the application's place: a CORS preflight, a redirect to HTTPS.
    Answered(Reply),
    /// The same check is asked again when it has what it wants.
    Waits(Wants),
}

impl From<Denial> for Stop {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<Wants> for Stop {
    fn from(wants: Wants) -> Self {
        Self::Waits(wants)
    }
}

impl From<Reply> for Stop {
    fn from(reply: Reply) -> Self {
        Self::Answered(reply)
    }
}

/// How seriously a check is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Refuse what breaks the rules and dress answers.
    #[default]
    Enforce,
    /// Record and count what would have been refused, but let it pass; leave answers as they are.
    Observe,
    /// The check is absent.
    Off,
}
