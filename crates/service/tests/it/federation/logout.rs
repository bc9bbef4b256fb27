//! Signing out, there and here: the modules of the plans "RP-Initiated Logout RP Basic" and "Back-Channel Logout RP
//! Basic" by their names, registered in `conformance/oidc/modules-rp.toml`, and what there is beside them.

use std::collections::HashMap;

use gabion_model::Clock as _;
use gabion_service::federation::{ProviderSettings, UpstreamLogout};
use gabion_service::{Arrival, LogoutRefused, Proof, SignedIn, Step, Upstream};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::jose::{Algorithm, SigningKey};
use serde_json::{Map, Value, json};
use url::Url;

use super::op::CLIENT;
use super::{ISSUER, Stage, Tab, let_in, stranger};
use crate::second_factor::{enrol_app, prove};
use crate::world::signed_in;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const BACK: &str = "https://shop.example/out?state=s";

/// Somebody who signed in with the provider's session `s-1`.
async fn somebody(change: impl FnOnce(&mut ProviderSettings)) -> (Stage, SignedIn) {
    let stage = Stage::linked(change).await;
    let endpoint = json!(format!("{ISSUER}/session/end"));
    stage.op.state().metadata.insert("end_session_endpoint".to_owned(), endpoint);
    // What was known of the provider is out of date by then.
    stage.world.pass(61);
    stage.op.state().id_token.insert("sid".to_owned(), json!("s-1"));
    let signed_in = let_in(stage.sign_in(&mut Tab::default()).await);
    (stage, signed_in)
}

fn claims(stage: &Stage) -> Map<String, Value> {
    let now = stage.world.clock.now().as_secs();
    let claims = json!({
        "iss": ISSUER, "aud": CLIENT, "iat": now, "exp": now + 60, "jti": "1", "sub": "7", "sid": "s-1",
        "events": { EVENT: {} },
    });
    claims.as_object().unwrap().clone()
}

/// A token with one thing wrong ends nothing; the right one does.
async fn refused(change: impl FnOnce(&mut Map<String, Value>)) {
    let (stage, one) = somebody(|_| {}).await;
    let mut wrong = claims(&stage);
    change(&mut wrong);
    let told = async |claims: &Map<String, Value>| {
        let token = stage.op.key.sign("logout+jwt", claims).unwrap();
        stage.world.service.federation_logout(&stranger(), "op", &token).await
    };
    assert_eq!(told(&wrong).await, Err(LogoutRefused::Invalid), "{wrong:?}");
    assert!(stage.world.lives(&one));
    assert_eq!(told(&claims(&stage)).await, Ok(()));
    assert!(!stage.world.lives(&one));
}

#[tokio::test]
async fn backchannel_rpinitlogout() {
    let (stage, one) = somebody(|_| {}).await;
    let token = stage.op.key.sign("logout+jwt", &claims(&stage)).unwrap();
    assert_eq!(stage.world.service.federation_logout(&stranger(), "op", &token).await, Ok(()));
    assert!(!stage.world.lives(&one));
}

#[tokio::test]
async fn backchannel_rpinitlogout_alg_none() {
    let (stage, one) = somebody(|_| {}).await;
    let part = |value: Value| base64url_encode(value.to_string().as_bytes());
    let token = format!("{}.{}.", part(json!({"alg": "none"})), part(Value::Object(claims(&stage))));
    let told = stage.world.service.federation_logout(&stranger(), "op", &token).await;
    assert_eq!(told, Err(LogoutRefused::Invalid));
    assert!(stage.world.lives(&one));
}

#[tokio::test]
async fn backchannel_rpinitlogout_wrong_alg() {
    let (stage, one) = somebody(|_| {}).await;
    let key = SigningKey::generate_for(Algorithm::EdDsa).unwrap();
    let token = key.sign("logout+jwt", &claims(&stage)).unwrap();
    let told = stage.world.service.federation_logout(&stranger(), "op", &token).await;
    assert_eq!(told, Err(LogoutRefused::Invalid));
    assert!(stage.world.lives(&one));
}

#[tokio::test]
async fn backchannel_rpinitlogout_no_event() {
    refused(|claims| drop(claims.remove("events"))).await;
}

#[tokio::test]
async fn backchannel_rpinitlogout_wrong_event() {
    refused(|claims| drop(claims.insert("events".to_owned(), json!({ "http://other.example/event": {} }))))
        .await;
}

#[tokio::test]
async fn backchannel_rpinitlogout_with_nonce() {
    refused(|claims| drop(claims.insert("nonce".to_owned(), json!("n")))).await;
}

#[tokio::test]
async fn backchannel_rpinitlogout_wrong_aud() {
    refused(|claims| drop(claims.insert("aud".to_owned(), json!("somebody-else")))).await;
}

