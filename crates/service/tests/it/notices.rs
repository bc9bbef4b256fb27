//! What people are told by mail about their accounts, and what hostile names make of it.

use gabion_model::outbound::Letter;
use gabion_service::{Act, ActError, Caller, CreateApiKey, Ground, Proof};

use crate::authenticator::Authenticator;
use crate::second_factor::{begin, enrol_app, prove};
use crate::world::{PASSWORD, World, secret, signed_in};

/// What somebody could hope to get into a letter: markup, heads of letters, text that runs backwards.
const HOSTILE: &str = "<img src=x onerror=alert(1)>\r\nBcc: eve@example.org\u{202e}\u{200b}{{7*7}}";

/// The one letter that was sent since the last look.
fn told(world: &World, subject: &str) -> Letter {
    let mut letters = world.outbox.take();
    let subjects: Vec<_> = letters.iter().map(|letter| letter.subject.clone()).collect();
    assert_eq!(subjects, [subject]);
    letters.remove(0)
}

/// Subject and address are one line of ours, and nothing of a name came through as more than text.
fn harmless(letter: &Letter) {
    assert_eq!(letter.to, "ada@example.org");
    assert!(
        letter.subject.chars().all(|one| one.is_ascii() && !one.is_ascii_control()),
        "{}",
        letter.subject
    );
    let (text, html) = (letter.text.expose(), letter.html.as_ref().unwrap().expose());
    for line in text.lines().chain(html.lines()) {
        assert!(!line.trim_start().starts_with("Bcc:"), "{line}");
    }
    assert!(!html.contains("<img") && !html.contains("49"), "{html}");
    for body in [text, html] {
        assert!(!body.contains(['\u{202e}', '\u{200b}']), "{body}");
    }
}

#[tokio::test]
async fn every_change_to_how_one_signs_in_is_told() {
    let world = World::new();
    world.reachable("ada").await;
    let session = world.sign_in("ada").await;
    world.outbox.take();

    // An app, and a code of recovery in its place.
    let (_, enrolled) = enrol_app(&world, &session).await;
    let letter = told(&world, "A second factor was added");
    assert!(letter.text.expose().contains("the authenticator app \"my phone\""), "{}", letter.text.expose());
    assert!(letter.text.expose().contains("https://gate.example/.gabion/account\n"));
    harmless(&letter);
    let codes = enrolled.codes.unwrap();
    let pending = begin(&world).await;
    let entered = prove(&world, &pending, Proof::RecoveryCode(codes[0].clone())).await.unwrap();
    let letter = told(&world, "A recovery code was used");
    assert!(letter.text.expose().contains("9 are left."), "{}", letter.text.expose());
    let own = signed_in(&entered.session);
    world.service.new_recovery_codes(&own).await.unwrap();
    harmless(&told(&world, "New recovery codes were made"));

    // A passkey with a hostile name comes and goes.
    let mut key = Authenticator::new(1);
    let question = world.service.begin_passkey(&own, &Ground::Session).await.unwrap();
    let answer = key.create(&question.options);
    let enrolled = world.service.finish_passkey(&own, &Ground::Session, answer, HOSTILE).await.unwrap();
    let letter = told(&world, "A second factor was added");
    assert!(letter.text.expose().contains("the passkey \"<img src=x"), "plain text is plain");
    harmless(&letter);
    let own = signed_in(&enrolled.signed_in.session);
    let view = world.service.factors(&own).await.unwrap();
    let passkey = view.factors.iter().find(|one| one.name.contains("<img")).unwrap();
    world.service.remove_factor(&own, &passkey.id).await.unwrap();
    let letter = told(&world, "A second factor was removed");
    assert!(letter.text.expose().contains("the passkey"));
    harmless(&letter);

    // The password, and what an administrator does.
    let new = secret("gravel under every wheel");
    world.service.change_password(&own, secret(PASSWORD), new).await.unwrap();
    harmless(&told(&world, "Your password was changed"));
    world.service.reset_factors(&Caller::operator(), "ada").await.unwrap();
    harmless(&told(&world, "Your second factors were removed"));
}

#[tokio::test]
async fn api_keys_and_the_end_of_an_account_are_told() {
    let world = World::new();
    world.reachable("ada").await;
    let session = world.sign_in("ada").await;
    world.outbox.take();
    let own = signed_in(&session.session);
    let label = "<img src=x onerror=alert(1)> {{7*7}}";
    let scopes = vec!["read".to_owned()];
    let new = |account: Option<&str>| CreateApiKey {
        account: account.map(str::to_owned),
        label: label.to_owned(),
        scopes: scopes.clone(),
        life: None,
    };
    let key = world.service.create_api_key(&own, new(None)).await.unwrap();
    let letter = told(&world, "An API key was created");
    assert!(letter.text.expose().contains(label), "{}", letter.text.expose());
    assert!(!letter.html.as_ref().unwrap().expose().contains("<img"));
    assert!(!letter.text.expose().contains(key.secret.expose()), "the key itself is in no letter");
    world.service.rotate_api_key(&own, &key.view.id, None).await.unwrap();
    told(&world, "An API key was replaced");
    world.service.create_api_key(&Caller::operator(), new(Some("ada"))).await.unwrap();
    told(&world, "An API key was created");
    world.service.remove_own(&own, "ada").await.unwrap();
    let letter = told(&world, "Your account was deleted");
    assert!(!letter.text.expose().contains("change your password"), "{}", letter.text.expose());
}

#[tokio::test]
async fn what_was_not_done_is_not_told() {
    let world = World::new();
    world.reachable("ada").await;
    let session = world.sign_in("ada").await;
    world.outbox.take();
    let own = signed_in(&session.session);
    assert!(world.service.remove_factor(&own, "none").await.is_err());
    assert!(world.service.new_recovery_codes(&own).await.is_err());
    assert!(world.service.create_api_key(&own, CreateApiKey::default()).await.is_err());
    assert!(world.service.remove_own(&own, "bob").await.is_err());
    assert!(world.outbox.take().is_empty());
}

/// A session left open on a shared computer is not enough for what lasts, and is for ending what one doubts.
#[tokio::test]
async fn what_is_critical_needs_a_fresh_proof() {
    let world = World::new();
    let session = world.guest("ada", &["administrator"]).await;
    let own = signed_in(&session.session);
    world.pass(6);
    for act in Act::ALL.iter().filter(|act| act.is_critical()) {
        let told = world.service.ready_for(&own, *act).await;
        assert!(matches!(told, Err(ActError::StepUp { .. })), "{act:?}: {told:?}");
    }
    for act in [
        Act::AddClient,
        Act::AddGroup,
        Act::AddServiceAccount,
        Act::ChangeClient,
        Act::ChangeEmail,
        Act::CreateApiKey,
        Act::RevokeKey,
        Act::RotateApiKey,
        Act::RotateClientSecret,
        Act::RotateKeys,
    ] {
        assert!(act.is_critical(), "{act:?}");
    }
    for act in
        [Act::RevokeSession, Act::RevokeOtherSessions, Act::RevokeApiKey, Act::RevokeGrant, Act::SignOut]
    {
        assert_eq!(world.service.ready_for(&own, act).await, Ok(()), "{act:?}");
    }
    // The operator has no session to be left open.
    for act in [Act::AddClient, Act::RotateKeys, Act::ImportAccounts] {
        assert_eq!(world.service.ready_for(&Caller::operator(), act).await, Ok(()), "{act:?}");
    }
}
