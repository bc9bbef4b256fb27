//! The living sessions.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use gabion_model::{AccountId, Methods, Network, Rng, Secret, SessionId, Timestamp, random};
use gabion_vault::encoding::{base64url_decode_32, base64url_encode};
use gabion_vault::sha256;
use tokio::sync::Notify;

use super::{AssertionSlot, Limits, Session};
use crate::account::Account;
use crate::settings::SessionSettings;
use crate::storage::{AccountChange, SessionStorage, StorageError, StoredSession};
use crate::whereabouts::Whereabouts;

/// From where, when and on what ground a session begins.
#[derive(Debug, Clone)]
pub struct BeginSession {
    /// By what the person proved who they are just now.
    pub methods: Methods,
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
    pub now: Timestamp,
}

/// Learns what ends, at once. Called while the table is held: it may not ask the table anything, and may
/// not wait.
pub trait Watcher: Send + Sync + fmt::Debug {
    fn session_ended(&self, session: &Session);
}

/// Why a session did not begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The account was disabled or its sessions were revoked since the password was checked.
    #[error("the account may not sign in any more")]
    Overtaken,
    #[error(transparent)]
    Storage(StorageError),
}

/// Everybody who is signed in. Authoritative in memory, written through to the storage, so that
/// [`resolve`](Self::resolve) never waits for it.
///
/// INVARIANT: a session in the table that has not ended is in the storage, and its account was enabled
/// when it was put there. Beginning and ending happen under one lock; resolving does not.
pub struct Sessions {
    shards: Vec<Shard>,
    living: Mutex<Living>,
    storage: Arc<dyn SessionStorage>,
    limits: Arc<Limits>,
    concurrent: AtomicU32,
    watchers: RwLock<Vec<Arc<dyn Watcher>>>,
}

#[derive(Default)]
pub(super) struct Living {
    by_account: HashMap<AccountId, Vec<Arc<Session>>>,
    /// Ended here, but the storage could not be told yet.
    unremoved: Vec<SessionId>,
}

type Shard = RwLock<HashMap<[u8; 32], Arc<Session>, BuildHasherDefault<TicketHasher>>>;

