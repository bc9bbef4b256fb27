//! What is known of an application's objects: who owns the order, to which tenant it belongs, what it lies in.
//!
//! A resolver knows some types of object. It either asks the application by a signed request
//! ([`callback`]), or answers from what the application registered ([`registered`]). Both are kept for a while,
//! under bounds; of several requests about one object one asks. Whoever cannot find out says so: a decision that needed
//! it is a refusal.

mod answer;
mod cache;
mod callback;
mod registered;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gabion_identity::Keyring;
use gabion_identity::storage::ResourceStorage;
use gabion_model::outbound::Fetch;
use gabion_model::{Clock, Rng, Timestamp};
use gabion_policy::{EntityRef, Finding, Found, Resources, Unknown};
use tokio::sync::{OnceCell, Semaphore};

use cache::Cache;
use callback::Callback;

pub(crate) use registered::known as registered_object;
pub use registered::{Registration, RegistrationError};
pub use settings::{ResolverSettings, problems};

/// Every resolver of a configuration.
pub struct Resolvers {
    by_type: BTreeMap<Box<str>, (Arc<Resolver>, usize)>,
}

/// What resolvers are made of.
#[derive(Debug)]
pub struct Tools {
    pub storage: Arc<dyn ResourceStorage>,
    /// Signs what is asked.
    pub keys: Arc<Keyring>,
    /// The gate's own address.
    pub issuer: Arc<str>,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    /// Ready after so long.
    pub sleep: Sleep,
}

/// Ready after so long.
pub type Sleep = fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// One `[resolvers.NAME]`.
struct Resolver {
    name: Box<str>,
    source: Source,
    clock: Arc<dyn Clock>,
    sleep: Sleep,
    life: Duration,
    missing_life: Duration,
    /// Per type.
    kept: Mutex<Vec<Cache>>,
    asking: Mutex<BTreeMap<EntityRef, Asking>>,
    places: Semaphore,
    deadline: Duration,
    broken: Mutex<Broken>,
}

/// Objects of the type cannot be gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotListed;

/// What an answer says, for the fuzz target.
#[cfg(fuzzing)]
pub(crate) fn fuzzed(bytes: &[u8], object: &EntityRef) -> Option<Arc<gabion_policy::Resource>> {
    answer::read(bytes, object).ok()
}

/// What several wait for together.
type Asking = Arc<OnceCell<Result<Found, Unknown>>>;

/// Who knows.
enum Source {
    Application(Callback),
    Registered(Arc<dyn ResourceStorage>),
}

/// An application that failed several times in a row is left alone for a moment.
#[derive(Default)]
struct Broken {
    failures: u32,
    until: Option<Timestamp>,
}

impl Resolvers {
    /// `fetch` gives each resolver its way out, which reaches that resolver's address and nothing else.
    pub fn new(
        settings: &BTreeMap<String, ResolverSettings>,
        tools: &Tools,
        mut fetch: impl FnMut(&ResolverSettings) -> Option<Arc<dyn Fetch>>,
    ) -> Self {
        let mut by_type = BTreeMap::new();
        for (name, one) in settings {
            let source = match &one.url {
                // Without a way out nothing is found, and nothing is allowed.
                Some(_) => Source::Application(Callback::new(name, one, tools, fetch(one))),
                None => Source::Registered(Arc::clone(&tools.storage)),
            };
            let resolver = Arc::new(Resolver {
                name: name.as_str().into(),
                source,
                clock: Arc::clone(&tools.clock),
                sleep: tools.sleep,
                life: one.cache.as_duration(),
                missing_life: one.cache_missing.as_duration(),
                kept: Mutex::new(one.types.iter().map(|_| Cache::new(one.entries)).collect()),
                asking: Mutex::default(),
                places: Semaphore::new(one.concurrent),
                deadline: one.timeout.as_duration(),
                broken: Mutex::default(),
            });
            for (index, kind) in one.types.iter().enumerate() {
                by_type.insert(kind.as_str().into(), (Arc::clone(&resolver), index));
            }
        }
        Self { by_type }
    }

    /// None at all.
    #[must_use]
    pub const fn none() -> Self {
        Self { by_type: BTreeMap::new() }
    }

    /// What applications registered, when objects of the type are known by that and can be gone through.
    ///
    /// # Errors
    /// That they are known, and cannot be gone through: the application is asked about each.
    pub(crate) fn registered(&self, kind: &str) -> Result<Option<Arc<dyn ResourceStorage>>, NotListed> {
        match self.by_type.get(kind).map(|(resolver, _)| &resolver.source) {
            None => Ok(None),
            Some(Source::Registered(storage)) => Ok(Some(Arc::clone(storage))),
            Some(Source::Application(_)) => Err(NotListed),
        }
    }

