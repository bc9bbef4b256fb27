//! The body of a request as it arrives on an HTTP/1.1 connection, and how patient the gate is.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::SizeHint;

use crate::body::BodyError;
use crate::h1::framing::{BodyFault, Decoded, Decoder, Framing};
use crate::settings::Settings;
use crate::watch::{Side, TICK, Watched};
use crate::wire::Reader;

/// A body being received. It holds the connection's reading half and hands it back through the
/// [`Loan`], at the end of the body or when it is dropped.
#[derive(Debug)]
pub(crate) struct H1Body {
    reader: Option<Reader>,
    decoder: Decoder,
    loan: Arc<Loan>,
    watch: Arc<Watched>,
    patience: Patience,
    expects_continue: bool,
}

/// Where the connection finds its reading half again.
#[derive(Debug, Default)]
pub(crate) struct Loan {
    returned: Mutex<Option<Returned>>,
    wants_continue: AtomicBool,
}

/// A reading half that came back, and how far the body on it was read.
#[derive(Debug)]
pub(crate) struct Returned {
    pub(crate) reader: Reader,
    decoder: Decoder,
}

impl Returned {
    /// The body was read to its end, so that the next bytes are the next request.
    pub(crate) fn is_complete(&self) -> bool {
        self.decoder.is_done()
    }

    /// Drops what of the body is here already. Most refused bodies are small and came with their head:
    /// their connection can go on.
    pub(crate) fn drop_arrived(&mut self) {
        while let Ok(Decoded::Data(_)) = self.decoder.decode(&mut self.reader.buffer) {}
    }
}

/// A budget for waiting: it shrinks while the client stalls and grows with every byte, up to where it
/// began. So a body may pause, but not trickle for ever.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    full: u32,
    left: u32,
    /// Ticks × bytes a second.
    ticks_per_second: u64,
    min_rate: u64,
    /// Bytes not yet turned into ticks.
    credit: u64,
    waiting_since: Option<u32>,
}

