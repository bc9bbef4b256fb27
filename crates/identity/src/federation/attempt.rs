//! Sign-ins on their way: what was asked, kept here and bound to the browser that asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gabion_model::{AccountId, Acr, Rng, Secret, SessionId, Timestamp, random};
use gabion_vault::encoding::{base64url_decode_32, base64url_encode};
use gabion_vault::sha256;

/// What a browser set out to do, until it comes back.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The provider's name in the configuration.
    pub provider: Arc<str>,
    pub intent: Intent,
    /// The local path to go on to.
    pub next: String,
    /// The person must prove anew who they are.
    pub fresh: bool,
    /// How much is asked for at least, in all.
    pub wanted: Acr,
    /// What the code must be redeemed with: the same as was sent.
    pub redirect_uri: String,
    pub started: Timestamp,
    pub nonce: String,
    /// The code verifier (RFC 7636, section 4.1).
    pub verifier: Secret<String>,
    browser: [u8; 32],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    SignIn,
    /// Somebody who is signed in adds a way to sign in.
    Link {
        account: AccountId,
        session: SessionId,
    },
}

/// An attempt that was made.
#[derive(Debug)]
pub struct Begun {
    pub attempt: Attempt,
    /// The `state` parameter.
    pub state: String,
    /// What the browser's cookie holds from now on.
    pub browser: Secret<String>,
}

/// Why a callback belongs to no attempt. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttemptError {
    /// It was begun in another browser: somebody gave this person the address (login CSRF, RFC 6749,
    /// section 10.12).
    #[error("the sign-in was begun in another browser")]
    AnotherBrowser,
    /// It was never begun, was used, has expired, or the gate was restarted.
    #[error("no such sign-in was begun, or it was used or has expired")]
    Unknown,
}

/// All attempts under way, in memory: a restart forgets them, and people begin again.
///
/// INVARIANT: an attempt is given out once. There are at most [`MOST`], and of one browser at most
/// [`PER_BROWSER`]; of more, the oldest goes.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<HashMap<[u8; 32], Attempt>>);

impl Attempts {
    /// Remembers an attempt. `cookie` is what the browser's cookie holds, if it has one: its other tabs
    /// keep theirs.
    pub fn begin(
        &self,
        provider: Arc<str>,
        asked: Asked,
        cookie: Option<&str>,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Begun {
        let browser = match cookie.filter(|cookie| base64url_decode_32(cookie).is_ok()) {
            Some(cookie) => Secret::new(cookie.to_owned()),
            None => Secret::new(base64url_encode(&random::bytes::<32>(rng))),
        };
        let state = base64url_encode(&random::bytes::<32>(rng));
        let attempt = Attempt {
            provider,
            intent: asked.intent,
            next: asked.next,
            fresh: asked.fresh,
            wanted: asked.wanted,
            redirect_uri: asked.redirect_uri,
            started: now,
            nonce: base64url_encode(&random::bytes::<32>(rng)),
            verifier: Secret::new(base64url_encode(&random::bytes::<32>(rng))),
            browser: sha256(browser.expose().as_bytes()),
        };
        let mut attempts = self.attempts();
        if attempts.len() >= MOST {
            attempts.retain(|_, attempt| !attempt.is_expired(now));
        }
        let of_browser = attempts.values().filter(|one| one.browser == attempt.browser).count();
        let oldest = if of_browser >= PER_BROWSER {
            oldest(attempts.iter().filter(|(_, one)| one.browser == attempt.browser))
        } else if attempts.len() >= MOST {
            oldest(attempts.iter())
        } else {
            None
        };
        if let Some(oldest) = oldest {
            attempts.remove(&oldest);
        }
        attempts.insert(sha256(state.as_bytes()), attempt.clone());
        drop(attempts);
        Begun { attempt, state, browser }
    }

    /// Gives the attempt of a callback out, once. One that another browser began stays with it.
    ///
    /// # Errors
    /// When there is none for this browser.
    pub fn take(&self, state: &str, cookies: &[&str], now: Timestamp) -> Result<Attempt, AttemptError> {
        let mut attempts = self.attempts();
        let key = sha256(state.as_bytes());
        let attempt = attempts.get(&key).ok_or(AttemptError::Unknown)?;
        if !cookies.iter().any(|cookie| sha256(cookie.as_bytes()) == attempt.browser) {
            return Err(AttemptError::AnotherBrowser);
        }
        let attempt = attempts.remove(&key).ok_or(AttemptError::Unknown)?;
        if attempt.is_expired(now) { Err(AttemptError::Unknown) } else { Ok(attempt) }
    }

    /// Forgets what has expired.
    pub fn purge(&self, now: Timestamp) {
        self.attempts().retain(|_, attempt| !attempt.is_expired(now));
    }

    fn attempts(&self) -> MutexGuard<'_, HashMap<[u8; 32], Attempt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a browser asks for.
#[derive(Debug, Clone)]
pub struct Asked {
    pub intent: Intent,
    pub next: String,
    pub fresh: bool,
    pub wanted: Acr,
    pub redirect_uri: String,
}

impl Attempt {
    fn is_expired(&self, now: Timestamp) -> bool {
        now.saturating_since(self.started) >= LIFE
    }

    /// The hash of the cookie of the browser that began it.
    #[must_use]
    pub const fn browser(&self) -> [u8; 32] {
        self.browser
    }
}

fn oldest<'a>(attempts: impl Iterator<Item = (&'a [u8; 32], &'a Attempt)>) -> Option<[u8; 32]> {
    attempts.min_by_key(|(_, attempt)| attempt.started).map(|(key, _)| *key)
}

/// How long somebody may take at the provider.
pub const LIFE: Duration = Duration::from_secs(600);

/// Tabs.
pub const PER_BROWSER: usize = 8;

/// About ten megabytes.
pub const MOST: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::random::SeededRng;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn asked() -> Asked {
        Asked {
            intent: Intent::SignIn,
            next: "/".to_owned(),
            fresh: false,
            wanted: Acr::OneFactor,
            redirect_uri: "https://here.example/.gabion/federation/op/callback".to_owned(),
        }
    }

