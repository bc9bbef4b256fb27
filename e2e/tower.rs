//! `examples/rust-application` behind the real binary, and beside it.

use std::fs;
use std::net::SocketAddr;

use bytes::Bytes;
use gabion_tower::{Gabion, Secret};
use http::{Request, header};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::application::Application;
use crate::client::{Client, text};
use crate::gate::Gate;
use crate::oauth::PASSWORD;

/// The resource access tokens for the application name.
const RESOURCE: &str = "https://shop.example/api";
const PEOPLE: &str = "[provider]\nresources = [\"https://shop.example/api\", \"https://other.example/\"]\n\
    [provider.scopes.\"orders:read\"]\ndescription = \"Read orders\"\n\n\
    [upstreams.shop]\nurl = \"http://SHOP\"\n\n\
    [[routes]]\npath = \"/shop/*\"\naccess = \"signed-in\"\nupstream = \"shop\"\n\n\
    [[routes]]\npath = \"/me\"\naccess = \"signed-in\"\nupstream = \"shop\"\ncredentials = [\"session\", \"api-key\"]\n\n\
    [[routes]]\npath = \"/orders/*\"\naccess = \"signed-in\"\nupstream = \"shop\"\n\
    credentials = [\"session\", \"api-key\"]\n\n\
    [[routes]]\npath = \"/invoices/*\"\naccess = \"signed-in\"\nupstream = \"shop\"\n\
    credentials = [\"session\", \"api-key\"]\n\n\
    [policy]\ndirectory = \"POLICIES\"\n\n\
    [resolvers.shop]\ntypes = [\"Invoice\"]\n";

/// Who may do what to an invoice; no route of the gate asks.
const POLICIES: &str = r#"
@id("owners")
permit (principal, action == Action::"readInvoice", resource) when { resource has owner && resource.owner == principal };
@id("clerks")
@obligation("mask:/card")
permit (principal in Role::"clerk", action == Action::"readInvoice", resource);
@id("owners-cancel")
@step_up("2fa")
permit (principal, action == Action::"cancelInvoice", resource) when { resource has owner && resource.owner == principal };
"#;

const SCHEMA: &str = r#"
entity Invoice { owner?: User };
action "readInvoice", "cancelInvoice" appliesTo { principal: [User, ServiceAccount], resource: [Invoice] };
"#;

struct House {
    gate: Gate,
    /// Where the application listens itself.
    shop: SocketAddr,
    client: String,
    /// The id of the key by which the application asks.
    asks: String,
    _policies: TempDir,
    _other: Application,
}

impl House {
    async fn new() -> Self {
        let other = Application::start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let shop = listener.local_addr().expect("has an address");
        let policies = TempDir::new().expect("a temporary directory");
        fs::write(policies.path().join("invoices.cedar"), POLICIES).expect("written");
        fs::write(policies.path().join("schema.cedarschema"), SCHEMA).expect("written");
        let people = PEOPLE.replace("SHOP", &shop.to_string());
        let people = people.replace("POLICIES", policies.path().to_str().expect("text"));
        let gate = Gate::start_with(other.address, &people).await;
        for name in ["bot", "shop"] {
            gate.cli(&["service-account", "add", name]).await;
        }
        let asking =
            ["api-key", "create", "--account", "shop", "--scope", "gabion:authorize", "--format", "json"];
        let asking: Value = serde_json::from_str(&gate.cli(&asking).await).expect("JSON");
        let word = |name: &str| asking[name].as_str().expect("text").to_owned();
        let (key, asks) = (Secret::new(word("key")), word("id"));
        let arguments = [
            "client",
            "add",
            "The shop",
            "--id",
            "shop",
            "--grant",
            "client_credentials",
            "--scope",
            "orders:read",
            "--introspects",
            "*",
            "--format",
            "json",
        ];
        let made: Value = serde_json::from_str(&gate.cli(&arguments).await).expect("JSON");
        let secret =
            made["client_secret"].as_str().unwrap_or_else(|| panic!("no secret in {made}")).to_owned();
        let document =
            Client::new(gate.address).get("/.well-known/openid-configuration").await.expect("answers");
        let document: Value = serde_json::from_slice(document.body()).expect("JSON");
        let issuer = document["issuer"].as_str().expect("an issuer");
        let gabion = Gabion::at(issuer).expect("an issuer").client("shop", &Secret::new(secret.clone()));
        let router = rust_application::application(&gabion, "shop", RESOURCE, &key).expect("layers");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { gate, shop, client: secret, asks, _policies: policies, _other: other }
    }

