//! What the handles and the writer both see.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::Status;
use crate::front::Front;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) front: Front,
    status: AtomicU8,
    /// The writer sleeps and wants to be woken when something is observed.
    asleep: AtomicBool,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self { front: Front::new(), status: AtomicU8::new(READY), asleep: AtomicBool::new(false) }
    }

    pub(crate) fn status(&self) -> Status {
        status(self.status.load(Ordering::Relaxed))
    }

    /// Sets the status; the one before. `Closed` stays.
    pub(crate) fn set(&self, new: Status) -> Status {
        let new = match new {
            Status::Closed => CLOSED,
            Status::Failing => FAILING,
            Status::Full => FULL,
            Status::Ready => READY,
        };
        status(self.status.swap(new, Ordering::Relaxed))
    }

    /// Asks to be woken, unless something is there already.
    pub(crate) fn may_sleep(&self) -> bool {
        // INVARIANT: `asleep` is set before the shards are looked at, and whoever adds looks at it
        // behind its shard's lock: one of the two sees the other.
        self.asleep.store(true, Ordering::SeqCst);
        let empty = self.front.is_empty();
        if !empty {
            self.woke();
        }
        empty
    }

    pub(crate) fn woke(&self) {
        self.asleep.store(false, Ordering::SeqCst);
    }

    /// Whether the caller has to wake the writer.
    pub(crate) fn must_wake(&self) -> bool {
        self.asleep.load(Ordering::SeqCst) && self.asleep.swap(false, Ordering::SeqCst)
    }
}

const CLOSED: u8 = 0;
const FAILING: u8 = 1;
const FULL: u8 = 2;
const READY: u8 = 3;

const fn status(number: u8) -> Status {
    match number {
        CLOSED => Status::Closed,
        FAILING => Status::Failing,
        FULL => Status::Full,
        _ => Status::Ready,
    }
}
