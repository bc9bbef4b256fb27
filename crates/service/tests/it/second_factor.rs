//! Signing in with a second factor, setting factors up, and everything that must not get past.

use std::sync::Arc;
use std::time::Duration;

use gabion_identity::FactorSettings;
use gabion_identity::factors::totp;
use gabion_identity::storage::AccountStorage as _;
use gabion_model::{Acr, Clock as _, ControlId, Outcome, Role, Secret};
use gabion_service::{
    Act, ActError, Caller, EnrolError, Enrolled, FactorKind, Ground, Pending, Proof, SecondFactorError,
    Settings, SignedIn, Step,
};

use crate::authenticator::Authenticator;
use crate::world::{PASSWORD, World, anonymous, secret, signed_in};

/// An authenticator app.
pub(crate) struct App(Secret<Vec<u8>>);

impl App {
    pub(crate) fn code(&self, world: &World) -> Secret<String> {
        totp::code(&self.0, totp::step(world.clock.now()))
    }
}

fn base32(text: &str) -> Secret<Vec<u8>> {
    let (mut out, mut buffer, mut held) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        let value = if letter.is_ascii_uppercase() { letter - b'A' } else { letter - b'2' + 26 };
        (buffer, held) = (buffer << 5 | u32::from(value), held + 5);
        if held >= 8 {
            held -= 8;
            out.push((buffer >> held) as u8);
            buffer &= (1 << held) - 1;
        }
    }
    Secret::new(out)
}

pub(crate) async fn enrol_app(world: &World, session: &SignedIn) -> (App, Enrolled) {
    let caller = signed_in(&session.session);
    let enrolment = world.service.begin_totp(&caller, &Ground::Session).await.unwrap();
    let app = App(base32(enrolment.secret.expose()));
    let code = app.code(world);
    let enrolled = world
        .service
        .confirm_totp(&caller, &Ground::Session, &enrolment.sealed, code, " my\u{7} phone ")
        .await
        .unwrap();
    (app, enrolled)
}

/// `ada` with an app; some minutes later.
async fn with_app(world: &World) -> (App, Enrolled) {
    world.person("ada", &[]).await;
    let session = world.sign_in("ada").await;
    let enrolled = enrol_app(world, &session).await;
    world.pass(1);
    enrolled
}

pub(crate) async fn begin(world: &World) -> Pending {
    begin_as(world, &anonymous("203.0.113.7"), "ada", Acr::OneFactor).await
}

async fn begin_as(world: &World, caller: &Caller, name: &str, wanted: Acr) -> Pending {
    match world.service.sign_in_for(caller, name, secret(PASSWORD), wanted).await.unwrap() {
        Step::SecondFactor(pending) => pending,
        Step::In(_) => panic!("in without a second factor"),
    }
}

pub(crate) async fn prove(
    world: &World,
    pending: &Pending,
    proof: Proof,
) -> Result<SignedIn, SecondFactorError> {
    let tickets = [pending.ticket.clone()];
    world.service.second_factor(&anonymous("203.0.113.7"), &tickets, proof).await
}

#[tokio::test]
async fn an_app_is_set_up_and_asked_for_from_then_on() {
    let world = World::new();
    world.person("ada", &[]).await;
    let before = world.sign_in("ada").await;
    let (app, enrolled) = enrol_app(&world, &before).await;
    assert_eq!(enrolled.codes.as_ref().map(Vec::len), Some(10));
    // A new ticket, and the session says by what it was begun.
    assert_ne!(enrolled.signed_in.ticket.expose(), before.ticket.expose());
    assert!(!world.lives(&before) && world.lives(&enrolled.signed_in));
    assert_eq!(enrolled.signed_in.session.methods.acr(), Acr::TwoFactors);

    world.pass(1);
    let pending = begin(&world).await;
    assert_eq!(pending.factors, [FactorKind::Totp, FactorKind::RecoveryCode]);
    let session = prove(&world, &pending, Proof::Totp(app.code(&world))).await.unwrap();
    assert!(world.lives(&session));
    assert_eq!(session.session.methods.amr(), ["pwd", "otp", "mfa"]);
    let view = world.service.factors(&signed_in(&session.session)).await.unwrap();
    assert_eq!(view.factors.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["my phone"]);
    assert_eq!(view.recovery_codes, 10);
}

