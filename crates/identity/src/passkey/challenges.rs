//! Challenges: random, made for one browser's flow, good once and for five minutes.
//!
//! Where somebody is known already (a session, a half-done sign-in) the challenge is kept for its holder:
//! one at a time, so that there are no more challenges than sessions and sign-ins.
//!
//! Where nobody is known yet (a passkey instead of name and password) anybody may ask for a challenge, and
//! nothing is kept: it carries its own proof, an HMAC over itself and the ticket in the browser's login
//! cookie. That it is used once is remembered when it is used, which takes a registered passkey: a flood
//! of requests fills nothing.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gabion_model::{Rng, SessionId, Timestamp, random};
use gabion_vault::{constant_time_eq, hmac_sha256, sha256};

/// Whose flow a challenge belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Holder([u8; 32]);

/// What for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    Authentication,
    Registration,
}

/// A challenge for nobody in particular.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoloChallenge(Vec<u8>);

/// A challenge, and until when it waits.
type Held = (Vec<u8>, Timestamp);

/// All open challenges.
pub struct Challenges {
    key: [u8; 32],
    held: Mutex<HashMap<(Holder, Purpose), Held>>,
    /// Digests of solo challenges that were used, until they would have expired.
    used: Mutex<HashMap<[u8; 32], Timestamp>>,
}

impl Holder {
    #[must_use]
    pub fn session(id: &SessionId) -> Self {
        Self(sha256(&[b"session:", id.as_str().as_bytes()].concat()))
    }

    /// A half-done sign-in, by the ticket in the browser's login cookie.
    #[must_use]
    pub fn ticket(ticket: &str) -> Self {
        Self(sha256(&[b"ticket:", ticket.as_bytes()].concat()))
    }
}

impl Challenges {
    #[must_use]
    pub fn new(rng: &dyn Rng) -> Self {
        Self { key: random::bytes(rng), held: Mutex::default(), used: Mutex::default() }
    }

    /// A new challenge in place of the holder's former one.
    pub fn issue(&self, holder: Holder, purpose: Purpose, now: Timestamp, rng: &dyn Rng) -> Vec<u8> {
        let challenge = random::bytes::<32>(rng).to_vec();
        let mut held = locked(&self.held);
        if held.len() >= MOST {
            held.retain(|_, (_, issued)| is_good(*issued, now));
        }
        // Full of living ones: the holder has none then, and the answer to it will be refused.
        if held.len() < MOST || held.contains_key(&(holder, purpose)) {
            held.insert((holder, purpose), (challenge.clone(), now));
        }
        challenge
    }

    /// The holder's challenge, which is gone with this, whatever the answer to it is worth.
    #[must_use]
    pub fn take(&self, holder: Holder, purpose: Purpose, now: Timestamp) -> Option<Vec<u8>> {
        let (challenge, issued) = locked(&self.held).remove(&(holder, purpose))?;
        is_good(issued, now).then_some(challenge)
    }

    /// A challenge for whoever holds `ticket` in the login cookie.
    #[must_use]
    pub fn issue_solo(&self, ticket: &str, now: Timestamp, rng: &dyn Rng) -> SoloChallenge {
        let head = [&random::bytes::<16>(rng)[..], &now.as_micros().to_be_bytes()].concat();
        let tag = self.tag(&head, ticket);
        SoloChallenge([&head[..], &tag].concat())
    }

    /// Whether `challenge` was made for `ticket` and is still good.
    #[must_use]
    pub fn is_solo(&self, challenge: &[u8], ticket: &str, now: Timestamp) -> bool {
        let Some((head, tag)) = challenge.split_first_chunk::<24>() else { return false };
        let Some((_, issued)) = head.split_last_chunk::<8>() else { return false };
        let issued = Timestamp::from_micros(i64::from_be_bytes(*issued));
        constant_time_eq(tag, &self.tag(head, ticket))
            && is_good(issued, now)
            && !locked(&self.used).contains_key(&sha256(challenge))
    }

    /// Uses a solo challenge up, once its answer was found right. Of several at once exactly one gets
    /// `true`.
    #[must_use]
    pub fn use_solo(&self, challenge: &[u8], now: Timestamp) -> bool {
        let mut used = locked(&self.used);
        used.retain(|_, noted| is_good(*noted, now));
        used.len() < MOST && used.insert(sha256(challenge), now).is_none()
    }

    fn tag(&self, head: &[u8], ticket: &str) -> [u8; 32] {
        hmac_sha256(&self.key, &[head, ticket.as_bytes()].concat())
    }
}

impl SoloChallenge {
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Holder")
    }
}

impl fmt::Debug for Challenges {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Challenges").finish_non_exhaustive()
    }
}

fn is_good(issued: Timestamp, now: Timestamp) -> bool {
    issued <= now && now.saturating_since(issued) < LIFE
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As long as a browser's question stays open (WebAuthn Level 2, 15.1 recommends five minutes).
const LIFE: Duration = Duration::from_mins(5);
const MOST: usize = 50_000;

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::random::SeededRng;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const LATER: Timestamp = Timestamp::from_secs(1_800_000_300);

    #[test]
    fn a_held_challenge_is_its_flows_and_good_once() {
        let rng = SeededRng::new(1);
        let challenges = Challenges::new(&rng);
        let (one, other) = (Holder::ticket("one"), Holder::session(&SessionId::new("one")));
        let first = challenges.issue(one, Purpose::Authentication, NOW, &rng);
        let second = challenges.issue(one, Purpose::Authentication, NOW, &rng);
        assert_ne!(first, second);
        assert_eq!(challenges.take(other, Purpose::Authentication, NOW), None, "another flow");
        assert_eq!(challenges.take(one, Purpose::Registration, NOW), None, "another ceremony");
        assert_eq!(challenges.take(one, Purpose::Authentication, NOW), Some(second), "the latest");
        assert_eq!(challenges.take(one, Purpose::Authentication, NOW), None, "once");
        let _ = challenges.issue(one, Purpose::Authentication, NOW, &rng);
        assert_eq!(challenges.take(one, Purpose::Authentication, LATER), None, "too late");
    }

    #[test]
    fn a_solo_challenge_is_its_browsers_and_good_once() {
        let rng = SeededRng::new(1);
        let challenges = Challenges::new(&rng);
        let challenge = challenges.issue_solo("ticket", NOW, &rng);
        let bytes = challenge.as_bytes();
        assert!(challenges.is_solo(bytes, "ticket", NOW));
        assert!(!challenges.is_solo(bytes, "tickeT", NOW), "another browser");
        assert!(!challenges.is_solo(bytes, "ticket", LATER), "too late");
        assert!(!Challenges::new(&rng).is_solo(bytes, "ticket", NOW), "another process");
        for at in 0..bytes.len() {
            let mut other = bytes.to_vec();
            other[at] ^= 1;
            assert!(!challenges.is_solo(&other, "ticket", NOW), "byte {at}");
            assert!(!challenges.is_solo(&bytes[..at], "ticket", NOW), "cut at {at}");
        }
        assert!(challenges.use_solo(bytes, NOW));
        assert!(!challenges.use_solo(bytes, NOW), "once");
        assert!(!challenges.is_solo(bytes, "ticket", NOW), "once");
    }
}
