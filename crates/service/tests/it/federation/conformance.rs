//! The modules of the OpenID conformance plan "RP Basic" (`oidcc-client-basic-certification-test-plan`),
//! by their names without `oidcc-client-test`: modelled on them, not the suite itself. Registered in
//! `conformance/oidc/modules-rp.toml`.

use gabion_model::Methods;
use gabion_service::{Arrival, FederationError};
use gabion_vault::jose::Algorithm;
use serde_json::{Value, json};

use super::op::{Op, Signed};
use super::{Stage, Tab, let_in};

/// Signs in at a provider with a defect, and expects to be refused for `reason`.
async fn refused(defect: impl FnOnce(&Op), reason: &str) {
    let stage = Stage::linked(|_| {}).await;
    defect(&stage.op);
    let arrival = stage.sign_in(&mut Tab::default()).await;
    assert_eq!(arrival.unwrap_err(), FederationError::Rejected);
    let found = stage.reason().await;
    assert!(found.contains(reason), "{found}");
    assert!(stage.world.outcomes("account.sign-in").await.len() == 2, "only the first sign-in is on record");
}

fn id_token(claim: &'static str, value: Value) -> impl FnOnce(&Op) {
    move |op| {
        op.state().id_token.insert(claim.to_owned(), value);
    }
}

#[tokio::test]
async fn happy_path() {
    let stage = Stage::linked(|_| {}).await;
    let signed_in = let_in(stage.sign_in(&mut Tab::default()).await);
    assert!(signed_in.session.methods.contains(Methods::FEDERATED));
    assert!(stage.world.lives(&signed_in));
}

#[tokio::test]
async fn nonce_invalid() {
    refused(id_token("nonce", json!("another")), "nonce").await;
}

#[tokio::test]
async fn scope_userinfo_claims() {
    let stage = Stage::new(|_| {});
    stage.op.state().userinfo.extend(
        json!({"email": "ada@op.example", "email_verified": true, "name": "Ada"})
            .as_object()
            .unwrap()
            .clone(),
    );
    let mut tab = Tab::default();
    let Ok(Arrival::Unlinked { ticket }) = stage.sign_in(&mut tab).await else { panic!("linked") };
    let view = stage.world.service.federation_proven(&ticket, &tab.cookies()).unwrap();
    assert_eq!(view.label, "ada@op.example");
}

#[tokio::test]
async fn client_secret_basic() {
    // The provider in `op.rs` asserts the header; the other way is taken where it is the only one.
    let stage = Stage::linked(|_| {}).await;
    let_in(stage.sign_in(&mut Tab::default()).await);
    let post =
        Stage::new(|settings| settings.provisioning = gabion_service::federation::Provisioning::Create);
    let methods = json!(["client_secret_post"]);
    post.op.state().metadata.insert("token_endpoint_auth_methods_supported".to_owned(), methods);
    assert!(post.sign_in(&mut Tab::default()).await.is_ok());
}

#[tokio::test]
async fn idtoken_sig_rs256() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let stage = Stage::linked_by(algorithm, |_| {}).await;
        let_in(stage.sign_in(&mut Tab::default()).await);
    }
}

#[tokio::test]
async fn invalid_sig_rs256() {
    let stage = Stage::linked_by(Algorithm::Rs256, |_| {}).await;
    stage.op.state().signed = Signed::Tampered;
    let arrival = stage.sign_in(&mut Tab::default()).await;
    assert_eq!(arrival.unwrap_err(), FederationError::Rejected);
    assert!(stage.reason().await.contains("signature"));
}

/// The provider in `op.rs` takes no other verifier than that of the challenge, and no request without one.
#[tokio::test]
async fn code_with_pkce() {
    let stage = Stage::linked(|_| {}).await;
    let (mut one, mut other) = (Tab::default(), Tab::default());
    let (first, second) = (
        stage.start(&mut one, &super::stranger(), super::start()).await,
        stage.start(&mut other, &super::stranger(), super::start()).await,
    );
    assert!(first.contains("code_challenge_method=S256"), "{first}");
    // The code of one sign-in in the place of the other's: injected, and worth nothing there.
    let (stolen, mut own) = (stage.op.authorize(&first), stage.op.authorize(&second));
    own[0] = stolen[0].clone();
    let arrival = stage.back(&other, &super::stranger(), own).await;
    assert_eq!(arrival.unwrap_err(), FederationError::Rejected);
    assert!(stage.reason().await.contains("invalid_grant"));
}

#[tokio::test]
async fn idtoken_sig_none() {
    refused(|op| op.state().signed = Signed::None, "algorithm").await;
}

#[tokio::test]
async fn invalid_sig() {
    refused(|op| op.state().signed = Signed::Tampered, "signature").await;
}

#[tokio::test]
async fn invalid_iss() {
    refused(id_token("iss", json!("https://evil.example")), "iss").await;
}

#[tokio::test]
async fn invalid_aud() {
    refused(id_token("aud", json!("somebody-else")), "aud").await;
    refused(id_token("aud", json!(["gabion", "somebody-else"])), "aud").await;
}

#[tokio::test]
async fn missing_sub() {
    refused(id_token("sub", Value::Null), "sub").await;
}

#[tokio::test]
async fn missing_iat() {
    refused(id_token("iat", Value::Null), "iat").await;
}

#[tokio::test]
async fn missing_aud() {
    refused(id_token("aud", Value::Null), "aud").await;
}

#[tokio::test]
async fn kid_absent_single_jwks() {
    let stage = Stage::linked(|_| {}).await;
    stage.op.state().signed = Signed::WithoutKid;
    let_in(stage.sign_in(&mut Tab::default()).await);
}

#[tokio::test]
async fn kid_absent_multiple_jwks() {
    let stage = Stage::new(|_| {});
    (stage.op.state().signed, stage.op.state().two_keys) = (Signed::WithoutKid, true);
    let arrival = stage.sign_in(&mut Tab::default()).await;
    assert_eq!(arrival.unwrap_err(), FederationError::Rejected);
    assert!(stage.reason().await.contains("key"));
}

#[tokio::test]
async fn userinfo_bearer_header() {
    // The provider in `op.rs` asserts the header (RFC 6750, section 2.1). The way in the body is an option
    // of the standard that is not taken: there is one way to send a token.
    let stage = Stage::linked(|_| {}).await;
    let_in(stage.sign_in(&mut Tab::default()).await);
    assert!(stage.op.state().requests.iter().any(|path| path == "/userinfo"));
}

#[tokio::test]
async fn userinfo_invalid_sub() {
    refused(
        |op| {
            op.state().userinfo.insert("sub".to_owned(), json!("8"));
        },
        "another subject",
    )
    .await;
}

#[tokio::test]
async fn discovery_issuer_mismatch() {
    let stage = Stage::new(|_| {});
    stage.op.state().metadata.insert("issuer".to_owned(), json!("https://evil.example"));
    let start = stage.world.service.federation_start(&super::stranger(), "op", super::start(), None).await;
    assert_eq!(start.unwrap_err(), FederationError::Unreachable);
}

#[tokio::test]
async fn signing_key_rotation() {
    let stage = Stage::linked(|_| {}).await;
    let_in(stage.sign_in(&mut Tab::default()).await);
    stage.op.state().rotated = true;
    stage.world.pass(1);
    let_in(stage.sign_in(&mut Tab::default()).await);
}
