//! Operations that sign people in: tests of values come to them after all others, because whoever tries wrong names and passwords
//! there is locked out of what the others need.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::call::Call;
use crate::field::{Field, Known};
use crate::verdict::{Outcome, Verdict};
use crate::wire::current_step;

/// Whether it is their turn, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Doors {
    open: AtomicBool,
    waiting: Mutex<BTreeSet<String>>,
}

impl Doors {
    /// From now on it is their turn, and nobody else's. These tests left some out.
    pub(crate) fn open(&self) -> BTreeSet<String> {
        self.open.store(true, Ordering::Relaxed);
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn close(&self) {
        self.open.store(false, Ordering::Relaxed);
    }

    pub(crate) fn are_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }
}

/// That there was nothing to attack.
pub(crate) fn is_blank(outcome: &Outcome) -> bool {
    outcome.verdict == Verdict::NotTested && outcome.operation.is_empty()
}

impl Field {
    /// Whether the values of a request are to be attacked now.
    pub(crate) fn has_turn(&self, known: &Known) -> bool {
        self.has_turn_at(&known.call)
    }

    /// As [`Field::has_turn`], of a request that nobody may have sent yet.
    pub(crate) fn has_turn_at(&self, call: &Call) -> bool {
        let door = self.signs_in(call);
        let open = self.doors.are_open();
        if door && !open {
            let mut waiting = self.doors.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.insert(current_step());
        }
        door == open
    }

    /// Whether everything but where people sign in has its turn: what belongs to no operation is attacked then, and once.
    pub(crate) fn has_first_turn(&self) -> bool {
        !self.doors.are_open()
    }

    /// Whether somebody of the facts is signed in by such a request.
    fn signs_in(&self, call: &Call) -> bool {
        let request = call.request();
        let path = |target: &str| target.split('?').next().unwrap_or_default().to_owned();
        let mut logins = self.people.iter().filter_map(|person| person.login.as_ref());
        logins
            .any(|(login, _)| login.method == request.method && path(&login.target) == path(&request.target))
    }

    /// A test that came to say something of a place did find what it can attack.
    pub(crate) fn found_after_all(&self, test: &str) {
        self.change_outcomes(|all| {
            if all.iter().any(|one| one.test == test && !one.operation.is_empty()) {
                all.retain(|one| one.test != test || !is_blank(one));
            }
        });
    }
}
