//! The gate's signed word.

use gabion_tower::Acr;
use gabion_vault::jwt::SigningKey;
use serde_json::{Value, json};
use std::time::Duration;

use crate::world::*;

const TYPE: &str = "gabion-identity+jwt";

fn word(more: Value) -> Value {
    let mut word = json!({
        "iss": ISSUER, "sub": "ada", "aud": "shop", "iat": START.as_secs(), "exp": START.as_secs() + 300,
        "name": "Ada", "tenant": "acme", "roles": ["clerk"], "groups": ["north"], "credential": "session",
        "auth_time": START.as_secs() - 5, "acr": "phr", "amr": ["pwd", "pop", "mfa"],
    });
    for (name, value) in more.as_object().unwrap() {
        word[name] = value.clone();
    }
    word
}

#[tokio::test]
async fn a_person_behind_the_gate_is_seen_as_the_gate_saw_them() {
    let world = World::new();
    let credentials = world.gabion.session("shop").acr(Acr::TwoFactors).max_age(Duration::from_secs(5));
    let application = world.application(credentials);
    let answer = application.get(&[("gabion-identity", &world.signed(TYPE, word(json!({}))))]).await;
    assert_eq!(
        answer.json(),
        json!({
            "account": "ada", "name": "Ada", "tenant": "acme", "roles": ["clerk"], "groups": ["north"],
            "kind": "session", "client": null, "scopes": "", "authenticated": START.as_secs() - 5,
            "acr": "phr", "methods": ["pwd", "pop", "mfa"], "fields": ["host"],
        })
    );
}

/// A program the gate let in by a key: the word says so, and its scopes hold here too.
#[tokio::test]
async fn a_program_behind_the_gate_is_one_here() {
    let world = World::new();
    let either = || world.gabion.session("shop").or(world.gabion.bearer(RESOURCE));
    let program = word(json!({ "credential": "api-key", "scope": "read", "acr": null, "auth_time": null }));
    let field = world.signed(TYPE, program);
    let reading = world.application(either().scope("read")).get(&[("gabion-identity", &field)]).await;
    assert_eq!(reading.json()["kind"], "api-key");
    let writing = world.application(either().scope("write"));
    writing.get(&[("gabion-identity", &field)]).await.refused(403, "insufficient_scope");
    // People have no scopes and need none.
    let person = world.signed(TYPE, word(json!({})));
    assert_eq!(writing.get(&[("gabion-identity", &person)]).await.status, 200);
}

/// CWE-290: whoever finds a way around the gate.
#[tokio::test]
async fn a_word_that_is_not_the_gates_to_this_application_is_refused() {
    let world = World::new();
    let application = world.application(world.gabion.session("shop"));
    let forged = SigningKey::generate().unwrap().sign(TYPE, &word(json!({}))).unwrap();
    let rows = [
        (forged, "another key"),
        (world.signed("at+jwt", word(json!({}))), "an access token"),
        (world.signed("JWT", word(json!({}))), "an ID token"),
        (world.signed(TYPE, word(json!({ "aud": "blog" }))), "to another application"),
        (world.signed(TYPE, word(json!({ "iss": "https://evil.example" }))), "another gate"),
        (world.signed(TYPE, word(json!({ "exp": START.as_secs() - 11 }))), "too old"),
        (world.signed(TYPE, word(json!({ "credential": "magic" }))), "by unknown means"),
        (world.signed(TYPE, word(json!({ "credential": null }))), "by no means"),
        ("x".to_owned(), "nothing"),
        ("eyJhbGciOiJub25lIn0.e30.".to_owned(), "unsigned"),
    ];
    for (field, why) in rows {
        let answer = application.get(&[("gabion-identity", &field)]).await;
        assert_eq!(answer.status, 401, "{why}: {answer:?}");
        answer.refused(401, "");
    }
    let good = world.signed(TYPE, word(json!({})));
    application.get(&[("gabion-identity", &good), ("gabion-identity", &good)]).await.refused(401, "");
    application.get(&[]).await.refused(401, "");
    // What a proxy hands on of a stranger.
    application.get(&[("gabion-identity", "")]).await.refused(401, "");
}

#[tokio::test]
async fn a_word_beside_a_token_is_ambiguous_and_what_was_not_judged_goes_no_further() {
    let world = World::new();
    let person = world.signed(TYPE, word(json!({})));
    let bearer = format!("Bearer {}", world.token(json!({})));
    let both = [("gabion-identity", person.as_str()), ("authorization", bearer.as_str())];
    let either = world.application(world.gabion.session("shop").or(world.gabion.bearer(RESOURCE)));
    either.get(&both).await.refused(400, "");
    let tokens_only = world.application(world.gabion.bearer(RESOURCE)).get(&both).await.json();
    assert_eq!((&tokens_only["kind"], &tokens_only["fields"]), (&json!("bearer"), &json!(["host"])));
    let people_only = world.application(world.gabion.session("shop")).get(&both).await.json();
    assert_eq!(people_only["fields"], json!(["host", "authorization"]), "the application's own");
}

/// A browser gets the way to the gate's login page, a program the challenge.
#[tokio::test]
async fn a_stranger_in_a_browser_is_led_to_the_login() {
    let world = World::new();
    let navigation = [("sec-fetch-mode", "navigate"), ("accept", "text/html")];
    let application = world.application(world.gabion.session("shop"));
    let answer = application.at("/orders?page=2", &navigation).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.headers["location"], "/.gabion/login?next=/orders%3Fpage%3D2");
    let answer = world.application(world.gabion.bearer(RESOURCE)).at("/orders", &navigation).await;
    assert_eq!(answer.status, 401, "nobody signs in here");
}