impl H1Body {
    pub(crate) fn new(
        reader: Reader,
        framing: Framing,
        expects_continue: bool,
        watch: &Arc<Watched>,
        settings: &Settings,
    ) -> (Self, Arc<Loan>) {
        let loan = Arc::new(Loan::default());
        let body = Self {
            reader: Some(reader),
            decoder: Decoder::new(framing),
            loan: Arc::clone(&loan),
            watch: Arc::clone(watch),
            patience: Patience::new(settings),
            expects_continue,
        };
        (body, loan)
    }

    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let Some(reader) = &mut self.reader else { return Poll::Ready(None) };
        if std::mem::take(&mut self.expects_continue) && reader.buffer.is_empty() {
            self.loan.wants_continue.store(true, Relaxed);
        }
        loop {
            match self.decoder.decode(&mut reader.buffer) {
                Ok(Decoded::Data(data)) => return Poll::Ready(Some(Ok(data))),
                Ok(Decoded::End) => {
                    self.give_back();
                    return Poll::Ready(None);
                }
                Err(fault) => return Poll::Ready(Some(Err(BodyError::Malformed(describe(fault))))),
                Ok(Decoded::Hungry) => {}
            }
            match reader.poll_fill(cx) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Some(Err(BodyError::Closed))),
                Poll::Ready(Ok(count)) => {
                    self.patience.moved(count, self.watch.registry().now());
                    self.watch.disarm(Side::Client);
                }
                Poll::Pending => {
                    self.patience.wait(&self.watch);
                    if self.watch.poll_expired(Side::Client, cx).is_ready() {
                        return Poll::Ready(Some(Err(BodyError::TooSlow)));
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    pub(crate) fn is_end(&self) -> bool {
        self.decoder.is_done()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.decoder.remaining().map_or_else(SizeHint::default, SizeHint::with_exact)
    }

    fn give_back(&mut self) {
        let Some(reader) = self.reader.take() else { return };
        self.watch.disarm(Side::Client);
        let decoder = std::mem::replace(&mut self.decoder, Decoder::new(Framing::EMPTY));
        let returned = Returned { reader, decoder };
        *self.loan.returned.lock().unwrap_or_else(PoisonError::into_inner) = Some(returned);
    }
}

impl Drop for H1Body {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Loan {
    pub(crate) fn take(&self) -> Option<Returned> {
        self.returned.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether the body was given up before its end, after dropping what of it has arrived. Then the
    /// connection cannot go on, and its last answer has to say so.
    pub(crate) fn is_abandoned(&self) -> bool {
        let mut returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
        returned.as_mut().is_some_and(|returned| {
            returned.drop_arrived();
            !returned.is_complete()
        })
    }

    /// Once, when the body is asked for and the client waits for that.
    pub(crate) fn take_wants_continue(&self) -> bool {
        self.wants_continue.load(Relaxed) && self.wants_continue.swap(false, Relaxed)
    }
}

impl Patience {
    pub(crate) fn new(settings: &Settings) -> Self {
        let per_second = u64::try_from(Duration::from_secs(1).as_millis() / TICK.as_millis()).unwrap_or(1);
        let full = settings.stall_timeout.as_duration().as_millis() / TICK.as_millis();
        let full = u32::try_from(full).unwrap_or(u32::MAX).max(1);
        Self {
            full,
            left: full,
            ticks_per_second: per_second,
            min_rate: settings.min_rate.bytes().max(1),
            credit: 0,
            waiting_since: None,
        }
    }

    /// Bytes went over the wire.
    pub(crate) fn moved(&mut self, bytes: usize, now: u32) {
        if let Some(since) = self.waiting_since.take() {
            self.left = self.left.saturating_sub(now.saturating_sub(since));
        }
        let credit = self.credit.saturating_add((bytes as u64).saturating_mul(self.ticks_per_second));
        self.credit = credit % self.min_rate;
        let ticks = u32::try_from(credit / self.min_rate).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(ticks).min(self.full);
    }

    /// The other side is to take `bytes`: the tick by which it must have.
    pub(crate) fn until(&mut self, bytes: usize, now: u32) -> u32 {
        self.waiting_since = Some(now);
        let needed = (bytes as u64).saturating_mul(self.ticks_per_second).div_ceil(self.min_rate);
        let ticks = u32::try_from(needed).unwrap_or(u32::MAX).saturating_add(self.left.max(1));
        now.saturating_add(ticks)
    }

    /// The other side is to move; arms its deadline the first time.
    pub(crate) fn wait(&mut self, watch: &Watched) {
        if self.waiting_since.is_none() {
            self.waiting_since = Some(watch.registry().now());
            watch.arm(Side::Client, TICK.saturating_mul(self.left));
        }
    }
}

fn describe(fault: BodyFault) -> &'static str {
    match fault {
        BodyFault::ChunkEnd => "a chunk does not end with CR LF",
        BodyFault::ChunkSize => "a chunk size is not a hexadecimal number",
        BodyFault::ChunkExtension => "a chunk extension has a forbidden character",
        BodyFault::Overhead => "chunk extensions and trailers are too long",
        BodyFault::Trailer => "a trailer is malformed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_uses_patience_up_and_a_flow_restores_it() {
        let mut patience = Patience::new(&Settings::default());
        assert_eq!(patience.left, 300);
        for round in 0..20u32 {
            patience.waiting_since = Some(round * 10);
            patience.moved(1, round * 10 + 10);
        }
        assert_eq!(patience.left, 300 - 200);
        patience.moved(500 * 5, 200);
        assert_eq!(patience.left, 150);
        patience.moved(1 << 20, 200);
        assert_eq!(patience.left, 300);
    }

    #[test]
    fn who_takes_a_large_piece_at_the_least_rate_is_in_time() {
        let mut patience = Patience::new(&Settings::default());
        let mut now = 0;
        for _ in 0..20 {
            let deadline = patience.until(32_000, now);
            now += 640;
            assert!(now < deadline);
            patience.moved(32_000, now);
        }
        assert_eq!(patience.until(0, now), now + patience.left);
    }
}
