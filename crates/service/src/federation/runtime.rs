//! What is remembered of sign-ins under way and of providers: in memory, bounded, lost with the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gabion_identity::federation::jwks::{self, Advice, KeyCache};
use gabion_identity::federation::{Attempts, Metadata, Origin, Provens, Provider, discovery, exchange};
use gabion_model::outbound::{FetchError, FetchRequest};
use gabion_model::{SessionId, Timestamp};
use gabion_vault::jose::Jwk;
use gabion_vault::sha256;

use crate::service::Inner;
use crate::{FederationError, SignedIn};

/// Sign-ins under way and what is known of providers.
#[derive(Debug, Default)]
pub(crate) struct Federation {
    pub(crate) attempts: Attempts,
    pub(crate) provens: Provens,
    upstreams: Mutex<HashMap<String, Arc<Upstream>>>,
    /// Which session began with which of a provider's: `(issuer, sid)`.
    sids: Mutex<HashMap<(String, String), SessionId>>,
    /// The same the other way round.
    origins: Mutex<HashMap<SessionId, (Origin, Timestamp)>>,
    /// Browsers that were sent to sign out at a provider, by the hash of their `state`, and where an
    /// application wants to have them after.
    returns: Mutex<HashMap<[u8; 32], Return>>,
    /// Logout tokens that were used.
    used: Mutex<HashMap<[u8; 32], Timestamp>>,
}

#[derive(Debug)]
struct Return {
    back: Option<String>,
    since: Timestamp,
}

/// One provider, as of the last time it was asked. The locks are held while it is asked, so that many
/// sign-ins at once ask once.
#[derive(Debug, Default)]
struct Upstream {
    metadata: tokio::sync::Mutex<Discovered>,
    keys: tokio::sync::Mutex<KeyCache>,
}

#[derive(Debug, Default)]
struct Discovered {
    metadata: Option<Arc<Metadata>>,
    fetched: Option<Timestamp>,
    tried: Option<Timestamp>,
}

impl Federation {
    fn upstream(&self, issuer: &str) -> Arc<Upstream> {
        let mut upstreams = self.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        // Issuers come from the configuration; a reload may leave a few behind.
        if upstreams.len() >= MOST_UPSTREAMS && !upstreams.contains_key(issuer) {
            upstreams.clear();
        }
        Arc::clone(upstreams.entry(issuer.to_owned()).or_default())
    }

    /// Notes that a session began with one of a provider's.
    pub(crate) fn began(&self, origin: Option<Origin>, entered: &SignedIn, now: Timestamp) {
        let (Some(origin), session) = (origin, &entered.session.id) else { return };
        if let Some(sid) = &origin.sid {
            self.note_sid(&origin.issuer, sid, session.clone());
        }
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        // What is forgotten is not signed out of at the provider.
        if origins.len() >= MOST_ORIGINS {
            origins.clear();
        }
        origins.insert(session.clone(), (origin, now));
    }

    /// What a session began with, once.
    pub(crate) fn origin(&self, session: &SessionId) -> Option<Origin> {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        origins.remove(session).map(|(origin, _)| origin)
    }

    /// Notes that a browser with this `state` will come back from signing out.
    pub(crate) fn departs(&self, state: &str, back: Option<String>, now: Timestamp) {
        let mut returns = self.returns.lock().unwrap_or_else(PoisonError::into_inner);
        if returns.len() >= MOST_RETURNS {
            returns.clear();
        }
        returns.insert(sha256(state.as_bytes()), Return { back, since: now });
    }

    /// Where a browser that came back goes on to, once.
    pub(crate) fn returned(&self, state: &str, now: Timestamp) -> Option<String> {
        let mut returns = self.returns.lock().unwrap_or_else(PoisonError::into_inner);
        let Return { back, since } = returns.remove(&sha256(state.as_bytes()))?;
        back.filter(|_| now.saturating_since(since) < RETURN_LIFE)
    }

    fn note_sid(&self, issuer: &str, sid: &str, session: SessionId) {
        let mut sids = self.sids.lock().unwrap_or_else(PoisonError::into_inner);
        // What is forgotten ends with its subject's other sessions instead.
        if sids.len() >= MOST_SIDS {
            sids.clear();
        }
        sids.insert((issuer.to_owned(), sid.to_owned()), session);
    }

    /// The session that began with the provider's, once.
    pub(crate) fn ended(&self, issuer: &str, sid: &str) -> Option<SessionId> {
        let mut sids = self.sids.lock().unwrap_or_else(PoisonError::into_inner);
        sids.remove(&(issuer.to_owned(), sid.to_owned()))
    }

