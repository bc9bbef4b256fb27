//! Dishonest browsers, links and providers.

use std::collections::BTreeMap;

use gabion_model::{Outcome, SessionId};
use gabion_service::{Arrival, FederationError, StartFederation};
use serde_json::json;

use super::op::Op;
use super::{ISSUER, Stage, Tab, let_in, provider, provider_settings, session_of, start, stranger};
use crate::world::signed_in;

/// Login CSRF (RFC 6749, section 10.12): the attacker's answer is opened in the victim's browser.
#[tokio::test]
async fn an_answer_in_another_browser_signs_nobody_in() {
    let stage = Stage::linked(|_| {}).await;
    let (mut attacker, mut victim) = (Tab::default(), Tab::default());
    let url = stage.start(&mut attacker, &stranger(), start()).await;
    let pairs = stage.op.authorize(&url);
    stage.start(&mut victim, &stranger(), start()).await;
    for tab in [&Tab::default(), &victim, &Tab { cookie: Some("x".repeat(43)) }] {
        let arrival = stage.back(tab, &stranger(), pairs.clone()).await;
        assert_eq!(arrival.unwrap_err(), FederationError::Unknown);
    }
    assert!(stage.reason().await.contains("another browser"));
    let_in(stage.back(&attacker, &stranger(), pairs).await);
}

#[tokio::test]
async fn an_answer_works_once() {
    let stage = Stage::linked(|_| {}).await;
    let mut tab = Tab::default();
    let url = stage.start(&mut tab, &stranger(), start()).await;
    let pairs = stage.op.authorize(&url);
    let_in(stage.back(&tab, &stranger(), pairs.clone()).await);
    assert_eq!(stage.back(&tab, &stranger(), pairs).await.unwrap_err(), FederationError::Unknown);
}

#[tokio::test]
async fn of_many_answers_at_once_one_signs_in() {
    let stage = Stage::linked(|_| {}).await;
    let mut tab = Tab::default();
    let url = stage.start(&mut tab, &stranger(), start()).await;
    let pairs = stage.op.authorize(&url);
    let (mut tasks, service) = (Vec::new(), stage.world.service.clone());
    for _ in 0..20 {
        let (service, pairs, cookies) = (service.clone(), pairs.clone(), tab.cookies());
        tasks.push(tokio::spawn(async move {
            service.federation_callback(&stranger(), "op", pairs, cookies).await.is_ok()
        }));
    }
    let mut let_in = 0;
    for task in tasks {
        let_in += usize::from(task.await.unwrap());
    }
    assert_eq!(let_in, 1);
}

#[tokio::test]
async fn tabs_do_not_disturb_each_other() {
    let stage = Stage::linked(|_| {}).await;
    let mut tab = Tab::default();
    let one = stage.start(&mut tab, &stranger(), start()).await;
    let other = stage.start(&mut tab, &stranger(), start()).await;
    for url in [other, one] {
        let_in(stage.back(&tab, &stranger(), stage.op.authorize(&url)).await);
    }
}

#[tokio::test]
async fn ten_minutes_are_enough() {
    let stage = Stage::linked(|_| {}).await;
    let mut tab = Tab::default();
    let url = stage.start(&mut tab, &stranger(), start()).await;
    stage.world.pass(10);
    let arrival = stage.back(&tab, &stranger(), stage.op.authorize(&url)).await;
    assert_eq!(arrival.unwrap_err(), FederationError::Unknown);
}

/// RFC 9207: an answer of one provider brought to another, by address, by `iss`, or by neither.
#[tokio::test]
async fn providers_are_not_mixed_up() {
    const EVIL: &str = "https://evil.example";
    let stage = Stage::with(vec![
        provider("evil", provider_settings(EVIL)),
        provider("op", provider_settings(ISSUER)),
    ]);
    let evil = Op::new(EVIL, stage.world.clock.clone());
    stage.network.add(&evil);
    let service = &stage.world.service;
    let depart = |name: &'static str| async move {
        service.federation_start(&stranger(), name, start(), None).await.unwrap()
    };
    let back = |name: &'static str, pairs: Vec<(String, String)>, cookie: String| async move {
        service.federation_callback(&stranger(), name, pairs, vec![cookie]).await.unwrap_err()
    };
    // The honest provider's answer, at the other's address.
    let departure = depart("op").await;
    let pairs = stage.op.authorize(&departure.url);
    let error = back("evil", pairs, departure.browser.expose().clone()).await;
    assert_eq!(error, FederationError::Rejected);
    // The evil one sends the honest one's code on, with its own name or with none.
    for iss in [Some(ISSUER), None] {
        let departure = depart("evil").await;
        let mut pairs = evil.authorize(&departure.url);
        pairs.retain(|(name, _)| name != "iss");
        pairs.extend(iss.map(|iss| ("iss".to_owned(), iss.to_owned())));
        let error = back("evil", pairs, departure.browser.expose().clone()).await;
        assert_eq!(error, FederationError::Rejected);
    }
    assert!(!evil.state().requests.iter().any(|path| path == "/token"), "no code was sent anywhere");
    assert!(!stage.op.state().requests.iter().any(|path| path == "/token"));
}

