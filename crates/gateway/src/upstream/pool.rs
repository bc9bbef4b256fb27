//! Connections of one thread to one upstream.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use bytes::BytesMut;

use crate::upstream::{Target, http2};
use crate::watch::Registry;
use crate::wire::{Outbox, Stream, poll_fill};

/// What is open and unused, newest last.
#[derive(Debug)]
pub(crate) struct Pool {
    target: Arc<Target>,
    registry: Arc<Registry>,
    idle: Mutex<Vec<Idle>>,
    pub(crate) http2: http2::Slot,
}

/// An HTTP/1.1 connection to an upstream, with what was read and is to be written.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) stream: Stream,
    pub(crate) buffer: BytesMut,
    pub(crate) outbox: Outbox,
}

#[derive(Debug)]
struct Idle {
    wire: Wire,
    /// The tick it is closed.
    until: u32,
}

impl Pool {
    pub(crate) fn new(target: Arc<Target>, registry: Arc<Registry>) -> Self {
        Self { target, registry, idle: Mutex::default(), http2: http2::Slot::default() }
    }

    pub(crate) fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// The connection used last that is still open and silent.
    pub(crate) fn take(&self) -> Option<Wire> {
        loop {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if idle.wire.is_silent() {
                return Some(idle.wire);
            }
        }
    }

    /// Keeps a connection for later. Only after a whole exchange, with nothing left in either direction.
    pub(crate) fn put(&self, wire: Wire) {
        let period = self.target.settings.idle_timeout.as_duration();
        let idle = Idle { wire, until: self.registry.after(period) };
        let mut pool = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < self.target.settings.max_idle && period > Duration::ZERO {
            pool.push(idle);
        }
    }

    /// Closes what was unused for too long, or was closed by the upstream.
    pub(crate) fn evict(&self) {
        let now = self.registry.now();
        let mut pool = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        pool.retain_mut(|idle| idle.until > now && idle.wire.is_silent());
    }
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, buffer: BytesMut::new(), outbox: Outbox::default() }
    }

    /// Neither closed nor saying anything out of turn. Costs no system call unless something happened.
    fn is_silent(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        self.buffer.is_empty() && poll_fill(&mut self.stream, &mut self.buffer, &mut cx).is_pending()
    }
}