/// RFC 6238, 5.2; ASVS 6.5.1.
#[tokio::test]
async fn a_code_works_once() {
    let world = World::new();
    let (app, _) = with_app(&world).await;
    let code = app.code(&world);
    let (one, other) = (begin(&world).await, begin(&world).await);
    assert!(prove(&world, &one, Proof::Totp(code.clone())).await.is_ok());
    assert_eq!(prove(&world, &other, Proof::Totp(code)).await.unwrap_err(), SecondFactorError::Rejected);
    world.clock.advance(Duration::from_secs(30));
    assert!(prove(&world, &other, Proof::Totp(app.code(&world))).await.is_ok());
}

/// Zitadel CVE-2025-64102, Keycloak CVE-2026-16103: wrong codes that nobody counted; and GHSA-7h8m-vrxx-vr4m:
/// parallel ones that slipped past the count.
#[tokio::test(flavor = "multi_thread")]
async fn zitadel_cve_2025_64102_keycloak_cve_2026_16103_wrong_codes_are_counted_however_many_come_at_once() {
    let world = Arc::new(World::new());
    let (app, _) = with_app(&world).await;
    let pending = begin(&world).await;
    let tries: Vec<_> = (0..100)
        .map(|number| {
            let (service, ticket) = (world.service.clone(), pending.ticket.clone());
            tokio::spawn(async move {
                let caller = anonymous(&format!("198.51.100.{number}"));
                service.second_factor(&caller, &[ticket], Proof::Totp(secret("000000"))).await
            })
        })
        .collect();
    let mut looked_at = 0;
    for one in tries {
        match one.await.unwrap().unwrap_err() {
            SecondFactorError::Rejected => looked_at += 1,
            SecondFactorError::Throttled { .. } => {}
            error => panic!("{error}"),
        }
    }
    assert_eq!(looked_at, 5);
    let throttled = prove(&world, &pending, Proof::Totp(app.code(&world))).await.unwrap_err();
    assert!(matches!(throttled, SecondFactorError::Throttled { .. }), "also the right one");
    // Another kind has counters of its own, and so has the password.
    let wrong = prove(&world, &pending, Proof::RecoveryCode(secret("0000"))).await;
    assert_eq!(wrong.unwrap_err(), SecondFactorError::Rejected);
    let _ = begin(&world).await;
    let events = world.events().await;
    let wrong = events.iter().filter(|event| event.control == ControlId::AUTHN_TOTP);
    assert_eq!(wrong.filter(|event| event.outcome == Outcome::Failure).count(), 5, "each on record");
}

/// authentik CVE-2026-49448: an empty request skipped a stage.
#[tokio::test]
async fn authentik_cve_2026_49448_nothing_skips_the_second_factor() {
    let world = World::new();
    let (_, enrolled) = with_app(&world).await;
    for nothing in ["", " ", "\0", "000000000000"] {
        for proof in [Proof::Totp(secret(nothing)), Proof::RecoveryCode(secret(nothing))] {
            let pending = begin(&world).await;
            assert_eq!(prove(&world, &pending, proof).await.unwrap_err(), SecondFactorError::Rejected);
            world.pass(16);
        }
    }
    // Setting a factor up is no way around showing the one there is.
    let pending = begin(&world).await;
    let ground = Ground::Pending(vec![pending.ticket.clone()]);
    let caller = anonymous("203.0.113.7");
    assert_eq!(world.service.begin_totp(&caller, &ground).await.unwrap_err(), EnrolError::Gone);
    assert_eq!(world.service.begin_passkey(&caller, &ground).await.unwrap_err(), EnrolError::Gone);
    assert_eq!(world.service.live_sessions().count(), 1);
    drop(enrolled);
}

