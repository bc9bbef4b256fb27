//! What every implementation of the storage traits must do. An implementation runs [`run`] against
//! itself in a test; each case gets a fresh, empty storage.

#![expect(clippy::unwrap_used, reason = "a test suite for implementations: a failure is a panic")]

mod clients;
mod declared;
mod directory;
mod factors;
mod federation;
mod keys;
mod mail;
mod oauth;
mod resources;
mod signing_keys;

use std::sync::Barrier;
use std::thread;

use gabion_model::{AccountId, Methods, Role, SessionId, TenantId, Timestamp};

use super::{AccountChange, AccountStorage, SessionStorage, Storage, StorageError, StoredSession};
use crate::account::{Account, AccountKind};
use crate::email::Email;
use crate::invitation::{Invitation, Purpose};
use crate::personal::Personal;

/// Runs every case.
///
/// # Panics
/// When the storage does not do what the traits say.
pub fn run<S: Storage>(fresh: impl Fn() -> S) {
    let cases: &[fn(&S)] = &[
        accounts_are_kept_whole,
        an_account_that_is_not_there,
        the_next_password_is_found_going_round,
        a_name_is_given_once,
        a_verified_address_is_one_accounts,
        of_two_makers_of_one_name_one_wins,
        concurrent_changes_are_all_made,
        a_raised_epoch_ends_sessions,
        changes_that_raise_no_epoch_end_nothing,
        a_session_is_a_sign_in,
        a_rehash_loses_against_a_new_password,
        sessions_are_kept_whole,
        a_session_needs_an_account_as_it_was,
        sessions_of_a_disabled_account_are_not_loaded,
        a_session_overtaken_by_a_revocation_does_not_begin,
        invitations_are_kept_whole,
        an_invitation_is_taken_once,
        an_expired_invitation_is_nobodys,
        a_new_invitation_replaces_the_former,
        changes_end_open_invitations,
        clients::clients_are_kept_whole,
        clients::a_client_id_is_given_once,
        clients::a_client_is_replaced_by_the_next_revision_only,
        clients::a_removed_client_leaves_nothing,
        declared::declarations_are_kept_until_they_are_withdrawn,
        resources::a_resource_is_kept_until_it_is_replaced_or_removed,
        keys::keys_are_kept_whole,
        keys::a_key_needs_an_account_as_it_was,
        keys::a_replaced_key_changes_with_its_successor,
        keys::changes_end_keys,
        federation::identities_are_kept_whole,
        federation::an_identity_is_one_accounts,
        federation::an_account_comes_with_its_identity_or_not_at_all,
        federation::the_last_identity_stays_where_it_must,
        signing_keys::signing_keys_are_kept_whole,
        mail::mail_links_are_kept_whole,
        mail::a_mail_link_is_taken_once,
        mail::the_latest_devices_are_remembered,
    ];
    for case in cases.iter().chain(&directory::cases()) {
        case(&fresh());
    }
    for case in factors::cases() {
        case(&fresh());
    }
    for case in oauth::cases() {
        case(&fresh());
    }
}

fn accounts_are_kept_whole(storage: &impl Storage) {
    let plain = account("zoe");
    let full = Account {
        kind: AccountKind::Service,
        email: Some("ada@example.org".parse().unwrap()),
        email_verified: Some(Timestamp::from_micros(3)),
        personal: Personal { name: Some("Ada <b>\u{202e}".to_owned()), ..Personal::default() },
        updated: Timestamp::from_micros(4),
        tenant: TenantId::new("acme"),
        roles: vec![Role::new("administrator"), Role::new("with \"quotes\", commas and ü")],
        external_id: Some("00u1".to_owned()),
        attributes: crate::scim::Attributes::new(
            [("title".to_owned(), "Dr \"x\" <b>".into())].into_iter().collect(),
        ),
        password: Some("$argon2id$…".to_owned()),
        password_changed: Some(Timestamp::from_micros(1)),
        disabled: true,
        epoch: 7,
        last_sign_in: Some(Timestamp::from_micros(-2)),
        ..account("ada@example.org")
    };
    for one in [&plain, &full] {
        AccountStorage::insert(storage, one).unwrap();
        assert_eq!(storage.by_name(&one.name), Ok(Some(one.clone())));
        assert_eq!(storage.by_id(&one.id), Ok(Some(one.clone())));
    }
    assert_eq!(storage.list(), Ok(vec![full, plain]), "by name");
}

