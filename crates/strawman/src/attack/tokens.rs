//! Forged tokens: assertions of a gate, and the API's own tokens.

use gabion_model::{Clock, SystemClock};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::hmac_sha256;
use gabion_vault::jwt::SigningKey;
use serde_json::{Value, json};

use super::client::Call;
use super::ground::{Attempts, Ground, Seen};
use super::scripting::three;

pub(super) async fn forged_identity(ground: &Ground) -> Attempts {
    let now = SystemClock.now().as_secs();
    let claims = json!({
        "iss": ground.client.base(), "sub": "ann", "aud": "app", "iat": now, "exp": now + 300,
        "name": "ann", "tenant": "acme", "roles": ["admin"],
    });
    let unsigned = compact(&json!({ "alg": "none", "typ": "JWT" }), &claims, |_| Vec::new());
    let garbage = compact(&json!({ "alg": "ES256", "typ": "JWT" }), &claims, |_| vec![7; 64]);
    let own = SigningKey::generate()
        .ok()
        .and_then(|key| key.sign("gabion-identity+jwt", &claims).ok())
        .unwrap_or_default();
    let mut seen = Vec::new();
    for (what, token) in
        [("unsigned", unsigned), ("signed with noise", garbage), ("signed by the attacker", own)]
    {
        let reply = ground.send_as("mallory", Call::get("/api/me").header("Gabion-Identity", &token)).await;
        let worked = reply.text_at("/name") == "ann";
        seen.push(Seen::reply(
            worked,
            &format!("an assertion {what} makes mallory the administrator ann"),
            &reply,
        ));
    }
    let twin = ground.send_as("alice", Call::get("/api/me")).await;
    Attempts {
        variants: three(seen),
        twin: Seen::reply(twin.text_at("/name") == "alice", "alice is alice", &twin),
    }
}

pub(super) async fn algorithm(ground: &Ground) -> Attempts {
    let now = SystemClock.now().as_secs();
    let claims = json!({
        "iss": "strawman", "sub": "ann", "aud": "strawman-api", "iat": now, "exp": now + 300, "role": "admin",
    });
    let report = async |name: &str, token: &str| {
        let call = Call::get("/api/reports/sales").header("authorization", &format!("Bearer {token}"));
        ground.send_as(name, call).await
    };
    let keys = ground.send_as("mallory", Call::get("/api/keys")).await.body;
    let none = compact(&json!({ "alg": "none", "typ": "JWT" }), &claims, |_| Vec::new());
    let public = compact(&json!({ "alg": "HS256", "typ": "JWT" }), &claims, |text| {
        hmac_sha256(keys.as_bytes(), text.as_bytes()).to_vec()
    });
    let empty = compact(&json!({ "alg": "HS256", "typ": "JWT", "kid": "nobody" }), &claims, |text| {
        hmac_sha256(b"", text.as_bytes()).to_vec()
    });
    let mut seen = Vec::new();
    for (what, token) in
        [("alg none", none), ("HS256 with the public key", public), ("HS256 with an unknown key id", empty)]
    {
        let reply = report("mallory", &token).await;
        let worked = reply.text_at("/report") == "sales";
        seen.push(Seen::reply(
            worked,
            &format!("{what}: the sales figures for an administrator's role"),
            &reply,
        ));
    }
    let issued = ground.send_as("ann", Call::post("/api/token")).await.text_at("/token");
    let twin = report("ann", &issued).await;
    Attempts {
        variants: three(seen),
        twin: Seen::reply(twin.text_at("/for") == "ann", "ann's token opens the sales figures", &twin),
    }
}

/// A token in its compact form, signed in whichever way.
fn compact(head: &Value, claims: &Value, sign: impl Fn(&str) -> Vec<u8>) -> String {
    let text = format!(
        "{}.{}",
        base64url_encode(head.to_string().as_bytes()),
        base64url_encode(claims.to_string().as_bytes())
    );
    let signature = base64url_encode(&sign(&text));
    format!("{text}.{signature}")
}
