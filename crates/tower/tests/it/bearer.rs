//! Access tokens by the gate's published keys.

use gabion_tower::{Acr, CredentialKind};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::jwt::SigningKey;
use serde_json::json;
use std::time::Duration;

use crate::world::*;

#[tokio::test]
async fn a_token_says_who_acts_for_whom() {
    let world = World::new();
    let application = world.application(world.gabion.bearer(RESOURCE));
    let answer = application.bearer(&world.token(json!({}))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.json(),
        json!({
            "account": "ada", "name": "ada", "tenant": "acme", "roles": ["clerk"], "groups": ["north"],
            "kind": "bearer", "client": "shop", "scopes": "read write",
            "authenticated": START.as_secs() - 60, "acr": "urn:gabion:acr:2fa", "methods": [],
            "fields": ["host"],
        }),
        "and the token is not handed on"
    );
    let passing = world.application(world.gabion.bearer(RESOURCE).pass_authorization());
    let kept = passing.bearer(&world.token(json!({}))).await.json();
    assert_eq!(kept["fields"], json!(["host", "authorization"]));
}

/// RFC 6750, 3; RFC 9068, 4; RFC 8725, 3.
#[tokio::test]
async fn what_is_no_token_for_this_application_is_refused() {
    let world = World::new();
    let application = world.application(world.gabion.bearer(RESOURCE));
    let stranger = SigningKey::generate().unwrap();
    let good = world.token(json!({}));
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
    let none = base64url_encode(br#"{"alg":"none","typ":"at+jwt"}"#);
    let kid = world.gate.signing.kid();
    let shared = base64url_encode(format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{kid}"}}"#).as_bytes());
    let rows = [
        ("", "nothing"),
        ("x", "no token"),
        (&*stranger.sign("at+jwt", &claims(json!({}))).unwrap(), "another key"),
        (&*world.signed("JWT", claims(json!({}))), "an ID token"),
        (&*world.signed("gabion-identity+jwt", claims(json!({}))), "the gate's word to an upstream"),
        (&*world.token(json!({ "iss": "https://evil.example" })), "another issuer"),
        (&*world.token(json!({ "aud": "https://shop.example" })), "another resource"),
        (&*world.token(json!({ "aud": ["https://a.example", "https://b.example"] })), "others"),
        (&*world.token(json!({ "exp": START.as_secs() - 11 })), "expired"),
        (&*world.token(json!({ "nbf": START.as_secs() + 11 })), "not yet"),
        (&*world.token(json!({ "cnf": { "jkt": "k" } })), "bound to a key"),
        (
            &*world.token(json!({ "cnf": { "x5t#S256": base64url_encode(&[7; 32]) } })),
            "bound to a certificate",
        ),
        (&*world.token(json!({ "cnf": {} })), "bound to something"),
        (&format!("{none}.{payload}."), "no algorithm"),
        (&format!("{shared}.{payload}.{signature}"), "another algorithm"),
        (&format!("{header}.{payload}.{}", base64url_encode(&[0; 64])), "no signature"),
        (&"x".repeat(20_000), "too long"),
    ];
    for (token, why) in rows {
        let answer = application.bearer(token).await;
        assert_eq!(answer.status, 401, "{why}: {answer:?}");
        answer.refused(401, if token.is_empty() { "" } else { "invalid_token" });
        assert!(!answer.body.contains(token) || token.len() < 2, "{why}: {}", answer.body);
    }
    assert_eq!(application.bearer(&good).await.status, 200);
}

/// Deny by default, and RFC 6750, 2: one credential, in one place.
#[tokio::test]
async fn nothing_several_and_the_wrong_place_are_refused() {
    let world = World::new();
    let application = world.application(world.gabion.bearer(RESOURCE));
    let bearer = format!("Bearer {}", world.token(json!({})));
    let nothing = application.get(&[]).await;
    nothing.refused(401, "");
    assert_eq!(nothing.challenge, "Bearer realm=\"gabion\"");
    application.get(&[("authorization", &bearer), ("authorization", &bearer)]).await.refused(400, "");
    application.get(&[("authorization", &bearer), ("authorization", "Basic eDp5")]).await.refused(400, "");
    application.bearer(KEY).await.refused(403, "");
    application.get(&[("x-api-key", KEY), ("authorization", &bearer)]).await.refused(403, "");
    application.at(&format!("/orders?key={KEY}"), &[("authorization", &bearer)]).await.refused(400, "");
    let query = format!("/orders?access_token={}", world.token(json!({})));
    application.at(&query, &[]).await.refused(401, "");
    for other in ["Basic eDp5", "Digest x", &bearer.replace("Bearer ", "Bearer")] {
        application.get(&[("authorization", other)]).await.refused(401, "");
    }
    // A DPoP token is bound to a key, and this one is not.
    application
        .get(&[("authorization", &bearer.replace("Bearer", "DPoP"))])
        .await
        .refused(401, "invalid_token");
}

/// RFC 6750, 3.1 and RFC 9470, 3.
#[tokio::test]
async fn scope_role_strength_and_age_are_asked_for() {
    let world = World::new();
    let bearer = || world.gabion.bearer(RESOURCE);
    let token = world.token(json!({}));
    let rows = [
        (bearer().scope("read").scope("write").role("clerk").role("boss"), 200, ""),
        (bearer().scope("read").scope("delete"), 403, "insufficient_scope"),
        (bearer().role("boss"), 403, ""),
        (bearer().acr(Acr::TwoFactors).max_age(Duration::from_secs(60)), 200, ""),
        (bearer().acr(Acr::PhishingResistant), 401, "insufficient_user_authentication"),
        (bearer().max_age(Duration::from_secs(59)), 401, "insufficient_user_authentication"),
    ];
    for (credentials, status, error) in rows {
        let answer = world.application(credentials.clone()).bearer(&token).await;
        assert_eq!(answer.status, status, "{credentials:?} {answer:?}");
        if status != 200 {
            answer.refused(status, error);
        }
    }
    let step_up = world.application(bearer().acr(Acr::PhishingResistant).max_age(Duration::from_secs(5)));
    let challenge = step_up.bearer(&token).await.challenge;
    assert!(challenge.contains("acr_values=\"phr\"") && challenge.contains("max_age=\"5\""), "{challenge}");
    // A service acts by itself: nobody signed in.
    let service = world.token(json!({ "auth_time": null, "acr": null }));
    world.application(bearer().acr(Acr::OneFactor)).bearer(&service).await.refused(403, "");
}

#[tokio::test]
async fn strangers_may_come_and_liars_may_not() {
    let world = World::new();
    let application = world.application(world.gabion.bearer(RESOURCE).scope("read").allow_strangers());
    assert_eq!(application.get(&[]).await.json(), json!({ "fields": ["host"] }));
    application.bearer("x").await.refused(401, "invalid_token");
    assert_eq!(application.bearer(&world.token(json!({}))).await.json()["account"], "ada");
}

/// A token revoked a moment ago: believed to its end by its signature, refused where the gate is asked.
#[tokio::test]
async fn asking_sees_what_was_revoked() {
    let world = World::new();
    let token = world.token(json!({}));
    let trusting = world.application(world.gabion.bearer(RESOURCE));
    let asking = world.application(world.gabion.bearer(RESOURCE).asking());
    world.gate.tells(200, json!({ "active": true, "iss": ISSUER, "sub": "ada" }));
    assert_eq!(asking.bearer(&token).await.status, 200);
    let (authorization, form) = world.gate.asked.lock().unwrap().remove(0);
    assert_eq!(authorization, "Basic c2hvcCthcGk6czNjciUyNnQ=", "RFC 6749, 2.3.1: each part form-encoded");
    assert_eq!(form, format!("token={token}"));
    for (status, told, refused) in [
        (200, json!({ "active": false }), 401),
        (200, json!({ "active": true, "iss": ISSUER, "sub": "eve" }), 401),
        (200, json!({ "active": true, "iss": "https://evil.example", "sub": "ada" }), 401),
        (200, json!({}), 503),
        (200, json!("active"), 503),
        (401, json!({ "error": "invalid_client" }), 503),
    ] {
        world.gate.tells(status, told.clone());
        let answer = asking.bearer(&token).await;
        assert_eq!(answer.status, refused, "{told} {answer:?}");
    }
    assert_eq!(trusting.bearer(&token).await.status, 200);
}

#[test]
fn what_cannot_be_asked_for_is_no_layer() {
    let world = World::new();
    let bearer = || world.gabion.bearer(RESOURCE);
    assert!(bearer().scope("a b").layer().unwrap_err().to_string().contains("`a b` is not a scope"));
    assert!(world.gabion.session("shop").scope("read").layer().is_ok(), "programs come through the gate too");
    assert!(world.gabion.api_key().acr(Acr::TwoFactors).layer().is_err(), "keys never sign in");
    let unknown = gabion_tower::Gabion::at(ISSUER).unwrap();
    assert!(unknown.api_key().layer().unwrap_err().to_string().contains("Gabion::client"));
    assert!(unknown.bearer(RESOURCE).asking().layer().is_err());
    assert!(unknown.bearer(RESOURCE).layer().is_ok());
    assert_eq!(CredentialKind::ALL.len(), 4);
}