/// Keycloak CVE-2026-7507, CVE-2025-12390: a sign-in is its browser's, and each has a new ticket.
#[tokio::test]
async fn keycloak_cve_2026_7507_a_half_done_sign_in_is_its_browsers() {
    let world = World::new();
    let (app, enrolled) = with_app(&world).await;
    let (one, other) = (begin(&world).await, begin(&world).await);
    assert_ne!(one.ticket.expose(), other.ticket.expose());
    for foreign in
        [Vec::new(), vec![secret("A".repeat(43).as_str())], vec![enrolled.signed_in.ticket.clone()]]
    {
        let proof = Proof::Totp(app.code(&world));
        let answer = world.service.second_factor(&anonymous("203.0.113.7"), &foreign, proof).await;
        assert_eq!(answer.unwrap_err(), SecondFactorError::Gone);
        assert_eq!(world.service.pending(&foreign).await.unwrap(), None);
    }
    // oauth2-proxy #2606: a second cookie of the same name locks nobody out.
    let both = [secret(&"A".repeat(43)), one.ticket.clone()];
    let caller = anonymous("203.0.113.7");
    let session = world.service.second_factor(&caller, &both, Proof::Totp(app.code(&world))).await.unwrap();
    assert_ne!(session.ticket.expose(), one.ticket.expose(), "the session has a ticket of its own");
    world.pass(1);
    let again = prove(&world, &one, Proof::Totp(app.code(&world))).await;
    assert_eq!(again.unwrap_err(), SecondFactorError::Gone, "used up");
}

#[tokio::test]
async fn what_was_revoked_meanwhile_ends_it() {
    let world = World::new();
    let (app, _) = with_app(&world).await;
    let pending = begin(&world).await;
    world.service.disable_account(&Caller::operator(), "ada").await.unwrap();
    world.service.enable_account(&Caller::operator(), "ada").await.unwrap();
    let answer = prove(&world, &pending, Proof::Totp(app.code(&world))).await;
    assert_eq!(answer.unwrap_err(), SecondFactorError::Gone);
    let pending = begin(&world).await;
    world.pass(10);
    let answer = prove(&world, &pending, Proof::Totp(app.code(&world))).await;
    assert_eq!(answer.unwrap_err(), SecondFactorError::Gone, "too late");
}

#[tokio::test]
async fn a_recovery_code_lets_in_once_and_new_ones_replace_all() {
    let world = World::new();
    let (_, enrolled) = with_app(&world).await;
    let codes = enrolled.codes.unwrap();
    let session = {
        let pending = begin(&world).await;
        prove(&world, &pending, Proof::RecoveryCode(codes[0].clone())).await.unwrap()
    };
    assert_eq!(session.session.methods.acr(), Acr::TwoFactors);
    let pending = begin(&world).await;
    let again = prove(&world, &pending, Proof::RecoveryCode(codes[0].clone())).await;
    assert_eq!(again.unwrap_err(), SecondFactorError::Rejected);
    let caller = signed_in(&session.session);
    let new = world.service.new_recovery_codes(&caller).await.unwrap();
    let old = prove(&world, &pending, Proof::RecoveryCode(codes[1].clone())).await;
    assert_eq!(old.unwrap_err(), SecondFactorError::Rejected);
    assert!(prove(&world, &pending, Proof::RecoveryCode(new[9].clone())).await.is_ok());
}

#[tokio::test]
async fn critical_acts_ask_again() {
    let world = World::new();
    let (app, enrolled) = with_app(&world).await;
    let caller = signed_in(&enrolled.signed_in.session);
    world.service.ready_for(&caller, Act::RemoveFactor).await.unwrap();
    world.pass(6);
    let asked = ActError::StepUp { acr: Acr::TwoFactors, max_age: Duration::from_secs(300) };
    for act in [Act::ChangePassword, Act::AddFactor, Act::RemoveFactor, Act::NewRecoveryCodes] {
        assert_eq!(world.service.ready_for(&caller, act).await, Err(asked), "{act:?}");
    }
    let factors = world.service.factors(&caller).await.unwrap().factors;
    let removed = world.service.remove_factor(&caller, &factors[0].id).await;
    assert_eq!(removed, Err(EnrolError::Act(asked)));
    // The password alone is not enough any more, and the session is a new one.
    let pending = begin_as(&world, &caller, "ada", Acr::TwoFactors).await;
    let tickets = [pending.ticket.clone()];
    let again = world.service.second_factor(&caller, &tickets, Proof::Totp(app.code(&world))).await.unwrap();
    assert!(!world.lives(&enrolled.signed_in));
    world.service.remove_factor(&signed_in(&again.session), &factors[0].id).await.unwrap();
    assert!(world.service.sign_in(&caller, "ada", secret(PASSWORD)).await.unwrap().signed_in().is_some());
}

