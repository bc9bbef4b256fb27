//! What a storage of second factors must do.

use std::sync::Barrier;
use std::thread;

use gabion_model::{AccountId, Timestamp};

use super::account;
use crate::factors::FactorId;
use crate::factors::totp::Totp;
use crate::passkey::Passkey;
use crate::storage::{AccountStorage, Factors, PasskeyUse, Removal, Storage, StorageError};

pub(super) fn cases<S: Storage>() -> Vec<fn(&S)> {
    vec![
        factors_are_kept_whole,
        a_factor_needs_its_account,
        a_credential_is_one_accounts,
        a_step_is_used_once,
        of_many_who_use_one_step_one_does,
        a_counter_moves_from_where_it_was_judged,
        a_factor_is_renamed_and_removed_by_its_owner,
        the_last_factor_stays_where_it_must_and_takes_the_codes_along,
        of_two_removals_of_the_last_two_one_is_refused,
        recovery_codes_are_used_once_and_replaced_whole,
        of_many_who_use_one_recovery_code_one_does,
        clearing_leaves_others_alone,
    ]
}

fn totp(id: &str, owner: &str) -> Totp {
    Totp {
        id: FactorId::new(id),
        account: account(owner).id,
        name: format!("app <{id}>"),
        sealed: vec![0, 1, 255],
        last_step: 5,
        created: Timestamp::from_micros(7),
        last_used: None,
    }
}

fn passkey(id: &str, owner: &str) -> Passkey {
    Passkey {
        id: FactorId::new(id),
        account: account(owner).id,
        name: format!("key {id}"),
        credential: format!("credential of {id}").into_bytes(),
        public_key: vec![0xa0],
        sign_count: u32::MAX - 1,
        backup_eligible: true,
        backed_up: false,
        transports: vec!["usb".to_owned(), "internal".to_owned()],
        aaguid: [9; 16],
        created: Timestamp::from_micros(8),
        last_used: Some(Timestamp::from_micros(9)),
    }
}

fn people(storage: &impl Storage, names: &[&str]) {
    for name in names {
        AccountStorage::insert(storage, &account(name)).unwrap();
    }
}

fn of(storage: &impl Storage, owner: &str) -> Factors {
    storage.factors(&account(owner).id).unwrap()
}

fn factors_are_kept_whole(storage: &impl Storage) {
    people(storage, &["ada", "bob"]);
    assert_eq!(of(storage, "ada"), Factors::default());
    storage.add_totp(&totp("one", "ada")).unwrap();
    storage.add_passkey(&passkey("two", "ada")).unwrap();
    storage.add_passkey(&passkey("three", "ada")).unwrap();
    storage.set_recovery_codes(&account("ada").id, &[[1; 32], [2; 32]]).unwrap();
    let expected = Factors {
        totps: vec![totp("one", "ada")],
        passkeys: vec![passkey("two", "ada"), passkey("three", "ada")],
        recovery_codes: 2,
    };
    assert_eq!(of(storage, "ada"), expected);
    assert_eq!(of(storage, "bob"), Factors::default());
    assert_eq!(storage.passkey(b"credential of two"), Ok(Some(passkey("two", "ada"))));
    assert_eq!(storage.passkey(b"credential"), Ok(None));
}

fn a_factor_needs_its_account(storage: &impl Storage) {
    assert_eq!(storage.add_totp(&totp("one", "nobody")), Err(StorageError::NotFound));
    assert_eq!(storage.add_passkey(&passkey("one", "nobody")), Err(StorageError::NotFound));
    let nobody = AccountId::new("nobody");
    assert_eq!(storage.set_recovery_codes(&nobody, &[[1; 32]]), Err(StorageError::NotFound));
    assert_eq!(storage.use_recovery_code(&nobody, &[1; 32]), Ok(false));
}

