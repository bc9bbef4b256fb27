//! The keys that sign what Gabion says: of each algorithm one signs, and all are published.
//!
//! A key is published before it signs ([`KeySettings::announced`]), so that whoever keeps the published keys
//! for [`KEPT_BY_CLIENTS`] has it by then, and stays published after it signed last
//! ([`KeySettings::retained`]) until everything it signed has expired. A revoked key is gone at once.
//! Private keys lie sealed in the storage.

mod schedule;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use arc_swap::ArcSwap;
use gabion_model::{Rng, Timestamp};
use gabion_vault::SealingKey;
use gabion_vault::jwt::{Algorithm, Jwks, KeyError, SigningKey};

use crate::storage::{KeyStorage, StorageError};
use schedule::Step;

pub use schedule::{KEPT_BY_CLIENTS, Standing, Times};
pub use settings::{KeySettings, SigningAlgorithm};

/// The keys there are. Shared; a change is seen by everybody at once.
#[derive(Debug)]
pub struct Keyring {
    living: ArcSwap<Living>,
    kept: Option<Kept>,
}

/// Where the keys outlive a restart.
#[derive(Debug)]
struct Kept {
    storage: Arc<dyn KeyStorage>,
    sealing: Arc<SealingKey>,
    settings: RwLock<KeySettings>,
    /// What there is always a key for.
    algorithms: &'static [Algorithm],
    /// Held while something changes.
    changing: Mutex<()>,
}

#[derive(Debug)]
struct Living {
    keys: Vec<Held>,
    /// Of each algorithm the one that signs; the default first.
    signing: Vec<Arc<SigningKey>>,
    public: Arc<Jwks>,
}

#[derive(Debug, Clone)]
struct Held {
    key: Arc<SigningKey>,
    times: Times,
}

/// A key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// PKCS#8, sealed for `keys:sealed:KID`.
    pub sealed: Vec<u8>,
    pub times: Times,
}

/// A key as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    pub kid: String,
    pub algorithm: Algorithm,
    pub standing: Standing,
    pub times: Times,
}

