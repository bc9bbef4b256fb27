//! Policies in a folder, an application that knows its objects, and the real binary between them and its users.

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::client::{Client, text};
use crate::gate::Gate;
use crate::machines::{self, ASKED};
use crate::oauth::PASSWORD;

const POLICIES: &str = r#"
@id("owners-read")
permit (principal, action == Action::"readOrder", resource) when { resource has owner && resource.owner == principal };
@id("clerks-read")
@obligation("mask:/card")
permit (principal in Role::"clerk", action == Action::"readOrder", resource)
when { resource has tenant && principal has tenant && resource.tenant == principal.tenant };
@id("owners-cancel")
@step_up("2fa")
permit (principal, action == Action::"cancelOrder", resource) when { resource has owner && resource.owner == principal };
"#;

const ROUTES: &str = r#"
[policy]
directory = "POLICIES"

[resolvers.shop]
types = ["Order"]
url = "http://APPLICATION/internal/resources"
timeout = "300ms"
cache = "0s"
cache_missing = "0s"

[[routes]]
path = "/orders/{order}"
methods = ["GET"]
access = "signed-in"
upstream = "shop"
policy = { action = "readOrder", resource = "Order" }

[[routes]]
path = "/refunds"
methods = ["POST"]
access = "signed-in"
upstream = "shop"
policy = { action = "readOrder", resource = "Order", id = "body:/order/id" }

[[routes]]
path = "/orders"
methods = ["GET"]
access = "signed-in"
upstream = "shop"
policy = { action = "readOrder", resource = "Order", id = "query.order" }

[[routes]]
path = "/orders/{order}"
methods = ["DELETE"]
access = "signed-in"
upstream = "shop"
policy = { action = "cancelOrder", resource = "Order" }

[upstreams.shop]
url = "http://APPLICATION"
"#;

/// How the application answers the gate.
const WELL: u8 = 0;
const SLOW: u8 = 1;
const LYING: u8 = 2;
const BROKEN: u8 = 3;

/// A shop whose orders belong to somebody.
struct Shop {
    address: SocketAddr,
    behaves: Arc<AtomicU8>,
    served: Arc<AtomicU64>,
    owners: Arc<Mutex<Vec<(String, String)>>>,
    signatures: Arc<Mutex<Vec<String>>>,
}

impl Shop {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let shop = Self {
            address: listener.local_addr().expect("has an address"),
            behaves: Arc::default(),
            served: Arc::default(),
            owners: Arc::default(),
            signatures: Arc::default(),
        };
        let (behaves, served) = (Arc::clone(&shop.behaves), Arc::clone(&shop.served));
        let (owners, signatures) = (Arc::clone(&shop.owners), Arc::clone(&shop.signatures));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (behaves, served) = (Arc::clone(&behaves), Arc::clone(&served));
                let (owners, signatures) = (Arc::clone(&owners), Arc::clone(&signatures));
                tokio::spawn(async move {
                    let answer = service_fn(move |request| {
                        answer(
                            request,
                            behaves.load(Ordering::Relaxed),
                            Arc::clone(&served),
                            Arc::clone(&owners),
                            Arc::clone(&signatures),
                        )
                    });
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer)
                        .await;
                });
            }
        });
        shop
    }

    fn owns(&self, order: &str, account: &str) {
        self.owners.lock().expect("no panic").push((order.to_owned(), account.to_owned()));
    }
}

