//! Grants, pending requests and consents.

use std::sync::Barrier;
use std::thread;

use gabion_model::{AccountId, Acr, Methods, SessionId, Timestamp};

use super::account;
use crate::oauth::claims::ClaimsRequest;
use crate::oauth::client::ClientId;
use crate::oauth::grant::{Consent, Grant, LastAnswer, Refresh, Terms};
use crate::oauth::grant_id::GrantId;
use crate::oauth::request::{AuthorizationRequest, Progress, Prompt, ResponseMode, Target};
use crate::oauth::scope::Scopes;
use crate::oauth::storage::{Ending, Extension, Pending, Redeemed};
use crate::oauth::token::Confirmation;
use crate::storage::{AccountChange, AccountStorage, Storage, StorageError};

pub(super) fn cases<S: Storage>() -> Vec<fn(&S)> {
    vec![
        pending_requests_are_kept_whole_until_they_expire,
        a_pending_request_is_taken_once,
        grants_are_kept_whole,
        a_grant_needs_an_account_as_it_was,
        a_code_is_exchanged_once,
        an_exchange_binds_to_a_key_once,
        grants_of_a_revoked_account_are_stale,
        of_parallel_exchanges_one_succeeds,
        an_expired_code_is_unknown,
        of_parallel_rotations_one_succeeds,
        an_ended_grant_is_not_rotated,
        grants_end_by_what_they_belong_to,
        what_ended_is_found_after_a_restart,
        consents_are_kept_and_end_with_their_grants,
        what_is_over_is_purged,
    ]
}

fn ada(storage: &impl Storage) -> AccountId {
    let ada = account("ada");
    AccountStorage::insert(storage, &ada).unwrap();
    ada.id
}

fn client(id: &str) -> ClientId {
    id.parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1000 + seconds)
}

fn grant(id: &str, account: &AccountId) -> Grant {
    Grant {
        id: GrantId::new(id),
        client: client("shop"),
        account: account.clone(),
        epoch: 0,
        session: Some(SessionId::new("s1")),
        offline: false,
        terms: Terms {
            scope: Scopes::of(["openid", "profile"]),
            resources: vec!["https://api.example/".to_owned()],
            claims: ClaimsRequest { userinfo: vec!["email".to_owned()], ..ClaimsRequest::default() },
            redirect_uri: Some("https://shop.example/cb?a=\"ü\"".to_owned()),
            challenge: Some("c".to_owned()),
            nonce: Some("n".to_owned()),
            authenticated: at(-5),
            methods: Methods::PASSWORD.with(Methods::TOTP),
            dpop_jkt: Some("k".to_owned()),
            x5t_s256: None,
        },
        code_hash: Some(hash(id)),
        redeemed: None,
        created: at(0),
        last_used: at(0),
        expires: at(60),
        latest: at(5000),
        ended: None,
        refresh: Some(Refresh { key: vec![1, 2], counter: 0, last: None }),
    }
}

fn hash(text: &str) -> [u8; 32] {
    gabion_vault::sha256(text.as_bytes())
}

const UNTIL: Extension =
    Extension { access: Timestamp::from_secs(1900), refresh: Timestamp::from_secs(9000) };

fn last(seconds: i64) -> LastAnswer {
    LastAnswer { time: at(seconds), asked: [7; 32], answer: vec![0, 255, 3] }
}

fn pending(id: u8) -> Pending {
    Pending {
        id: [id; 32],
        browser: [9; 32],
        request: AuthorizationRequest {
            target: Target {
                client: client("shop"),
                redirect_uri: "https://shop.example/cb".to_owned(),
                mode: ResponseMode::FormPost,
                state: Some("s <b>".to_owned()),
            },
            scope: Scopes::of(["openid"]),
            resources: vec!["r".to_owned()],
            claims: ClaimsRequest::default(),
            nonce: None,
            challenge: Some("c".to_owned()),
            prompt: Prompt { login: true, ..Prompt::default() },
            max_age: Some(7),
            acr: vec![Acr::TwoFactors],
            acr_essential: true,
            login_hint: None,
            id_token_hint: None,
            subject: Some("a".to_owned()),
            dpop_jkt: None,
        },
        progress: Progress { begun: at(0), selected: false, stepped_up: false },
        expires: at(600),
    }
}

