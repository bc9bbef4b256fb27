//! Deadlines without timers: every connection has a [`Watch`], and one sweep per core and tick looks
//! which have passed. A request sets and clears deadlines with plain stores.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The length of a tick: how late a deadline may be noticed.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// Whose delay a deadline limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Upstream,
}

/// The deadlines of one connection. Dropping the last [`Watched`] takes it off the registry.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The tick that is too late; 0 where there is no deadline.
    client: AtomicU32,
    upstream: AtomicU32,
    gone: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

/// A registered [`Watch`] and the clock it is read by.
#[derive(Debug)]
pub(crate) struct Watched {
    watch: Arc<Watch>,
    registry: Arc<Registry>,
}

/// Every watch of one core.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    now: AtomicU32,
    draining: AtomicBool,
    watches: Mutex<Vec<Arc<Watch>>>,
}

impl Watched {
    /// From now on, `period` is how long `side` may take.
    pub(crate) fn arm(&self, side: Side, period: Duration) {
        self.watch.slot(side).store(self.registry.after(period), Relaxed);
    }

    pub(crate) fn disarm(&self, side: Side) {
        self.watch.slot(side).store(0, Relaxed);
    }

    /// Ready once the deadline of `side` has passed.
    pub(crate) fn poll_expired(&self, side: Side, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.watch.slot(side).load(Relaxed);
        if deadline != 0 && deadline <= self.registry.now() {
            return Poll::Ready(());
        }
        self.register(cx);
        Poll::Pending
    }

    /// Wakes the task at the next deadline, and when the core begins to drain.
    pub(crate) fn register(&self, cx: &mut Context<'_>) {
        let mut waker = self.watch.waker.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => *waker = Some(cx.waker().clone()),
        }
    }

    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watch.gone.store(true, Relaxed);
    }
}

impl Watch {
    fn slot(&self, side: Side) -> &AtomicU32 {
        match side {
            Side::Client => &self.client,
            Side::Upstream => &self.upstream,
        }
    }

    fn is_due(&self, now: u32) -> bool {
        [&self.client, &self.upstream].into_iter().any(|slot| {
            let deadline = slot.load(Relaxed);
            deadline != 0 && deadline <= now
        })
    }

    fn wake(&self) {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Registry {
    pub(crate) fn watch(self: &Arc<Self>) -> Watched {
        let watch = Arc::new(Watch::default());
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&watch));
        Watched { watch, registry: Arc::clone(self) }
    }

    /// The present tick; never 0.
    pub(crate) fn now(&self) -> u32 {
        self.now.load(Relaxed)
    }

    /// The tick after `period`, at least the next.
    pub(crate) fn after(&self, period: Duration) -> u32 {
        let ticks = u32::try_from(period.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u32::MAX);
        self.now().saturating_add(ticks.max(1))
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// Moves the clock to `elapsed` since the start and wakes whoever is due.
    pub(crate) fn sweep(&self, elapsed: Duration) {
        let now = u32::try_from(elapsed.as_millis() / TICK.as_millis()).unwrap_or(u32::MAX).saturating_add(1);
        self.now.store(now, Relaxed);
        let mut due = Vec::new();
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).retain(|watch| {
            let gone = watch.gone.load(Relaxed);
            if !gone && watch.is_due(now) {
                due.push(Arc::clone(watch));
            }
            !gone
        });
        for watch in due {
            watch.wake();
        }
    }

    /// Tells every connection to come to an end.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Relaxed);
        let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for watch in watches {
            watch.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_passes_when_its_tick_comes() {
        let registry = Arc::new(Registry::default());
        registry.sweep(Duration::ZERO);
        let watch = registry.watch();
        let mut cx = Context::from_waker(Waker::noop());
        watch.arm(Side::Client, TICK * 3);
        registry.sweep(TICK * 2);
        assert!(watch.poll_expired(Side::Client, &mut cx).is_pending());
        assert!(watch.poll_expired(Side::Upstream, &mut cx).is_pending());
        registry.sweep(TICK * 3);
        assert!(watch.poll_expired(Side::Client, &mut cx).is_ready());
        watch.disarm(Side::Client);
        assert!(watch.poll_expired(Side::Client, &mut cx).is_pending());
    }

    #[test]
    fn what_is_dropped_leaves_the_registry() {
        let registry = Arc::new(Registry::default());
        let kept = registry.watch();
        drop(registry.watch());
        registry.sweep(TICK);
        assert_eq!(registry.watches.lock().unwrap().len(), 1);
        drop(kept);
        registry.sweep(TICK * 2);
        assert_eq!(registry.watches.lock().unwrap().len(), 0);
    }
}
