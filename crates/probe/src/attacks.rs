//! The tests: each a file of its own, described in `rules/probe/`.

mod headers;
mod object_access;
mod sql_injection;

use gabion_model::outbound::BoxFuture;

use crate::field::Field;
use crate::wire::WireError;

/// A test. It says what it found through [`Field::say`], one outcome for each thing it looked at.
pub trait Attack: Sync {
    /// The id of its description, and the name of its file with `-`.
    fn id(&self) -> &'static str;

    /// Harmless ones go first.
    fn phase(&self) -> Phase;

    /// # Errors
    /// Only when the run is over; what happens to one request is an outcome.
    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>>;
}

/// When a test runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Reads what any visitor gets.
    Look,
    /// Sends hostile values, and reads.
    Read,
    /// Writes to what the probe made or its identities own.
    Write,
    /// Removes what the probe made.
    Remove,
    /// Asks more often than is allowed.
    Limits,
    /// Ends sessions and counts wrong passwords.
    Sessions,
}

/// All of them, in no order.
pub static ALL: &[&dyn Attack] =
    &[&headers::Headers, &object_access::ObjectAccess, &sql_injection::SqlInjection];

/// What became of one request: an answer, or nothing that can be used; the end of a run goes on up.
pub(crate) fn usable<T>(result: Result<T, WireError>) -> Result<Option<T>, WireError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_end() => Err(error),
        Err(_) => Ok(None),
    }
}