fn the_next_password_is_found_going_round(storage: &impl Storage) {
    assert_eq!(storage.password_near(&AccountId::new("a")), Ok(None));
    for (id, password) in [("b", Some("one")), ("d", None), ("f", Some("two"))] {
        let one = Account {
            id: AccountId::new(id),
            password: password.map(str::to_owned),
            ..account(&format!("named-{id}"))
        };
        AccountStorage::insert(storage, &one).unwrap();
    }
    for (from, expected) in
        [("a", "one"), ("b", "one"), ("c", "two"), ("d", "two"), ("f", "two"), ("g", "one"), ("", "one")]
    {
        let found = storage.password_near(&AccountId::new(from));
        assert_eq!(found, Ok(Some(expected.to_owned())), "from `{from}`");
    }
}

fn an_account_that_is_not_there(storage: &impl Storage) {
    let nobody = account("nobody");
    assert_eq!(storage.by_name(&nobody.name), Ok(None));
    assert_eq!(storage.by_id(&nobody.id), Ok(None));
    assert_eq!(storage.list(), Ok(vec![]));
    assert_eq!(storage.update(&nobody.id, &AccountChange::Enable), Err(StorageError::NotFound));
}

fn a_name_is_given_once(storage: &impl Storage) {
    let first = account("ada");
    AccountStorage::insert(storage, &first).unwrap();
    let same_name = Account { id: AccountId::new("another"), ..account("ada") };
    let same_id = Account { id: first.id.clone(), ..account("eve") };
    assert_eq!(AccountStorage::insert(storage, &same_name), Err(StorageError::Taken));
    assert_eq!(AccountStorage::insert(storage, &same_id), Err(StorageError::Taken));
    assert_eq!(storage.list(), Ok(vec![first]));
}

fn a_verified_address_is_one_accounts(storage: &impl Storage) {
    let address: Email = "ada@example.org".parse().unwrap();
    let with = |name: &str, verified| Account {
        email: Some(address.clone()),
        email_verified: verified,
        ..account(name)
    };
    for one in [with("claims-it", None), with("claims-it-too", None)] {
        AccountStorage::insert(storage, &one).unwrap();
    }
    assert_eq!(storage.by_verified_email(&address), Ok(None));
    let holder = with("ada", Some(START));
    AccountStorage::insert(storage, &holder).unwrap();
    assert_eq!(storage.by_verified_email(&address), Ok(Some(holder.clone())));
    assert_eq!(AccountStorage::insert(storage, &with("eve", Some(START))), Err(StorageError::Taken));
    let other = with("claims-it", None);
    let change = AccountChange::Email { email: Some(address.clone()), verified: Some(START), now: START };
    assert_eq!(storage.update(&other.id, &change), Err(StorageError::Taken));
    assert_eq!(storage.by_id(&other.id), Ok(Some(other.clone())), "nothing was changed");
    let without = AccountChange::Email { email: None, verified: Some(START), now: START };
    assert_eq!(storage.update(&holder.id, &without).unwrap().email_verified, None);
    assert_eq!(storage.update(&other.id, &change).unwrap().email, Some(address));
}

fn of_two_makers_of_one_name_one_wins(storage: &impl Storage) {
    let barrier = Barrier::new(PARALLEL);
    let made = parallel(|index| {
        let one = Account { id: AccountId::new(&format!("id-{index}")), ..account("ada") };
        barrier.wait();
        AccountStorage::insert(storage, &one)
    });
    assert_eq!(made.iter().filter(|result| result.is_ok()).count(), 1, "{made:?}");
    assert!(made.iter().all(|result| matches!(result, Ok(()) | Err(StorageError::Taken))), "{made:?}");
    assert_eq!(storage.list().unwrap().len(), 1);
}