    /// Asks the application itself, around the gate.
    async fn beside(&self, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        let request =
            fields.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
        let answer =
            Client::new(self.shop).send(request, Bytes::new()).await.expect("the application answers");
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
    }

    async fn key(&self, scope: &str) -> (String, String) {
        let arguments = ["api-key", "create", "--account", "bot", "--scope", scope, "--format", "json"];
        let made: Value = serde_json::from_str(&self.gate.cli(&arguments).await).expect("JSON");
        let word = |name: &str| made[name].as_str().expect("text").to_owned();
        (word("key"), word("id"))
    }
}

#[tokio::test]
async fn behind_the_gate_the_application_sees_who_it_is() {
    let house = House::new().await;
    house.gate.add_account("ada", PASSWORD).await;
    let mut ada = Client::new(house.gate.address);
    assert!(ada.sign_in("ada", PASSWORD).await.expect("answers"));
    let me = ada.get("/me").await.expect("answers");
    assert_eq!(me.status(), 200, "{}", text(&me));
    let me: Value = serde_json::from_slice(me.body()).expect("JSON");
    assert_eq!(
        (&me["name"], &me["by"], &me["acr"]),
        (&json!("ada"), &json!("session"), &json!("urn:gabion:acr:1fa"))
    );
    assert_eq!(me["methods"], json!(["pwd"]));
    // Programs the gate let in are programs here, with the scopes they have.
    let (key, _) = house.key("orders:read").await;
    let (narrow, _) = house.key("other").await;
    let by = async |key: &str| {
        let request = Request::get("/orders/7").header("x-api-key", key);
        let answer = Client::new(house.gate.address).send(request, Bytes::new()).await.expect("answers");
        (answer.status().as_u16(), text(&answer))
    };
    assert_eq!(by(&key).await.0, 200);
    let (status, body) = by(&narrow).await;
    assert_eq!(status, 403, "{body}");
    assert!(body.contains("was not given the scope"), "{body}");
    // Whoever finds the way around the gate is nobody.
    let header = ("gabion-identity", "eyJhbGciOiJub25lIn0.e30.");
    for fields in [&[][..], &[header], &[("cookie", ada.cookie().expect("a session"))]] {
        assert_eq!(house.beside("/me", fields).await.0, 401, "{fields:?}");
    }
}

