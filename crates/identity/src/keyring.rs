//! The keys that sign what Gabion says: one signs, all are published.

use std::sync::{Arc, PoisonError, RwLock};

use gabion_vault::jwt::{Jwks, SigningKey};

/// The keys there are. Shared; a rotation is seen by everybody at once.
#[derive(Debug)]
pub struct Keyring(RwLock<Arc<Keys>>);

#[derive(Debug)]
struct Keys {
    signing: Arc<SigningKey>,
    public: Arc<Jwks>,
}

impl Keyring {
    /// A ring of one key.
    #[must_use]
    pub fn of(key: Arc<SigningKey>) -> Arc<Self> {
        let public = Arc::new(Jwks::of([key.as_ref()]));
        Arc::new(Self(RwLock::new(Arc::new(Keys { signing: key, public }))))
    }

    /// The key that signs now.
    #[must_use]
    pub fn signing(&self) -> Arc<SigningKey> {
        Arc::clone(&self.keys().signing)
    }

    /// What is published, and what tokens of ours are verified with.
    #[must_use]
    pub fn public(&self) -> Arc<Jwks> {
        Arc::clone(&self.keys().public)
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}
