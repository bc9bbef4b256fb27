//! The application behind a gate: it learns from an assertion who is calling. Here the test mints it.

use gabion_model::{Clock, SystemClock};
use gabion_strawman::{Handle, Identity, Options, serve};
use gabion_vault::jwt::{Jwks, SigningKey};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use serde_json::json;

const ISSUER: &str = "https://gate.example";
const AUDIENCE: &str = "app";

#[tokio::test]
async fn a_genuine_assertion_names_the_caller() {
    let key = SigningKey::generate().unwrap();
    for repaired in [false, true] {
        let app = behind(&key, repaired).await;
        let (status, body) = me(&app, Some(&assertion(&key, "carol", AUDIENCE, 60))).await;
        assert_eq!(status, 200);
        let user: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&user["name"], &user["tenant"]), (&json!("carol"), &json!("globex")));
    }
}

#[tokio::test]
async fn nobody_is_known_without_an_assertion_and_a_stranger_is_no_user() {
    let key = SigningKey::generate().unwrap();
    for repaired in [false, true] {
        let app = behind(&key, repaired).await;
        assert_eq!(me(&app, None).await.0, 401);
        assert_eq!(me(&app, Some(&assertion(&key, "zoe", AUDIENCE, 60))).await.0, 401);
    }
}

#[tokio::test]
async fn only_the_repaired_application_verifies_the_assertion() {
    let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let bad = [
        assertion(&other, "ann", AUDIENCE, 60),
        assertion(&key, "ann", "another application", 60),
        assertion(&key, "ann", AUDIENCE, -3600),
    ];
    let (open, closed) = (behind(&key, false).await, behind(&key, true).await);
    for token in &bad {
        assert_eq!(me(&open, Some(token)).await.0, 200);
        assert_eq!(me(&closed, Some(token)).await.0, 401);
    }
}

#[tokio::test]
async fn the_own_cookie_means_nothing_behind_a_gate() {
    let key = SigningKey::generate().unwrap();
    let app = behind(&key, false).await;
    let (status, _) = get(&app, &[("cookie", "sid=1000001")]).await;
    assert_eq!(status, 401);
}

async fn behind(key: &SigningKey, repaired: bool) -> Handle {
    let identity = Identity::Gate {
        jwks: serde_json::to_string(&Jwks::of([key])).unwrap(),
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
    };
    serve(Options { repaired, identity, ..Options::vulnerable() }).await.unwrap()
}

fn assertion(key: &SigningKey, name: &str, audience: &str, lifetime: i64) -> String {
    let now = SystemClock.now().as_secs();
    let claims = json!({
        "iss": ISSUER, "sub": "account-1", "aud": audience, "iat": now, "exp": now + lifetime,
        "name": name, "tenant": "acme", "roles": ["member"],
    });
    key.sign("gabion-identity+jwt", &claims).unwrap()
}

async fn me(app: &Handle, assertion: Option<&str>) -> (u16, String) {
    let fields: Vec<_> = assertion.map(|token| ("gabion-identity", token)).into_iter().collect();
    get(app, &fields).await
}

#[expect(clippy::disallowed_methods, reason = "a client of the application under test")]
async fn get(app: &Handle, fields: &[(&str, &str)]) -> (u16, String) {
    let io = TokioIo::new(tokio::net::TcpStream::connect(app.address()).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let mut request = http::Request::builder().uri("/api/me").header("host", app.address().to_string());
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let response = sender.send_request(request.body(Empty::<bytes::Bytes>::new()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