#[tokio::test]
async fn handlers_ask_the_gate_what_somebody_may_do_to_an_object() {
    let house = House::new().await;
    for name in ["ada", "bob", "carl"] {
        house.gate.add_account(name, PASSWORD).await;
    }
    house.gate.cli(&["user", "roles", "carl", "--add", "clerk"]).await;
    let listed = house.gate.cli(&["user", "show", "ada", "--format", "json"]).await;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let (says, _) = house.key("gabion:resources").await;
    let owner = json!({ "attributes": { "owner": { "type": "User", "id": listed["id"] } } });
    let request = Request::put("/.gabion/api/v1/resources/Invoice/7")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {says}"));
    let said =
        Client::new(house.gate.address).send(request, Bytes::from(owner.to_string())).await.expect("answers");
    assert_eq!(said.status(), 204, "{}", text(&said));

    let client = async |name: &str| {
        let mut client = Client::new(house.gate.address);
        assert!(client.sign_in(name, PASSWORD).await.expect("answers"));
        client
    };
    let (mut ada, mut bob, mut carl) = (client("ada").await, client("bob").await, client("carl").await);
    let own = ada.get("/invoices/7").await.expect("answers");
    assert_eq!(own.status(), 200, "{}", text(&own));
    assert!(text(&own).contains("4111"), "{}", text(&own));
    let masked = carl.get("/invoices/7").await.expect("answers");
    assert_eq!((masked.status().as_u16(), text(&masked).contains("card")), (200, false), "{}", text(&masked));
    assert_eq!(bob.get("/invoices/7").await.expect("answers").status(), 404, "as if it were not there");
    assert_eq!(ada.get("/invoices/8").await.expect("answers").status(), 404, "it is not there");
    let (bot, _) = house.key("orders:read").await;
    assert_eq!(house.beside("/invoices/7", &[("x-api-key", &bot)]).await.0, 404, "programs own none");
    assert_eq!(house.beside("/invoices/7", &[]).await.0, 401);
    let delete = Request::delete("/invoices/7")
        .header("origin", format!("http://{}", house.gate.address))
        .header("sec-fetch-site", "same-origin");
    let step = ada.send(delete, Bytes::new()).await.expect("answers");
    assert_eq!(step.status(), 401, "{}", text(&step));
    let challenge = step.headers()["www-authenticate"].to_str().expect("text");
    assert!(challenge.contains("acr_values=\"urn:gabion:acr:2fa\""), "{challenge}");

    // An application the gate does not answer any more allows nothing.
    house.gate.cli(&["api-key", "revoke", &house.asks]).await;
    assert_eq!(ada.get("/invoices/7").await.expect("answers").status(), 503);
}

#[tokio::test]
async fn beside_the_gate_tokens_and_keys_open_what_they_are_for() {
    let house = House::new().await;
    let token = async |resource: &str| {
        let form = format!("grant_type=client_credentials&scope=orders:read&resource={resource}");
        let pair = base64(&format!("shop:{}", house.client));
        let request = Request::post("/.gabion/oauth/token")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, format!("Basic {pair}"));
        let answer = Client::new(house.gate.address).send(request, Bytes::from(form)).await.expect("answers");
        let tokens: Value = serde_json::from_slice(answer.body()).expect("JSON");
        tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
    };
    let bearer = |token: &str| format!("Bearer {token}");
    let good = bearer(&token(RESOURCE).await);
    let (status, me) = house.beside("/me", &[("authorization", &good)]).await;
    assert_eq!(status, 200, "{me}");
    assert_eq!((&me["by"], &me["scopes"]), (&json!("bearer"), &json!(["orders:read"])));
    let elsewhere = bearer(&token("https://other.example/").await);
    assert_eq!(house.beside("/me", &[("authorization", &elsewhere)]).await.0, 401, "for another application");

    let (key, id) = house.key("orders:read").await;
    let (status, me) = house.beside("/me", &[("x-api-key", &key)]).await;
    assert_eq!((status, &me["by"], &me["name"]), (200, &json!("api-key"), &json!("bot")), "{me}");
    assert_eq!(house.beside("/orders/7", &[("authorization", &bearer(&key))]).await.0, 200);
    assert_eq!(house.beside("/me", &[("x-api-key", &key), ("authorization", &good)]).await.0, 400);
    house.gate.cli(&["api-key", "revoke", &id]).await;
    assert_eq!(house.beside("/me", &[("x-api-key", &key)]).await.0, 401, "with the next request");

    // Signing keys turn; what was signed before goes on, and what is signed after is believed too.
    house.gate.cli(&["key", "rotate"]).await;
    assert_eq!(house.beside("/me", &[("authorization", &good)]).await.0, 200);
}

/// RFC 4648, 4.
fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let word =
            chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for index in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * index) & 63) as usize];
            out.push(if index <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}
