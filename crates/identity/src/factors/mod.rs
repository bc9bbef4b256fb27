//! Second factors: what a person can prove beside a password, and what takes its place.

pub mod counters;
pub mod recovery;
pub mod settings;
pub mod totp;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use counters::{FactorCounters, FactorReservation};
pub use settings::{FactorSettings, UserVerification};

/// A way to prove who one is, beside a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactorKind {
    /// A passkey or security key (WebAuthn).
    Passkey,
    /// An authenticator app (RFC 6238).
    Totp,
    /// One of the codes for whoever lost the others.
    RecoveryCode,
}

/// Names a second factor in addresses, lists and events. Public.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FactorId(Arc<str>);

impl FactorId {
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FactorId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a person calls a factor: one line of at most 64 characters, or what is meant for want of one.
#[must_use]
pub fn name_or(typed: &str, otherwise: &str) -> String {
    let name: String = typed.chars().filter(|one| !one.is_control()).take(LONGEST_NAME).collect();
    let name = name.trim();
    if name.is_empty() { otherwise.to_owned() } else { name.to_owned() }
}

const LONGEST_NAME: usize = 64;

impl FactorKind {
    /// As pages, events and addresses name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery-code",
        }
    }
}

impl fmt::Display for FactorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
