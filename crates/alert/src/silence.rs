//! Silences: alerts that nobody is told of for a while, and why.

use gabion_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Matcher;

/// A silence that is to begin now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSilence {
    pub matcher: Matcher,
    pub until: Timestamp,
    pub reason: String,
}

/// Alerts are grouped and kept all the same; nobody is told. When it ends, whoever is then to be told is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    pub id: u64,
    pub matcher: Matcher,
    pub from: Timestamp,
    pub until: Timestamp,
    pub reason: String,
    pub by: String,
}

impl Silence {
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.until
    }
}
