use std::sync::Arc;
use std::time::Duration;

use gabion_identity::storage::{AccountChange, AccountStorage as _};
use gabion_identity::{LoginSettings, PasswordSettings};
use gabion_model::{ByteSize, ControlId, Methods, Outcome};
use gabion_service::{Caller, Settings, SignInError};

use crate::world::{PASSWORD, World, anonymous, secret, signed_in};

#[tokio::test]
async fn right_password_begins_a_session_that_is_on_record() {
    let world = World::new();
    world.person("ada", &["editor"]).await;

    let ada = world.sign_in(" Ada ").await;

    assert!(world.lives(&ada));
    assert_eq!(&*ada.session.principal.name, "ada");
    let events = world.events().await;
    let [.., begun, success] = events.as_slice() else { panic!("two events") };
    assert_eq!((begun.action.as_str(), begun.outcome), ("account.sign-in", Outcome::Begun));
    assert_eq!((success.action.as_str(), success.outcome), ("account.sign-in", Outcome::Success));
    assert_eq!(begun.request_id, success.request_id);
    assert_eq!(success.metadata.get("session").map(String::as_str), Some(ada.session.id.as_str()));
    assert_eq!(success.address, Some("203.0.113.7".parse().unwrap()));
}

/// CWE-204: one answer for all, and the record knows why.
#[tokio::test]
async fn unknown_wrong_disabled_and_not_enrolled_get_one_answer() {
    let world = World::new();
    world.person("ada", &[]).await;
    world.person("bob", &[]).await;
    world.service.disable_account(&Caller::operator(), "bob").await.unwrap();
    world.service.reset_account(&Caller::operator(), "ada").await.unwrap();
    world.person("eve", &[]).await;

    let tries = [("nobody", PASSWORD), ("eve", "wrong"), ("bob", PASSWORD), ("ada", PASSWORD), ("<b>", "x")];
    for (number, (name, password)) in tries.into_iter().enumerate() {
        let caller = anonymous(&format!("198.51.100.{number}"));
        let answer = world.service.sign_in(&caller, name, secret(password)).await;
        assert_eq!(answer.unwrap_err(), SignInError::Rejected, "{name}");
    }

    let events = world.events().await;
    let tries = events.iter().filter(|event| event.action == "account.sign-in");
    let mut record: Vec<_> = tries.map(|event| (event.control, event.resource.as_str())).collect();
    record.sort_unstable();
    assert_eq!(
        record,
        [
            (ControlId::AUTHN_INSTANT_OFFBOARDING, "bob"),
            (ControlId::AUTHN_NO_ENUMERATION, ""),
            (ControlId::AUTHN_NO_ENUMERATION, ""),
            (ControlId::AUTHN_PASSWORD_HASHING, "ada"),
            (ControlId::AUTHN_PASSWORD_HASHING, "eve"),
        ]
    );
}

/// A flood is told to come back later, whether or not the name exists.
#[tokio::test]
async fn more_tries_than_places_are_refused_at_once() {
    let login = LoginSettings { failures_per_account: 100, ..LoginSettings::default() };
    let world = World::with(Settings { login, ..Settings::default() }, 1);
    world.person("ada", &[]).await;
    for name in ["ada", "nobody"] {
        let tries = (0..40).map(|number| {
            let service = world.service.clone();
            let caller = anonymous(&format!("192.0.2.{number}"));
            tokio::spawn(async move { service.sign_in(&caller, name, secret("wrong")).await })
        });
        let mut busy = 0;
        for one in tries.collect::<Vec<_>>() {
            busy += usize::from(one.await.unwrap().unwrap_err() == SignInError::Busy);
        }
        // One at the worker and sixteen waiting; a few more when one is done meanwhile.
        assert!((1..=23).contains(&busy), "{name}: {busy}");
    }
    world.pass(15);
    world.sign_in("ada").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn wrong_tries_at_once_count_one_by_one() {
    let world = Arc::new(World::new());
    world.person("ada", &[]).await;

    let tries = (0..20).map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.try_sign_in("ada", "wrong").await })
    });
    let mut answers = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        answers.push(one.await.unwrap().unwrap_err());
    }

    let rejected = answers.iter().filter(|answer| **answer == SignInError::Rejected).count();
    assert_eq!(rejected, 5);
    assert!(matches!(world.try_sign_in("ada", PASSWORD).await, Err(SignInError::Throttled { .. })));
}

