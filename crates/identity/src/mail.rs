//! What is sent by mail beside new passwords: links that prove an address or take a change of it back,
//! and the memory of which devices an account is known from.
//!
//! A link carries 256 random bits; we keep their SHA-256. It works once, until it expires. A change of
//! address is told at both ends: the new one gets a link that confirms it, the former one a link that
//! takes it back, also after it was confirmed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gabion_model::{AccountId, Rng, Secret, Timestamp, random};
use gabion_vault::encoding::{base64url_decode_32, base64url_encode};
use gabion_vault::sha256;

use crate::account::Account;
use crate::email::Email;
use crate::storage::{MailStorage, StorageError};

/// What a link does. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailPurpose {
    /// Takes a change back: the account's address is the link's again, every session ends.
    Cancel,
    /// Makes the link's address the account's.
    Confirm,
}

/// An open link, as it is stored: the hash of its token, never the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailLink {
    pub token_hash: [u8; 32],
    pub account: AccountId,
    pub purpose: MailPurpose,
    /// The address it is about, which is the one it was sent to.
    pub email: Email,
    pub created: Timestamp,
    pub expires: Timestamp,
}

/// The engine over the stored links and devices.
#[derive(Debug, Clone)]
pub struct MailLinks(Arc<dyn MailStorage>);

/// A link's token, sent to the link's address.
#[derive(Debug, Clone)]
pub struct IssuedMailLink {
    pub token: Secret<String>,
    pub link: MailLink,
}

/// Whether somebody signed in from there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// The first one of the account: nobody is surprised by it.
    First,
    Known,
    New,
}

impl MailLinks {
    #[must_use]
    pub fn new(storage: Arc<dyn MailStorage>) -> Self {
        Self(storage)
    }

    /// Begins to make `email` the account's: the link that confirms it, and, where the account has
    /// another proven address, the one that takes it back. An earlier link to confirm stops working;
    /// those to take back do not, or whoever took an account over could outrun them.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn begin(
        &self,
        account: &Account,
        email: &Email,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<(IssuedMailLink, Option<IssuedMailLink>), StorageError> {
        let issue = |purpose, email: &Email, life| {
            let token = Secret::new(random::bytes::<32>(rng));
            let link = MailLink {
                token_hash: sha256(token.expose()),
                account: account.id.clone(),
                purpose,
                email: email.clone(),
                created: now,
                expires: now.saturating_add(life),
            };
            IssuedMailLink { token: Secret::new(base64url_encode(token.expose())), link }
        };
        let former = account.email.as_ref().filter(|own| account.email_verified.is_some() && *own != email);
        let confirm = issue(MailPurpose::Confirm, email, CONFIRM_LIFE);
        let cancel = former.map(|former| issue(MailPurpose::Cancel, former, CANCEL_LIFE));
        self.0.put_mail_link(&confirm.link)?;
        if let Some(cancel) = &cancel {
            self.0.put_mail_link(&cancel.link)?;
        }
        Ok((confirm, cancel))
    }

    /// What a token stands for, without using it up. None for one that is malformed, unknown, used,
    /// replaced or expired; nobody learns which.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn find(&self, token: &Secret<String>, now: Timestamp) -> Result<Option<MailLink>, StorageError> {
        hash(token).map_or(Ok(None), |hash| self.0.find_mail_link(&hash, now))
    }

    /// Uses the token up. Of any number of callers at once exactly one gets the link.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn take(&self, token: &Secret<String>, now: Timestamp) -> Result<Option<MailLink>, StorageError> {
        hash(token).map_or(Ok(None), |hash| self.0.take_mail_link(&hash, now))
    }

    /// Ends the account's open links to confirm.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn withdraw(&self, account: &AccountId) -> Result<(), StorageError> {
        self.0.end_confirmations(account)
    }

    /// Notes from where somebody signed in. A device is a kind of program in one network: what survives
    /// updates of the program and new addresses of the same line. Only its hash is kept, and only the
    /// latest few.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn seen(
        &self,
        account: &AccountId,
        program: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Device, StorageError> {
        let text = format!("{}\n{program}\n{}", account.as_str(), network(address));
        self.0.remember_device(account, &sha256(text.as_bytes()), now, MOST_DEVICES)
    }
}

fn hash(token: &Secret<String>) -> Option<[u8; 32]> {
    let bytes = Secret::new(base64url_decode_32(token.expose()).ok()?);
    Some(sha256(bytes.expose()))
}

