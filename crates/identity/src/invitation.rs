//! One-time links: for the first administrator, for a new account, for a new password.
//!
//! A link carries 256 random bits; we keep their SHA-256. It works once (the storage takes it out
//! atomically), until it expires, and only the latest one of an account works.

use std::sync::Arc;

use gabion_model::{AccountId, Rng, Secret, Timestamp, random};
use gabion_vault::encoding::{base64url_decode_32, base64url_encode};
use gabion_vault::sha256;
use serde::{Deserialize, Serialize};

use crate::settings::LoginSettings;
use crate::storage::{InvitationStorage, StorageError};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Somebody was given an account and sets the first password.
    Enrolment,
    /// The machine's owner sets the password of the first administrator.
    FirstAdministrator,
    /// Somebody sets a new password in place of a forgotten one.
    Reset,
}

/// An open link, as it is stored: the hash of its token, never the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    pub token_hash: [u8; 32],
    pub account: AccountId,
    pub purpose: Purpose,
    pub created: Timestamp,
    pub expires: Timestamp,
}

/// The engine over the stored invitations.
#[derive(Debug, Clone)]
pub struct Invitations {
    storage: Arc<dyn InvitationStorage>,
    settings: LoginSettings,
}

impl Invitations {
    #[must_use]
    pub fn new(storage: Arc<dyn InvitationStorage>, settings: LoginSettings) -> Self {
        Self { storage, settings }
    }

    /// Makes a link's token. Every earlier link of the account stops working.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such account.
    pub fn issue(
        &self,
        account: &AccountId,
        purpose: Purpose,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<(Secret<String>, Invitation), StorageError> {
        let token = Secret::new(random::bytes::<32>(rng));
        let life = match purpose {
            Purpose::Enrolment => self.settings.enrolment_link,
            Purpose::FirstAdministrator => self.settings.first_administrator_link,
            Purpose::Reset => self.settings.reset_link,
        };
        let invitation = Invitation {
            token_hash: sha256(token.expose()),
            account: account.clone(),
            purpose,
            created: now,
            expires: now.saturating_add(life.as_duration()),
        };
        self.storage.put(&invitation)?;
        Ok((Secret::new(base64url_encode(token.expose())), invitation))
    }

    /// The invitation a token stands for, without using it up: for the page that asks for the password.
    /// None for a token that is malformed, unknown, used, replaced or expired; nobody learns which.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn find(&self, token: &Secret<String>, now: Timestamp) -> Result<Option<Invitation>, StorageError> {
        match hash(token) {
            Some(hash) => self.storage.find(&hash, now),
            None => Ok(None),
        }
    }

    /// Uses the token up. Of any number of callers at once exactly one gets the invitation: call this
    /// after the new password was found good and hashed, right before it is set.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn take(&self, token: &Secret<String>, now: Timestamp) -> Result<Option<Invitation>, StorageError> {
        match hash(token) {
            Some(hash) => self.storage.take(&hash, now),
            None => Ok(None),
        }
    }
}

impl Invitation {
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires
    }
}

fn hash(token: &Secret<String>) -> Option<[u8; 32]> {
    let bytes = Secret::new(base64url_decode_32(token.expose()).ok()?);
    Some(sha256(bytes.expose()))
}
