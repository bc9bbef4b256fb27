//! Identities of other providers.

use std::sync::Barrier;
use std::time::Duration;

use super::{PARALLEL, START, account, parallel};
use crate::federation::external::{ExternalIdentity, IdentityId};
use crate::storage::{AccountStorage, Storage, StorageError};

pub(super) fn identities_are_kept_whole(storage: &impl Storage) {
    let (ada, eve) = (account("ada"), account("eve"));
    for one in [&ada, &eve] {
        AccountStorage::insert(storage, one).unwrap();
    }
    let first = ExternalIdentity {
        label: "Ada <b>\u{202e}ü".to_owned(),
        ..identity("first", "https://op.example", "a|7 ü\"'")
    };
    let second = ExternalIdentity {
        linked: START.saturating_add(Duration::from_secs(1)),
        last_used: Some(START),
        ..identity("second", "https://other.example", "a|7 ü\"'")
    };
    storage.link_identity(&second).unwrap();
    storage.link_identity(&first).unwrap();
    assert_eq!(storage.identity(&first.issuer, &first.subject), Ok(Some(first.clone())));
    assert_eq!(storage.identity(&second.issuer, &second.subject), Ok(Some(second.clone())));
    for (issuer, subject) in
        [("https://op.example/", "a|7 ü\"'"), ("https://op.example", "A|7 ü\"'"), ("", "")]
    {
        assert_eq!(storage.identity(issuer, subject), Ok(None), "{issuer} {subject}: letter by letter");
    }
    assert_eq!(storage.identities(&ada.id), Ok(vec![first.clone(), second]));
    assert_eq!(storage.identities(&eve.id), Ok(vec![]));

    let later = START.saturating_add(Duration::from_secs(60));
    storage.identity_used(&first.id, "Ada", later).unwrap();
    storage.identity_used(&IdentityId::new("gone"), "x", later).unwrap();
    let used = ExternalIdentity { label: "Ada".to_owned(), last_used: Some(later), ..first };
    assert_eq!(storage.identity(&used.issuer, &used.subject), Ok(Some(used)));
}

pub(super) fn an_identity_is_one_accounts(storage: &impl Storage) {
    assert_eq!(storage.link_identity(&identity("1", "https://op.example", "7")), Err(StorageError::NotFound));
    for one in [&account("ada"), &account("eve")] {
        AccountStorage::insert(storage, one).unwrap();
    }
    let barrier = Barrier::new(PARALLEL);
    let linked = parallel(|index| {
        let owner = if index % 2 == 0 { "ada" } else { "eve" };
        let one = ExternalIdentity {
            account: account(owner).id,
            ..identity(&format!("id-{index}"), "https://op.example", "7")
        };
        barrier.wait();
        storage.link_identity(&one)
    });
    assert_eq!(linked.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(linked.iter().all(|result| matches!(result, Ok(()) | Err(StorageError::Taken))));
    let same_id = identity("same", "https://op.example", "8");
    storage.link_identity(&same_id).unwrap();
    let other = ExternalIdentity { subject: "9".to_owned(), ..same_id };
    assert_eq!(storage.link_identity(&other), Err(StorageError::Taken));
}

pub(super) fn an_account_comes_with_its_identity_or_not_at_all(storage: &impl Storage) {
    let ada = account("ada");
    let one = identity("1", "https://op.example", "7");
    storage.provision(&ada, &one).unwrap();
    assert_eq!(storage.by_id(&ada.id), Ok(Some(ada)));
    assert_eq!(storage.identity(&one.issuer, &one.subject), Ok(Some(one)));
    let eve = account("eve");
    let taken = ExternalIdentity { account: eve.id.clone(), ..identity("2", "https://op.example", "7") };
    assert_eq!(storage.provision(&eve, &taken), Err(StorageError::Taken));
    assert_eq!(storage.by_id(&eve.id), Ok(None), "no account without its way in");
    let second = identity("3", "https://op.example", "8");
    assert_eq!(storage.provision(&account("ada"), &second), Err(StorageError::Taken));
    assert_eq!(storage.identity(&second.issuer, &second.subject), Ok(None));
}

pub(super) fn the_last_identity_stays_where_it_must(storage: &impl Storage) {
    let (ada, eve) = (account("ada"), account("eve"));
    for one in [&ada, &eve] {
        AccountStorage::insert(storage, one).unwrap();
    }
    for (id, subject) in [("1", "7"), ("2", "8")] {
        storage.link_identity(&identity(id, "https://op.example", subject)).unwrap();
    }
    let (one, two) = (IdentityId::new("1"), IdentityId::new("2"));
    assert_eq!(storage.unlink_identity(&eve.id, &one, false), Ok(false), "another's");
    let barrier = Barrier::new(2);
    let left = std::thread::scope(|scope| {
        let unlink = |id| {
            barrier.wait();
            storage.unlink_identity(&ada.id, id, true)
        };
        let threads = [&one, &two].map(|id| scope.spawn(move || unlink(id)));
        threads.map(|thread| thread.join().unwrap())
    });
    assert!(left.contains(&Ok(true)) && left.contains(&Err(StorageError::Stale)), "{left:?}");
    let last = storage.identities(&ada.id).unwrap().remove(0);
    assert_eq!(storage.unlink_identity(&ada.id, &last.id, true), Err(StorageError::Stale));
    assert_eq!(storage.unlink_identity(&ada.id, &last.id, false), Ok(true));
    assert_eq!(storage.unlink_identity(&ada.id, &last.id, false), Ok(false));
}

/// Ada's.
fn identity(id: &str, issuer: &str, subject: &str) -> ExternalIdentity {
    ExternalIdentity {
        id: IdentityId::new(id),
        account: account("ada").id,
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        label: "ada@op.example".to_owned(),
        linked: START,
        last_used: None,
    }
}
