//! What a rule reports: where, what is wrong, and the way out.

/// One broken invariant in one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// `path:line`, or a path.
    pub(crate) place: String,
    pub(crate) what: String,
    pub(crate) way_out: String,
}

impl Finding {
    pub(crate) fn new(place: impl Into<String>, what: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into(), way_out: way_out.into() }
    }
}
