//! A request of each operation: one that works, or, where none is known, one that should.
//!
//! Many a test must also try what refused every honest value so far: an address that nobody fetches, a webhook that wants a
//! signature.

use crate::call::Call;
use crate::field::{Field, Known};
use crate::learn;
use crate::operation::Operation;

/// A request to begin with.
#[derive(Debug, Clone)]
pub struct Attempt<'a> {
    pub operation: &'a Operation,
    /// Its place in [`Field::people`].
    pub who: usize,
    pub call: Call,
    /// Where it is known to work: its answer and more.
    pub known: Option<&'a Known>,
}

/// One of each operation that may be called and has its turn, in their order.
#[must_use]
pub fn attempts(field: &Field) -> Vec<Attempt<'_>> {
    let who = field.signed_in().next().unwrap_or(0);
    let all = field.operations.iter().enumerate();
    all.filter(|(_, operation)| learn::is_callable(field, operation))
        .filter_map(|(at, operation)| {
            if let Some(known) = field.known_of(at).next() {
                return Some(Attempt {
                    operation,
                    who: known.who,
                    call: known.call.clone(),
                    known: Some(known),
                });
            }
            let call = learn::candidates(field, operation, who).into_iter().next()?;
            Some(Attempt { operation, who, call, known: None })
        })
        .filter(|attempt| field.has_turn_at(&attempt.call))
        .collect()
}
