//! A provider's keys, kept for a while.
//!
//! They are fetched anew when they are an hour old, and when a token names a key they do not have, at
//! most every ten seconds: nobody can make us ask without end by naming keys that do not exist. When the
//! provider cannot be reached, the keys we have go on for a day.

use std::sync::Arc;
use std::time::Duration;

use gabion_model::Timestamp;
use gabion_vault::jose::{Jwk, Jwks};

/// The keys of one provider.
#[derive(Debug, Clone)]
pub struct KeyCache {
    keys: Option<Arc<Vec<Jwk>>>,
    fetched: Option<Timestamp>,
    tried: Option<Timestamp>,
    fresh: Duration,
    stale: Duration,
}

/// What to do about a token. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// Fetch, then ask again; use these if fetching fails.
    Fetch(Option<Arc<Vec<Jwk>>>),
    /// Keys cannot be had now: a fetch failed a moment ago.
    Nothing,
    Use(Arc<Vec<Jwk>>),
}

/// Not a set of keys that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no set of keys, or none of them can be used")]
pub struct UselessKeys;

impl Default for KeyCache {
    fn default() -> Self {
        Self::keeping(FRESH, STALE)
    }
}

impl KeyCache {
    /// Keys are fetched anew when they are `fresh` old, and go on until they are `stale` old while that fails.
    #[must_use]
    pub const fn keeping(fresh: Duration, stale: Duration) -> Self {
        Self { keys: None, fetched: None, tried: None, fresh, stale }
    }

    /// `known` says whether the keys at hand have the one that is looked for.
    #[must_use]
    pub fn advise(&self, known: impl FnOnce(&[Jwk]) -> bool, now: Timestamp) -> Advice {
        let age = |since: Option<Timestamp>| since.map(|since| now.saturating_since(since));
        let rested = age(self.tried).is_none_or(|age| age >= REST);
        let fresh = age(self.fetched).is_some_and(|age| age < self.fresh);
        let keys = self.keys.clone().filter(|_| age(self.fetched).is_some_and(|age| age < self.stale));
        match keys {
            Some(keys) if fresh && known(&keys) => Advice::Use(keys),
            keys if rested => Advice::Fetch(keys),
            Some(keys) => Advice::Use(keys),
            None => Advice::Nothing,
        }
    }

    /// Notes that a fetch begins.
    pub const fn begin(&mut self, now: Timestamp) {
        self.tried = Some(now);
    }

    /// Takes over what was fetched.
    ///
    /// # Errors
    /// When it is no set of keys, or none can be used; what there was stays.
    pub fn fill(&mut self, body: &[u8], now: Timestamp) -> Result<Arc<Vec<Jwk>>, UselessKeys> {
        if body.len() > LARGEST {
            return Err(UselessKeys);
        }
        let text = std::str::from_utf8(body).map_err(|_| UselessKeys)?;
        let keys = Jwks::from_json(text).map_err(|_| UselessKeys)?.keys;
        let keys: Vec<Jwk> = keys.into_iter().filter(Jwk::is_public).take(MOST).collect();
        if keys.is_empty() {
            return Err(UselessKeys);
        }
        let keys = Arc::new(keys);
        (self.keys, self.fetched) = (Some(Arc::clone(&keys)), Some(now));
        Ok(keys)
    }
}

pub const LARGEST: usize = 128 * 1024;
const MOST: usize = 64;
const FRESH: Duration = Duration::from_secs(3600);
const STALE: Duration = Duration::from_secs(24 * 3600);
const REST: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_vault::jose::SigningKey;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn after(seconds: u64) -> Timestamp {
        NOW.saturating_add(Duration::from_secs(seconds))
    }

    fn document(keys: &[&SigningKey]) -> Vec<u8> {
        serde_json::to_vec(&Jwks::of(keys.iter().copied())).unwrap()
    }

    #[test]
    fn keys_are_fetched_once_and_again_when_due() {
        let mut cache = KeyCache::default();
        let (yes, no) = (|_: &[Jwk]| true, |_: &[Jwk]| false);
        assert_eq!(cache.advise(yes, NOW), Advice::Fetch(None));
        cache.begin(NOW);
        assert_eq!(cache.advise(yes, after(9)), Advice::Nothing, "a failed fetch is not repeated at once");
        let keys = cache.fill(&document(&[&SigningKey::generate().unwrap()]), NOW).unwrap();
        assert_eq!(cache.advise(yes, after(3599)), Advice::Use(keys.clone()));
        assert_eq!(cache.advise(yes, after(3600)), Advice::Fetch(Some(keys.clone())));
        // Unknown keys: a fetch every ten seconds at most, whoever asks.
        assert_eq!(cache.advise(no, after(9)), Advice::Use(keys.clone()));
        assert_eq!(cache.advise(no, after(10)), Advice::Fetch(Some(keys.clone())));
        // The provider is down: the keys go on for a day.
        cache.begin(after(7200));
        assert_eq!(cache.advise(yes, after(7201)), Advice::Use(keys.clone()));
        cache.begin(after(86_400));
        assert_eq!(cache.advise(yes, after(86_401)), Advice::Nothing);
    }

    #[test]
    fn what_is_no_set_changes_nothing() {
        let mut cache = KeyCache::default();
        let keys = cache.fill(&document(&[&SigningKey::generate().unwrap()]), NOW).unwrap();
        for body in
            [&b"{}"[..], b"[]", b"{\"keys\":[]}", b"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", b"\xff"]
        {
            assert_eq!(cache.fill(body, NOW), Err(UselessKeys));
        }
        assert!(cache.fill(&vec![b' '; LARGEST + 1], NOW).is_err());
        assert_eq!(cache.advise(|_| true, NOW), Advice::Use(keys));
    }
}
