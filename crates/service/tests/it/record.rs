//! Invariant 8: on record before it takes effect, completed after; not at all without the record.

use std::collections::BTreeMap;

use gabion_model::{EventKind, Outcome, RequestId};
use gabion_service::{
    ActError, AddAccountError, Caller, ChangePasswordError, DisableAccountError, NewAccount, SignInError,
};

use crate::world::{PASSWORD, World, anonymous, secret, signed_in};

#[tokio::test]
async fn every_entry_that_begins_ends() {
    let world = World::new();
    world.administrator("root").await;
    world.person("ada", &[]).await;
    let (ada, other) = (world.sign_in("ada").await, world.sign_in("ada").await);
    let caller = signed_in(&ada.session);
    world.service.revoke_session(&caller, &other.session.id).await.unwrap();
    world.service.revoke_session(&caller, &other.session.id).await.unwrap_err();
    world.service.reset_account(&Caller::operator(), "nobody").await.unwrap_err();
    world.service.disable_account(&Caller::operator(), "root").await.unwrap_err();
    world.service.sign_out(&caller).await.unwrap();

    let mut open: BTreeMap<(RequestId, String), usize> = BTreeMap::new();
    // What was refused before it began is no act.
    for event in world.events().await.into_iter().filter(|event| event.kind != EventKind::Refusal) {
        let key = (event.request_id.expect("acts carry a request id"), event.action.clone());
        match event.outcome {
            Outcome::Begun => *open.entry(key).or_default() += 1,
            Outcome::Failure | Outcome::Success => {
                assert!(open.get(&key).is_some_and(|count| *count > 0), "{event:?} ends what never began");
                *open.get_mut(&key).unwrap() -= 1;
            }
        }
    }
    assert!(open.values().all(|count| *count == 0), "{open:?}");
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_done() {
    let world = World::new();
    world.administrator("root").await;
    world.administrator("eve").await;
    world.person("ada", &[]).await;
    let (ada, other, root) =
        (world.sign_in("ada").await, world.sign_in("ada").await, world.sign_in("root").await);
    world.ledger.close().await.unwrap();

    let (caller, operator) = (signed_in(&ada.session), Caller::operator());
    let service = &world.service;
    // Right and wrong passwords get one answer, so that a full disk is no oracle.
    assert_eq!(world.try_sign_in("ada", PASSWORD).await.unwrap_err(), SignInError::Unavailable);
    assert_eq!(world.try_sign_in("ada", "wrong").await.unwrap_err(), SignInError::Unavailable);
    assert_eq!(service.sign_out(&caller).await, Err(ActError::Unavailable));
    assert_eq!(service.revoke_session(&caller, &other.session.id).await, Err(ActError::Unavailable));
    assert_eq!(service.revoke_other_sessions(&caller).await, Err(ActError::Unavailable));
    let change = service.change_password(&caller, secret(PASSWORD), secret("gravel under every wheel")).await;
    assert_eq!(change, Err(ChangePasswordError::Act(ActError::Unavailable)));
    let new = NewAccount { name: "new".to_owned(), ..NewAccount::default() };
    let added = service.add_account(&operator, new).await.unwrap_err();
    assert_eq!(added, AddAccountError::Act(ActError::Unavailable));
    let disabled = service.disable_account(&signed_in(&root.session), "ada").await;
    assert_eq!(disabled, Err(DisableAccountError::Act(ActError::Unavailable)));
    assert_eq!(service.reset_account(&operator, "ada").await.unwrap_err(), ActError::Unavailable);
    assert_eq!(service.list_accounts(&operator).await.unwrap_err(), ActError::Unavailable);

    assert!(world.lives(&ada) && world.lives(&other) && world.lives(&root));
    let accounts = gabion_identity::storage::AccountStorage::list(&*world.storage).unwrap();
    assert_eq!(accounts.len(), 3);
    assert!(accounts.iter().all(|account| !account.disabled && account.password.is_some()));
}

/// A client that closes its connection neither leaves an entry open nor gets a try for nothing.
#[tokio::test]
async fn an_abandoned_try_is_counted_and_completed() {
    let world = World::new();
    world.person("ada", &[]).await;
    for _ in 0..5 {
        let (caller, wrong) = (anonymous("203.0.113.7"), secret("wrong"));
        let mut call = Box::pin(world.service.sign_in(&caller, "ada", wrong));
        // Polled once, then dropped.
        std::future::poll_fn(|context| {
            assert!(call.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
    }
    // The abandoned ones run on; none of them is lost.
    while world.outcomes("account.sign-in").await.len() < 5 {
        tokio::task::yield_now().await;
    }
    assert!(matches!(world.try_sign_in("ada", PASSWORD).await, Err(SignInError::Throttled { .. })));
}
