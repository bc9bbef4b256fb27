//! The living keys.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use gabion_model::{AccountId, Period, Rng, Secret, Timestamp, random};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::sha256;

use super::format::{generate, hint, is_key};
use super::{ApiKey, ApiKeyError, ApiKeyId};
use crate::account::{Account, Follower};
use crate::credential::{Credential, CredentialKind, NewCredential, Scopes};
use crate::settings::MachineSettings;
use crate::storage::{AccountChange, ApiKeyStorage, StorageError};

/// The key to make.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// What its owner calls it.
    pub label: String,
    pub scopes: Scopes,
    /// How long it lives; none: as long as the settings say.
    pub life: Option<Period>,
}

/// Every key there is. Authoritative in memory, written through to the storage, so that
/// [`resolve`](Self::resolve) never waits for it.
///
/// INVARIANT: a key in the table that has not ended is in the storage, and its account was enabled when it
/// was put there. Making and ending happen under one lock; resolving does not.
pub struct ApiKeys {
    shards: Vec<Shard>,
    living: Mutex<Living>,
    storage: Arc<dyn ApiKeyStorage>,
    settings: RwLock<Arc<MachineSettings>>,
}

#[derive(Default)]
struct Living {
    by_account: HashMap<AccountId, Vec<Arc<Entry>>>,
    /// Ended here, but the storage could not be told yet.
    unremoved: Vec<ApiKeyId>,
}

struct Entry {
    key: ApiKey,
    credential: Arc<Credential>,
    stored_last_used: AtomicI64,
}

type Shard = RwLock<HashMap<[u8; 32], Arc<Credential>>>;

