//! The gate's keys: fetched once, anew when they turn, and never believed for ever.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use gabion_model::outbound::Fetch;
use gabion_tower::Gabion;
use gabion_vault::jwt::SigningKey;
use serde_json::json;

use crate::world::*;

fn fetches(world: &World) -> usize {
    world.gate.key_fetches.load(Ordering::Relaxed)
}

#[tokio::test]
async fn keys_are_fetched_once_for_all() {
    let world = World::new();
    let (orders, bills) = (
        world.application(world.gabion.bearer(RESOURCE)),
        world.application(world.gabion.clone().bearer(RESOURCE)),
    );
    let token = world.token(json!({}));
    let (one, other) = tokio::join!(orders.bearer(&token), bills.bearer(&token));
    assert_eq!((one.status, other.status, fetches(&world)), (200, 200, 1));
    world.pass(299);
    assert_eq!((orders.bearer(&token).await.status, fetches(&world)), (200, 1));
    world.pass(1);
    assert_eq!((orders.bearer(&token).await.status, fetches(&world)), (200, 2));
}

/// Overlap rotation: the new key is found, the old one counts until it is published no more.
#[tokio::test]
async fn keys_turn_without_anybody_noticing() {
    let world = World::new();
    let application = world.application(world.gabion.bearer(RESOURCE));
    let old = world.token(json!({}));
    assert_eq!(application.bearer(&old).await.status, 200);
    let next = SigningKey::generate().unwrap();
    let new = next.sign("at+jwt", &claims(json!({}))).unwrap();
    world.gate.publish(&[&world.gate.signing, &next]);
    world.pass(10);
    for token in [&new, &old] {
        assert_eq!(application.bearer(token).await.status, 200);
    }
    assert_eq!(fetches(&world), 2);
    world.gate.publish(&[&next]);
    world.pass(300);
    assert_eq!(application.bearer(&new).await.status, 200);
    application.bearer(&old).await.refused(401, "invalid_token");
}

#[tokio::test]
async fn keys_that_do_not_exist_make_nobody_ask_without_end() {
    let world = World::new();
    let application = world.application(world.gabion.bearer(RESOURCE));
    assert_eq!(application.bearer(&world.token(json!({}))).await.status, 200);
    for _ in 0..50 {
        let stranger = SigningKey::generate().unwrap().sign("at+jwt", &claims(json!({}))).unwrap();
        application.bearer(&stranger).await.refused(401, "invalid_token");
        assert_eq!(application.bearer(&world.token(json!({}))).await.status, 200);
    }
    assert_eq!(fetches(&world), 1);
}

#[tokio::test]
async fn without_the_gate_its_keys_go_on_for_an_hour_and_then_nothing_does() {
    let world = World::new();
    let application = world.application(world.gabion.bearer(RESOURCE));
    let token = world.token(json!({ "exp": START.as_secs() + 100_000 }));
    *world.gate.down.lock().unwrap() = true;
    let unknown = application.bearer(&token).await;
    unknown.refused(503, "");
    assert_eq!(unknown.headers["retry-after"], "5");
    *world.gate.down.lock().unwrap() = false;
    world.pass(10);
    assert_eq!(application.bearer(&token).await.status, 200);
    *world.gate.down.lock().unwrap() = true;
    world.pass(3599);
    assert_eq!(application.bearer(&token).await.status, 200);
    world.pass(1);
    application.bearer(&token).await.refused(503, "");
}

#[test]
fn an_issuer_is_an_origin_and_nobody_listens_in_between() {
    let gate = World::new().gate;
    let at = |issuer: &str| Gabion::through(issuer, Arc::clone(&gate) as Arc<dyn Fetch>);
    for issuer in
        ["https://id.example", "https://id.example:8443", "http://127.0.0.1:8080", "http://localhost:1"]
    {
        assert!(at(issuer).is_ok(), "{issuer}");
        assert!(Gabion::at(issuer).is_ok(), "{issuer}");
    }
    for issuer in [
        "",
        "id.example",
        "https://",
        "https://id.example/",
        "https://id.example/x",
        "http://id.example",
        "http://10.0.0.1",
        "https://a@id.example",
        "https://id.example?x",
        "https://id.example#x",
        "ftp://x.example",
        "https://id.example\n",
        "http://localhost.evil.example",
    ] {
        assert!(at(issuer).is_err() && Gabion::at(issuer).is_err(), "{issuer}");
    }
}
