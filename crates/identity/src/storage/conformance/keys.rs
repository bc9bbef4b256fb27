//! API keys.

use gabion_model::{Role, Timestamp};

use super::{START, account};
use crate::account::Account;
use crate::api_key::{ApiKey, ApiKeyId};
use crate::credential::Scopes;
use crate::storage::{AccountChange, AccountStorage, Storage, StorageError};

pub(super) fn keys_are_kept_whole(storage: &impl Storage) {
    let ada = account("ada");
    AccountStorage::insert(storage, &ada).unwrap();
    let one = ApiKey {
        label: "nightly \"build\", ü".to_owned(),
        scopes: Scopes::parse("orders:read orders:write").unwrap(),
        last_used: Some(Timestamp::from_micros(7)),
        successor: Some(ApiKeyId::new("next")),
        ..key("one", &ada)
    };
    let other = key("other", &ada);
    storage.insert_key(&one, 0, None).unwrap();
    storage.insert_key(&other, 0, None).unwrap();
    assert_eq!(loaded(storage), [one.clone(), other.clone()]);
    assert_eq!(storage.insert_key(&one, 0, None), Err(StorageError::Taken));
    let same_hash = ApiKey { id: ApiKeyId::new("third"), ..one.clone() };
    assert_eq!(storage.insert_key(&same_hash, 0, None), Err(StorageError::Taken));

    let later = Timestamp::from_secs(150);
    storage.touch_keys(&[(other.id.clone(), later), (ApiKeyId::new("gone"), later)]).unwrap();
    assert_eq!(loaded(storage).last().unwrap().last_used, Some(later));
    storage.remove_keys(&[one.id, ApiKeyId::new("gone")]).unwrap();
    assert_eq!(loaded(storage).len(), 1);
}

pub(super) fn a_key_needs_an_account_as_it_was(storage: &impl Storage) {
    let ada = account("ada");
    assert_eq!(storage.insert_key(&key("one", &ada), 0, None), Err(StorageError::Stale));
    AccountStorage::insert(storage, &ada).unwrap();
    assert_eq!(storage.insert_key(&key("one", &ada), 1, None), Err(StorageError::Stale));
    storage.update(&ada.id, &AccountChange::Disable).unwrap();
    assert_eq!(storage.insert_key(&key("one", &ada), 1, None), Err(StorageError::Stale));
}

pub(super) fn a_replaced_key_changes_with_its_successor(storage: &impl Storage) {
    let ada = account("ada");
    AccountStorage::insert(storage, &ada).unwrap();
    let former = key("former", &ada);
    storage.insert_key(&former, 0, None).unwrap();
    let next = key("next", &ada);
    let replaced =
        ApiKey { successor: Some(next.id.clone()), expires: Timestamp::from_secs(120), ..former.clone() };
    let nobody = ApiKey { id: ApiKeyId::new("nobody"), ..replaced.clone() };
    assert_eq!(storage.insert_key(&next, 0, Some(&nobody)), Err(StorageError::NotFound));
    assert_eq!(loaded(storage), [former], "both or nothing");
    storage.insert_key(&next, 0, Some(&replaced)).unwrap();
    assert_eq!(loaded(storage), [replaced, next]);
}

pub(super) fn changes_end_keys(storage: &impl Storage) {
    let password = |keep| AccountChange::Password { phc: "phc".to_owned(), now: START, keep };
    let cases = [
        (AccountChange::Disable, 0),
        (AccountChange::RemovePassword, 0),
        (password(None), 0),
        (password(Some(gabion_model::SessionId::new("s"))), 1),
        (AccountChange::Roles(vec![Role::new("x")]), 1),
    ];
    for (index, (change, left)) in cases.into_iter().enumerate() {
        let one = account(&format!("account{index}"));
        AccountStorage::insert(storage, &one).unwrap();
        storage.insert_key(&key(&format!("key{index}"), &one), 0, None).unwrap();
        storage.update(&one.id, &change).unwrap();
        storage.update(&one.id, &AccountChange::Enable).unwrap();
        let own = loaded(storage).into_iter().filter(|key| key.account == one.id).count();
        assert_eq!(own, left, "{change:?}");
    }
}

fn key(id: &str, account: &Account) -> ApiKey {
    ApiKey {
        id: ApiKeyId::new(id),
        hash: gabion_vault::sha256(id.as_bytes()),
        account: account.id.clone(),
        label: "build".to_owned(),
        hint: "gab_live_AbCd".to_owned(),
        scopes: Scopes::parse("read").unwrap(),
        created: START,
        expires: Timestamp::from_secs(200),
        last_used: None,
        successor: None,
    }
}

/// The stored keys, by id.
fn loaded(storage: &impl Storage) -> Vec<ApiKey> {
    let mut keys: Vec<_> = storage.load_keys().unwrap().into_iter().map(|(key, _)| key).collect();
    keys.sort_by(|left, right| left.id.cmp(&right.id));
    keys
}