#[tokio::test]
async fn missing_repeated_and_foreign_input_fails_closed() {
    let stage = Stage::linked(|_| {}).await;
    let before = stage.op.state().requests.clone();
    type Change = fn(&mut Vec<(String, String)>);
    let changes: &[(&str, Change)] = &[
        ("nothing at all", |pairs| pairs.clear()),
        ("no state", |pairs| pairs.retain(|(name, _)| name != "state")),
        ("no code", |pairs| pairs.retain(|(name, _)| name != "code")),
        ("empty code", |pairs| pairs[0].1.clear()),
        ("two states", |pairs| pairs.push(pairs[1].clone())),
        ("two codes", |pairs| pairs.push(pairs[0].clone())),
        ("code and error", |pairs| pairs.push(("error".to_owned(), "access_denied".to_owned()))),
        ("another state", |pairs| pairs[1].1 = "x".repeat(43)),
        ("huge code", |pairs| pairs[0].1 = "x".repeat(100_000)),
    ];
    for (what, change) in changes {
        let mut tab = Tab::default();
        let url = stage.start(&mut tab, &stranger(), start()).await;
        let mut pairs = stage.op.authorize(&url);
        change(&mut pairs);
        assert!(stage.back(&tab, &stranger(), pairs).await.is_err(), "{what}");
    }
    assert_eq!(stage.op.state().requests, before, "no code was sent for any of them");
    let unknown = stage.world.service.federation_callback(&stranger(), "nobody", vec![], vec![]).await;
    assert!(unknown.is_err());
}

/// GO-2026-4861: what a provider writes about an error is shown nowhere.
#[tokio::test]
async fn hydra_go_2026_4861_a_refusal_at_the_provider_is_told_in_our_words() {
    let stage = Stage::linked(|_| {}).await;
    for (error, expected) in [
        ("access_denied", FederationError::Denied),
        ("<script>alert(1)</script>", FederationError::Unreachable),
    ] {
        let mut tab = Tab::default();
        let url = stage.start(&mut tab, &stranger(), start()).await;
        let mut pairs = stage.op.authorize(&url);
        pairs[0] = ("error".to_owned(), error.to_owned());
        pairs.push(("error_description".to_owned(), "<b>call this number</b>".to_owned()));
        let refused = stage.back(&tab, &stranger(), pairs).await.unwrap_err();
        assert_eq!(refused, expected);
        assert!(!format!("{refused} {}", stage.reason().await).contains('<'));
    }
}

#[tokio::test]
async fn a_provider_that_is_down_is_said_to_be_and_asked_again_later() {
    let stage = Stage::new(|_| {});
    stage.op.state().down = true;
    let service = &stage.world.service;
    for _ in 0..3 {
        let start = service.federation_start(&stranger(), "op", start(), None).await;
        assert_eq!(start.unwrap_err(), FederationError::Unreachable);
    }
    stage.op.state().down = false;
    let again = service.federation_start(&stranger(), "op", start(), None).await;
    assert_eq!(again.unwrap_err(), FederationError::Unreachable, "not asked again within seconds");
    stage.world.pass(1);
    let departure = service.federation_start(&stranger(), "op", start(), None).await.unwrap();
    // What is known of a provider outlives its next outage, for starting and for keys.
    stage.op.state().down = true;
    stage.world.pass(90);
    assert!(service.federation_start(&stranger(), "op", start(), None).await.is_ok());
    drop(departure);
    assert_eq!(service.federation_providers().len(), 1, "the sign-in page does not ask providers");
}

#[tokio::test]
async fn redirects_and_private_addresses_are_not_followed() {
    let stage = Stage::new(|_| {});
    stage.op.state().redirects = true;
    let service = &stage.world.service;
    let start_ = service.federation_start(&stranger(), "op", start(), None).await;
    assert_eq!(start_.unwrap_err(), FederationError::Unreachable);
    assert_eq!(stage.op.state().requests, ["/.well-known/openid-configuration"]);
    let inside = Stage::with(vec![provider("op", provider_settings("https://10.0.0.7"))]);
    let start_ = inside.world.service.federation_start(&stranger(), "op", start(), None).await;
    assert_eq!(start_.unwrap_err(), FederationError::Unreachable);
}