#[tokio::test]
async fn backchannel_rpinitlogout_wrong_iss() {
    refused(|claims| drop(claims.insert("iss".to_owned(), json!("https://evil.example")))).await;
}

/// Signs out here; where the browser goes at the provider.
async fn leave(stage: &Stage, one: &SignedIn, back: Option<&str>) -> Option<Upstream> {
    let caller = signed_in(&one.session);
    stage.world.service.sign_out(&caller).await.unwrap();
    stage.world.service.upstream_logout(&caller, back).await
}

fn perform(settings: &mut ProviderSettings) {
    settings.upstream_logout = UpstreamLogout::Perform;
}

fn query(upstream: &Upstream) -> HashMap<String, String> {
    Url::parse(&upstream.url).unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn rp_init_logout() {
    let (stage, one) = somebody(perform).await;
    let upstream = leave(&stage, &one, Some(BACK)).await.unwrap();
    assert!(upstream.perform && upstream.url.starts_with(&format!("{ISSUER}/session/end?")), "{upstream:?}");
    let query = query(&upstream);
    assert_eq!(query["client_id"], CLIENT);
    assert_eq!(query["post_logout_redirect_uri"], "https://gate.example/.gabion/logout");
    assert_eq!(query["id_token_hint"].split('.').count(), 3);
    let service = &stage.world.service;
    assert_eq!(service.upstream_logout_returned(&query["state"]).as_deref(), Some(BACK));
    assert_eq!(service.upstream_logout_returned(&query["state"]), None, "once");
    assert_eq!(leave_again(&stage, &one).await, None, "once");
}

async fn leave_again(stage: &Stage, one: &SignedIn) -> Option<Upstream> {
    stage.world.service.upstream_logout(&signed_in(&one.session), None).await
}

#[tokio::test]
async fn rp_init_logout_other_state() {
    let (stage, one) = somebody(perform).await;
    let upstream = leave(&stage, &one, Some(BACK)).await.unwrap();
    let service = &stage.world.service;
    assert_eq!(service.upstream_logout_returned("another"), None);
    let state = query(&upstream)["state"].clone();
    stage.world.pass(10);
    assert_eq!(service.upstream_logout_returned(&state), None, "too late");
}

#[tokio::test]
async fn rp_init_logout_no_state() {
    let (stage, one) = somebody(perform).await;
    leave(&stage, &one, Some(BACK)).await.unwrap();
    assert_eq!(stage.world.service.upstream_logout_returned(""), None);
}

/// What a sign-in began with is known after its second factor, too: for signing out here and there.
#[tokio::test]
async fn the_second_factor_keeps_where_the_first_came_from() {
    let (stage, one) = somebody(perform).await;
    let (app, enrolled) = enrol_app(&stage.world, &one).await;
    assert!(stage.world.lives(&enrolled.signed_in));
    let enter = async || {
        stage.world.pass(1);
        let Ok(Arrival::SignedIn { step: Step::SecondFactor(pending), .. }) =
            stage.sign_in(&mut Tab::default()).await
        else {
            panic!("no second factor")
        };
        prove(&stage.world, &pending, Proof::Totp(app.code(&stage.world))).await.unwrap()
    };
    let signed_in = enter().await;
    assert!(leave(&stage, &signed_in, None).await.is_some());
    let (first, second) = (enter().await, enter().await);
    stage.op.state().id_token.insert("sid".to_owned(), json!("s-3"));
    let third = enter().await;
    let told = json!({ "sid": "s-3", "sub": "7", "jti": "3" });
    let mut claims = claims(&stage);
    claims.extend(told.as_object().unwrap().clone());
    let token = stage.op.key.sign("logout+jwt", &claims).unwrap();
    stage.world.service.federation_logout(&stranger(), "op", &token).await.unwrap();
    assert!(!stage.world.lives(&third) && stage.world.lives(&first) && stage.world.lives(&second));
}

#[tokio::test]
async fn leaving_the_provider_is_offered_done_or_not_as_configured() {
    let (stage, one) = somebody(|_| {}).await;
    let offered = leave(&stage, &one, None).await.unwrap();
    assert!(!offered.perform);
    let (stage, one) = somebody(|_| {}).await;
    assert_eq!(leave(&stage, &one, Some(BACK)).await, None, "the application has its browser back");
    let (stage, one) = somebody(|settings| settings.upstream_logout = UpstreamLogout::Off).await;
    assert_eq!(leave(&stage, &one, None).await, None);
    // A provider without such an address, and somebody who did not come from one.
    let stage = Stage::linked(perform).await;
    let one = let_in(stage.sign_in(&mut Tab::default()).await);
    assert_eq!(leave(&stage, &one, None).await, None);
    let ada = stage.world.guest("somebody", &[]).await;
    assert_eq!(leave(&stage, &ada, None).await, None);
}