async fn answer(
    request: Request<Incoming>,
    behaves: u8,
    served: Arc<AtomicU64>,
    owners: Arc<Mutex<Vec<(String, String)>>>,
    signatures: Arc<Mutex<Vec<String>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let as_json = |status: StatusCode, body: &Value| {
        let answer = Response::builder().status(status).header("content-type", "application/json");
        answer.body(Full::from(body.to_string())).expect("an answer")
    };
    if request.uri().path() != "/internal/resources" {
        served.fetch_add(1, Ordering::Relaxed);
        return Ok(as_json(StatusCode::OK, &json!({ "order": request.uri().path(), "card": "4111" })));
    }
    let signature = request.headers().get("gabion-request").and_then(|value| value.to_str().ok());
    signatures.lock().expect("no panic").push(signature.unwrap_or_default().to_owned());
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes);
    let question: Value = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
    if behaves == SLOW {
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    if behaves == BROKEN {
        return Ok(as_json(StatusCode::INTERNAL_SERVER_ERROR, &json!({})));
    }
    let owner = owners.lock().expect("no panic").iter().find(|(id, _)| question["id"] == **id).cloned();
    let Some((id, owner)) = owner else { return Ok(as_json(StatusCode::NOT_FOUND, &json!({}))) };
    let id = if behaves == LYING { "another".to_owned() } else { id };
    Ok(as_json(
        StatusCode::OK,
        &json!({ "type": "Order", "id": id, "attributes": {
            "owner": { "type": "User", "id": owner },
            "tenant": { "type": "Tenant", "id": if id == "3" { "acme" } else { "default" } },
        }}),
    ))
}

struct House {
    gate: Gate,
    shop: Shop,
    policies: TempDir,
}

impl House {
    async fn new() -> Self {
        Self::with("").await
    }

    async fn with(more: &str) -> Self {
        let shop = Shop::start().await;
        let policies = TempDir::new().expect("a temporary directory");
        fs::write(policies.path().join("orders.cedar"), POLICIES).expect("written");
        let more = ROUTES
            .replace("POLICIES", policies.path().to_str().expect("text"))
            .replace("APPLICATION", &shop.address.to_string())
            + more;
        let gate = Gate::start_with(shop.address, &more).await;
        for name in ["ada", "bob", "carl"] {
            gate.add_account(name, PASSWORD).await;
        }
        gate.cli(&["user", "roles", "carl", "--add", "clerk"]).await;
        let house = Self { gate, shop, policies };
        for (order, owner) in [("1", "ada"), ("2", "bob"), ("3", "bob")] {
            let id = house.account(owner).await;
            house.shop.owns(order, &id);
        }
        house
    }

    async fn account(&self, name: &str) -> String {
        let listed = self.gate.cli(&["user", "show", name, "--format", "json"]).await;
        let listed: Value = serde_json::from_str(&listed).expect("JSON");
        listed["id"].as_str().unwrap_or_else(|| panic!("no id in {listed}")).to_owned()
    }

    async fn client(&self, name: &str) -> Client {
        let mut client = Client::new(self.gate.address);
        assert!(client.sign_in(name, PASSWORD).await.expect("answers"));
        client
    }

    async fn reload(&self, policies: &str, says: &str) {
        fs::write(self.policies.path().join("orders.cedar"), policies).expect("written");
        let before = self.gate.output().matches(says).count();
        let pid = self.gate.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().expect("kill runs").success());
        self.gate.said(|text| text.matches(says).count() > before).await;
    }
}

