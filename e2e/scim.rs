//! A directory elsewhere keeps people and groups in step: what scim2-tester says of the gate, and what a user who is
//! made inactive there loses here.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::application::Application;
use crate::client::{Client, text};
use crate::clients;
use crate::gate::Gate;

const SCIM: &str = "/.gabion/scim/v2";

async fn key(gate: &Gate, account: &str, scope: &str) -> String {
    let made =
        gate.cli(&["api-key", "create", "--account", account, "--scope", scope, "--format", "json"]).await;
    let made: Value = serde_json::from_str(&made).expect("JSON");
    made["key"].as_str().expect("text").to_owned()
}

async fn send(gate: &Gate, method: &str, path: &str, key: &str, body: &Value) -> Response<Bytes> {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/scim+json");
    Client::new(gate.address).send(request, body).await.expect("the gate answers")
}

/// The whole of it, every check made and passed.
#[tokio::test]
async fn scim2_tester_passes() {
    let application = Application::start().await;
    let gate = Gate::start(application.address).await;
    gate.cli(&["service-account", "add", "directory"]).await;
    let key = key(&gate, "directory", "gabion:scim").await;
    let base = format!("http://{}{SCIM}", gate.address);
    let said = clients::run(&mut clients::python("scim_check.py", &[&base, &key])).await;
    assert!(said.contains("SUCCESS User check_replace_attribute"), "{said}");
    assert!(!gate.output().contains(&key), "a key is in no log");
}

/// Off-boarding: the session, the key and the account of somebody who is made inactive elsewhere end at once.
#[tokio::test]
async fn who_is_inactive_elsewhere_is_out_here() {
    const API: &str = "[[routes]]\npath = \"/api/*\"\naccess = \"signed-in\"\nupstream = \"app\"\n\
        credentials = [\"session\", \"api-key\"]\nscopes = [\"read\"]\n";
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, API).await;
    gate.cli(&["service-account", "add", "directory"]).await;
    let directory = key(&gate, "directory", "gabion:scim").await;
    let ada = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "ada", "password": "gravel under every wheel", "active": true
    });
    let made = send(&gate, "POST", &format!("{SCIM}/Users"), &directory, &ada).await;
    assert_eq!(made.status(), StatusCode::CREATED, "{}", text(&made));
    assert_eq!(made.headers().get("content-type").expect("typed"), "application/scim+json");
    let id =
        serde_json::from_slice::<Value>(made.body()).expect("JSON")["id"].as_str().expect("id").to_owned();
    let path = format!("{SCIM}/Users/{id}");

    let mut browser = Client::new(gate.address);
    let form = [("name", "ada"), ("password", "gravel under every wheel")];
    let signed_in = browser.submit("/.gabion/login", &form).await.expect("the gate answers");
    assert_eq!(signed_in.status(), StatusCode::SEE_OTHER, "{}", text(&signed_in));
    let own = key(&gate, "ada", "read").await;
    assert_eq!(browser.get("/.gabion/account").await.expect("answers").status(), StatusCode::OK);
    assert_eq!(send(&gate, "GET", "/api/x", &own, &Value::Null).await.status(), StatusCode::OK);
    assert_eq!(
        send(&gate, "GET", &path, &own, &Value::Null).await.status(),
        StatusCode::FORBIDDEN,
        "a key without the scope opens nothing here"
    );

    let off = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "Replace", "path": "active", "value": "False"}]
    });
    let changed = send(&gate, "PATCH", &path, &directory, &off).await;
    assert_eq!(changed.status(), StatusCode::OK, "{}", text(&changed));
    let page = browser.get("/.gabion/account").await.expect("answers");
    assert_ne!(page.status(), StatusCode::OK, "the session ended");
    assert_eq!(send(&gate, "GET", "/api/x", &own, &Value::Null).await.status(), StatusCode::UNAUTHORIZED);
    let again = Client::new(gate.address).submit("/.gabion/login", &form).await.expect("answers");
    assert_ne!(again.status(), StatusCode::SEE_OTHER, "nobody signs in to it");
    let events = gate.cli(&["ledger", "search", "--format", "json"]).await;
    assert!(!events.contains("gravel under every wheel"), "a password is in no record");
    assert_eq!(send(&gate, "DELETE", &path, &directory, &Value::Null).await.status(), StatusCode::NO_CONTENT);
    let nobody = send(&gate, "GET", &path, "gab_nonsense", &Value::Null).await;
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
}