    /// Whether a logout token is used for the first time.
    pub(crate) fn is_first_use(&self, token: [u8; 32], now: Timestamp) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= MOST_SIDS {
            used.retain(|_, at| now.saturating_since(*at) < TOKEN_LIFE);
        }
        used.insert(token, now).is_none()
    }

    pub(crate) fn purge(&self, now: Timestamp) {
        self.attempts.purge(now);
        self.provens.purge(now);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, at| now.saturating_since(*at) < TOKEN_LIFE);
        drop(used);
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        origins.retain(|_, (_, since)| now.saturating_since(*since) < ORIGIN_LIFE);
        drop(origins);
        let mut returns = self.returns.lock().unwrap_or_else(PoisonError::into_inner);
        returns.retain(|_, one| now.saturating_since(one.since) < RETURN_LIFE);
    }
}

impl Inner {
    /// The configured provider of that name.
    pub(crate) fn provider(&self, name: &str) -> Option<Provider> {
        self.rules().federation.iter().find(|provider| *provider.name == *name).cloned()
    }

    /// What the provider says about itself: kept for an hour; when it cannot be asked, for a day.
    pub(crate) async fn metadata(&self, provider: &Provider) -> Result<Arc<Metadata>, FederationError> {
        let upstream = self.federation.upstream(&provider.settings.issuer);
        let mut known = upstream.metadata.lock().await;
        let now = self.clock.now();
        let age = |since: Option<Timestamp>| since.map(|since| now.saturating_since(since));
        let kept = known.metadata.clone().filter(|_| age(known.fetched).is_some_and(|age| age < STALE));
        if let Some(metadata) = &kept
            && age(known.fetched).is_some_and(|age| age < FRESH)
        {
            return Ok(Arc::clone(metadata));
        }
        if age(known.tried).is_some_and(|age| age < REST) {
            return kept.ok_or(FederationError::Unreachable);
        }
        known.tried = Some(now);
        let mut request = FetchRequest::get(provider.discovery_url());
        request.largest = discovery::LARGEST;
        request.deadline = exchange::DEADLINE;
        let failed = match self.fetch(request).await {
            Ok(body) => match Metadata::parse(&body, &provider.settings.issuer) {
                Ok(metadata) => {
                    let metadata = Arc::new(metadata);
                    (known.metadata, known.fetched) = (Some(Arc::clone(&metadata)), Some(now));
                    return Ok(metadata);
                }
                Err(error) => error.to_string(),
            },
            Err(error) => error,
        };
        let hint = way_out(&failed);
        tracing::warn!(provider = %provider.name, url = %provider.discovery_url(), error = %failed, hint, "provider not usable");
        kept.ok_or(FederationError::Unreachable)
    }

    /// The provider's keys, with the one that is looked for if it has it.
    pub(crate) async fn provider_keys(
        &self,
        provider: &Provider,
        metadata: &Metadata,
        known: impl Fn(&[Jwk]) -> bool,
    ) -> Result<Arc<Vec<Jwk>>, FederationError> {
        let upstream = self.federation.upstream(&provider.settings.issuer);
        let mut cache = upstream.keys.lock().await;
        let now = self.clock.now();
        let kept = match cache.advise(known, now) {
            Advice::Use(keys) => return Ok(keys),
            Advice::Nothing => return Err(FederationError::Unreachable),
            Advice::Fetch(kept) => kept,
        };
        cache.begin(now);
        let mut request = FetchRequest::get(&metadata.jwks_uri);
        request.largest = jwks::LARGEST;
        request.deadline = exchange::DEADLINE;
        let failed = match self.fetch(request).await {
            Ok(body) => match cache.fill(&body, now) {
                Ok(keys) => return Ok(keys),
                Err(error) => error.to_string(),
            },
            Err(error) => error,
        };
        tracing::warn!(provider = %provider.name, url = %metadata.jwks_uri, error = %failed, "keys of a provider not usable");
        kept.ok_or(FederationError::Unreachable)
    }

    /// The body of a plain 200; no redirect is followed.
    async fn fetch(&self, request: FetchRequest) -> Result<Vec<u8>, String> {
        match self.fetch.fetch(request).await {
            Ok(answer) if answer.status == 200 => Ok(answer.body),
            Ok(answer) => Err(format!("it answered {}", answer.status)),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// What an operator can do about it.
fn way_out(failed: &str) -> &'static str {
    let forbidden = FetchError::Forbidden(String::new()).to_string();
    if failed.starts_with(&forbidden) {
        "if this provider is yours, name its host and port in `egress.allow`"
    } else {
        "see `federation.<name>.issuer`"
    }
}

const FRESH: Duration = Duration::from_secs(3600);
const STALE: Duration = Duration::from_secs(24 * 3600);
const REST: Duration = Duration::from_secs(10);
/// Longer than a logout token is believed.
const TOKEN_LIFE: Duration = Duration::from_secs(600);
/// Longer than a session lives.
const ORIGIN_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Somebody signs out at the provider.
const RETURN_LIFE: Duration = Duration::from_secs(600);
const MOST_ORIGINS: usize = 10_000;
const MOST_RETURNS: usize = 10_000;
const MOST_UPSTREAMS: usize = 64;
const MOST_SIDS: usize = 50_000;
