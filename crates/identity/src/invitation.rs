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
    /// Somebody asked for a link by mail because the password is forgotten; it works until the link is
    /// used.
    Forgotten,
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
            Purpose::Forgotten | Purpose::Reset => self.settings.reset_link,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Account, Accounts, NewAccount};
    use crate::session::Sessions;
    use crate::settings::SessionSettings;
    use crate::storage::MemoryStorage;
    use gabion_model::TenantId;
    use gabion_model::random::SeededRng;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn house() -> (Invitations, Accounts, Account, SeededRng) {
        let (storage, rng) = (Arc::new(MemoryStorage::new()), SeededRng::new(1));
        let sessions = Sessions::open(storage.clone(), &SessionSettings::default(), NOW).unwrap();
        let accounts = Accounts::new(storage.clone(), sessions);
        let tenant = TenantId::new(TenantId::DEFAULT);
        let new = NewAccount { tenant, ..NewAccount::person("ada".parse().unwrap()) };
        let account = accounts.create(new, NOW, &rng).unwrap();
        (Invitations::new(storage, LoginSettings::default()), accounts, account, rng)
    }

    #[test]
    fn a_link_works_once() {
        let (invitations, _, ada, rng) = house();
        let (token, issued) = invitations.issue(&ada.id, Purpose::Enrolment, NOW, &rng).unwrap();
        assert_eq!(invitations.find(&token, NOW), Ok(Some(issued.clone())), "looking does not use it up");
        assert_eq!(invitations.take(&token, NOW), Ok(Some(issued)));
        assert_eq!(invitations.find(&token, NOW), Ok(None));
        assert_eq!(invitations.take(&token, NOW), Ok(None));
    }

    #[test]
    fn each_purpose_has_its_life() {
        let (invitations, _, ada, rng) = house();
        for (purpose, hours) in
            [(Purpose::Reset, 1), (Purpose::FirstAdministrator, 24), (Purpose::Enrolment, 72)]
        {
            let (token, issued) = invitations.issue(&ada.id, purpose, NOW, &rng).unwrap();
            let end = NOW.saturating_add(Duration::from_secs(hours * 3600));
            assert_eq!((issued.purpose, issued.expires), (purpose, end));
            let before = NOW.saturating_add(Duration::from_secs(hours * 3600 - 1));
            assert!(invitations.find(&token, before).unwrap().is_some());
            assert!(invitations.take(&token, end).unwrap().is_none());
        }
    }

    #[test]
    fn only_the_latest_link_works() {
        let (invitations, _, ada, rng) = house();
        let (former, _) = invitations.issue(&ada.id, Purpose::Reset, NOW, &rng).unwrap();
        let (latest, _) = invitations.issue(&ada.id, Purpose::Reset, NOW, &rng).unwrap();
        assert!(invitations.take(&former, NOW).unwrap().is_none());
        assert!(invitations.take(&latest, NOW).unwrap().is_some());
    }

    #[test]
    fn a_disabled_account_and_a_new_password_end_open_links() {
        let (invitations, accounts, ada, rng) = house();
        let (token, _) = invitations.issue(&ada.id, Purpose::Reset, NOW, &rng).unwrap();
        accounts.set_password(&ada.id, "phc".to_owned(), None, NOW).unwrap();
        assert!(invitations.take(&token, NOW).unwrap().is_none());
        let (token, _) = invitations.issue(&ada.id, Purpose::Reset, NOW, &rng).unwrap();
        accounts.disable(&ada.id).unwrap();
        assert!(invitations.take(&token, NOW).unwrap().is_none());
    }

    #[test]
    fn malformed_tokens_are_nobodys() {
        let (invitations, _, ada, rng) = house();
        let (token, issued) = invitations.issue(&ada.id, Purpose::Reset, NOW, &rng).unwrap();
        let hash = base64url_encode(&issued.token_hash);
        let padded = format!("{}=", token.expose());
        for wrong in ["", "x", &hash, &padded, &"A".repeat(1000), "ünïcode"] {
            assert_eq!(invitations.take(&Secret::new(wrong.to_owned()), NOW), Ok(None), "{wrong}");
        }
        assert!(invitations.find(&token, NOW).unwrap().is_some());
    }
}