impl ApiKeys {
    /// Loads what is stored and has not expired meanwhile.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn open(
        storage: Arc<dyn ApiKeyStorage>,
        settings: &MachineSettings,
        now: Timestamp,
    ) -> Result<Arc<Self>, StorageError> {
        let keys = Self {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            living: Mutex::default(),
            storage,
            settings: RwLock::new(Arc::new(settings.clone())),
        };
        let loaded = keys.storage.load_keys()?;
        let mut living = keys.living();
        for (key, account) in loaded {
            keys.put(&mut living, Entry::new(key, &account));
        }
        drop(living);
        keys.purge(now)?;
        Ok(Arc::new(keys))
    }

    /// Takes over changed settings. Keys there are stay as they were made.
    pub fn set_settings(&self, settings: &MachineSettings) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings.clone());
    }

    /// Whose key this is, if it lives; notes that it was used.
    ///
    /// The hot path: one CRC, one SHA-256, one shared lock, no allocation.
    #[must_use]
    pub fn resolve(&self, key: &str, now: Timestamp) -> Option<Arc<Credential>> {
        if !is_key(key) {
            return None;
        }
        let hash = sha256(key.as_bytes());
        let credential = {
            let shard = self.shard(&hash)?.read().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(shard.get(&hash)?)
        };
        credential.touch(now).then_some(credential)
    }

    /// How long a key lives when nobody says otherwise, and the longest one may.
    #[must_use]
    pub fn lives(&self) -> (Period, Period) {
        let settings = self.settings();
        (settings.api_key_life.min(settings.api_key_longest), settings.api_key_longest)
    }

    /// Makes a key for an account. The key itself is in the answer and nowhere else.
    ///
    /// # Errors
    /// What is wrong with what was asked for, or [`ApiKeyError::NotFound`] when `account` is not as it was
    /// any more.
    pub fn create(
        &self,
        account: &Account,
        new: NewApiKey,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<(Secret<String>, ApiKey), ApiKeyError> {
        let mut living = self.living();
        let (secret, key) = self.make(&living, account, new, now, rng)?;
        self.storage.insert_key(&key, account.epoch, None)?;
        self.put(&mut living, Entry::new(key.clone(), account));
        Ok((secret, key))
    }

    /// Makes the successor of a key: same account, scopes and length of life. The former lives on for
    /// `overlap`, so that both work while programs change over.
    ///
    /// # Errors
    /// [`ApiKeyError::Replaced`] when it has a successor already: two would be one too many.
    pub fn rotate(
        &self,
        account: &Account,
        id: &ApiKeyId,
        overlap: Option<Period>,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<(Secret<String>, ApiKey), ApiKeyError> {
        let settings = self.settings();
        let overlap = overlap.unwrap_or(settings.api_key_overlap);
        let mut living = self.living();
        let former = living.find(&account.id, id, now).ok_or(ApiKeyError::NotFound)?;
        if former.key.successor.is_some() {
            return Err(ApiKeyError::Replaced);
        }
        let life = former.key.life().min(settings.api_key_longest);
        let new = NewApiKey {
            label: former.key.label.clone(),
            scopes: former.key.scopes.clone(),
            life: Some(life),
        };
        let (secret, key) = self.make(&living, account, new, now, rng)?;
        let mut replaced = former.stored();
        replaced.successor = Some(key.id.clone());
        replaced.expires = replaced.expires.min(now.saturating_add(overlap.as_duration()));
        self.storage.insert_key(&key, account.epoch, Some(&replaced))?;
        former.credential.shorten(replaced.expires);
        let successor = Entry {
            key: replaced,
            credential: Arc::clone(&former.credential),
            stored_last_used: AtomicI64::new(former.stored_last_used.load(Ordering::Relaxed)),
        };
        if let Some(own) = living.by_account.get_mut(&account.id) {
            own.retain(|one| one.key.id != *id);
            own.push(Arc::new(successor));
        }
        self.put(&mut living, Entry::new(key.clone(), account));
        Ok((secret, key))
    }

    /// Ends a key, with the streams it opened. Returns whether there was one.
    ///
    /// # Errors
    /// When the storage fails. The key has ended all the same; only a restart before the next successful
    /// [`purge`](Self::purge) would bring it back.
    pub fn revoke(&self, id: &ApiKeyId) -> Result<bool, StorageError> {
        let mut living = self.living();
        let found: Vec<_> = living.all().filter(|one| one.key.id == *id).cloned().collect();
        self.end(&mut living, &found)?;
        Ok(!found.is_empty())
    }

    /// The living keys of an account, the newest first.
    #[must_use]
    pub fn list(&self, account: &AccountId, now: Timestamp) -> Vec<ApiKey> {
        let living = self.living();
        let mut own: Vec<_> = living.of(account).iter().map(|one| one.stored()).collect();
        own.retain(|key| now < key.expires);
        own.sort_by(|left, right| right.created.cmp(&left.created).then_with(|| left.id.cmp(&right.id)));
        own
    }

    /// Every living key, the newest first.
    #[must_use]
    pub fn list_all(&self, now: Timestamp) -> Vec<ApiKey> {
        let living = self.living();
        let mut all: Vec<_> = living.all().map(|one| one.stored()).collect();
        all.retain(|key| now < key.expires);
        all.sort_by(|left, right| right.created.cmp(&left.created).then_with(|| left.id.cmp(&right.id)));
        all
    }

    /// The key of that id, whoever's it is.
    #[must_use]
    pub fn find(&self, id: &ApiKeyId, now: Timestamp) -> Option<ApiKey> {
        let living = self.living();
        let found = living.all().find(|one| one.key.id == *id).map(|one| one.stored());
        found.filter(|key| now < key.expires)
    }

    /// Ends what has expired, and tells the storage what it could not be told before; call it every minute.
    /// Streams of an expired key end here. Returns how many keys did.
    ///
    /// # Errors
    /// When the storage fails; the keys have ended all the same.
    pub fn purge(&self, now: Timestamp) -> Result<usize, StorageError> {
        let mut living = self.living();
        let expired: Vec<_> = living.all().filter(|one| now >= one.credential.expires()).cloned().collect();
        self.end(&mut living, &expired)?;
        Ok(expired.len())
    }

    /// Writes down when keys were last used, where that changed; call it every minute and at the end.
    ///
    /// # Errors
    /// When the storage fails; the next call tries again.
    pub fn flush(&self) -> Result<usize, StorageError> {
        let changed: Vec<_> = {
            let living = self.living();
            let used = |one: &Arc<Entry>| Some((Arc::clone(one), one.credential.last_used()?));
            let is_new = |(one, used): &(Arc<Entry>, Timestamp)| {
                used.as_micros() != one.stored_last_used.load(Ordering::Relaxed)
            };
            living.all().filter_map(used).filter(is_new).collect()
        };
        let rows: Vec<_> = changed.iter().map(|(one, used)| (one.key.id.clone(), *used)).collect();
        if !rows.is_empty() {
            self.storage.touch_keys(&rows)?;
        }
        for (one, used) in &changed {
            one.stored_last_used.store(used.as_micros(), Ordering::Relaxed);
        }
        Ok(rows.len())
    }

    fn make(
        &self,
        living: &Living,
        account: &Account,
        new: NewApiKey,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<(Secret<String>, ApiKey), ApiKeyError> {
        let settings = self.settings();
        let NewApiKey { label, scopes, life } = new;
        let life = life.unwrap_or(settings.api_key_life);
        if !is_label(&label) {
            return Err(ApiKeyError::Label);
        }
        if scopes.is_empty() {
            return Err(ApiKeyError::Scopes);
        }
        if !(Period::from_secs(60)..=settings.api_key_longest).contains(&life) {
            return Err(ApiKeyError::Life(settings.api_key_longest));
        }
        let most = settings.api_keys_per_account;
        if living.of(&account.id).len() >= usize::try_from(most).unwrap_or(usize::MAX) {
            return Err(ApiKeyError::TooMany(most));
        }
        let secret = generate(&settings.api_key_environment, rng);
        let key = ApiKey {
            id: ApiKeyId::new(&base64url_encode(&random::bytes::<12>(rng))),
            hash: sha256(secret.expose().as_bytes()),
            account: account.id.clone(),
            label,
            hint: hint(&secret),
            scopes,
            created: now,
            expires: now.saturating_add(life.as_duration()),
            last_used: None,
            successor: None,
        };
        Ok((secret, key))
    }

    fn settings(&self) -> Arc<MachineSettings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn living(&self) -> MutexGuard<'_, Living> {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shard(&self, hash: &[u8; 32]) -> Option<&Shard> {
        let [first, ..] = hash;
        self.shards.get(usize::from(*first) % SHARDS)
    }

    fn put(&self, living: &mut Living, entry: Entry) {
        if let Some(shard) = self.shard(&entry.key.hash) {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.insert(entry.key.hash, Arc::clone(&entry.credential));
        }
        living.by_account.entry(entry.key.account.clone()).or_default().push(Arc::new(entry));
    }

    /// Ends keys here first, then in the storage: a failing disk lets nobody in.
    fn end(&self, living: &mut Living, entries: &[Arc<Entry>]) -> Result<(), StorageError> {
        self.forget(living, entries);
        living.unremoved.extend(entries.iter().map(|one| one.key.id.clone()));
        if !living.unremoved.is_empty() {
            self.storage.remove_keys(&living.unremoved)?;
            living.unremoved = Vec::new();
        }
        Ok(())
    }

    fn forget(&self, living: &mut Living, entries: &[Arc<Entry>]) {
        for entry in entries {
            entry.credential.end();
            if let Some(shard) = self.shard(&entry.key.hash) {
                shard.write().unwrap_or_else(PoisonError::into_inner).remove(&entry.key.hash);
            }
            if let Some(own) = living.by_account.get_mut(&entry.key.account) {
                own.retain(|one| one.key.id != entry.key.id);
                if own.is_empty() {
                    living.by_account.remove(&entry.key.account);
                }
            }
        }
    }
}

impl Follower for ApiKeys {
    /// Keys of an account that was disabled or whose password was taken or reset have ended (the storage
    /// removed them already); after any other change they go on with what the account is now.
    fn changed(&self, account: &Account, change: &AccountChange) {
        if !change.raises_epoch() {
            return;
        }
        let mut living = self.living();
        let own = living.of(&account.id).to_vec();
        self.forget(&mut living, &own);
        if change.ends_keys() {
            return;
        }
        for entry in own {
            self.put(&mut living, Entry::new(entry.stored(), account));
        }
    }

    fn removed(&self, account: &AccountId) {
        let mut living = self.living();
        let own = living.of(account).to_vec();
        self.forget(&mut living, &own);
    }
}

impl Living {
    fn all(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.by_account.values().flatten()
    }

    fn of(&self, account: &AccountId) -> &[Arc<Entry>] {
        self.by_account.get(account).map_or(&[], Vec::as_slice)
    }

    fn find(&self, account: &AccountId, id: &ApiKeyId, now: Timestamp) -> Option<Arc<Entry>> {
        let found = self.of(account).iter().find(|one| one.key.id == *id);
        found.filter(|one| now < one.credential.expires()).cloned()
    }
}

impl Entry {
    fn new(key: ApiKey, account: &Account) -> Self {
        let credential = Credential::new(NewCredential {
            kind: CredentialKind::ApiKey,
            id: key.id.to_shared(),
            principal: account.principal(),
            client: None,
            scopes: key.scopes.clone(),
            expires: key.expires,
            authenticated: None,
        });
        let used = key.last_used.map_or(i64::MIN, Timestamp::as_micros);
        credential.last_used.store(used, Ordering::Relaxed);
        Self { key, credential: Arc::new(credential), stored_last_used: AtomicI64::new(used) }
    }

    /// The key as it is now.
    fn stored(&self) -> ApiKey {
        ApiKey {
            expires: self.credential.expires(),
            last_used: self.credential.last_used(),
            ..self.key.clone()
        }
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ApiKeys").field("storage", &self.storage).finish_non_exhaustive()
    }
}

impl From<StorageError> for ApiKeyError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Stale | StorageError::NotFound => Self::NotFound,
            error => Self::Storage(error),
        }
    }
}

fn is_label(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= 64 && !text.chars().any(char::is_control)
}

const SHARDS: usize = 16;
