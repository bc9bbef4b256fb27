//! API keys, about which the gate is asked.

use gabion_tower::Acr;
use serde_json::{Value, json};

use crate::world::*;

fn told(more: Value) -> Value {
    let mut told = json!({
        "active": true, "token_type": "api-key", "iss": ISSUER, "jti": "k1", "sub": "bot", "username": "Bot",
        "tenant": "acme", "roles": ["clerk"], "groups": [], "scope": "read", "exp": START.as_secs() + 60,
    });
    for (name, value) in more.as_object().unwrap() {
        told[name] = value.clone();
    }
    told
}

#[tokio::test]
async fn a_key_says_whose_it_is() {
    let world = World::new();
    let application = world.application(world.gabion.api_key().scope("read").role("clerk"));
    world.gate.tells(200, told(json!({})));
    let bearer = format!("Bearer {KEY}");
    for field in [("authorization", bearer.as_str()), ("x-api-key", KEY)] {
        let answer = application.get(&[field]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(
            answer.json(),
            json!({
                "account": "bot", "name": "Bot", "tenant": "acme", "roles": ["clerk"], "groups": [],
                "kind": "api-key", "client": null, "scopes": "read", "authenticated": null, "acr": null,
                "methods": [], "fields": ["host"],
            })
        );
    }
    // Another field beside it is the application's own.
    let both = application.get(&[("x-api-key", KEY), ("authorization", "Basic eDp5")]).await.json();
    assert_eq!(both["fields"], json!(["host", "authorization"]));
}

#[tokio::test]
async fn a_key_the_gate_does_not_vouch_for_is_refused() {
    let world = World::new();
    let application = world.application(world.gabion.api_key());
    for (status, answer, refused) in [
        (200, json!({ "active": false }), 401),
        (200, told(json!({ "active": false })), 401),
        (200, told(json!({ "token_type": "Bearer" })), 401),
        (200, told(json!({ "exp": START.as_secs() })), 401),
        (200, told(json!({ "exp": null })), 401),
        (200, told(json!({ "iss": "https://evil.example" })), 401),
        (200, told(json!({ "scope": "a\tb" })), 401),
        (200, json!({ "active": true }), 401),
        (200, json!({ "active": "true" }), 503),
        (500, told(json!({})), 503),
        (302, told(json!({})), 503),
    ] {
        world.gate.tells(status, answer.clone());
        let shown = application.get(&[("x-api-key", KEY)]).await;
        shown.refused(refused, if refused == 401 { "invalid_token" } else { "" });
        assert!(!shown.body.contains("gab_"), "{}", shown.body);
    }
    *world.gate.down.lock().unwrap() = true;
    application.get(&[("x-api-key", KEY)]).await.refused(503, "");
}

#[tokio::test]
async fn one_key_in_one_place() {
    let world = World::new();
    world.gate.tells(200, told(json!({})));
    let application = world.application(world.gabion.api_key());
    let bearer = format!("Bearer {KEY}");
    application.get(&[]).await.refused(401, "");
    application.get(&[("x-api-key", KEY), ("x-api-key", KEY)]).await.refused(400, "");
    application.get(&[("x-api-key", KEY), ("authorization", &bearer)]).await.refused(400, "");
    application.at(&format!("/orders?key={KEY}"), &[]).await.refused(400, "");
    assert_eq!(world.gate.asked.lock().unwrap().len(), 0, "the gate is not asked about those");
    world
        .application(world.gabion.api_key().scope("write"))
        .bearer(KEY)
        .await
        .refused(403, "insufficient_scope");
    world.application(world.gabion.api_key().role("boss")).bearer(KEY).await.refused(403, "");
    let step_up = world.gabion.api_key().or(world.gabion.bearer(RESOURCE)).acr(Acr::OneFactor);
    world.application(step_up).bearer(KEY).await.refused(403, "");
}

#[tokio::test]
async fn a_key_beside_a_token_is_ambiguous() {
    let world = World::new();
    world.gate.tells(200, told(json!({})));
    let either = world.application(world.gabion.api_key().or(world.gabion.bearer(RESOURCE)));
    let bearer = format!("Bearer {}", world.token(json!({})));
    either.get(&[("x-api-key", KEY), ("authorization", &bearer)]).await.refused(400, "");
    assert_eq!(either.get(&[("x-api-key", KEY)]).await.json()["kind"], "api-key");
    assert_eq!(either.get(&[("authorization", &bearer)]).await.json()["kind"], "bearer");
}
