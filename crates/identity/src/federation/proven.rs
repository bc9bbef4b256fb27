//! Somebody a provider vouched for, who must still say what shall come of it: be linked to the account
//! they are signed in to, or get one of their own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gabion_model::{AccountId, Acr, Rng, Timestamp, random};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::sha256;

use super::mapping::Asserted;

/// A verified answer of a provider, waiting for its person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    pub provider: Arc<str>,
    pub asserted: Asserted,
    /// Only to be linked to this account: somebody signed in began it.
    pub account: Option<AccountId>,
    pub next: String,
    /// How much is asked for at least, in all.
    pub wanted: Acr,
    pub at: Timestamp,
    browser: [u8; 32],
}

/// One to keep.
#[derive(Debug)]
pub struct New {
    pub provider: Arc<str>,
    pub asserted: Asserted,
    pub account: Option<AccountId>,
    pub next: String,
    pub wanted: Acr,
    /// The hash of the cookie of the browser it was made in.
    pub browser: [u8; 32],
}

/// All that wait, in memory.
///
/// INVARIANT: one belongs to the browser it was made in and is given out for good once. At most
/// [`MOST`]; of more, the oldest goes.
#[derive(Debug, Default)]
pub struct Provens(Mutex<HashMap<[u8; 32], Proven>>);

impl Provens {
    /// Keeps one, and returns the ticket that names it in this browser.
    pub fn put(&self, new: New, now: Timestamp, rng: &dyn Rng) -> String {
        let ticket = base64url_encode(&random::bytes::<32>(rng));
        let mut provens = self.provens();
        if provens.len() >= MOST {
            provens.retain(|_, one| !one.is_expired(now));
        }
        if provens.len() >= MOST {
            let oldest = provens.iter().min_by_key(|(_, one)| one.at).map(|(key, _)| *key);
            oldest.map(|oldest| provens.remove(&oldest));
        }
        let New { provider, asserted, account, next, wanted, browser } = new;
        let proven = Proven { provider, asserted, account, next, wanted, at: now, browser };
        provens.insert(sha256(ticket.as_bytes()), proven);
        ticket
    }

    /// Looks at it without using it up.
    #[must_use]
    pub fn find(&self, ticket: &str, cookies: &[&str], now: Timestamp) -> Option<Proven> {
        self.provens().get(&sha256(ticket.as_bytes())).filter(|one| one.is_for(cookies, now)).cloned()
    }

    /// Uses it up.
    pub fn take(&self, ticket: &str, cookies: &[&str], now: Timestamp) -> Option<Proven> {
        let mut provens = self.provens();
        let key = sha256(ticket.as_bytes());
        if !provens.get(&key)?.is_for(cookies, now) {
            return None;
        }
        provens.remove(&key)
    }

    /// Forgets what has expired.
    pub fn purge(&self, now: Timestamp) {
        self.provens().retain(|_, one| !one.is_expired(now));
    }

    fn provens(&self) -> MutexGuard<'_, HashMap<[u8; 32], Proven>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Proven {
    fn is_expired(&self, now: Timestamp) -> bool {
        now.saturating_since(self.at) >= LIFE
    }

    fn is_for(&self, cookies: &[&str], now: Timestamp) -> bool {
        !self.is_expired(now) && cookies.iter().any(|cookie| sha256(cookie.as_bytes()) == self.browser)
    }
}

/// How long somebody may take to sign in to the account they have.
pub const LIFE: Duration = Duration::from_secs(600);

pub const MOST: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::federation::settings::ProviderSettings;
    use gabion_model::random::SeededRng;

    #[test]
    fn one_browsers_once_for_ten_minutes() {
        let (provens, rng) = (Provens::default(), SeededRng::new(1));
        let now = Timestamp::from_secs(1_800_000_000);
        let put = || {
            let none = serde_json::Map::new();
            let asserted =
                Asserted::read(&ProviderSettings::default(), "https://op.example", "7", &none, None);
            let new = New {
                provider: "op".into(),
                asserted,
                account: None,
                next: "/".into(),
                wanted: Acr::OneFactor,
                browser: sha256(b"mine"),
            };
            provens.put(new, now, &rng)
        };
        let ticket = put();
        assert!(provens.find(&ticket, &["mine"], now).is_some());
        assert!(provens.find(&ticket, &["theirs"], now).is_none());
        assert!(provens.take(&ticket, &["theirs"], now).is_none());
        assert!(provens.take("guess", &["mine"], now).is_none());
        assert!(provens.take(&ticket, &["theirs", "mine"], now).is_some());
        assert!(provens.take(&ticket, &["mine"], now).is_none());
        let late = put();
        assert!(provens.take(&late, &["mine"], now.saturating_add(LIFE)).is_none());
        for _ in 0..MOST + 5 {
            put();
        }
        assert_eq!(provens.provens().len(), MOST);
        provens.purge(now.saturating_add(LIFE));
        assert_eq!(provens.provens().len(), 0);
    }
}
