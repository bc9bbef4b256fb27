//! Passwords that leaked somewhere, as a list of their SHA-1 digests.

use std::fmt;

use gabion_model::Secret;
use gabion_vault::sha1;

/// A list that can be asked. Implementations read a file; an engine opens none.
pub trait BreachedList: Send + Sync + fmt::Debug {
    /// Whether the digest is on the list.
    ///
    /// # Errors
    /// When the list cannot be read any more. The password is not held against the person then.
    fn contains(&self, digest: &[u8; 20]) -> Result<bool, Unreadable>;
}

/// Why a list cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the list of breached passwords cannot be read: {0}")]
pub struct Unreadable(pub String);

/// Whether the password is on the list.
pub(super) fn is_breached(list: &dyn BreachedList, password: &Secret<String>) -> bool {
    list.contains(&sha1(password.expose().as_bytes())).unwrap_or(false)
}