/// Why the ring could not be read or changed. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("there is no such signing key")]
    NotFound,
    #[error("the signing key `{kid}` cannot be opened with the sealing key beside the database")]
    Sealed { kid: String },
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Keyring {
    /// A ring of one key that nothing keeps and nothing replaces: for tests and for what leaves nothing
    /// behind.
    #[must_use]
    pub fn of(key: Arc<SigningKey>) -> Arc<Self> {
        Self::fixed(vec![key])
    }

    /// A ring that nothing keeps and nothing replaces, of at most one key per algorithm. The first is the
    /// default.
    #[must_use]
    pub fn fixed(keys: Vec<Arc<SigningKey>>) -> Arc<Self> {
        let created = Timestamp::from_secs(0);
        let times = Times { created, active: created, retired: None, expires: None };
        let public = Arc::new(Jwks::of(keys.iter().map(Arc::as_ref)));
        let living = keys.iter().map(|key| Held { key: Arc::clone(key), times }).collect();
        let living = Living { keys: living, signing: keys, public };
        Arc::new(Self { living: ArcSwap::from_pointee(living), kept: None })
    }

    /// The stored keys, brought up to date; keys are made where there are none. `imported` was published
    /// and signed before the ring was stored: it goes on signing for its algorithm.
    ///
    /// # Errors
    /// When the storage fails, or holds a key that cannot be opened.
    pub fn open(
        storage: Arc<dyn KeyStorage>,
        sealing: Arc<SealingKey>,
        settings: KeySettings,
        imported: Option<SigningKey>,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<Arc<Self>, KeyringError> {
        Self::of_kept(Kept::new(storage, sealing, settings, Algorithm::SIGNING), imported, now, rng)
    }

    fn of_kept(
        kept: Kept,
        imported: Option<SigningKey>,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<Arc<Self>, KeyringError> {
        let mut keys = kept.load()?;
        if let Some(key) = imported
            && !keys.iter().any(|one| one.key.algorithm() == key.algorithm())
        {
            keys.push(kept.add(key, now, now, rng)?);
        }
        let living = Living::of(keys, kept.settings().algorithm.into(), now);
        let ring = Self { living: ArcSwap::from_pointee(living), kept: Some(kept) };
        ring.turn(now, rng)?;
        Ok(Arc::new(ring))
    }

    /// The key that signs now where nobody asked for another algorithm.
    ///
    /// # Panics
    /// Never: a ring without a key cannot be made.
    #[must_use]
    pub fn signing(&self) -> Arc<SigningKey> {
        let living = self.living.load();
        #[expect(clippy::indexing_slicing, reason = "INVARIANT: a ring is never without a signing key")]
        Arc::clone(&living.signing[0])
    }

    /// The key that signs now with this algorithm, if there is one.
    #[must_use]
    pub fn signing_with(&self, algorithm: Algorithm) -> Option<Arc<SigningKey>> {
        self.living.load().signing.iter().find(|key| key.algorithm() == algorithm).cloned()
    }

    /// The algorithms there are signing keys for; the default first.
    #[must_use]
    pub fn algorithms(&self) -> Vec<Algorithm> {
        self.living.load().signing.iter().map(|key| key.algorithm()).collect()
    }

    /// What is published, and what tokens of ours are verified with.
    #[must_use]
    pub fn public(&self) -> Arc<Jwks> {
        Arc::clone(&self.living.load().public)
    }

    /// Every key by algorithm and age, the signing ones first.
    #[must_use]
    pub fn list(&self, now: Timestamp) -> Vec<KeyView> {
        let living = self.living.load();
        let mut views: Vec<KeyView> = living.keys.iter().map(|one| one.view(now)).collect();
        views.sort_by(|one, other| {
            (one.algorithm, one.standing, other.times.created).cmp(&(
                other.algorithm,
                other.standing,
                one.times.created,
            ))
        });
        views
    }

    /// Takes over changed settings; they act at the next [`turn`](Self::turn).
    pub fn set_settings(&self, settings: &KeySettings) {
        if let Some(kept) = &self.kept {
            kept.settings.write().unwrap_or_else(PoisonError::into_inner).clone_from(settings);
        }
    }

    /// Whether [`turn`](Self::turn) has anything to do. Cheap.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        let Some(kept) = &self.kept else { return false };
        let (living, settings) = (self.living.load(), kept.settings());
        let default = Algorithm::from(settings.algorithm);
        living.signing.first().is_none_or(|first| first.algorithm() != default)
            || living.signing.iter().any(|key| !living.signs(key.kid(), now))
            || kept
                .algorithms
                .iter()
                .any(|one| !schedule::due(&living.times(*one), &settings, now).is_empty())
    }

    /// Does what the schedule says is due: makes, retires and removes keys. What changed is durable on
    /// return.
    ///
    /// # Errors
    /// When the storage fails; the next call goes on where this one ended.
    pub fn turn(&self, now: Timestamp, rng: &dyn Rng) -> Result<(), KeyringError> {
        let Some(kept) = &self.kept else { return Ok(()) };
        let _changing = kept.lock();
        let settings = kept.settings();
        for algorithm in kept.algorithms {
            let living = self.living.load_full();
            let mut keys = living.keys.clone();
            for step in schedule::due(&living.times(*algorithm), &settings, now) {
                match step {
                    Step::Make { active } => {
                        keys.push(kept.add(SigningKey::generate_for(*algorithm)?, now, active, rng)?);
                    }
                    Step::Retire { kid, expires } => {
                        kept.storage.retire_key(kid, now, expires)?;
                        for one in keys.iter_mut().filter(|one| one.key.kid() == kid) {
                            (one.times.retired, one.times.expires) = (Some(now), Some(expires));
                        }
                    }
                    Step::Remove { kid } => {
                        kept.storage.remove_key(kid)?;
                        keys.retain(|one| one.key.kid() != kid);
                    }
                }
            }
            self.living.store(Arc::new(Living::of(keys, settings.algorithm.into(), now)));
        }
        Ok(())
    }

    /// Announces a successor of the key that signs now with `algorithm`, ahead of the schedule, and says
    /// which. Where one is announced already, it is that one.
    ///
    /// # Errors
    /// When the storage fails or the ring is fixed.
    pub fn rotate(
        &self,
        algorithm: Algorithm,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<KeyView, KeyringError> {
        let kept = self.kept.as_ref().ok_or(KeyringError::NotFound)?;
        let _changing = kept.lock();
        let (living, settings) = (self.living.load_full(), kept.settings());
        let of = |one: &&Held| one.key.algorithm() == algorithm;
        let announced = living.keys.iter().filter(of).find(|one| one.times.standing(now) == Standing::Next);
        if let Some(announced) = announced {
            return Ok(announced.view(now));
        }
        let active = now.saturating_add(settings.announced.as_duration());
        let made = kept.add(SigningKey::generate_for(algorithm)?, now, active, rng)?;
        let view = made.view(now);
        let mut keys = living.keys.clone();
        keys.push(made);
        self.living.store(Arc::new(Living::of(keys, settings.algorithm.into(), now)));
        Ok(view)
    }

    /// Takes a key out at once: nothing it signed is believed any more, by us now and by others when they
    /// ask for the keys again. If it was the one that signs, another one does from now on.
    ///
    /// # Errors
    /// [`KeyringError::NotFound`] when there is no such key.
    pub fn revoke(&self, kid: &str, now: Timestamp, rng: &dyn Rng) -> Result<KeyView, KeyringError> {
        let kept = self.kept.as_ref().ok_or(KeyringError::NotFound)?;
        let _changing = kept.lock();
        let (living, settings) = (self.living.load_full(), kept.settings());
        let revoked = living.keys.iter().find(|one| one.key.kid() == kid).ok_or(KeyringError::NotFound)?;
        let (algorithm, view) = (revoked.key.algorithm(), revoked.view(now));
        let mut keys = living.keys.clone();
        // First the successor: a crash between the two leaves both, and the command to be repeated.
        if view.standing == Standing::Active {
            keys.push(kept.add(SigningKey::generate_for(algorithm)?, now, now, rng)?);
        }
        kept.storage.remove_key(kid)?;
        keys.retain(|one| one.key.kid() != kid);
        self.living.store(Arc::new(Living::of(keys, settings.algorithm.into(), now)));
        Ok(view)
    }
}

impl Kept {
    fn new(
        storage: Arc<dyn KeyStorage>,
        sealing: Arc<SealingKey>,
        settings: KeySettings,
        algorithms: &'static [Algorithm],
    ) -> Self {
        Self { storage, sealing, settings: RwLock::new(settings), algorithms, changing: Mutex::new(()) }
    }

    fn settings(&self) -> KeySettings {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self) -> Result<Vec<Held>, KeyringError> {
        let open = |stored: StoredKey| {
            let sealed = || KeyringError::Sealed { kid: stored.kid.clone() };
            let pkcs8 = self.sealing.open(&context(&stored.kid), &stored.sealed).map_err(|_| sealed())?;
            let key = SigningKey::from_pkcs8(pkcs8)?;
            // The name is the thumbprint: a row that names another key was tampered with.
            if key.kid() != stored.kid {
                return Err(sealed());
            }
            Ok(Held { key: Arc::new(key), times: stored.times })
        };
        self.storage.keys()?.into_iter().map(open).collect()
    }

    fn add(
        &self,
        key: SigningKey,
        now: Timestamp,
        active: Timestamp,
        rng: &dyn Rng,
    ) -> Result<Held, KeyringError> {
        let times = Times { created: now, active, retired: None, expires: None };
        let kid = key.kid().to_owned();
        let sealed = self.sealing.seal(&context(&kid), key.pkcs8().expose(), rng);
        let sealed = sealed.map_err(|_| KeyringError::Sealed { kid: kid.clone() })?;
        self.storage.add_key(&StoredKey { kid, sealed, times })?;
        Ok(Held { key: Arc::new(key), times })
    }
}

impl Living {
    fn of(keys: Vec<Held>, default: Algorithm, now: Timestamp) -> Self {
        let mut signing: Vec<Arc<SigningKey>> = Vec::new();
        for algorithm in Algorithm::SIGNING {
            signing.extend(current(&keys, *algorithm, now).map(|one| Arc::clone(&one.key)));
        }
        signing.sort_by_key(|key| key.algorithm() != default);
        let public = Arc::new(Jwks::of(keys.iter().map(|one| one.key.as_ref())));
        Self { keys, signing, public }
    }

    fn times(&self, algorithm: Algorithm) -> Vec<(&str, Times)> {
        let of = |one: &&Held| one.key.algorithm() == algorithm;
        self.keys.iter().filter(of).map(|one| (one.key.kid(), one.times)).collect()
    }

    /// Whether the key is still the one that signs with its algorithm.
    fn signs(&self, kid: &str, now: Timestamp) -> bool {
        Algorithm::SIGNING
            .iter()
            .any(|one| current(&self.keys, *one, now).is_some_and(|one| one.key.kid() == kid))
    }
}

impl Held {
    fn view(&self, now: Timestamp) -> KeyView {
        KeyView {
            kid: self.key.kid().to_owned(),
            algorithm: self.key.algorithm(),
            standing: self.times.standing(now),
            times: self.times,
        }
    }
}

/// Of the keys that may sign, the youngest. Where none may yet, because the clock was put back, the one that
/// would be the first to.
fn current(keys: &[Held], algorithm: Algorithm, now: Timestamp) -> Option<&Held> {
    let of = |one: &&Held| one.key.algorithm() == algorithm;
    let in_standing = |wanted| keys.iter().filter(of).filter(move |one| one.times.standing(now) == wanted);
    let rank = |one: &&Held| (one.times.active, one.key.kid().to_owned());
    in_standing(Standing::Active).max_by_key(rank).or_else(|| in_standing(Standing::Next).min_by_key(rank))
}

fn context(kid: &str) -> String {
    format!("keys:sealed:{kid}")
}
