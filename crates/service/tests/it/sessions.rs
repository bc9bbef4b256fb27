use gabion_model::{Outcome, SessionId};
use gabion_service::{ActError, Caller, ChangePasswordError};

use crate::world::{PASSWORD, World, anonymous, secret, signed_in};

#[tokio::test]
async fn the_list_has_this_session_first_then_the_latest_seen() {
    let world = World::new();
    world.person("ada", &[]).await;
    let mut all = Vec::new();
    for _ in 0..3 {
        world.pass(1);
        all.push(world.sign_in("ada").await);
    }
    world.pass(1);
    assert!(world.lives(&all[0]));

    let views = world.service.sessions(&signed_in(&all[1].session)).await.unwrap();

    let ids: Vec<_> = views.iter().map(|view| &view.id).collect();
    assert_eq!(ids, [&all[1].session.id, &all[0].session.id, &all[2].session.id]);
    assert_eq!(views.iter().map(|view| view.current).collect::<Vec<_>>(), [true, false, false]);
    assert_eq!(views[0].user_agent.as_deref(), Some("test/1.0"));
}

#[tokio::test]
async fn revoking_ends_the_session_and_its_live_streams() {
    let world = World::new();
    world.person("ada", &[]).await;
    let (own, other) = (world.sign_in("ada").await, world.sign_in("ada").await);
    let stream = tokio::spawn({
        let session = other.session.clone();
        async move { session.ended().await }
    });

    let caller = signed_in(&own.session);
    world.service.revoke_session(&caller, &other.session.id).await.unwrap();

    stream.await.unwrap();
    assert!(world.lives(&own) && !world.lives(&other));
    let again = world.service.revoke_session(&caller, &other.session.id).await;
    assert_eq!(again, Err(ActError::NotFound));
}

/// CWE-639: somebody else's session is as if it were not there.
#[tokio::test]
async fn nobody_ends_somebody_elses_session() {
    let world = World::new();
    world.person("ada", &[]).await;
    world.person("eve", &[]).await;
    let (ada, eve) = (world.sign_in("ada").await, world.sign_in("eve").await);

    let caller = signed_in(&eve.session);
    let theirs = world.service.revoke_session(&caller, &ada.session.id).await;
    let none = world.service.revoke_session(&caller, &SessionId::new("no-such-session")).await;

    assert_eq!((theirs, none), (Err(ActError::NotFound), Err(ActError::NotFound)));
    assert!(world.lives(&ada));
    let (outcome, reason) = world.outcomes("session.revoke").await.pop().unwrap();
    assert_eq!((outcome, reason.as_deref()), (Outcome::Failure, Some("there is no such account or session")));
}

/// CWE-770: whoever may sign in must not be able to fill the record.
#[tokio::test]
async fn vain_tries_to_end_sessions_are_counted_and_not_written_one_by_one() {
    let world = World::new();
    world.person("eve", &[]).await;
    let eve = signed_in(&world.sign_in("eve").await.session);
    let before = world.events().await.len();
    for number in 0..200 {
        let id = SessionId::new(&format!("no-such-session-{number}"));
        assert_eq!(world.service.revoke_session(&eve, &id).await, Err(ActError::NotFound));
        assert_eq!(world.service.revoke_other_sessions(&eve).await, Ok(0));
    }
    let written = world.events().await.len() - before;
    assert!((1..5).contains(&written), "{written}");
}

#[tokio::test]
async fn revoking_the_others_keeps_this_one() {
    let world = World::new();
    world.person("ada", &[]).await;
    world.person("bob", &[]).await;
    let (own, other, bob) =
        (world.sign_in("ada").await, world.sign_in("ada").await, world.sign_in("bob").await);

    let ended = world.service.revoke_other_sessions(&signed_in(&own.session)).await;

    assert_eq!(ended, Ok(1));
    assert!(world.lives(&own) && !world.lives(&other) && world.lives(&bob));
}

#[tokio::test]
async fn a_session_that_ended_may_do_nothing_more() {
    let world = World::new();
    world.person("ada", &[]).await;
    let ada = world.sign_in("ada").await;
    let caller = signed_in(&ada.session);
    world.service.sign_out(&caller).await.unwrap();

    assert!(!world.lives(&ada));
    assert_eq!(world.service.sign_out(&caller).await, Err(ActError::Forbidden));
    assert_eq!(world.service.sessions(&caller).await.unwrap_err(), ActError::Forbidden);
    let change = world.service.change_password(&caller, secret(PASSWORD), secret("x")).await;
    assert_eq!(change, Err(ChangePasswordError::Act(ActError::Forbidden)));
}

#[tokio::test]
async fn changing_the_password_ends_the_other_sessions_and_the_old_password() {
    let world = World::new();
    world.person("ada", &[]).await;
    let (own, other) = (world.sign_in("ada").await, world.sign_in("ada").await);
    let new = "gravel under every wheel";

    world.service.change_password(&signed_in(&own.session), secret(PASSWORD), secret(new)).await.unwrap();

    assert!(world.lives(&own) && !world.lives(&other));
    assert!(world.try_sign_in("ada", PASSWORD).await.is_err());
    assert!(world.try_sign_in("ada", new).await.is_ok());
}

#[tokio::test]
async fn every_broken_rule_is_named_and_nothing_changes() {
    let world = World::new();
    world.person("adalovelace", &[]).await;
    let own = world.sign_in("adalovelace").await;
    let caller = signed_in(&own.session);

    let answer = world.service.change_password(&caller, secret(PASSWORD), secret("adalovela\u{7}")).await;
    let Err(ChangePasswordError::Violations(rules)) = answer else { panic!("{answer:?}") };
    assert_eq!(rules, ["Use at least 12 characters.", "Leave out characters that cannot be seen."]);

    let answer = world.service.change_password(&caller, secret(PASSWORD), secret("passwordpassword")).await;
    assert!(matches!(answer, Err(ChangePasswordError::Violations(rules)) if rules.len() == 1));
    world.sign_in("adalovelace").await;
}

/// A stolen session must not become a stolen account by guessing.
#[tokio::test]
async fn guessing_the_current_password_is_throttled_with_the_sign_in() {
    let world = World::new();
    world.person("ada", &[]).await;
    let own = world.sign_in("ada").await;
    let caller = signed_in(&own.session);
    let guess =
        || world.service.change_password(&caller, secret("guess"), secret("gravel under every wheel"));

    for _ in 0..5 {
        assert_eq!(guess().await, Err(ChangePasswordError::Rejected));
    }
    assert!(matches!(guess().await, Err(ChangePasswordError::Throttled { .. })));
    assert!(world.service.sign_in(&anonymous("192.0.2.9"), "ada", secret(PASSWORD)).await.is_err());
}

#[tokio::test]
async fn housekeeping_ends_what_has_expired() {
    let world = World::new();
    world.person("ada", &[]).await;
    let ada = world.sign_in("ada").await;
    world.pass(29);
    world.service.tick().await.unwrap();
    assert!(world.lives(&ada));
    world.pass(30);
    world.service.tick().await.unwrap();
    assert!(ada.session.is_ended() && !world.lives(&ada));
    assert_eq!(world.service.live_sessions().count(), 0);
    assert!(world.service.list_accounts(&Caller::operator()).await.unwrap()[0].sessions == 0);
}
