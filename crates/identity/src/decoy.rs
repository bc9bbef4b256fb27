//! What the password of nobody is verified against.
//!
//! Hashes of different origin take different times: one imported from bcrypt, one made when the cost was
//! lower. Were every unknown name verified against one made-up hash, the time of a wrong try would tell the
//! accounts whose hash is another. So an unknown name borrows the hash of some account, always the same one,
//! chosen by a keyed hash of the name: to an observer it is one more account (CWE-208).

use std::sync::Arc;

use gabion_model::AccountId;
use gabion_vault::SealingKey;
use gabion_vault::encoding::base64url_encode;

use crate::account::{AccountError, Accounts};

/// Chooses stand-ins.
#[derive(Debug, Clone)]
pub struct Decoys {
    key: Arc<SealingKey>,
    /// While nobody has a password ([`gabion_vault::password::dummy`]).
    dummy: Arc<str>,
}

impl Decoys {
    #[must_use]
    pub fn new(key: Arc<SealingKey>, dummy: String) -> Self {
        Self { key, dummy: dummy.into() }
    }

    /// The hash that stands in for the one `name` does not have. That it may match means nothing.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn stand_in(&self, accounts: &Accounts, name: &str) -> Result<Arc<str>, AccountError> {
        let tag = self.key.tag("login:decoy", name.as_bytes());
        // Ids are random and written like this, so that every account is as likely as every other.
        let near = AccountId::new(&base64url_encode(&tag));
        Ok(accounts.password_near(&near)?.map_or_else(|| Arc::clone(&self.dummy), Into::into))
    }
}