/// The /24 of an IPv4 address, the /48 of an IPv6 one.
fn network(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}")
        }
        Some(IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}")
        }
        None => String::new(),
    }
}

const CONFIRM_LIFE: Duration = Duration::from_secs(24 * 3600);
/// Over a weekend.
const CANCEL_LIFE: Duration = Duration::from_secs(72 * 3600);
/// The latest devices of an account that are remembered.
const MOST_DEVICES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{AccountStorage as _, MemoryStorage};
    use gabion_model::random::SeededRng;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn house(email: Option<&str>) -> (MailLinks, Account, SeededRng) {
        let storage = Arc::new(MemoryStorage::new());
        let mut ada = Account::new(AccountId::new("a"), "ada".parse().unwrap(), NOW);
        ada.email = email.map(|email| email.parse().unwrap());
        ada.email_verified = email.map(|_| NOW);
        storage.insert(&ada).unwrap();
        (MailLinks::new(storage), ada, SeededRng::new(1))
    }

    #[test]
    fn a_first_address_is_confirmed_and_a_change_is_told_at_both_ends() {
        let new: Email = "new@example.org".parse().unwrap();
        let (links, ada, rng) = house(None);
        let (confirm, cancel) = links.begin(&ada, &new, NOW, &rng).unwrap();
        assert_eq!((confirm.link.purpose, confirm.link.email), (MailPurpose::Confirm, new.clone()));
        assert!(cancel.is_none());

        let (links, ada, rng) = house(Some("old@example.org"));
        let (confirm, cancel) = links.begin(&ada, &new, NOW, &rng).unwrap();
        let cancel = cancel.unwrap();
        assert_eq!(cancel.link.email.as_str(), "old@example.org");
        assert_eq!(links.find(&confirm.token, NOW), Ok(Some(confirm.link.clone())));
        assert_eq!(links.take(&confirm.token, NOW), Ok(Some(confirm.link)));
        assert_eq!(links.take(&confirm.token, NOW), Ok(None), "once");
        assert!(links.take(&cancel.token, NOW).unwrap().is_some(), "also afterwards");
    }

    #[test]
    fn a_later_change_replaces_the_confirmation_but_never_the_way_back() {
        let (links, ada, rng) = house(Some("old@example.org"));
        let (first, way_back) = links.begin(&ada, &"b@example.org".parse().unwrap(), NOW, &rng).unwrap();
        let (second, _) = links.begin(&ada, &"c@example.org".parse().unwrap(), NOW, &rng).unwrap();
        assert_eq!(links.find(&first.token, NOW), Ok(None));
        assert!(links.find(&second.token, NOW).unwrap().is_some());
        assert!(links.find(&way_back.unwrap().token, NOW).unwrap().is_some());
        links.withdraw(&ada.id).unwrap();
        assert_eq!(links.find(&second.token, NOW), Ok(None));
    }

    #[test]
    fn links_end_and_foreign_tokens_are_nobodys() {
        let (links, ada, rng) = house(None);
        let (confirm, _) = links.begin(&ada, &"b@example.org".parse().unwrap(), NOW, &rng).unwrap();
        let late = NOW.saturating_add(CONFIRM_LIFE);
        assert_eq!(links.find(&confirm.token, late), Ok(None));
        for wrong in ["", "x", &base64url_encode(&confirm.link.token_hash), &"A".repeat(43)] {
            assert_eq!(links.take(&Secret::new(wrong.to_owned()), NOW), Ok(None), "{wrong}");
        }
    }

    #[test]
    fn devices_are_kinds_of_programs_in_networks() {
        let (links, ada, _) = house(None);
        let seen = |program, address: &str| {
            links.seen(&ada.id, program, Some(address.parse().unwrap()), NOW).unwrap()
        };
        assert_eq!(seen("Firefox on Linux", "203.0.113.7"), Device::First);
        assert_eq!(seen("Firefox on Linux", "203.0.113.99"), Device::Known);
        assert_eq!(seen("Firefox on Linux", "::ffff:203.0.113.1"), Device::Known);
        assert_eq!(seen("Chrome on Linux", "203.0.113.7"), Device::New);
        assert_eq!(seen("Firefox on Linux", "198.51.100.7"), Device::New);
        assert_eq!(seen("Firefox on Linux", "2001:db8:1:2::1"), Device::New);
        assert_eq!(seen("Firefox on Linux", "2001:db8:1:ffff::1"), Device::Known);
    }
}