fn concurrent_changes_are_all_made(storage: &impl Storage) {
    let ada = account("ada");
    AccountStorage::insert(storage, &ada).unwrap();
    let barrier = Barrier::new(PARALLEL);
    let changed = parallel(|index| {
        let phc = format!("hash-{index}");
        barrier.wait();
        storage.update(&ada.id, &AccountChange::Password { phc, now: START, keep: None })
    });
    let mut epochs: Vec<_> = changed.into_iter().map(|account| account.unwrap().epoch).collect();
    epochs.sort_unstable();
    assert_eq!(epochs, (1..=PARALLEL as u64).collect::<Vec<_>>(), "no change was lost");
}

fn a_raised_epoch_ends_sessions(storage: &impl Storage) {
    let changes = [
        AccountChange::Disable,
        AccountChange::Password { phc: "new".to_owned(), now: START, keep: None },
        AccountChange::RemovePassword,
        AccountChange::Roles(vec![Role::new("auditor")]),
    ];
    let other = account("other");
    AccountStorage::insert(storage, &other).unwrap();
    SessionStorage::insert(storage, &session("other's", &other), 0).unwrap();
    for (index, change) in changes.iter().enumerate() {
        let owner = account(&format!("owner-{index}"));
        AccountStorage::insert(storage, &owner).unwrap();
        SessionStorage::insert(storage, &session(&format!("first-{index}"), &owner), 0).unwrap();
        SessionStorage::insert(storage, &session(&format!("second-{index}"), &owner), 0).unwrap();
        assert_eq!(storage.update(&owner.id, change).unwrap().epoch, 1, "{change:?}");
        assert_eq!(ids(storage), ["other's"], "{change:?}");
        // Twice the same is no further change, so that nothing ends twice.
        if matches!(change, AccountChange::Disable | AccountChange::Roles(_)) {
            assert_eq!(storage.update(&owner.id, change).unwrap().epoch, 1, "{change:?}");
        }
    }
    let keep = Some(SessionId::new("other's"));
    SessionStorage::insert(storage, &session("too", &other), 0).unwrap();
    let password = AccountChange::Password { phc: "new".to_owned(), now: START, keep };
    let changed = storage.update(&other.id, &password).unwrap();
    assert_eq!((changed.password.as_deref(), changed.password_changed), (Some("new"), Some(START)));
    assert_eq!(ids(storage), ["other's"], "the kept session is left");
}

fn changes_that_raise_no_epoch_end_nothing(storage: &impl Storage) {
    let ada = account("ada");
    AccountStorage::insert(storage, &ada).unwrap();
    SessionStorage::insert(storage, &session("one", &ada), 0).unwrap();
    let roles = AccountChange::Roles(ada.roles.clone());
    for change in [AccountChange::Enable, roles] {
        assert_eq!(storage.update(&ada.id, &change).unwrap().epoch, 0, "{change:?}");
    }
    assert_eq!(ids(storage), ["one"]);
}

fn a_session_is_a_sign_in(storage: &impl Storage) {
    let ada = account("ada");
    AccountStorage::insert(storage, &ada).unwrap();
    for (id, started) in [("first", 100), ("later", 200), ("earlier", 150)] {
        let session = StoredSession { started: Timestamp::from_secs(started), ..session(id, &ada) };
        SessionStorage::insert(storage, &session, 0).unwrap();
    }
    let late = StoredSession { started: Timestamp::from_secs(900), ..session("late", &ada) };
    assert_eq!(SessionStorage::insert(storage, &late, 1), Err(StorageError::Stale));
    let expected = Account { last_sign_in: Some(Timestamp::from_secs(200)), ..ada };
    assert_eq!(storage.list(), Ok(vec![expected]), "the latest sign-in is kept");
}

fn a_rehash_loses_against_a_new_password(storage: &impl Storage) {
    let ada = Account { password: Some("old".to_owned()), ..account("ada") };
    AccountStorage::insert(storage, &ada).unwrap();
    let rehash = |from: &str, to: &str| AccountChange::Rehash { from: from.to_owned(), to: to.to_owned() };
    let password = |account: Account| account.password;
    let rehashed = storage.update(&ada.id, &rehash("old", "costlier")).unwrap();
    assert_eq!((rehashed.epoch, password(rehashed).as_deref()), (0, Some("costlier")));
    let late = storage.update(&ada.id, &rehash("old", "late")).unwrap();
    assert_eq!(password(late).as_deref(), Some("costlier"));
}