#[tokio::test]
async fn whoever_must_have_a_factor_sets_one_up_first_and_keeps_it() {
    let factors =
        FactorSettings { required_roles: vec![Role::ADMINISTRATOR.to_owned()], ..Default::default() };
    let world = World::with(Settings { factors, ..Settings::default() }, 4);
    world.administrator("ada").await;
    world.person("bob", &[]).await;
    let _ = world.sign_in("bob").await;

    let pending = begin(&world).await;
    assert_eq!(pending.factors, []);
    let tickets = [pending.ticket.clone()];
    assert!(world.service.pending(&tickets).await.unwrap().unwrap().enrol);
    let skipped = prove(&world, &pending, Proof::Totp(secret("000000"))).await;
    assert_eq!(skipped.unwrap_err(), SecondFactorError::Gone, "there is nothing to show yet");
    let (caller, ground) = (anonymous("203.0.113.7"), Ground::Pending(tickets.to_vec()));
    let enrolment = world.service.begin_totp(&caller, &ground).await.unwrap();
    let app = App(base32(enrolment.secret.expose()));
    let wrong = world.service.confirm_totp(&caller, &ground, &enrolment.sealed, secret("000000"), "").await;
    assert_eq!(wrong.unwrap_err(), EnrolError::Rejected);
    let other = begin(&world).await;
    let foreign = Ground::Pending(vec![other.ticket.clone()]);
    let code = app.code(&world);
    let moved = world.service.confirm_totp(&caller, &foreign, &enrolment.sealed, code.clone(), "").await;
    assert_eq!(moved.unwrap_err(), EnrolError::Gone, "begun in another browser");
    let enrolled = world.service.confirm_totp(&caller, &ground, &enrolment.sealed, code, "").await.unwrap();
    assert!(world.lives(&enrolled.signed_in));

    let own = signed_in(&enrolled.signed_in.session);
    let view = world.service.factors(&own).await.unwrap();
    assert!(view.required);
    let last = world.service.remove_factor(&own, &view.factors[0].id).await;
    assert_eq!(last, Err(EnrolError::LastFactor));
    let epoch = || world.storage.by_id(&enrolled.signed_in.session.principal.account).unwrap().unwrap().epoch;
    let before = epoch();
    assert_eq!(world.service.reset_factors(&Caller::operator(), "ada").await, Ok(1));
    assert!(!world.lives(&enrolled.signed_in));
    assert!(epoch() > before, "open links, tokens and half-done sign-ins of before end with it");
    assert!(begin(&world).await.factors.is_empty(), "to be set up again");
}

#[tokio::test]
async fn a_passkey_is_set_up_and_signs_in_beside_and_instead_of_a_password() {
    let world = World::new();
    world.person("ada", &[]).await;
    let session = world.sign_in("ada").await;
    let (caller, ground) = (signed_in(&session.session), Ground::Session);
    let mut key = Authenticator::new(1);
    let question = world.service.begin_passkey(&caller, &ground).await.unwrap();
    let answer = key.create(&question.options);
    let enrolled = world.service.finish_passkey(&caller, &ground, answer.clone(), "key").await.unwrap();
    let replayed =
        world.service.finish_passkey(&signed_in(&enrolled.signed_in.session), &ground, answer, "key").await;
    assert_eq!(replayed.unwrap_err(), EnrolError::Gone, "a challenge is good once");

    // Beside a password.
    let pending = begin(&world).await;
    assert_eq!(pending.factors, [FactorKind::Passkey, FactorKind::RecoveryCode]);
    let tickets = [pending.ticket.clone()];
    let question = world.service.ask_for_second_passkey(&tickets).await.unwrap();
    let proof = Proof::Passkey(key.get(&question.options));
    let session = prove(&world, &pending, proof).await.unwrap();
    assert_eq!(session.session.methods.acr(), Acr::PhishingResistant);

    // Instead of one.
    let stranger = anonymous("203.0.113.9");
    let question = world.service.ask_for_passkey(None).unwrap();
    let tickets = [question.ticket.unwrap()];
    let answer = key.get(&question.options);
    let elsewhere = world.service.sign_in_with_passkey(&stranger, &[], answer.clone(), Acr::OneFactor).await;
    assert_eq!(elsewhere.unwrap_err(), SecondFactorError::Rejected, "another browser's question");
    let step = world.service.sign_in_with_passkey(&stranger, &tickets, answer.clone(), Acr::OneFactor).await;
    let session = step.unwrap().signed_in().unwrap();
    assert_eq!(
        (&*session.session.principal.name, session.session.methods.acr()),
        ("ada", Acr::PhishingResistant)
    );
    let again = world.service.sign_in_with_passkey(&stranger, &tickets, answer, Acr::OneFactor).await;
    assert_eq!(again.unwrap_err(), SecondFactorError::Rejected, "a challenge is good once");
}

