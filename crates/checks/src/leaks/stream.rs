//! An answer searched while it leaves.

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::scan::{State, pass};
use super::{Action, Kind, MOST, mask, refusal};
use crate::check::Leaving;
use crate::denial::Denial;

/// Rules 3 and 4 for what comes in pieces. Of each piece so much is held back as may be the beginning of something:
/// at most 8 KiB, and nothing where a piece ends with a space, a line or a bracket.
pub(super) struct Stream {
    kinds: Arc<[Kind]>,
    action: Action,
    state: State,
    /// Undecided.
    held: BytesMut,
}

impl Stream {
    pub(super) fn new(kinds: &Arc<[Kind]>, action: Action) -> Self {
        Self { kinds: Arc::clone(kinds), action, state: State::default(), held: BytesMut::new() }
    }
}

impl Leaving for Stream {
    fn take(&mut self, piece: Option<Bytes>) -> Result<Bytes, Denial> {
        let complete = piece.is_none();
        let mut text = piece.unwrap_or_default();
        if !self.held.is_empty() {
            self.held.extend_from_slice(&text);
            text = self.held.split().freeze();
        }
        // What is masked is masked to the last; one is enough to stop an answer.
        let most = if self.action == Action::Mask { usize::MAX } else { MOST };
        let passed = pass(&text, self.state, complete, &self.kinds, most);
        self.state = passed.state;
        let rest = text.split_off(passed.until.min(text.len()));
        self.held.extend_from_slice(&rest);
        match self.action {
            _ if passed.found.is_empty() => Ok(text),
            Action::Mask => Ok(mask(&text, &passed.found).into()),
            Action::Block => Err(refusal(&passed.found)),
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Stream").field("held", &self.held.len()).finish_non_exhaustive()
    }
}