    fn begin(attempts: &Attempts, cookie: Option<&str>, rng: &SeededRng) -> Begun {
        attempts.begin("op".into(), asked(), cookie, NOW, rng)
    }

    #[test]
    fn an_attempt_is_one_browsers_and_used_once() {
        let (attempts, rng) = (Attempts::default(), SeededRng::new(1));
        let mine = begin(&attempts, None, &rng);
        let theirs = begin(&attempts, None, &rng);
        assert_ne!(mine.browser.expose(), theirs.browser.expose());
        let take = |cookies: &[&str]| attempts.take(&mine.state, cookies, NOW).map(|taken| taken.nonce);
        assert_eq!(take(&[]), Err(AttemptError::AnotherBrowser));
        assert_eq!(take(&[theirs.browser.expose()]), Err(AttemptError::AnotherBrowser));
        assert_eq!(take(&["x", mine.browser.expose()]), Ok(mine.attempt.nonce.clone()));
        assert_eq!(take(&[mine.browser.expose()]), Err(AttemptError::Unknown), "once");
        assert!(attempts.take("never", &[mine.browser.expose()], NOW).is_err());
    }

    #[test]
    fn of_many_callbacks_at_once_one_gets_it() {
        let (attempts, rng) = (Attempts::default(), SeededRng::new(1));
        let begun = begin(&attempts, None, &rng);
        let taken = std::thread::scope(|scope| {
            let take = || attempts.take(&begun.state, &[begun.browser.expose()], NOW).is_ok();
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|won| *won).count()
        });
        assert_eq!(taken, 1);
    }

    #[test]
    fn tabs_share_a_cookie_and_the_oldest_goes() {
        let (attempts, rng) = (Attempts::default(), SeededRng::new(1));
        let first = begin(&attempts, None, &rng);
        let cookie = first.browser.expose().as_str();
        let more: Vec<_> = (0..PER_BROWSER)
            .map(|second| {
                let now = NOW.saturating_add(Duration::from_secs(1 + second as u64));
                attempts.begin("op".into(), asked(), Some(cookie), now, &rng)
            })
            .collect();
        assert!(more.iter().all(|one| one.browser.expose() == cookie));
        assert_eq!(attempts.take(&first.state, &[cookie], NOW).unwrap_err(), AttemptError::Unknown);
        for one in &more {
            assert!(attempts.take(&one.state, &[cookie], NOW).is_ok());
        }
        let forged = begin(&attempts, Some("chosen by somebody else"), &rng);
        assert_ne!(forged.browser.expose(), "chosen by somebody else");
    }

    #[test]
    fn ten_minutes_and_bounded() {
        let (attempts, rng) = (Attempts::default(), SeededRng::new(1));
        let begun = begin(&attempts, None, &rng);
        let late = NOW.saturating_add(LIFE);
        assert_eq!(
            attempts.take(&begun.state, &[begun.browser.expose()], late).unwrap_err(),
            AttemptError::Unknown
        );
        for _ in 0..MOST + 10 {
            begin(&attempts, None, &rng);
        }
        assert_eq!(attempts.attempts().len(), MOST);
        attempts.purge(late);
        assert_eq!(attempts.attempts().len(), 0);
    }
}