fn pending_requests_are_kept_whole_until_they_expire<S: Storage>(storage: &S) {
    let one = pending(1);
    storage.insert_pending(&one).unwrap();
    assert_eq!(storage.insert_pending(&one), Err(StorageError::Taken));
    assert_eq!(storage.pending(&one.id, at(599)), Ok(Some(one.clone())));
    assert_eq!(storage.pending(&one.id, at(600)), Ok(None));
    assert_eq!(storage.pending(&[2; 32], at(0)), Ok(None));
    let progress = Progress { selected: true, stepped_up: true, ..one.progress };
    storage.set_progress(&one.id, progress).unwrap();
    storage.set_progress(&[2; 32], progress).unwrap();
    assert_eq!(storage.pending(&one.id, at(0)), Ok(Some(Pending { progress, ..one })));
}

fn a_pending_request_is_taken_once<S: Storage>(storage: &S) {
    storage.insert_pending(&pending(1)).unwrap();
    let taken = at_once(|| storage.take_pending(&[1; 32]).unwrap());
    assert_eq!(taken, 1);
    assert_eq!(storage.pending(&[1; 32], at(0)), Ok(None));
}

fn grants_are_kept_whole<S: Storage>(storage: &S) {
    let account = ada(storage);
    let plain = Grant {
        code_hash: None,
        session: None,
        refresh: None,
        offline: true,
        redeemed: Some(at(0)),
        terms: Terms::default(),
        ..grant("g2", &account)
    };
    for one in [grant("g1", &account), plain] {
        storage.insert_grant(&one).unwrap();
        assert_eq!(storage.grant(&one.id), Ok(Some(one)));
    }
    assert_eq!(storage.grant(&GrantId::new("g3")), Ok(None));
    let living = storage.grants_of(&account, at(10)).unwrap();
    assert_eq!(living.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["g2"], "no unused codes");
    assert_eq!(storage.grants_of(&account, at(60)), Ok(vec![]), "expired");
}

fn a_grant_needs_an_account_as_it_was<S: Storage>(storage: &S) {
    let nobody = AccountId::new("nobody");
    assert_eq!(storage.insert_grant(&grant("g", &nobody)), Err(StorageError::Stale));
    let account = ada(storage);
    let stale = Grant { epoch: 1, ..grant("g", &account) };
    assert_eq!(storage.insert_grant(&stale), Err(StorageError::Stale));
    storage.update(&account, &AccountChange::Disable).unwrap();
    let disabled = Grant { epoch: 1, ..grant("g", &account) };
    assert_eq!(storage.insert_grant(&disabled), Err(StorageError::Stale));
}

fn a_code_is_exchanged_once<S: Storage>(storage: &S) {
    let account = ada(storage);
    let one = grant("g", &account);
    storage.insert_grant(&one).unwrap();
    assert_eq!(storage.redeem(&hash("other"), &FREE, UNTIL, at(1)), Ok(Redeemed::Unknown));
    let after = Grant { redeemed: Some(at(1)), last_used: at(1), expires: one.latest, ..one.clone() };
    assert_eq!(storage.redeem(&hash("g"), &FREE, UNTIL, at(1)), Ok(Redeemed::Now(Box::new(after.clone()))));
    assert_eq!(storage.grant(&one.id), Ok(Some(after.clone())));
    assert_eq!(storage.redeem(&hash("g"), &FREE, UNTIL, at(2)), Ok(Redeemed::Again(Box::new(after))));
    let short = Grant { refresh: None, code_hash: Some(hash("h")), ..grant("h", &account) };
    storage.insert_grant(&short).unwrap();
    let taken = storage.redeem(&hash("h"), &FREE, UNTIL, at(1)).unwrap();
    let expires = match taken {
        Redeemed::Now(taken) => Some(taken.expires),
        Redeemed::Again(_) | Redeemed::Unknown => None,
    };
    assert_eq!(expires, Some(UNTIL.access), "without a refresh token it ends with its access token");
}

