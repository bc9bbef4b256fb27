//! The tests: each a file of its own, described in `rules/probe/`.

mod effect;
mod function_access;
mod headers;
mod login_rate;
mod mass_assignment;
mod missing_login;
mod object_access;
mod object_delete;
mod object_write;
mod rate_limit;
mod session_cookies;
mod session_end;
mod session_identifiers;
mod sql_injection;
mod user_enumeration;

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
    /// Begins and ends sessions.
    Sessions,
    /// Sends a few wrong passwords.
    Guess,
    /// Sends so many that an account may be locked.
    Lock,
}

/// All of them, in no order.
pub static ALL: &[&dyn Attack] = &[
    &function_access::FunctionAccess,
    &headers::Headers,
    &login_rate::LoginRate,
    &mass_assignment::MassAssignment,
    &missing_login::MissingLogin,
    &object_access::ObjectAccess,
    &object_delete::ObjectDelete,
    &object_write::ObjectWrite,
    &rate_limit::RateLimit,
    &session_cookies::SessionCookies,
    &session_end::SessionEnd,
    &session_identifiers::SessionIdentifiers,
    &sql_injection::SqlInjection,
    &user_enumeration::UserEnumeration,
];

/// What became of one request: an answer, or nothing that can be used; the end of a run goes on up.
pub(crate) fn usable<T>(result: Result<T, WireError>) -> Result<Option<T>, WireError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_end() => Err(error),
        Err(_) => Ok(None),
    }
}
