//! Sessions: who is signed in.
//!
//! The browser holds a ticket of 256 random bits; we keep its SHA-256. Whoever reads the database or a
//! backup can make no cookie of it.

mod assertion;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use gabion_model::{Methods, Principal, SessionId, Timestamp};
use tokio::sync::Notify;

use crate::whereabouts::Whereabouts;

pub use assertion::AssertionSlot;
pub use table::{BeginSession, SessionError, Sessions, Watcher};

/// One person signed in with one browser. Lives until it expires or is revoked.
pub struct Session {
    /// Public: names the session in lists and events; it is not the ticket.
    pub id: SessionId,
    pub principal: Principal,
    pub started: Timestamp,
    /// When the person last proved who they are (`auth_time`).
    pub authenticated: Timestamp,
    /// By what.
    pub methods: Methods,
    /// From where it began.
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
    /// From where it is used.
    pub whereabouts: Whereabouts,
    /// What the upstream is told about it, kept so that it need not be signed for every request.
    pub assertion: AssertionSlot,
    ticket_hash: [u8; 32],
    last_seen: AtomicI64,
    stored_last_seen: AtomicI64,
    limits: Arc<Limits>,
    ended: AtomicBool,
    end: Notify,
}

/// How long sessions live, in microseconds; shared by all, so that changed settings hold at once.
#[derive(Debug, Default)]
struct Limits {
    idle: AtomicI64,
    absolute: AtomicI64,
}

impl Session {
    /// The last request, to within a second.
    #[must_use]
    pub fn last_seen(&self) -> Timestamp {
        Timestamp::from_micros(self.last_seen.load(Ordering::Relaxed))
    }

    /// Signed out, revoked or expired.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Resolves when the session ends: what a WebSocket or another stream of the session waits for
    /// beside its own work.
    pub async fn ended(&self) {
        loop {
            // Registered before the flag is read, so that an end between the two is not missed.
            let end = self.end.notified();
            if self.is_ended() {
                return;
            }
            end.await;
        }
    }

    /// Notes that the person did something, unless the session has ended or expired; returns whether it
    /// lives. Every request does; whoever carries a stream does when the client (not the application)
    /// sends something on it, so that a person working over a WebSocket is not idle.
    pub fn touch(&self, now: Timestamp) -> bool {
        if self.is_ended() || self.is_expired(now) {
            return false;
        }
        // Written once a second at most, so that cores do not fight over the line.
        let seen = self.last_seen.load(Ordering::Relaxed);
        if now.as_micros() >= seen.saturating_add(SECOND) {
            self.last_seen.fetch_max(now.as_micros(), Ordering::Relaxed);
        }
        true
    }

    fn is_expired(&self, now: Timestamp) -> bool {
        let (now, seen) = (now.as_micros(), self.last_seen.load(Ordering::Relaxed));
        now.saturating_sub(seen) >= self.limits.idle.load(Ordering::Relaxed)
            || now.saturating_sub(self.started.as_micros()) >= self.limits.absolute.load(Ordering::Relaxed)
    }

    fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.end.notify_waiters();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Session")
            .field("id", &self.id)
            .field("principal", &self.principal)
            .field("started", &self.started)
            .field("ended", &self.is_ended())
            .finish_non_exhaustive()
    }
}

/// In microseconds.
const SECOND: i64 = 1_000_000;