impl Sessions {
    /// Loads what outlived the restart and has not expired meanwhile.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn open(
        storage: Arc<dyn SessionStorage>,
        settings: &SessionSettings,
        now: Timestamp,
    ) -> Result<Arc<Self>, StorageError> {
        let sessions = Self {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            living: Mutex::default(),
            storage,
            limits: Arc::default(),
            concurrent: AtomicU32::default(),
            watchers: RwLock::default(),
        };
        sessions.set_settings(settings);
        let loaded = sessions.storage.load()?;
        let mut living = sessions.living();
        for (stored, account) in loaded {
            sessions.put(&mut living, sessions.session(stored, &account));
        }
        drop(living);
        sessions.purge(now)?;
        Ok(Arc::new(sessions))
    }

    /// Tells `watcher` what ends from now on.
    pub fn watch(&self, watcher: Arc<dyn Watcher>) {
        self.watchers.write().unwrap_or_else(PoisonError::into_inner).push(watcher);
    }

    /// Takes over changed settings; they hold for the sessions there are, too.
    pub fn set_settings(&self, settings: &SessionSettings) {
        let micros = |period: gabion_model::Period| {
            i64::try_from(period.as_duration().as_micros()).unwrap_or(i64::MAX)
        };
        self.limits.idle.store(micros(settings.idle), Ordering::Relaxed);
        self.limits.absolute.store(micros(settings.absolute), Ordering::Relaxed);
        self.concurrent.store(settings.concurrent.max(1), Ordering::Relaxed);
    }

    /// Whose ticket this is, if it is a living session's; notes that it was seen.
    ///
    /// The hot path: one SHA-256, one shared lock, no allocation.
    #[must_use]
    pub fn resolve(&self, ticket: &str, now: Timestamp) -> Option<Arc<Session>> {
        let hash = sha256(&base64url_decode_32(ticket).ok()?);
        let session = {
            let shard = self.shard(&hash)?.read().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(shard.get(&hash)?)
        };
        session.touch(now).then_some(session)
    }

    /// Begins a session for an account whose password was just verified, with a ticket nobody knew
    /// before. Ends the account's oldest sessions if there are more than allowed.
    ///
    /// # Errors
    /// [`SessionError::Overtaken`] when `account` is not as it was any more.
    pub fn begin(
        &self,
        account: &Account,
        begin: BeginSession,
        rng: &dyn Rng,
    ) -> Result<(Secret<String>, Arc<Session>), SessionError> {
        let authenticated = begin.now;
        self.begin_proved(account, begin, authenticated, rng)
    }

    /// The same for somebody who proved who they are some time ago, at another provider.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub fn begin_proved(
        &self,
        account: &Account,
        begin: BeginSession,
        authenticated: Timestamp,
        rng: &dyn Rng,
    ) -> Result<(Secret<String>, Arc<Session>), SessionError> {
        let ticket = Secret::new(random::bytes::<32>(rng));
        let stored = StoredSession {
            id: SessionId::new(&base64url_encode(&random::bytes::<16>(rng))),
            ticket_hash: sha256(ticket.expose()),
            account: account.id.clone(),
            started: begin.now,
            authenticated: authenticated.min(begin.now),
            methods: begin.methods,
            last_seen: begin.now,
            address: begin.address,
            user_agent: begin.user_agent.map(bounded),
        };
        let mut living = self.living();
        self.storage.insert(&stored, account.epoch)?;
        let session = self.session(stored, account);
        let mut former = living.of(&account.id);
        former.sort_by_key(|one| one.started);
        let allowed = usize::try_from(self.concurrent.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        former.truncate((former.len() + 1).saturating_sub(allowed));
        self.put(&mut living, Arc::clone(&session));
        // Whether the storage can be told now is not this sign-in's concern: `purge` tries again.
        let _ = self.end(&mut living, &former);
        drop(living);
        Ok((Secret::new(base64url_encode(ticket.expose())), session))
    }

    /// Ends a session, whoever's it is. Returns whether there was one.
    ///
    /// # Errors
    /// When the storage fails. The session has ended all the same; only a restart before the next
    /// successful [`purge`](Self::purge) would bring it back.
    pub fn revoke(&self, id: &SessionId) -> Result<bool, StorageError> {
        let mut living = self.living();
        let found: Vec<_> = living.all().filter(|one| one.id == *id).cloned().collect();
        self.end(&mut living, &found)?;
        Ok(!found.is_empty())
    }

    /// Ends all sessions of an account but `except`. Returns how many.
    ///
    /// # Errors
    /// When the storage fails; see [`revoke`](Self::revoke).
    pub fn revoke_account(
        &self,
        account: &AccountId,
        except: Option<&SessionId>,
    ) -> Result<usize, StorageError> {
        let mut living = self.living();
        let mut found = living.of(account);
        found.retain(|one| Some(&one.id) != except);
        self.end(&mut living, &found)?;
        Ok(found.len())
    }

    /// The living sessions of an account, the newest first.
    #[must_use]
    pub fn list(&self, account: &AccountId, now: Timestamp) -> Vec<Arc<Session>> {
        let mut own = self.living().of(account);
        own.retain(|one| !one.is_expired(now));
        own.sort_by_key(|one| std::cmp::Reverse((one.started, one.last_seen())));
        own
    }

    /// A living session of an account.
    #[must_use]
    pub fn of_account(&self, account: &AccountId, id: &SessionId, now: Timestamp) -> Option<Arc<Session>> {
        let living = self.living();
        let own = living.by_account.get(account)?.iter().find(|one| one.id == *id)?;
        (!own.is_expired(now)).then(|| Arc::clone(own))
    }

    /// The ids of all living sessions.
    #[must_use]
    pub fn ids(&self) -> HashSet<SessionId> {
        self.living().all().map(|session| session.id.clone()).collect()
    }

    /// From where somebody is signed in, each address once.
    #[must_use]
    pub fn addresses(&self, now: Timestamp) -> HashSet<IpAddr> {
        self.living().all().filter(|one| !one.is_expired(now)).filter_map(|one| one.address).collect()
    }

    /// How many sessions there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.living().all().count()
    }

    /// Ends what has expired, and tells the storage what it could not be told before; call it every
    /// minute. Streams of an expired session end here. Returns how many sessions did.
    ///
    /// # Errors
    /// When the storage fails; the sessions have ended all the same.
    pub fn purge(&self, now: Timestamp) -> Result<usize, StorageError> {
        let mut living = self.living();
        let expired: Vec<_> = living.all().filter(|one| one.is_expired(now)).cloned().collect();
        self.end(&mut living, &expired)?;
        Ok(expired.len())
    }

    /// Writes down when sessions were last seen, where that changed; call it every minute and at the end.
    /// Returns how many.
    ///
    /// # Errors
    /// When the storage fails; the next call tries again.
    pub fn flush(&self) -> Result<usize, StorageError> {
        let is_changed = |one: &&Arc<Session>| {
            one.last_seen.load(Ordering::Relaxed) != one.stored_last_seen.load(Ordering::Relaxed)
        };
        let changed: Vec<_> = {
            let living = self.living();
            living.all().filter(is_changed).map(|one| (Arc::clone(one), one.last_seen())).collect()
        };
        let rows: Vec<_> = changed.iter().map(|(session, seen)| (session.id.clone(), *seen)).collect();
        if !rows.is_empty() {
            self.storage.touch(&rows)?;
        }
        for (session, seen) in &changed {
            session.stored_last_seen.store(seen.as_micros(), Ordering::Relaxed);
        }
        Ok(rows.len())
    }

    /// Follows a change that the storage has made: what it removed there ends here.
    pub(crate) fn end_revoked(&self, account: &Account, change: &AccountChange) {
        if !change.raises_epoch() {
            return;
        }
        let mut living = self.living();
        let mut ended = living.of(&account.id);
        ended.retain(|one| Some(&one.id) != change.keeps());
        self.forget(&mut living, &ended);
    }

    /// Follows a removal, or another change whose storage has already ended the account's sessions.
    pub(crate) fn end_account(&self, account: &AccountId) {
        let mut living = self.living();
        let ended = living.of(account);
        self.forget(&mut living, &ended);
    }

    /// One page of all living sessions, by id.
    #[must_use]
    pub fn page(&self, after: Option<&SessionId>, limit: usize, now: Timestamp) -> Vec<Arc<Session>> {
        let mut page: Vec<_> = {
            let living = self.living();
            let fits =
                |one: &&Arc<Session>| after.is_none_or(|after| one.id > *after) && !one.is_expired(now);
            living.all().filter(fits).cloned().collect()
        };
        page.sort_by(|left, right| left.id.cmp(&right.id));
        page.truncate(limit);
        page
    }

    /// The living session of that id.
    #[must_use]
    pub fn find(&self, id: &SessionId, now: Timestamp) -> Option<Arc<Session>> {
        self.living().all().find(|one| one.id == *id && !one.is_expired(now)).cloned()
    }

    pub(super) fn living(&self) -> MutexGuard<'_, Living> {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shard(&self, hash: &[u8; 32]) -> Option<&Shard> {
        let [first, ..] = hash;
        self.shards.get(usize::from(*first) % SHARDS)
    }

    fn session(&self, stored: StoredSession, account: &Account) -> Arc<Session> {
        Arc::new(Session {
            id: stored.id,
            principal: account.principal(),
            started: stored.started,
            authenticated: stored.authenticated,
            methods: stored.methods,
            address: stored.address,
            user_agent: stored.user_agent,
            whereabouts: Whereabouts::beginning(stored.address.map(Network::of)),
            assertion: AssertionSlot::default(),
            ticket_hash: stored.ticket_hash,
            last_seen: AtomicI64::new(stored.last_seen.as_micros()),
            stored_last_seen: AtomicI64::new(stored.last_seen.as_micros()),
            limits: Arc::clone(&self.limits),
            ended: AtomicBool::new(false),
            end: Notify::new(),
        })
    }

    fn put(&self, living: &mut Living, session: Arc<Session>) {
        living.by_account.entry(session.principal.account.clone()).or_default().push(Arc::clone(&session));
        if let Some(shard) = self.shard(&session.ticket_hash) {
            shard.write().unwrap_or_else(PoisonError::into_inner).insert(session.ticket_hash, session);
        }
    }

    /// Ends sessions here first, then in the storage: a failing disk keeps nobody signed in.
    fn end(&self, living: &mut Living, sessions: &[Arc<Session>]) -> Result<(), StorageError> {
        self.forget(living, sessions);
        living.unremoved.extend(sessions.iter().map(|one| one.id.clone()));
        if !living.unremoved.is_empty() {
            self.storage.remove(&living.unremoved)?;
            living.unremoved = Vec::new();
        }
        Ok(())
    }

    fn forget(&self, living: &mut Living, sessions: &[Arc<Session>]) {
        let watchers = self.watchers.read().unwrap_or_else(PoisonError::into_inner);
        for session in sessions {
            session.end();
            watchers.iter().for_each(|watcher| watcher.session_ended(session));
            if let Some(shard) = self.shard(&session.ticket_hash) {
                shard.write().unwrap_or_else(PoisonError::into_inner).remove(&session.ticket_hash);
            }
            if let Some(own) = living.by_account.get_mut(&session.principal.account) {
                own.retain(|one| one.id != session.id);
                if own.is_empty() {
                    living.by_account.remove(&session.principal.account);
                }
            }
        }
    }
}

impl Living {
    fn all(&self) -> impl Iterator<Item = &Arc<Session>> {
        self.by_account.values().flatten()
    }

    pub(super) fn of(&self, account: &AccountId) -> Vec<Arc<Session>> {
        self.by_account.get(account).cloned().unwrap_or_default()
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sessions").field("storage", &self.storage).finish_non_exhaustive()
    }
}

impl From<StorageError> for SessionError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Stale | StorageError::NotFound => Self::Overtaken,
            error => Self::Storage(error),
        }
    }
}

/// A user agent is the client's to choose: at most 256 bytes are kept.
fn bounded(mut text: String) -> String {
    let end = (0..=USER_AGENT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.truncate(end);
    text
}

/// The keys are SHA-256 values: eight of their bytes are as good a hash as any. An attacker cannot aim
/// at one bucket, since only tickets we made are ever keys.
#[derive(Default)]
struct TicketHasher(u64);

impl Hasher for TicketHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(word) = bytes.last_chunk::<8>() {
            self.0 ^= u64::from_le_bytes(*word);
        }
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

const SHARDS: usize = 64;
const USER_AGENT: usize = 256;