fn a_credential_is_one_accounts(storage: &impl Storage) {
    people(storage, &["ada", "bob"]);
    storage.add_passkey(&passkey("one", "ada")).unwrap();
    let stolen = Passkey { id: FactorId::new("two"), ..passkey("one", "bob") };
    assert_eq!(storage.add_passkey(&stolen), Err(StorageError::Taken));
    let same_id = Passkey { credential: b"other".to_vec(), ..passkey("one", "bob") };
    assert_eq!(storage.add_passkey(&same_id), Err(StorageError::Taken));
    assert_eq!(of(storage, "bob").count(), 0);
}

fn a_step_is_used_once(storage: &impl Storage) {
    people(storage, &["ada"]);
    storage.add_totp(&totp("one", "ada")).unwrap();
    let (id, now) = (FactorId::new("one"), Timestamp::from_micros(50));
    for (step, first) in [(5, false), (4, false), (7, true), (7, false), (6, false), (8, true)] {
        assert_eq!(storage.use_totp(&id, step, now), Ok(first), "{step}");
    }
    let kept = of(storage, "ada").totps.remove(0);
    assert_eq!((kept.last_step, kept.last_used), (8, Some(now)));
    assert_eq!(storage.use_totp(&FactorId::new("gone"), 9, now), Ok(false));
}

fn of_many_who_use_one_step_one_does(storage: &impl Storage) {
    people(storage, &["ada"]);
    storage.add_totp(&totp("one", "ada")).unwrap();
    let id = FactorId::new("one");
    let uses = at_once(|| storage.use_totp(&id, 9, Timestamp::from_micros(1)).unwrap());
    assert_eq!(uses, 1);
}

fn a_counter_moves_from_where_it_was_judged(storage: &impl Storage) {
    people(storage, &["ada"]);
    storage.add_passkey(&passkey("one", "ada")).unwrap();
    let id = FactorId::new("one");
    let now = Timestamp::from_micros(70);
    let used = PasskeyUse { before: u32::MAX - 1, sign_count: u32::MAX, backed_up: true, now };
    assert_eq!(storage.use_passkey(&id, &PasskeyUse { before: 3, ..used }), Ok(false));
    assert_eq!(of(storage, "ada").passkeys, [passkey("one", "ada")]);
    assert_eq!(storage.use_passkey(&id, &used), Ok(true));
    assert_eq!(storage.use_passkey(&id, &used), Ok(false), "it moved");
    let kept = of(storage, "ada").passkeys.remove(0);
    assert_eq!((kept.sign_count, kept.backed_up, kept.last_used), (u32::MAX, true, Some(now)));
    assert_eq!(storage.use_passkey(&FactorId::new("gone"), &used), Ok(false));
}

fn a_factor_is_renamed_and_removed_by_its_owner(storage: &impl Storage) {
    people(storage, &["ada", "bob"]);
    storage.add_totp(&totp("one", "ada")).unwrap();
    storage.add_passkey(&passkey("two", "ada")).unwrap();
    let (ada, bob) = (account("ada").id, account("bob").id);
    for id in ["one", "two"].map(FactorId::new) {
        assert_eq!(storage.rename_factor(&bob, &id, "stolen"), Ok(false));
        assert_eq!(storage.remove_factor(&bob, &id, false), Ok(Removal::NotThere));
        assert_eq!(storage.rename_factor(&ada, &id, "mine"), Ok(true));
    }
    let own = of(storage, "ada");
    let names = own.totps.iter().map(|one| &one.name).chain(own.passkeys.iter().map(|one| &one.name));
    assert_eq!(names.collect::<Vec<_>>(), ["mine", "mine"]);
    assert_eq!(storage.remove_factor(&ada, &FactorId::new("one"), false), Ok(Removal::Removed));
    assert_eq!(storage.remove_factor(&ada, &FactorId::new("one"), false), Ok(Removal::NotThere));
    assert_eq!(storage.remove_factor(&ada, &FactorId::new("two"), false), Ok(Removal::Removed));
    assert_eq!(of(storage, "ada"), Factors::default());
}

