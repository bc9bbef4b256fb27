//! What the application tells the gate about its objects, and nobody else.

use gabion_model::{Clock, SystemClock};
use gabion_strawman::{Handle, Identity, Options, serve};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::jwt::{Jwks, SigningKey};
use gabion_vault::sha256;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

const ISSUER: &str = "https://gate.example";

#[tokio::test]
async fn the_gate_is_told_owner_and_tenant_of_orders_and_notes() {
    let key = SigningKey::generate().unwrap();
    for repaired in [false, true] {
        let app = behind(&key, repaired).await;
        let order = json!({ "type": "Order", "id": "2" });
        let (status, told) = ask(&app, Some(&signed(&key, &app, &order, |_| {})), &order).await;
        assert_eq!(status, 200);
        let tenant = json!({ "type": "Tenant", "id": "acme" });
        assert_eq!(told["attributes"], json!({ "owner": null, "tenant": tenant }), "bob never came");
        // Bob comes by the gate: from now on the application knows what he is called there.
        let now = SystemClock.now().as_secs();
        let claims = json!({
            "iss": ISSUER, "sub": "account-bob", "aud": "app", "iat": now, "exp": now + 60, "name": "bob",
        });
        let assertion = key.sign("gabion-identity+jwt", &claims).unwrap();
        assert_eq!(send(&app, "GET", "/api/me", ("gabion-identity", &assertion), "").await.0, 200);
        let owner = json!({ "type": "User", "id": "account-bob" });
        for (kind, id) in [("Order", "2"), ("Note", "2")] {
            let question = json!({ "type": kind, "id": id });
            let (status, told) = ask(&app, Some(&signed(&key, &app, &question, |_| {})), &question).await;
            assert_eq!((status, &told["type"], &told["id"]), (200, &json!(kind), &json!(id)));
            assert_eq!(told["attributes"], json!({ "owner": owner, "tenant": tenant }));
            assert_eq!(told["parents"], json!([tenant]));
        }
    }
}

#[tokio::test]
async fn an_object_there_is_not_is_not_found_however_its_id_is_written() {
    let key = SigningKey::generate().unwrap();
    let app = behind(&key, false).await;
    for (kind, id) in
        [("Order", "4711"), ("Order", "02"), ("Order", "+2"), ("Order", "2 "), ("Order", "x"), ("Cart", "2")]
    {
        let question = json!({ "type": kind, "id": id });
        let (status, _) = ask(&app, Some(&signed(&key, &app, &question, |_| {})), &question).await;
        assert_eq!(status, 404, "{kind} {id}");
    }
}

#[tokio::test]
async fn whoever_is_not_the_gate_is_told_nothing() {
    let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    let app = behind(&key, false).await;
    let order = json!({ "type": "Order", "id": "2" });
    let wrong = [
        ("somebody else signed", signed(&other, &app, &order, |_| {})),
        ("about another body", signed(&key, &app, &json!({ "type": "Order", "id": "3" }), |_| {})),
        ("for another application", signed(&key, &app, &order, |claims| claims["aud"] = json!("office"))),
        (
            "of another gate",
            signed(&key, &app, &order, |claims| claims["iss"] = json!("https://evil.example")),
        ),
        (
            "for another address",
            signed(&key, &app, &order, |claims| claims["htu"] = json!("http://evil.example/")),
        ),
        ("by another method", signed(&key, &app, &order, |claims| claims["htm"] = json!("GET"))),
        ("long ago", signed(&key, &app, &order, |claims| claims["exp"] = json!(1_000_000))),
        ("an identity", key.sign("gabion-identity+jwt", &claims(&app, &order)).unwrap()),
    ];
    assert_eq!(ask(&app, None, &order).await.0, 401);
    for (what, token) in &wrong {
        assert_eq!(ask(&app, Some(token), &order).await.0, 401, "{what}");
    }
    let alone = serve(Options::vulnerable()).await.unwrap();
    assert_eq!(ask(&alone, Some(&signed(&key, &alone, &order, |_| {})), &order).await.0, 401, "no gate");
}

async fn behind(key: &SigningKey, repaired: bool) -> Handle {
    let identity = Identity::Gate {
        jwks: serde_json::to_string(&Jwks::of([key])).unwrap(),
        issuer: ISSUER.to_owned(),
        audience: "app".to_owned(),
    };
    serve(Options { repaired, identity, ..Options::vulnerable() }).await.unwrap()
}

fn claims(app: &Handle, question: &Value) -> Value {
    let now = SystemClock.now().as_secs();
    json!({
        "iss": ISSUER, "aud": "shop", "iat": now, "exp": now + 60, "jti": "1", "htm": "POST",
        "htu": format!("{}/internal/resources", app.base()),
        "body": base64url_encode(&sha256(question.to_string().as_bytes())),
    })
}

fn signed(key: &SigningKey, app: &Handle, question: &Value, change: impl Fn(&mut Value)) -> String {
    let mut claims = claims(app, question);
    change(&mut claims);
    key.sign("gabion-request+jwt", &claims).unwrap()
}

async fn ask(app: &Handle, token: Option<&str>, question: &Value) -> (u16, Value) {
    let field = ("gabion-request", token.unwrap_or_default());
    let (status, body) = send(app, "POST", "/internal/resources", field, &question.to_string()).await;
    (status, serde_json::from_str(&body).unwrap_or_default())
}

#[expect(clippy::disallowed_methods, reason = "a client of the application under test")]
async fn send(app: &Handle, method: &str, path: &str, field: (&str, &str), body: &str) -> (u16, String) {
    let io = TokioIo::new(tokio::net::TcpStream::connect(app.address()).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::builder().method(method).uri(path).header("host", app.address().to_string());
    let request = request.header(field.0, field.1).body(Full::new(bytes::Bytes::from(body.to_owned())));
    let response = sender.send_request(request.unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
