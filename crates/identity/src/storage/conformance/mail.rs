//! Links by mail and known devices.

use std::sync::Barrier;
use std::thread;

use gabion_model::{AccountId, Timestamp};

use super::account;
use crate::mail::{Device, MailLink, MailPurpose};
use crate::storage::{Storage, StorageError};

pub(super) fn mail_links_are_kept_whole(storage: &impl Storage) {
    let ada = account("ada");
    crate::storage::AccountStorage::insert(storage, &ada).unwrap();
    let (confirm, cancel) = (link(1, &ada.id, MailPurpose::Confirm), link(2, &ada.id, MailPurpose::Cancel));
    storage.put_mail_link(&confirm).unwrap();
    storage.put_mail_link(&cancel).unwrap();
    let now = Timestamp::from_micros(5);
    assert_eq!(storage.find_mail_link(&confirm.token_hash, now), Ok(Some(confirm.clone())));
    assert_eq!(storage.find_mail_link(&cancel.token_hash, now), Ok(Some(cancel.clone())));
    assert_eq!(storage.find_mail_link(&cancel.token_hash, cancel.expires), Ok(None), "expired");
    let stranger = link(3, &AccountId::new("nobody"), MailPurpose::Cancel);
    assert_eq!(storage.put_mail_link(&stranger), Err(StorageError::NotFound));

    // A new confirmation takes the former one's place, and nobody else's.
    let later = link(4, &ada.id, MailPurpose::Confirm);
    storage.put_mail_link(&later).unwrap();
    assert_eq!(storage.find_mail_link(&confirm.token_hash, now), Ok(None));
    assert_eq!(storage.find_mail_link(&cancel.token_hash, now), Ok(Some(cancel.clone())));
    let newest = MailLink { created: Timestamp::from_micros(2), ..link(5, &ada.id, MailPurpose::Confirm) };
    storage.put_mail_link(&newest).unwrap();
    assert_eq!(storage.mail_links_of(&ada.id, now), Ok(vec![newest, cancel.clone()]));
    assert_eq!(storage.mail_links_of(&ada.id, cancel.expires), Ok(Vec::new()), "expired");
    assert_eq!(storage.mail_links_of(&AccountId::new("nobody"), now), Ok(Vec::new()));
    storage.end_confirmations(&ada.id).unwrap();
    assert_eq!(storage.find_mail_link(&later.token_hash, now), Ok(None));
    assert_eq!(storage.take_mail_link(&cancel.token_hash, now), Ok(Some(cancel.clone())));
    assert_eq!(storage.take_mail_link(&cancel.token_hash, now), Ok(None));
}

pub(super) fn a_mail_link_is_taken_once(storage: &impl Storage) {
    let ada = account("ada");
    crate::storage::AccountStorage::insert(storage, &ada).unwrap();
    let one = link(1, &ada.id, MailPurpose::Confirm);
    storage.put_mail_link(&one).unwrap();
    let barrier = Barrier::new(8);
    let taken: usize = thread::scope(|scope| {
        let takers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    storage.take_mail_link(&one.token_hash, Timestamp::from_micros(2)).unwrap().is_some()
                })
            })
            .collect();
        takers.into_iter().map(|taker| usize::from(taker.join().unwrap())).sum()
    });
    assert_eq!(taken, 1);
}

pub(super) fn the_latest_devices_are_remembered(storage: &impl Storage) {
    let (ada, bob) = (account("ada"), account("bob"));
    for one in [&ada, &bob] {
        crate::storage::AccountStorage::insert(storage, one).unwrap();
    }
    let seen = |account: &AccountId, device: u8, time: i64| {
        storage.remember_device(account, &[device; 32], hour(time), 3).unwrap()
    };
    assert_eq!(seen(&ada.id, 1, 1), Device::First);
    assert_eq!(seen(&ada.id, 1, 2), Device::Known);
    assert_eq!(seen(&bob.id, 1, 3), Device::First, "each account has its own");
    assert_eq!([seen(&ada.id, 2, 4), seen(&ada.id, 3, 5)], [Device::New, Device::New]);
    assert_eq!(seen(&ada.id, 1, 6), Device::Known);
    // The fourth pushes out the one that was seen longest ago.
    assert_eq!(seen(&ada.id, 4, 7), Device::New);
    assert_eq!(seen(&ada.id, 1, 8), Device::Known);
    assert_eq!(seen(&ada.id, 2, 9), Device::New);
    let soon = Timestamp::from_secs(9 * 3600 + 3599);
    assert_eq!(storage.remember_device(&ada.id, &[2; 32], soon, 3), Ok(Device::Known));
    let at = |device: u8, time: i64| ([device; 32], hour(time));
    assert_eq!(storage.devices_of(&ada.id), Ok(vec![at(2, 9), at(1, 8), at(4, 7)]));
    assert_eq!(storage.devices_of(&bob.id), Ok(vec![at(1, 3)]));
    let nobody = storage.remember_device(&AccountId::new("nobody"), &[1; 32], Timestamp::from_micros(1), 3);
    assert_eq!(nobody, Err(StorageError::NotFound));
}

const fn hour(count: i64) -> Timestamp {
    Timestamp::from_micros(count * 3_600_000_000)
}

fn link(seed: u8, account: &AccountId, purpose: MailPurpose) -> MailLink {
    MailLink {
        token_hash: [seed; 32],
        account: account.clone(),
        purpose,
        email: format!("a{seed}@example.org").parse().unwrap(),
        created: Timestamp::from_micros(1),
        expires: Timestamp::from_micros(10),
    }
}