fn the_last_factor_stays_where_it_must_and_takes_the_codes_along(storage: &impl Storage) {
    people(storage, &["ada"]);
    let ada = account("ada").id;
    storage.add_totp(&totp("one", "ada")).unwrap();
    storage.add_passkey(&passkey("two", "ada")).unwrap();
    storage.set_recovery_codes(&ada, &[[1; 32]]).unwrap();
    assert_eq!(storage.remove_factor(&ada, &FactorId::new("two"), true), Ok(Removal::Removed));
    assert_eq!(of(storage, "ada").recovery_codes, 1);
    assert_eq!(storage.remove_factor(&ada, &FactorId::new("one"), true), Ok(Removal::Last));
    assert_eq!(of(storage, "ada").count(), 1);
    assert_eq!(storage.remove_factor(&ada, &FactorId::new("one"), false), Ok(Removal::Removed));
    assert_eq!(of(storage, "ada"), Factors::default(), "codes that stand in for nothing are gone");
}

fn of_two_removals_of_the_last_two_one_is_refused(storage: &impl Storage) {
    people(storage, &["ada"]);
    storage.add_totp(&totp("one", "ada")).unwrap();
    storage.add_passkey(&passkey("two", "ada")).unwrap();
    let (ada, start) = (account("ada").id, Barrier::new(2));
    let removed = thread::scope(|scope| {
        let remove = |id: &'static str| {
            let (ada, start) = (&ada, &start);
            scope.spawn(move || {
                start.wait();
                storage.remove_factor(ada, &FactorId::new(id), true).unwrap()
            })
        };
        let both = [remove("one"), remove("two")];
        both.map(|one| one.join().unwrap())
    });
    assert_eq!(removed.iter().filter(|one| **one == Removal::Removed).count(), 1, "{removed:?}");
    assert_eq!(of(storage, "ada").count(), 1);
}

fn recovery_codes_are_used_once_and_replaced_whole(storage: &impl Storage) {
    people(storage, &["ada", "bob"]);
    let (ada, bob) = (account("ada").id, account("bob").id);
    storage.set_recovery_codes(&ada, &[[1; 32], [2; 32]]).unwrap();
    storage.set_recovery_codes(&bob, &[[1; 32]]).unwrap();
    assert_eq!(storage.use_recovery_code(&ada, &[1; 32]), Ok(true));
    assert_eq!(storage.use_recovery_code(&ada, &[1; 32]), Ok(false));
    assert_eq!(storage.use_recovery_code(&ada, &[3; 32]), Ok(false));
    assert_eq!((of(storage, "ada").recovery_codes, of(storage, "bob").recovery_codes), (1, 1));
    storage.set_recovery_codes(&ada, &[[4; 32]]).unwrap();
    assert_eq!(storage.use_recovery_code(&ada, &[2; 32]), Ok(false), "replaced");
    assert_eq!(storage.use_recovery_code(&ada, &[4; 32]), Ok(true));
}

fn of_many_who_use_one_recovery_code_one_does(storage: &impl Storage) {
    people(storage, &["ada"]);
    let ada = account("ada").id;
    storage.set_recovery_codes(&ada, &[[1; 32]]).unwrap();
    assert_eq!(at_once(|| storage.use_recovery_code(&ada, &[1; 32]).unwrap()), 1);
}

fn clearing_leaves_others_alone(storage: &impl Storage) {
    people(storage, &["ada", "bob"]);
    for (id, owner) in [("one", "ada"), ("two", "bob")] {
        storage.add_totp(&totp(id, owner)).unwrap();
        storage.set_recovery_codes(&account(owner).id, &[[1; 32]]).unwrap();
    }
    storage.add_passkey(&passkey("three", "ada")).unwrap();
    assert_eq!(storage.clear_factors(&account("ada").id), Ok(2));
    assert_eq!(of(storage, "ada"), Factors::default());
    assert_eq!((of(storage, "bob").count(), of(storage, "bob").recovery_codes), (1, 1));
    assert_eq!(storage.clear_factors(&account("ada").id), Ok(0));
}

/// How many of eight threads at once are told yes.
fn at_once(act: impl Fn() -> bool + Sync) -> usize {
    let start = Barrier::new(8);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    act()
                })
            })
            .collect();
        threads.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
    })
}