#[tokio::test]
async fn wrong_passkeys_get_nowhere() {
    let world = World::new();
    world.person("ada", &[]).await;
    world.person("eve", &[]).await;
    let mut keys = Vec::new();
    for (number, name) in ["ada", "eve"].into_iter().enumerate() {
        let session = world.sign_in(name).await;
        let caller = signed_in(&session.session);
        let question = world.service.begin_passkey(&caller, &Ground::Session).await.unwrap();
        let mut key = Authenticator::new(number as u8);
        let answer = key.create(&question.options);
        world.service.finish_passkey(&caller, &Ground::Session, answer, "").await.unwrap();
        keys.push(key);
    }
    let [mut ada, mut eve] = <[Authenticator; 2]>::try_from(keys).ok().unwrap();
    let pending = begin(&world).await;
    let tickets = [pending.ticket.clone()];
    let ask = async || world.service.ask_for_second_passkey(&tickets).await.unwrap().options;

    let foreign = Proof::Passkey(eve.get(&ask().await));
    assert_eq!(prove(&world, &pending, foreign).await.unwrap_err(), SecondFactorError::Rejected);
    let no_question = Proof::Passkey(ada.get(&serde_json::json!({ "challenge": "A".repeat(43) })));
    assert_eq!(prove(&world, &pending, no_question).await.unwrap_err(), SecondFactorError::Rejected);
    // kanidm 1.10.0: an origin that only ends like ours.
    ada.origin = "https://badgate.example".to_owned();
    let elsewhere = Proof::Passkey(ada.get(&ask().await));
    assert_eq!(prove(&world, &pending, elsewhere).await.unwrap_err(), SecondFactorError::Rejected);
    ada.origin = "https://gate.example".to_owned();
    ada.count = 0;
    let copied = Proof::Passkey(ada.get(&ask().await));
    assert_eq!(prove(&world, &pending, copied).await.unwrap_err(), SecondFactorError::Rejected);
    ada.count = 50;
    // Without a password, a passkey must check who holds it.
    ada.verifies = false;
    let question = world.service.ask_for_passkey(None).unwrap();
    let held = [question.ticket.unwrap()];
    let touched = ada.get(&question.options);
    let caller = anonymous("203.0.113.9");
    let answer = world.service.sign_in_with_passkey(&caller, &held, touched, Acr::OneFactor).await;
    assert_eq!(answer.unwrap_err(), SecondFactorError::Rejected);
    world.pass(16);
    let pending = begin(&world).await;
    let tickets = [pending.ticket.clone()];
    let options = world.service.ask_for_second_passkey(&tickets).await.unwrap().options;
    let session = prove(&world, &pending, Proof::Passkey(ada.get(&options))).await.unwrap();
    assert_eq!(session.session.methods.acr(), Acr::PhishingResistant, "beside one, a touch is enough");
    let reasons: Vec<_> = world
        .outcomes("account.sign-in")
        .await
        .into_iter()
        .filter(|(outcome, _)| *outcome == Outcome::Failure)
        .filter_map(|(_, reason)| reason)
        .collect();
    assert!(reasons.iter().any(|one| one.contains("counter")), "{reasons:?}");
    assert!(reasons.iter().any(|one| one.contains("another site")), "{reasons:?}");
}