fn an_exchange_binds_to_a_key_once<S: Storage>(storage: &S) {
    let account = ada(storage);
    let unbound = |id| {
        let one = grant(id, &account);
        Grant { terms: Terms { dpop_jkt: None, x5t_s256: None, ..one.terms.clone() }, ..one }
    };
    let both = |key: &str| Confirmation { jkt: Some(key.to_owned()), x5t_s256: Some(format!("{key}-x")) };
    let half = Grant {
        terms: Terms { x5t_s256: Some("k-x".to_owned()), ..unbound("half").terms },
        ..unbound("half")
    };
    for (one, key, bound) in [
        (
            Grant {
                terms: Terms { x5t_s256: Some("k-x".to_owned()), ..half.terms.clone() },
                ..grant("bound", &account)
            },
            both("new"),
            Confirmation { jkt: Some("new".to_owned()), x5t_s256: Some("k-x".to_owned()) },
        ),
        (grant("keyed", &account), both("new"), Confirmation { jkt: Some("k".to_owned()), ..both("new") }),
        (unbound("unbound"), both("new"), both("new")),
        (
            half,
            Confirmation { x5t_s256: None, ..both("new") },
            Confirmation { x5t_s256: Some("k-x".to_owned()), ..both("new") },
        ),
        (unbound("free"), FREE, FREE),
    ] {
        storage.insert_grant(&one).unwrap();
        storage.redeem(&hash(one.id.as_str()), &key, UNTIL, at(1)).unwrap();
        let kept = storage.grant(&one.id).unwrap().unwrap();
        assert_eq!(kept.terms, Terms { dpop_jkt: bound.jkt, x5t_s256: bound.x5t_s256, ..one.terms });
    }
}

/// Nothing to bind to.
const FREE: Confirmation = Confirmation { jkt: None, x5t_s256: None };

fn grants_of_a_revoked_account_are_stale<S: Storage>(storage: &S) {
    let account = ada(storage);
    storage.insert_grant(&grant("g", &account)).unwrap();
    assert_eq!(storage.end_grants(&Ending::Stale, at(1)), Ok(vec![]));
    storage.update(&account, &AccountChange::RemovePassword).unwrap();
    assert_eq!(storage.end_grants(&Ending::Stale, at(1)), Ok(vec![GrantId::new("g")]));
}

fn of_parallel_exchanges_one_succeeds<S: Storage>(storage: &S) {
    let account = ada(storage);
    storage.insert_grant(&grant("g", &account)).unwrap();
    let won =
        at_once(|| matches!(storage.redeem(&hash("g"), &FREE, UNTIL, at(1)).unwrap(), Redeemed::Now(_)));
    assert_eq!(won, 1);
}

fn an_expired_code_is_unknown<S: Storage>(storage: &S) {
    let account = ada(storage);
    storage.insert_grant(&grant("g", &account)).unwrap();
    assert_eq!(storage.redeem(&hash("g"), &FREE, UNTIL, at(60)), Ok(Redeemed::Unknown));
}

fn of_parallel_rotations_one_succeeds<S: Storage>(storage: &S) {
    let account = ada(storage);
    let one = grant("g", &account);
    storage.insert_grant(&one).unwrap();
    for counter in 0..3 {
        assert_eq!(at_once(|| storage.rotate(&one.id, counter, &last(9), at(7000)).unwrap()), 1);
    }
    let kept = storage.grant(&one.id).unwrap().unwrap();
    assert_eq!(kept.refresh, Some(Refresh { key: vec![1, 2], counter: 3, last: Some(last(9)) }));
    assert_eq!((kept.last_used, kept.expires), (at(9), one.latest), "never beyond its latest moment");
    assert_eq!(storage.rotate(&GrantId::new("h"), 0, &last(9), at(1)), Ok(false));
}

fn an_ended_grant_is_not_rotated<S: Storage>(storage: &S) {
    let account = ada(storage);
    let one = grant("g", &account);
    storage.insert_grant(&one).unwrap();
    assert_eq!(storage.end_grants(&Ending::One(&one.id), at(3)), Ok(vec![one.id.clone()]));
    assert_eq!(storage.end_grants(&Ending::One(&one.id), at(4)), Ok(vec![]), "once");
    assert_eq!(storage.rotate(&one.id, 0, &last(9), at(1)), Ok(false));
    assert_eq!(storage.grant(&one.id).unwrap().unwrap().ended, Some(at(3)));
    assert!(matches!(storage.redeem(&hash("g"), &FREE, UNTIL, at(1)), Ok(Redeemed::Again(_))));
}

