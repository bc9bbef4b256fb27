//! What a check is.

use std::fmt;

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
/// A check answers at once: whatever it needs was fetched, compiled or counted before. It neither knows
/// the other checks nor its own [`Mode`]; both belong to the pipeline.
pub trait Check: Send + Sync + fmt::Debug {
    /// The file name, which is also the configuration key: `csrf` for `[checks.csrf]`.
    fn name(&self) -> &'static str;

    /// The control the check enforces.
    fn control(&self) -> ControlId;

    /// How much of the message it needs.
    fn reads(&self) -> Reads {
        Reads::Head
    }

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

    /// Looks at the first bytes of an answer's body where [`Check::response`] asked to. `Some` is a body
    /// to send instead.
    fn inspect(&self, exchange: &mut Exchange, head: &mut response::Parts, prefix: &[u8]) -> Option<Bytes> {
        let _ = (exchange, head, prefix);
        None
    }
}

/// How much of a message a check needs before it can judge. As long as every check of a route is
/// content with the head, bodies stream through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reads {
    /// Method, target and fields.
    Head,
    /// The head, and the first bytes of an answer's body when the answer looks suspicious.
    AnswerPrefix {
        /// At most so many bytes.
        limit: usize,
    },
}

/// Why a request goes no further.
#[derive(Debug, Clone)]
pub enum Stop {
    /// It is refused.
    Denied(Denial),
    /// The gate answers in the application's place: a CORS preflight, a redirect to HTTPS.
    Answered(Reply),
}

impl From<Denial> for Stop {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
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
