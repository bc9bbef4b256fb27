//! Signing keys.

use gabion_model::Timestamp;

use crate::keyring::{StoredKey, Times};
use crate::storage::{Storage, StorageError};

pub(super) fn keys_are_kept_whole(storage: &impl Storage) {
    assert_eq!(storage.keys(), Ok(Vec::new()));
    let (first, second) = (key("first", 1), key("second", 2));
    storage.add_key(&second).unwrap();
    storage.add_key(&first).unwrap();
    assert_eq!(storage.add_key(&key("first", 9)), Err(StorageError::Taken));
    assert_eq!(storage.keys(), Ok(vec![first.clone(), second.clone()]));

    let (retired, expires) = (Timestamp::from_micros(30), Timestamp::from_micros(40));
    storage.retire_key("first", retired, expires).unwrap();
    let mut known = first;
    (known.times.retired, known.times.expires) = (Some(retired), Some(expires));
    assert_eq!(storage.keys(), Ok(vec![known, second.clone()]));
    assert_eq!(storage.retire_key("third", retired, expires), Err(StorageError::NotFound));

    storage.remove_key("first").unwrap();
    storage.remove_key("first").unwrap();
    assert_eq!(storage.keys(), Ok(vec![second]));
}

fn key(kid: &str, created: i64) -> StoredKey {
    let created = Timestamp::from_micros(created);
    let times = Times { created, active: Timestamp::from_micros(20), retired: None, expires: None };
    StoredKey { kid: kid.to_owned(), sealed: vec![0, 0xff, b'x'], times }
}