#[tokio::test]
async fn owners_tenants_and_roles_decide_and_what_may_not_be_known_is_not_there() {
    let house = House::new().await;
    let (mut ada, mut carl) = (house.client("ada").await, house.client("carl").await);
    let own = ada.get("/orders/1").await.expect("answers");
    assert_eq!(own.status(), 200, "{}", text(&own));
    assert!(text(&own).contains("4111"), "the owner sees everything");
    let served = house.shop.served.load(Ordering::Relaxed);
    assert_eq!(ada.get("/orders/2").await.expect("answers").status(), 404);
    assert_eq!(ada.get("/orders/99").await.expect("answers").status(), 404);
    assert_eq!(carl.get("/orders/3").await.expect("answers").status(), 404, "another tenant");
    assert_eq!(house.shop.served.load(Ordering::Relaxed), served, "the application heard of none of them");
    let masked = carl.get("/orders/2").await.expect("answers");
    assert_eq!((masked.status().as_u16(), text(&masked).as_str()), (200, r#"{"order":"/orders/2"}"#));
    assert!(house.shop.signatures.lock().expect("no panic").iter().all(|one| one.starts_with("eyJ")));
    let record = house.gate.cli(&["ledger", "tail", "--format", "json"]).await;
    assert!(record.contains("policy.generation") && record.contains("owners-read"), "{record}");
}

#[tokio::test]
async fn an_application_that_is_slow_lying_or_broken_opens_nothing() {
    let house = House::new().await;
    let mut ada = house.client("ada").await;
    for behaviour in [SLOW, LYING, BROKEN] {
        house.shop.behaves.store(behaviour, Ordering::Relaxed);
        assert_eq!(ada.get("/orders/1").await.expect("answers").status(), 503, "{behaviour}");
    }
    house.shop.behaves.store(WELL, Ordering::Relaxed);
    assert_eq!(ada.get("/orders/1").await.expect("answers").status(), 200);
}

#[tokio::test]
async fn a_broken_set_never_replaces_a_good_one() {
    let house = House::new().await;
    let mut ada = house.client("ada").await;
    assert_eq!(ada.get("/orders/1").await.expect("answers").status(), 200);
    house.reload("permit (principal, action, resource) when { resource.owner = };", "not reloaded").await;
    assert_eq!(ada.get("/orders/1").await.expect("answers").status(), 200);
    assert_eq!(ada.get("/orders/2").await.expect("answers").status(), 404);
    house
        .reload(
            &POLICIES.replace("owners-read", "x").replace("== principal };", "!= principal };"),
            "configuration reloaded",
        )
        .await;
    assert_eq!(ada.get("/orders/1").await.expect("answers").status(), 404);
    assert_eq!(ada.get("/orders/2").await.expect("answers").status(), 200);
}

#[tokio::test]
async fn applications_ask_for_themselves() {
    let house = House::new().await;
    house.gate.cli(&["service-account", "add", "shop"]).await;
    let made = house
        .gate
        .cli(&["api-key", "create", "--account", "shop", "--scope", "gabion:authorize", "--format", "json"])
        .await;
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let key = made["key"].as_str().expect("a key");
    let mut client = Client::new(house.gate.address);
    let mut ask = async |path: &str, question: Value, key: &str| {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {key}"));
        let answer = client.send(request, Bytes::from(question.to_string())).await.expect("answers");
        (answer.status().as_u16(), serde_json::from_slice::<Value>(answer.body()).unwrap_or_default())
    };
    let question = |who: &str, order: &str| {
        json!({ "subject": { "type": "user", "id": who }, "action": { "name": "readOrder" },
            "resource": { "type": "Order", "id": order } })
    };
    let evaluation = "/.gabion/access/v1/evaluation";
    let (status, answer) = ask(evaluation, question("ada", "1"), key).await;
    assert_eq!((status, &answer["decision"]), (200, &json!(true)), "{answer}");
    for (who, order, reason) in [
        ("ada", "2", "not_permitted"),
        ("ada", "99", "no_such_object"),
        ("nobody", "1", "unknown_subject"),
        ("carl", "2", "mask_needed"),
    ] {
        let (status, answer) = ask(evaluation, question(who, order), key).await;
        assert_eq!(
            (status, &answer["decision"], &answer["context"]["reason"]),
            (200, &json!(false), &json!(reason)),
            "{answer}"
        );
    }
    let several = json!({
        "subject": { "type": "user", "id": "ada" }, "action": { "name": "readOrder" },
        "evaluations": [{ "resource": { "type": "Order", "id": "1" } }, { "resource": { "type": "Order", "id": "2" } },
            { "resource": { "type": "Order", "id": "1" } }],
        "options": { "evaluations_semantic": "deny_on_first_deny" },
    });
    let (_, answer) = ask("/.gabion/access/v1/evaluations", several, key).await;
    let decisions: Vec<_> =
        answer["evaluations"].as_array().expect("a list").iter().map(|one| &one["decision"]).collect();
    assert_eq!(decisions, [&json!(true), &json!(false)]);
    let own = json!({ "principal": { "type": "user", "id": "ada" }, "action": "cancelOrder",
        "resource": { "type": "Order", "id": "1" } });
    let (status, answer) = ask("/.gabion/api/v1/authorize", own, key).await;
    assert_eq!(
        (status, &answer["reason"], &answer["acr_values"]),
        (200, &json!("step_up"), &json!("urn:gabion:acr:2fa")),
        "{answer}"
    );
    assert_eq!(ask(evaluation, question("ada", "1"), "gab_wrong").await.0, 401);
}

#[tokio::test]
async fn objects_are_named_in_bodies_and_queries_too() {
    let house = House::new().await;
    let mut ada = house.client("ada").await;
    let origin = format!("http://{}", house.gate.address);
    let mut refund = async |body: &'static str, kind: &str| {
        let request = Request::post("/refunds")
            .header("origin", &origin)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", kind);
        ada.send(request, Bytes::from_static(body.as_bytes())).await.expect("answers").status().as_u16()
    };
    let json = "application/json";
    assert_eq!(refund(r#"{"order":{"id":1}}"#, json).await, 200);
    assert_eq!(refund(r#"{"order":{"id":"1"},"note":"x"}"#, json).await, 200);
    let served = house.shop.served.load(Ordering::Relaxed);
    for (body, kind, status) in [
        (r#"{"order":{"id":2}}"#, json, 404),
        (r#"{"order":{"id":99}}"#, json, 404),
        ("{}", json, 400),
        (r#"{"order":{"id":1,"id":2}}"#, json, 400),
        (r#"{"order":{"id":1},"Order":{"id":2}}"#, json, 400),
        (r#"{"order":{"id":[1,2]}}"#, json, 400),
        ("order[id]=1", "application/x-www-form-urlencoded", 400),
        (r#"{"order":{"id":1}}"#, "text/plain", 400),
    ] {
        assert_eq!(refund(body, kind).await, status, "{body} {kind}");
    }
    for (query, status) in [
        ("order=2", 404),
        ("order=1&order=2", 400),
        ("order=1;order=2", 400),
        ("Order=2&order=1", 400),
        ("", 400),
    ] {
        let answer = ada.get(&format!("/orders?{query}")).await.expect("answers");
        assert_eq!(answer.status(), status, "{query}");
    }
    assert_eq!(house.shop.served.load(Ordering::Relaxed), served, "the application heard of none of them");
    assert_eq!(ada.get("/orders?order=1").await.expect("answers").status(), 200);
}

/// Whoever asks waits for the resolver, whose answer is not kept.
async fn asks_about_objects(kind: &str) {
    let house = House::with(ASKED).await;
    let proxy = machines::proxy(kind, house.gate.address, house.shop.address).await;
    let mut ada = Client::new(proxy.address);
    assert!(ada.sign_in("ada", PASSWORD).await.expect("answers"), "{kind}");
    let own = ada.get("/orders/1").await.expect("answers");
    assert_eq!(own.status(), 200, "{kind}: {}", text(&own));
    let served = house.shop.served.load(Ordering::Relaxed);
    // What nginx cannot pass on it turns into its own answer; it is never a yes.
    for path in ["/orders/2", "/orders/99", "/orders?order=2"] {
        let answer = ada.get(path).await.expect("answers");
        assert!(matches!(answer.status().as_u16(), 403 | 404), "{kind} {path}: {}", answer.status());
    }
    house.shop.behaves.store(SLOW, Ordering::Relaxed);
    let answer = ada.get("/orders/1").await.expect("answers");
    assert!(answer.status().as_u16() >= 400, "{kind}: {}", answer.status());
    house.shop.behaves.store(WELL, Ordering::Relaxed);
    let refund = Request::post("/refunds")
        .header("origin", format!("http://{}", proxy.address))
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/json");
    let answer = ada.send(refund, Bytes::from_static(br#"{"order":{"id":1}}"#)).await.expect("answers");
    assert_eq!(answer.status(), 403, "{kind}: the body stays with the proxy");
    assert_eq!(
        house.shop.served.load(Ordering::Relaxed),
        served,
        "{kind}: the application heard of none of them"
    );
}

#[tokio::test]
async fn nginx_waits_for_what_the_application_knows() {
    asks_about_objects("nginx").await;
}

#[tokio::test]
async fn caddy_waits_for_what_the_application_knows() {
    asks_about_objects("caddy").await;
}