fn sessions_are_kept_whole(storage: &impl Storage) {
    let ada = account("ada");
    AccountStorage::insert(storage, &ada).unwrap();
    let full = StoredSession {
        authenticated: Timestamp::from_micros(5),
        methods: Methods::PASSKEY_USER_VERIFIED,
        address: Some("2001:db8::1".parse().unwrap()),
        user_agent: Some("Browser/1 (ü)".to_owned()),
        ..session("full", &ada)
    };
    let plain = session("plain", &ada);
    for one in [&full, &plain] {
        SessionStorage::insert(storage, one, 0).unwrap();
    }
    assert_eq!(SessionStorage::insert(storage, &full, 0), Err(StorageError::Taken));
    let same_ticket = StoredSession { id: SessionId::new("other"), ..full.clone() };
    assert_eq!(SessionStorage::insert(storage, &same_ticket, 0), Err(StorageError::Taken));
    let mut loaded = storage.load().unwrap();
    loaded.sort_by(|(left, _), (right, _)| left.id.cmp(&right.id));
    let ada = Account { last_sign_in: Some(full.started.max(plain.started)), ..ada };
    assert_eq!(loaded, [(full.clone(), ada.clone()), (plain.clone(), ada)]);

    let (later, gone) = (Timestamp::from_secs(500), SessionId::new("gone"));
    storage.touch(&[(gone.clone(), later), (full.id.clone(), later)]).unwrap();
    storage.remove(&[gone, plain.id]).unwrap();
    storage.remove(&[]).unwrap();
    let left = storage.load().unwrap();
    assert_eq!(left.len(), 1);
    assert!(left.iter().all(|(one, _)| *one == StoredSession { last_seen: later, ..full.clone() }));
}

fn a_session_needs_an_account_as_it_was(storage: &impl Storage) {
    let ada = account("ada");
    let begun = session("one", &ada);
    assert_eq!(SessionStorage::insert(storage, &begun, 0), Err(StorageError::Stale), "no account");
    AccountStorage::insert(storage, &ada).unwrap();
    assert_eq!(SessionStorage::insert(storage, &begun, 1), Err(StorageError::Stale), "another epoch");
    storage.update(&ada.id, &AccountChange::Disable).unwrap();
    assert_eq!(SessionStorage::insert(storage, &begun, 0), Err(StorageError::Stale), "revoked");
    assert_eq!(SessionStorage::insert(storage, &begun, 1), Err(StorageError::Stale), "disabled");
    storage.update(&ada.id, &AccountChange::Enable).unwrap();
    assert_eq!(SessionStorage::insert(storage, &begun, 0), Err(StorageError::Stale), "before the revocation");
    assert_eq!(SessionStorage::insert(storage, &begun, 1), Ok(()));
}

fn sessions_of_a_disabled_account_are_not_loaded(storage: &impl Storage) {
    let ada = account("ada");
    AccountStorage::insert(storage, &ada).unwrap();
    SessionStorage::insert(storage, &session("one", &ada), 0).unwrap();
    assert_eq!(ids(storage), ["one"]);
    storage.update(&ada.id, &AccountChange::Disable).unwrap();
    storage.update(&ada.id, &AccountChange::Enable).unwrap();
    assert_eq!(ids(storage), Vec::<String>::new(), "what a disabling ended stays ended");
}

/// However a sign-in and a disabling interleave, no session is left.
fn a_session_overtaken_by_a_revocation_does_not_begin(storage: &impl Storage) {
    let ada = account("ada");
    AccountStorage::insert(storage, &ada).unwrap();
    let barrier = Barrier::new(PARALLEL);
    parallel(|index| {
        barrier.wait();
        if index == 0 {
            storage.update(&ada.id, &AccountChange::Disable).map(drop)
        } else {
            SessionStorage::insert(storage, &session(&format!("session-{index}"), &ada), 0)
        }
    });
    storage.update(&ada.id, &AccountChange::Enable).unwrap();
    assert_eq!(ids(storage), Vec::<String>::new());
}

