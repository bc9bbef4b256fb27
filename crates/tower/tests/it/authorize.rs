//! Handlers that ask what the caller may: what is asked, and what each answer of the gate becomes.

use std::sync::Arc;

use axum::extract::Path;
use axum::routing::get;
use axum::{Json, Router};
use gabion_tower::{Authorize, NotAllowed, Object, Secret};
use serde_json::{Value, json};

use crate::world::*;

async fn read(may: Authorize, Path(id): Path<String>) -> Result<Json<Value>, NotAllowed> {
    let permit = may.authorize("readOrder", Object::new("Order", &id).with("paid", true)).await?;
    Ok(Json(permit.policies.into()))
}

async fn hidden(may: Authorize, Path(id): Path<String>) -> Result<String, NotAllowed> {
    may.hiding().authorize("readOrder", Object::new("Order", &id)).await.map(|_| id)
}

async fn masked(may: Authorize, Path(id): Path<String>) -> Result<Json<Value>, NotAllowed> {
    let permit = may.masking().authorize("readOrder", Object::new("Order", &id)).await?;
    let order = json!({ "id": id, "card": "4111", "items": [{ "cost": 1, "name": "pen" }, { "cost": 2 }] });
    Ok(Json(permit.masked(order).expect("pointers")))
}

/// An application whose strangers are let in, so that it is the gate who refuses them.
fn application(world: &World) -> Application {
    let bearer = world.gabion.bearer(RESOURCE).allow_strangers().clock(Arc::clone(&world.clock) as Arc<_>);
    let key = Secret::new(KEY.to_owned());
    let router = Router::new()
        .route("/orders/{id}", get(read))
        .route("/hidden/{id}", get(hidden))
        .route("/masked/{id}", get(masked))
        .layer(world.gabion.decisions(&key).layer())
        .layer(bearer.layer().unwrap());
    Application::of(router)
}

#[tokio::test]
async fn the_gate_is_asked_about_the_caller_and_what_is_known_of_the_object() {
    let world = World::new();
    let application = application(&world);
    world.gate.tells(200, json!({ "allowed": true, "policies": ["owners"], "generation": "1", "new": 1 }));
    // A person consented to it; without a grant it is a program's own.
    let bearer = format!("Bearer {}", world.token(json!({ "gid": "g1" })));
    let answer = application.at("/orders/7", &[("authorization", &bearer)]).await;
    assert_eq!((answer.status, answer.json()), (200, json!(["owners"])));
    let asked = world.gate.asked.lock().unwrap().clone();
    let [(key, question)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(*key, format!("Bearer {KEY}"));
    let question: Value = serde_json::from_str(question).unwrap();
    assert_eq!(question["principal"], json!({ "type": "user", "id": "ada" }));
    assert_eq!(question["resource"], json!({ "type": "Order", "id": "7", "attributes": { "paid": true } }));
    assert_eq!((&question["action"], &question["obligations"]), (&json!("readOrder"), &json!([])));
    let context = &question["context"];
    assert_eq!((&context["method"], &context["path"]), (&json!("GET"), &json!("/orders/7")));
    assert_eq!((&context["credential"], &context["acr"]), (&json!("bearer"), &json!("urn:gabion:acr:2fa")));
    assert_eq!(context["auth_time"], START.as_secs() - 60);
}

#[tokio::test]
async fn each_no_has_its_answer_and_whatever_is_no_yes_is_a_no() {
    let world = World::new();
    let application = application(&world);
    let bearer = format!("Bearer {}", world.token(json!({})));
    let bearer = [("authorization", bearer.as_str())];
    let no = |reason: &str| json!({ "allowed": false, "reason": reason, "policies": [], "generation": "1" });
    for (reason, status, hidden) in [
        ("not_permitted", 403, 404),
        ("forbidden", 403, 404),
        ("mask_needed", 403, 404),
        ("unknown_subject", 403, 404),
        ("something new", 403, 404),
        ("no_such_object", 404, 404),
        ("undecidable", 503, 503),
    ] {
        world.gate.tells(200, no(reason));
        assert_eq!(application.at("/orders/7", &bearer).await.status, status, "{reason}");
        assert_eq!(application.at("/hidden/7", &bearer).await.status, hidden, "{reason}");
    }
    let mut step = no("step_up");
    step["acr_values"] = json!("phr");
    world.gate.tells(200, step);
    let answer = application.at("/orders/7", &bearer).await;
    answer.refused(401, "insufficient_user_authentication");
    assert!(answer.challenge.contains("phr"), "{answer:?}");
    // A mask that the handler did not say it would apply.
    world.gate.tells(200, json!({ "allowed": true, "mask": ["/card"] }));
    assert_eq!(application.at("/orders/7", &bearer).await.status, 502);
    for (status, told) in [
        (500, json!({ "allowed": true })),
        (403, json!({ "allowed": true })),
        (200, json!({})),
        (200, json!({ "allowed": "true" })),
        (200, json!(true)),
    ] {
        world.gate.tells(status, told.clone());
        assert_eq!(application.at("/orders/7", &bearer).await.status, 503, "{status} {told}");
    }
    *world.gate.down.lock().unwrap() = true;
    assert_eq!(application.at("/orders/7", &bearer).await.status, 503);
}

#[tokio::test]
async fn strangers_are_asked_about_too_and_told_to_sign_in() {
    let world = World::new();
    let application = application(&world);
    world.gate.tells(200, json!({ "allowed": true }));
    assert_eq!(application.at("/orders/7", &[]).await.status, 200);
    assert!(world.gate.asked.lock().unwrap()[0].1.contains("\"anonymous\""));
    world.gate.tells(200, json!({ "allowed": false, "reason": "not_permitted" }));
    let answer = application.at("/orders/7", &[]).await;
    assert_eq!(answer.status, 401);
    assert!(answer.challenge.starts_with("Bearer"), "{answer:?}");
}

#[tokio::test]
async fn what_is_masked_is_taken_out() {
    let world = World::new();
    let application = application(&world);
    let bearer = format!("Bearer {}", world.token(json!({})));
    world.gate.tells(200, json!({ "allowed": true, "mask": ["/card", "/items/*/cost", "/nowhere/x"] }));
    let answer = application.at("/masked/7", &[("authorization", &bearer)]).await;
    assert_eq!(answer.json(), json!({ "id": "7", "items": [{ "name": "pen" }, {}] }));
    assert!(world.gate.asked.lock().unwrap()[0].1.contains("\"mask\""));
}

/// A handler whose layer was forgotten lets nobody through.
#[tokio::test]
async fn without_a_layer_nothing_is_allowed() {
    let application = Application::of(Router::new().route("/orders/{id}", get(read)));
    assert_eq!(application.at("/orders/7", &[]).await.status, 500);
}
