//! The name of a grant.

use std::borrow::Borrow;
use std::fmt;

use gabion_model::{Rng, random};
use gabion_vault::encoding::base64url_encode;
use serde::{Deserialize, Serialize};

/// Names a grant: `gid` in tokens. Random and public.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GrantId(String);

impl GrantId {
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    #[must_use]
    pub fn random(rng: &dyn Rng) -> Self {
        Self(base64url_encode(&random::bytes::<16>(rng)))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for GrantId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl fmt::Debug for GrantId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}
