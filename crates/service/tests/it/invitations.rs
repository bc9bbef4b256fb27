use std::sync::Arc;

use gabion_service::{ActError, Caller, InvitationError, NewAccount, SignInError};

use crate::world::{PASSWORD, World, anonymous, secret};

async fn invited(world: &World) -> gabion_service::OneTimeLink {
    let new = NewAccount { name: "ada".to_owned(), ..NewAccount::default() };
    world.service.add_account(&Caller::operator(), new).await.unwrap()
}

#[tokio::test]
async fn a_link_works_once() {
    let world = World::new();
    let link = invited(&world).await;
    assert!(link.path().expose().starts_with("/.gabion/welcome?token="));
    let caller = anonymous("192.0.2.1");
    let accept = || world.service.accept_invitation(&caller, link.token.clone(), secret(PASSWORD));

    accept().await.unwrap();

    assert_eq!(accept().await, Err(InvitationError::Invalid));
    world.sign_in("ada").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_gets_it() {
    let world = Arc::new(World::new());
    let link = invited(&world).await;
    let tries = (0..8).map(|number| {
        let (world, token) = (Arc::clone(&world), link.token.clone());
        let password = secret(&format!("gravel under wheel number {number}"));
        tokio::spawn(async move {
            world.service.accept_invitation(&anonymous("192.0.2.1"), token, password).await
        })
    });
    let mut good = 0;
    for one in tries.collect::<Vec<_>>() {
        match one.await.unwrap() {
            Ok(()) => good += 1,
            Err(error) => assert_eq!(error, InvitationError::Invalid),
        }
    }
    assert_eq!(good, 1);
}

#[tokio::test]
async fn a_bad_password_does_not_use_the_link_up() {
    let world = World::new();
    let link = invited(&world).await;
    let caller = anonymous("192.0.2.1");
    let bad = world.service.accept_invitation(&caller, link.token.clone(), secret("short")).await;
    assert_eq!(bad, Err(InvitationError::Violations(vec!["Use at least 12 characters.".to_owned()])));
    world.service.accept_invitation(&caller, link.token, secret(PASSWORD)).await.unwrap();
}

#[tokio::test]
async fn expired_unknown_and_disabled_are_one_answer() {
    let world = World::new();
    world.administrator("root").await;
    let link = invited(&world).await;
    let caller = anonymous("192.0.2.1");
    let look = |token: &str| {
        let (service, token, caller) = (world.service.clone(), secret(token), caller.clone());
        async move { service.invitation(&caller, token).await }
    };
    for token in ["", "unknown", "\0", &"A".repeat(43), &"A".repeat(100_000)] {
        assert_eq!(look(token).await, Err(InvitationError::Invalid));
    }
    assert!(look(link.token.expose()).await.is_ok());
    world.service.disable_account(&Caller::operator(), "ada").await.unwrap();
    assert_eq!(look(link.token.expose()).await, Err(InvitationError::Invalid));
    world.service.enable_account(&Caller::operator(), "ada").await.unwrap();
    let link = world.service.reset_account(&Caller::operator(), "ada").await.unwrap();
    world.pass(59);
    assert!(look(link.token.expose()).await.is_ok());
    world.pass(1);
    assert_eq!(look(link.token.expose()).await, Err(InvitationError::Invalid));
}

#[tokio::test]
async fn without_a_ledger_the_link_stays_unused() {
    let world = World::new();
    let link = invited(&world).await;
    world.ledger.close().await.unwrap();
    let caller = anonymous("192.0.2.1");
    let answer = world.service.accept_invitation(&caller, link.token.clone(), secret(PASSWORD)).await;
    assert_eq!(answer, Err(InvitationError::Act(ActError::Unavailable)));
    assert!(world.service.invitation(&caller, link.token).await.is_ok());
    assert_eq!(world.try_sign_in("ada", PASSWORD).await.unwrap_err(), SignInError::Unavailable);
}