#[tokio::test]
async fn throttled_until_the_window_has_passed() {
    let world = World::new();
    world.person("ada", &[]).await;
    for _ in 0..5 {
        assert_eq!(world.try_sign_in("ada", "wrong").await.unwrap_err(), SignInError::Rejected);
    }

    let elsewhere = anonymous("198.51.100.200");
    let answer = world.service.sign_in(&elsewhere, "ada", secret(PASSWORD)).await;
    let Err(SignInError::Throttled { retry_after }) = answer else { panic!("{answer:?}") };
    assert!(retry_after <= Duration::from_secs(900) && retry_after > Duration::from_secs(890));

    world.pass(15);
    world.sign_in("ada").await;
}

/// A flood of guesses costs neither hashing nor disk, and is on record with its count.
#[tokio::test]
async fn throttled_tries_are_folded() {
    let world = World::new();
    world.person("ada", &[]).await;
    for _ in 0..505 {
        world.try_sign_in("ada", "wrong").await.unwrap_err();
    }
    world.ledger.close().await.unwrap();
    let records = world.ledger.tail(10_000).unwrap();
    let tries: Vec<_> = records
        .iter()
        .map(|record| &record.event)
        .filter(|event| event.action == "account.sign-in")
        .collect();
    let (throttled, looked_at): (Vec<_>, Vec<_>) =
        tries.into_iter().partition(|event| event.control == ControlId::AUTHN_LOGIN_THROTTLE);
    assert_eq!(looked_at.len(), 5);
    assert!(throttled.len() < 10, "{}", throttled.len());
    assert_eq!(throttled.iter().map(|event| event.count).sum::<u64>(), 500);
}

#[tokio::test]
async fn right_passwords_are_not_counted() {
    let world = World::new();
    world.person("ada", &[]).await;
    for _ in 0..12 {
        world.sign_in("ada").await;
    }
}

#[tokio::test]
async fn signing_in_again_ends_the_former_session_of_this_browser_only() {
    let world = World::new();
    world.person("ada", &[]).await;
    let (browser, elsewhere) = (world.sign_in("ada").await, world.sign_in("ada").await);

    let again = world.service.sign_in(&signed_in(&browser.session), "ada", secret(PASSWORD)).await.unwrap();
    let again = again.signed_in().unwrap();

    assert_ne!(again.session.id, browser.session.id);
    assert_ne!(again.ticket.expose(), browser.ticket.expose());
    assert!(!world.lives(&browser) && world.lives(&elsewhere) && world.lives(&again));
}

#[tokio::test]
async fn a_cheaper_hash_is_replaced_at_sign_in() {
    let world = World::new();
    let link = world.person("ada", &[]).await;
    let hash = |world: &World| world.storage.by_id(&link.account).unwrap().unwrap().password.unwrap();
    assert!(hash(&world).contains("m=19456,t=2,p=1"));
    let passwords = PasswordSettings { memory: ByteSize::new(20 << 20), passes: 3, ..Default::default() };
    world.service.set_settings(&Settings { passwords, ..Settings::default() });

    world.try_sign_in("ada", "wrong").await.unwrap_err();
    assert!(hash(&world).contains("m=19456"), "only a right password is hashed anew");
    world.sign_in("ada").await;

    assert!(hash(&world).contains("m=20480,t=3,p=1"));
    world.sign_in("ada").await;
}

#[tokio::test]
async fn a_session_cannot_begin_once_the_account_was_changed() {
    let world = World::new();
    let link = world.person("ada", &[]).await;
    let before = world.storage.by_id(&link.account).unwrap().unwrap();
    world.storage.update(&link.account, &AccountChange::Disable).unwrap();
    let begin = gabion_identity::BeginSession {
        methods: Methods::PASSWORD,
        address: None,
        user_agent: None,
        now: before.created,
    };
    let rng = gabion_model::random::SeededRng::new(3);
    assert!(world.service.live_sessions().begin(&before, begin, &rng).is_err());
}

#[tokio::test]
async fn the_whole_gate_slows_down_under_guessing_from_everywhere() {
    let login = LoginSettings { failures_in_all: 10, ..LoginSettings::default() };
    let world = World::with(Settings { login, ..Settings::default() }, 4);
    for number in 0..10 {
        let caller = anonymous(&format!("198.51.{number}.1"));
        let answer = world.service.sign_in(&caller, &format!("name{number}"), secret("guess")).await;
        assert_eq!(answer.unwrap_err(), SignInError::Rejected);
    }
    let answer = world.service.sign_in(&anonymous("192.0.2.1"), "fresh", secret("guess")).await;
    assert!(matches!(answer, Err(SignInError::Throttled { .. })));
}
