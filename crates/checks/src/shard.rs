//! Which shard of a counter a thread uses. The gate runs one thread per core, so threads rarely meet.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Enough for the threads of the machines this runs on; more threads share.
pub(crate) const SHARDS: usize = 16;

/// This thread's shard, below [`SHARDS`].
pub(crate) fn shard() -> usize {
    SHARD.with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        own.get()
    })
}

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}
