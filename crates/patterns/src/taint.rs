//! What comes from a place and reaches another.

use std::sync::Arc;

use crate::formula::Op;

#[derive(Debug)]
pub(crate) struct Taint {
    pub(crate) sources: Vec<Source>,
    pub(crate) sinks: Vec<Sink>,
    pub(crate) sanitizers: Vec<Sanitizer>,
    pub(crate) propagators: Vec<Propagator>,
    /// The names of its labels; the first is that of sources without one.
    pub(crate) labels: Vec<Arc<str>>,
}

#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) op: Op,
    pub(crate) label: u8,
    pub(crate) requires: Option<Requires>,
    pub(crate) side_effect: bool,
}

#[derive(Debug)]
pub(crate) struct Sink {
    pub(crate) op: Op,
    pub(crate) requires: Requires,
    pub(crate) exact: bool,
}

#[derive(Debug)]
pub(crate) struct Sanitizer {
    pub(crate) op: Op,
    pub(crate) side_effect: bool,
    pub(crate) exact: bool,
}

#[derive(Debug)]
pub(crate) struct Propagator {
    pub(crate) op: Op,
    pub(crate) from: Arc<str>,
    pub(crate) to: Arc<str>,
}

/// Which labels a value must have: a formula over their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requires {
    Label(u8),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl Requires {
    /// Whether a set of labels, as bits, is enough.
    #[must_use]
    pub fn holds(&self, labels: u64) -> bool {
        match self {
            Self::Label(label) => 1_u64.checked_shl(u32::from(*label)).is_some_and(|bit| labels & bit != 0),
            Self::Not(inner) => !inner.holds(labels),
            Self::All(parts) => parts.iter().all(|part| part.holds(labels)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(labels)),
        }
    }
}