fn grants_end_by_what_they_belong_to<S: Storage>(storage: &S) {
    let account = ada(storage);
    let bob = crate::account::Account::new(AccountId::new("bob-id"), "bob".parse().unwrap(), at(0));
    AccountStorage::insert(storage, &bob).unwrap();
    let rows = [
        Grant { session: Some(SessionId::new("s2")), ..grant("other-session", &account) },
        Grant { offline: true, ..grant("offline", &account) },
        Grant { client: client("blog"), ..grant("other-client", &account) },
        grant("plain", &account),
        grant("bobs", &bob.id),
    ];
    for row in &rows {
        storage.insert_grant(row).unwrap();
    }
    let end = |which: Ending<'_>| {
        let mut ended = storage.end_grants(&which, at(1)).unwrap();
        ended.sort();
        ended.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>()
    };
    let session = SessionId::new("s1");
    assert_eq!(end(Ending::Session(&session)), ["bobs", "other-client", "plain"]);
    assert_eq!(end(Ending::AccountClient(&account, &client("shop"))), ["offline", "other-session"]);
    let again = Grant { client: client("blog"), ..grant("again", &account) };
    storage.insert_grant(&again).unwrap();
    assert_eq!(end(Ending::Client(&client("blog"))), ["again"]);
    storage.insert_grant(&grant("last", &account)).unwrap();
    assert_eq!(end(Ending::Account(&account)), ["last"]);
}

fn what_ended_is_found_after_a_restart<S: Storage>(storage: &S) {
    let account = ada(storage);
    for id in ["a", "b"] {
        storage.insert_grant(&grant(id, &account)).unwrap();
    }
    storage.insert_grant(&Grant { offline: true, ..grant("c", &account) }).unwrap();
    storage.end_grants(&Ending::One(&GrantId::new("a")), at(5)).unwrap();
    assert_eq!(storage.ended_since(at(5)), Ok(vec![(GrantId::new("a"), at(5))]));
    assert_eq!(storage.ended_since(at(6)), Ok(vec![]));
    assert_eq!(storage.bound_grants(), Ok(vec![(SessionId::new("s1"), GrantId::new("b"))]));
}

fn consents_are_kept_and_end_with_their_grants<S: Storage>(storage: &S) {
    let account = ada(storage);
    let consent = Consent {
        account: account.clone(),
        client: client("shop"),
        scope: Scopes::of(["openid", "email"]),
        claims: vec!["nickname".to_owned()],
        granted: at(1),
    };
    let nobodys = Consent { account: AccountId::new("nobody"), ..consent.clone() };
    assert_eq!(storage.put_consent(&nobodys), Err(StorageError::NotFound));
    storage.put_consent(&consent).unwrap();
    let wider = Consent { scope: Scopes::of(["openid"]), granted: at(2), ..consent.clone() };
    storage.put_consent(&wider).unwrap();
    assert_eq!(storage.consent(&account, &client("shop")), Ok(Some(wider.clone())));
    assert_eq!(storage.consent(&account, &client("blog")), Ok(None));
    assert_eq!(storage.consents(&account), Ok(vec![wider]));
    storage.end_grants(&Ending::AccountClient(&account, &client("shop")), at(3)).unwrap();
    assert_eq!(storage.consents(&account), Ok(vec![]));
}

fn what_is_over_is_purged<S: Storage>(storage: &S) {
    let account = ada(storage);
    storage.insert_pending(&pending(1)).unwrap();
    storage.insert_grant(&grant("expired", &account)).unwrap();
    storage.insert_grant(&Grant { expires: at(900), ..grant("ended", &account) }).unwrap();
    storage.insert_grant(&Grant { expires: at(900), ..grant("living", &account) }).unwrap();
    storage.end_grants(&Ending::One(&GrantId::new("ended")), at(10)).unwrap();
    storage.purge_oauth(at(600), at(61)).unwrap();
    assert_eq!(storage.pending(&[1; 32], at(0)), Ok(None));
    let left = |id: &str| storage.grant(&GrantId::new(id)).unwrap().is_some();
    assert_eq!(["expired", "ended", "living"].map(left), [false, false, true]);
}

/// Of several callers at once, how many were told yes.
fn at_once(act: impl Fn() -> bool + Sync) -> usize {
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        let run = || {
            barrier.wait();
            act()
        };
        let tries: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        tries.into_iter().map(|one| one.join().unwrap()).filter(|won| *won).count()
    })
}