fn invitations_are_kept_whole(storage: &impl Storage) {
    for (index, purpose) in (0..).zip([Purpose::Enrolment, Purpose::FirstAdministrator, Purpose::Reset]) {
        let owner = account(&format!("owner-{index}"));
        let one = Invitation { purpose, ..invitation(index, &owner) };
        assert_eq!(storage.put(&one), Err(StorageError::NotFound), "no account");
        AccountStorage::insert(storage, &owner).unwrap();
        storage.put(&one).unwrap();
        assert_eq!(storage.find(&one.token_hash, START), Ok(Some(one.clone())));
        assert_eq!(storage.take(&one.token_hash, START), Ok(Some(one.clone())));
        assert_eq!(storage.find(&one.token_hash, START), Ok(None));
    }
}

fn an_invitation_is_taken_once(storage: &impl Storage) {
    let ada = account("ada");
    AccountStorage::insert(storage, &ada).unwrap();
    let one = invitation(1, &ada);
    storage.put(&one).unwrap();
    let barrier = Barrier::new(PARALLEL);
    let taken = parallel(|_| {
        barrier.wait();
        storage.take(&one.token_hash, START).unwrap()
    });
    assert_eq!(taken.iter().flatten().count(), 1);
}

fn an_expired_invitation_is_nobodys(storage: &impl Storage) {
    let ada = account("ada");
    AccountStorage::insert(storage, &ada).unwrap();
    let one = invitation(1, &ada);
    storage.put(&one).unwrap();
    assert_eq!(storage.find(&one.token_hash, one.expires), Ok(None));
    assert_eq!(storage.take(&one.token_hash, one.expires), Ok(None));
}

fn a_new_invitation_replaces_the_former(storage: &impl Storage) {
    let (ada, eve) = (account("ada"), account("eve"));
    for one in [&ada, &eve] {
        AccountStorage::insert(storage, one).unwrap();
    }
    let (former, latest, eves) = (invitation(1, &ada), invitation(2, &ada), invitation(3, &eve));
    for one in [&former, &eves, &latest] {
        storage.put(one).unwrap();
    }
    assert_eq!(storage.take(&former.token_hash, START), Ok(None));
    assert_eq!(storage.take(&latest.token_hash, START), Ok(Some(latest)));
    assert_eq!(storage.take(&eves.token_hash, START), Ok(Some(eves)));
}

fn changes_end_open_invitations(storage: &impl Storage) {
    let changes = [
        (AccountChange::Disable, true),
        (AccountChange::Enable, false),
        (AccountChange::Password { phc: "new".to_owned(), now: START, keep: None }, true),
        (AccountChange::RemovePassword, true),
        (AccountChange::Roles(vec![Role::new("auditor")]), false),
    ];
    let ada = account("ada");
    AccountStorage::insert(storage, &ada).unwrap();
    for (change, ends) in changes {
        let one = invitation(1, &ada);
        storage.put(&one).unwrap();
        storage.update(&ada.id, &change).unwrap();
        assert_eq!(storage.find(&one.token_hash, START).unwrap().is_none(), ends, "{change:?}");
    }
}

fn account(name: &str) -> Account {
    Account::new(AccountId::new(&format!("id of {name}")), name.parse().unwrap(), START)
}

fn session(id: &str, account: &Account) -> StoredSession {
    StoredSession {
        id: SessionId::new(id),
        ticket_hash: gabion_vault::sha256(id.as_bytes()),
        account: account.id.clone(),
        started: START,
        authenticated: START,
        methods: Methods::PASSWORD,
        last_seen: START,
        address: None,
        user_agent: None,
    }
}

fn invitation(seed: u8, account: &Account) -> Invitation {
    Invitation {
        token_hash: [seed; 32],
        account: account.id.clone(),
        purpose: Purpose::Enrolment,
        created: START,
        expires: Timestamp::from_secs(200),
    }
}

/// The ids of the stored sessions, sorted.
fn ids(storage: &impl Storage) -> Vec<String> {
    let mut ids: Vec<_> = storage.load().unwrap().iter().map(|(one, _)| one.id.to_string()).collect();
    ids.sort();
    ids
}

fn parallel<T: Send>(act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let act = &act;
        let threads: Vec<_> = (0..PARALLEL).map(|index| scope.spawn(move || act(index))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

const PARALLEL: usize = 8;
const START: Timestamp = Timestamp::from_secs(100);