#[tokio::test]
async fn huge_documents_are_refused() {
    let stage = Stage::new(|_| {});
    stage.op.state().metadata.insert("padding".to_owned(), json!("x".repeat(1 << 20)));
    let start_ = stage.world.service.federation_start(&stranger(), "op", start(), None).await;
    assert_eq!(start_.unwrap_err(), FederationError::Unreachable);
    let stage = Stage::linked(|_| {}).await;
    stage.op.state().userinfo.insert("padding".to_owned(), json!("x".repeat(1 << 20)));
    assert_eq!(stage.sign_in(&mut Tab::default()).await.unwrap_err(), FederationError::Unreachable);
}

/// Unknown key ids make us ask for keys, but not as often as somebody likes.
#[tokio::test]
async fn keys_that_do_not_exist_are_not_asked_for_without_end() {
    let stage = Stage::linked(|_| {}).await;
    let asked = |stage: &Stage| stage.op.state().requests.iter().filter(|path| *path == "/jwks").count();
    let before = asked(&stage);
    // Signed by a key that is not published.
    stage.op.state().rotated = true;
    let mut set = BTreeMap::new();
    for try_ in 0..10 {
        let mut tab = Tab::default();
        let url = stage.start(&mut tab, &stranger(), start()).await;
        let pairs = stage.op.authorize(&url);
        set.insert(try_, stage.back(&tab, &stranger(), pairs).await.is_ok());
    }
    assert!(asked(&stage) <= before + 1, "{}", asked(&stage));
}

/// A session id must not survive a sign-in (CWE-384), federated or not.
#[tokio::test]
async fn a_sign_in_leaves_the_former_session_behind() {
    let stage = Stage::linked(|_| {}).await;
    let former = let_in(stage.sign_in(&mut Tab::default()).await);
    let caller = signed_in(&former.session);
    let mut tab = Tab::default();
    let url = stage.start(&mut tab, &caller, start()).await;
    let next = let_in(stage.back(&tab, &caller, stage.op.authorize(&url)).await);
    let ids: [SessionId; 2] = [session_of(&former), session_of(&next)];
    assert_ne!(ids[0], ids[1]);
    assert!(!stage.world.lives(&former) && stage.world.lives(&next));
}

#[tokio::test]
async fn whoever_must_prove_anew_is_asked_anew() {
    let stage = Stage::linked(|_| {}).await;
    let fresh = || StartFederation { fresh: true, ..start() };
    let mut tab = Tab::default();
    let url = stage.start(&mut tab, &stranger(), fresh()).await;
    assert!(url.contains("prompt=login") && url.contains("max_age=0"), "{url}");
    let_in(stage.back(&tab, &stranger(), stage.op.authorize(&url)).await);
    let old = stage.world.clock.as_ref();
    let hour_ago = gabion_model::Clock::now(old).as_secs() - 3600;
    stage.op.state().id_token.insert("auth_time".to_owned(), json!(hour_ago));
    let url = stage.start(&mut tab, &stranger(), fresh()).await;
    let arrival = stage.back(&tab, &stranger(), stage.op.authorize(&url)).await;
    assert_eq!(arrival.unwrap_err(), FederationError::NotFresh);
    // Not asked anew: the session says when the person really proved who they are.
    let signed_in = let_in(stage.sign_in(&mut tab).await);
    assert_eq!(signed_in.session.authenticated.as_secs(), hour_ago);
}

#[tokio::test]
async fn what_was_typed_and_sent_is_not_on_record() {
    let stage = Stage::linked(|_| {}).await;
    let mut tab = Tab::default();
    let url = stage.start(&mut tab, &stranger(), start()).await;
    let pairs = stage.op.authorize(&url);
    let _ = stage.back(&Tab::default(), &stranger(), pairs.clone()).await;
    let_in(stage.back(&tab, &stranger(), pairs.clone()).await);
    let record = format!("{:?}", stage.world.events().await);
    for (name, value) in pairs.iter().filter(|(name, _)| name != "iss") {
        assert!(!record.contains(value.as_str()), "{name}");
    }
    assert!(!record.contains(super::op::SECRET));
    let outcomes = stage.world.outcomes("federation.sign-in").await;
    assert!(outcomes.iter().all(|(outcome, _)| *outcome == Outcome::Failure));
    assert!(matches!(stage.sign_in(&mut tab).await, Ok(Arrival::SignedIn { .. })));
}