    /// Forgets what is kept about an object: the application said something else about it.
    pub fn forget(&self, kind: &str, id: &str) {
        if let Some((resolver, index)) = self.by_type.get(kind)
            && let Some(cache) = resolver.kept().get_mut(*index)
        {
            cache.forget(id);
        }
    }
}

impl Resources for Resolvers {
    fn serves(&self, kind: &str) -> bool {
        self.by_type.contains_key(kind)
    }

    fn at_hand(&self, kind: &str, id: &str, now: Timestamp) -> Option<Found> {
        let (resolver, index) = self.by_type.get(kind)?;
        resolver.kept().get_mut(*index)?.read(id, now)
    }

    fn find(&self, object: EntityRef) -> Finding {
        match self.by_type.get(&*object.kind) {
            Some((resolver, index)) => {
                let (resolver, index) = (Arc::clone(resolver), *index);
                Box::pin(async move { resolver.find(index, object).await })
            }
            None => Box::pin(std::future::ready(Err(Unknown::NoResolver))),
        }
    }
}

impl Resolver {
    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Cache>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One question for all who ask about the same object at the same time.
    async fn find(self: Arc<Self>, index: usize, object: EntityRef) -> Result<Found, Unknown> {
        if object.id.len() > LONGEST_ID {
            return Err(Unknown::TooLong);
        }
        if let Some(found) =
            self.kept().get_mut(index).and_then(|cache| cache.read(&object.id, self.clock.now()))
        {
            return Ok(found);
        }
        let cell = {
            let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
            if asking.len() >= MOST_WAITING && !asking.contains_key(&object) {
                return Err(Unknown::Busy);
            }
            Arc::clone(asking.entry(object.clone()).or_default())
        };
        // Whoever began may go away (a closed connection): the next one asks anew.
        let found = cell.get_or_init(|| self.ask(index, &object)).await.clone();
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if asking.get(&object).is_some_and(|own| Arc::ptr_eq(own, &cell)) {
            asking.remove(&object);
        }
        found
    }

    async fn ask(&self, index: usize, object: &EntityRef) -> Result<Found, Unknown> {
        self.is_whole()?;
        let epoch = self.kept().get(index).map(Cache::epoch);
        let found = tokio::select! {
            biased;
            found = self.look_up(object) => found,
            () = (self.sleep)(self.deadline) => Err(Unknown::TimedOut),
        };
        self.note(found.is_ok());
        match &found {
            Ok(found) => {
                let life = if found.is_some() { self.life } else { self.missing_life };
                if !life.is_zero() {
                    let until = self.clock.now().saturating_add(life);
                    // What was said meanwhile is newer than what was read.
                    if let Some(cache) =
                        self.kept().get_mut(index).filter(|cache| Some(cache.epoch()) == epoch)
                    {
                        cache.keep(&object.id, found.clone(), until);
                    }
                }
            }
            Err(error) => {
                tracing::warn!(resolver = &*self.name, kind = &*object.kind, %error, "attributes of an object not found out");
            }
        }
        found
    }

    async fn look_up(&self, object: &EntityRef) -> Result<Found, Unknown> {
        let _place = self.places.acquire().await.map_err(|_| Unknown::Busy)?;
        match &self.source {
            Source::Application(callback) => callback.ask(object).await,
            Source::Registered(storage) => {
                let (storage, object) = (Arc::clone(storage), object.clone());
                let read = tokio::task::spawn_blocking(move || registered::read(&*storage, &object));
                read.await.map_err(|_| Unknown::Unreachable("the storage".to_owned()))?
            }
        }
    }

    fn is_whole(&self) -> Result<(), Unknown> {
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        match broken.until {
            Some(until) if self.clock.now() < until => Err(Unknown::LeftAlone),
            _ => Ok(()),
        }
    }

    fn note(&self, well: bool) {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if well {
            *broken = Broken::default();
            return;
        }
        broken.failures = broken.failures.saturating_add(1);
        if broken.failures >= FAILURES {
            broken.until = Some(self.clock.now().saturating_add(PAUSE));
        }
    }
}

impl fmt::Debug for Resolvers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.by_type.keys()).finish()
    }
}

/// An object's id comes out of an address; longer ones are nobody's.
const LONGEST_ID: usize = 512;
/// Different objects asked about at one time, per resolver.
const MOST_WAITING: usize = 4096;
/// So many failures in a row, and the application is left alone for a moment.
const FAILURES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);
