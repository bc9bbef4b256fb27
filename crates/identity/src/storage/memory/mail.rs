//! Links by mail and known devices.

use gabion_model::{AccountId, Timestamp};

use super::MemoryStorage;
use crate::mail::{Device, MailLink, MailPurpose};
use crate::storage::{DEVICE_PRECISION, MailStorage, StorageError};

impl MailStorage for MemoryStorage {
    fn put_mail_link(&self, link: &MailLink) -> Result<(), StorageError> {
        let mut state = self.state();
        if !state.accounts.contains_key(&link.account) {
            return Err(StorageError::NotFound);
        }
        if link.purpose == MailPurpose::Confirm {
            state.mail_links.retain(|_, other| !confirms(other, &link.account));
        }
        state.mail_links.retain(|_, other| other.account != link.account || other.expires > link.created);
        state.mail_links.insert(link.token_hash, link.clone());
        Ok(())
    }

    fn find_mail_link(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<MailLink>, StorageError> {
        Ok(self.state().mail_links.get(hash).filter(|link| link.expires > now).cloned())
    }

    fn take_mail_link(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<MailLink>, StorageError> {
        Ok(self.state().mail_links.remove(hash).filter(|link| link.expires > now))
    }

    fn end_confirmations(&self, account: &AccountId) -> Result<(), StorageError> {
        self.state().mail_links.retain(|_, link| !confirms(link, account));
        Ok(())
    }

    fn mail_links_of(&self, account: &AccountId, now: Timestamp) -> Result<Vec<MailLink>, StorageError> {
        let state = self.state();
        let own = state.mail_links.values().filter(|link| link.account == *account && link.expires > now);
        let mut own: Vec<_> = own.cloned().collect();
        own.sort_by_key(|one| std::cmp::Reverse((one.created, one.token_hash)));
        Ok(own)
    }

    fn devices_of(&self, account: &AccountId) -> Result<Vec<([u8; 32], Timestamp)>, StorageError> {
        let state = self.state();
        let own = state.devices.get(account).into_iter().flatten();
        let mut own: Vec<_> = own.map(|(device, seen)| (*device, *seen)).collect();
        own.sort_by_key(|one| std::cmp::Reverse((one.1, one.0)));
        Ok(own)
    }

    fn remember_device(
        &self,
        account: &AccountId,
        device: &[u8; 32],
        now: Timestamp,
        keep: usize,
    ) -> Result<Device, StorageError> {
        let mut state = self.state();
        if !state.accounts.contains_key(account) {
            return Err(StorageError::NotFound);
        }
        let own = state.devices.entry(account.clone()).or_default();
        let seen = match (own.is_empty(), own.contains_key(device)) {
            (true, _) => Device::First,
            (false, true) => Device::Known,
            (false, false) => Device::New,
        };
        let due = own.get(device).is_none_or(|seen| seen.saturating_add(DEVICE_PRECISION) <= now);
        if due {
            own.insert(*device, now);
        }
        while own.len() > keep.max(1) {
            let Some(oldest) = own.iter().min_by_key(|(key, seen)| (**seen, **key)).map(|(key, _)| *key)
            else {
                break;
            };
            own.remove(&oldest);
        }
        Ok(seen)
    }
}

fn confirms(link: &MailLink, account: &AccountId) -> bool {
    link.account == *account && link.purpose == MailPurpose::Confirm
}
