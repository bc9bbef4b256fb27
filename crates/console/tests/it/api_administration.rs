//! Factors, programs, API keys, applications and invitations over the admin API.

use gabion_identity::storage::FactorStorage as _;
use gabion_model::{Clock as _, Role};
use gabion_service::{Caller, Which};
use http::StatusCode;
use serde_json::{Value, json};

use crate::api::Program;
use crate::api_authorization::credential;
use crate::site::Site;

const API: &str = "/.gabion/api/v1";

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_program_from_its_first_day_to_its_last() {
    let site = Site::new();
    let root = Program::administrator(&site).await;
    let all = format!("{API}/service-accounts");
    let (status, bot) = root.json("POST", &all, json!({"name": "Billing", "roles": ["clerk"]})).await;
    assert_eq!(
        (status, text(&bot["kind"]), text(&bot["state"])),
        (StatusCode::CREATED, "service".to_owned(), "active".to_owned())
    );
    let (_, list) = root.json("GET", &format!("{all}?limit=1"), Value::Null).await;
    assert_eq!((&list["total"], &list["items"][0]["name"]), (&json!(1), &json!("billing")), "programs only");

    let one = format!("{all}/{}", text(&bot["id"]));
    let keys = format!("{API}/users/{}/api-keys", text(&bot["id"]));
    let (status, key) =
        root.json("POST", &keys, json!({"label": "build", "scopes": ["orders:read"], "life": "30d"})).await;
    assert_eq!(status, StatusCode::CREATED);
    assert!(text(&key["key"]).starts_with("gab_"));
    let (_, listed) = root.json("GET", &keys, Value::Null).await;
    assert_eq!(
        (listed["items"][0]["id"].clone(), listed["items"][0].get("key")),
        (key["id"].clone(), None),
        "shown once"
    );
    let rotate = format!("{API}/api-keys/{}/rotate", text(&key["id"]));
    let (status, next) = root.json("POST", &rotate, json!({"overlap": "1h"})).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_ne!(next["key"], key["key"]);
    let (_, everybodys) = root.json("GET", &format!("{API}/api-keys"), Value::Null).await;
    assert_eq!(everybodys["items"].as_array().map(Vec::len), Some(2));
    let revoke = format!("{API}/api-keys/{}", text(&next["id"]));
    assert_eq!(root.send("DELETE", &revoke, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(root.send("DELETE", &revoke, "").await.status, StatusCode::NOT_FOUND);

    assert_eq!(root.send("POST", &format!("{one}/disable"), "").await.status, StatusCode::NO_CONTENT);
    let (_, none) = root.json("GET", &format!("{API}/api-keys"), Value::Null).await;
    assert_eq!(none["items"], json!([]), "its keys have ended");
    assert_eq!(root.send("POST", &format!("{one}/enable"), "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(root.json("GET", &one, Value::Null).await.1["state"], "active");
    assert_eq!(root.send("DELETE", &one, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(root.send("GET", &one, "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_field() {
    let site = Site::new();
    let root = Program::administrator(&site).await;
    let ada = site.guest("ada", &[]).await.principal.account.to_string();
    let keys = format!("{API}/users/{ada}/api-keys");
    for (method, path, body, status) in [
        ("POST", format!("{API}/service-accounts"), json!({"name": "a b"}), 422),
        ("POST", format!("{API}/service-accounts"), json!({"name": "ada"}), 409),
        ("POST", format!("{API}/service-accounts"), json!({"name": "b", "kind": "person"}), 400),
        ("POST", keys.clone(), json!({"label": "x", "scopes": []}), 422),
        ("POST", keys.clone(), json!({"label": "x", "scopes": ["read"], "life": "never"}), 400),
        ("POST", keys.clone(), json!({"scopes": ["read"]}), 400),
        ("POST", format!("{API}/users/none/api-keys"), json!({"label": "x", "scopes": ["read"]}), 404),
        ("POST", format!("{API}/api-keys/none/rotate"), json!({}), 404),
        ("POST", format!("{API}/clients"), json!({"metadata": {"name": "Shop"}}), 422),
        ("POST", format!("{API}/clients"), json!({"metadata": {"colour": "red"}}), 400),
        ("POST", format!("{API}/clients"), json!({"id": "https://x.example/", "metadata": {}}), 422),
        ("POST", format!("{API}/clients/none/secret"), json!({}), 404),
        (
            "PUT",
            format!("{API}/clients/none"),
            json!({"name": "Shop", "redirect_uris": ["https://shop.example/cb"]}),
            404,
        ),
        ("DELETE", format!("{API}/users/{ada}/factors/none"), Value::Null, 404),
        ("DELETE", format!("{API}/users/none/factors"), Value::Null, 404),
        ("DELETE", format!("{API}/users/none/sessions"), Value::Null, 404),
        // A person is no program, whatever the door.
        ("GET", format!("{API}/service-accounts/{ada}"), Value::Null, 404),
        ("DELETE", format!("{API}/service-accounts/{ada}"), Value::Null, 404),
        ("POST", format!("{API}/service-accounts/{ada}/disable"), Value::Null, 404),
    ] {
        let (got, problem) = root.json(method, &path, body.clone()).await;
        assert_eq!(got.as_u16(), status, "{method} {path} {body}: {problem}");
        assert_eq!(problem["status"], status, "a problem (RFC 9457)");
    }
}

#[tokio::test]
async fn an_application_is_registered_changed_under_its_tag_and_given_a_new_secret() {
    let site = Site::new();
    let mut root = Program::administrator(&site).await;
    let metadata = json!({"name": "Shop", "redirect_uris": ["https://shop.example/cb"]});
    let (status, shop) =
        root.json("POST", &format!("{API}/clients"), json!({"id": "shop", "metadata": metadata})).await;
    assert_eq!((status, text(&shop["id"])), (StatusCode::CREATED, "shop".to_owned()));
    assert!(text(&shop["client_secret"]).len() >= 43);
    let (status, _) =
        root.json("POST", &format!("{API}/clients"), json!({"id": "shop", "metadata": metadata})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let one = format!("{API}/clients/shop");
    let read = root.send("GET", &one, "").await;
    assert!(!read.body.contains(&text(&shop["client_secret"])), "shown once");

    root.headers = vec![("if-match", read.header("etag").to_owned())];
    let other = json!({"name": "Other", "redirect_uris": ["https://shop.example/cb"]});
    let (status, changed) = root.json("PUT", &one, other.clone()).await;
    assert_eq!((status, text(&changed["metadata"]["name"])), (StatusCode::OK, "Other".to_owned()));
    assert_eq!(root.json("PUT", &one, other.clone()).await.0, StatusCode::PRECONDITION_FAILED);
    root.headers = vec![("if-match", "\"nonsense\"".to_owned())];
    assert_eq!(root.json("PUT", &one, other.clone()).await.0, StatusCode::PRECONDITION_FAILED);
    root.headers = Vec::new();

    let (status, renewed) = root.json("POST", &format!("{one}/secret"), json!({"overlap": "0s"})).await;
    assert_eq!((status, renewed["secrets"].as_array().map(Vec::len)), (StatusCode::CREATED, Some(1)));
    assert_ne!(renewed["client_secret"], shop["client_secret"]);
    let public =
        json!({"name": "Shop", "authentication": "none", "redirect_uris": ["https://shop.example/cb"]});
    assert_eq!(root.json("PUT", &one, public).await.0, StatusCode::OK);
    assert_eq!(root.json("POST", &format!("{one}/secret"), json!({})).await.0, StatusCode::CONFLICT);
    site.pass(60 * 25);
    assert_eq!(
        root.json("PUT", &one, other).await.0,
        StatusCode::UNAUTHORIZED,
        "a stale sign-in is asked again"
    );
    assert_eq!(root.send("GET", &one, "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn somebodys_factors_are_seen_and_taken_away() {
    let site = Site::new();
    let root = Program::administrator(&site).await;
    let ada = site.guest("ada", &[]).await;
    let factors = format!("{API}/users/{}/factors", ada.principal.account);
    let (status, none) = root.json("GET", &factors, Value::Null).await;
    assert_eq!((status, &none["items"], &none["recovery_codes"]), (StatusCode::OK, &json!([]), &json!(0)));

    let first = app(&site, &ada, "phone");
    let second = app(&site, &ada, "tablet");
    let (_, both) = root.json("GET", &factors, Value::Null).await;
    assert_eq!(both["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(both["items"][0]["kind"], "totp");
    assert!(!both.to_string().contains("secret"));
    let one = format!("{factors}/{first}");
    assert_eq!(root.send("DELETE", &one, "").await.status, StatusCode::NO_CONTENT);
    assert!(ada.is_ended(), "who should not have had it may be signed in");
    assert_eq!(root.send("DELETE", &one, "").await.status, StatusCode::NOT_FOUND);
    // Somebody else's id and this factor do not meet.
    let other = format!("{API}/users/{}/factors/{second}", site.guest("bobby", &[]).await.principal.account);
    assert_eq!(root.send("DELETE", &other, "").await.status, StatusCode::NOT_FOUND);
    assert_eq!(root.send("DELETE", &factors, "").await.status, StatusCode::NO_CONTENT);
    let (_, none) = root.json("GET", &factors, Value::Null).await;
    assert_eq!(none["items"], json!([]));
}

#[tokio::test]
async fn an_invitation_takes_nothing_away_and_sessions_end_together() {
    let site = Site::new();
    let root = Program::administrator(&site).await;
    let ada = site.guest("ada", &[]).await;
    let invite = format!("{API}/users/{}/invite", ada.principal.account);
    let (status, link) = root.json("POST", &invite, Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    assert!(text(&link["url"]).contains("/.gabion/welcome?token="));
    assert!(!ada.is_ended());
    let sessions = format!("{API}/users/{}/sessions", ada.principal.account);
    assert_eq!(root.send("DELETE", &sessions, "").await.status, StatusCode::NO_CONTENT);
    assert!(ada.is_ended());
    site.person("bob").await;
    let bob = site.service.person(&Caller::operator(), Which::Name("bob".to_owned())).await.unwrap();
    let (status, problem) = root.json("POST", &format!("{API}/users/{}/invite", bob.id), Value::Null).await;
    assert_eq!(
        (status, text(&problem["errors"][0]["field"])),
        (StatusCode::UNPROCESSABLE_ENTITY, "user".to_owned())
    );
}

/// A key with another scope opens none of it, and a provisioning one nothing but what it is for.
#[tokio::test]
async fn another_scope_opens_nothing() {
    let site = Site::new();
    site.guest("me", &[Role::ADMINISTRATOR]).await;
    let ada = site.guest("ada", &[]).await.principal.account.to_string();
    let mut program = Program::new(&site);
    for scope in ["orders:read", "gabion:scim"] {
        program.credential = Some(credential(&site, scope).await);
        for (method, path, body) in [
            ("GET", format!("{API}/users/{ada}/factors"), ""),
            ("DELETE", format!("{API}/users/{ada}/factors"), ""),
            ("POST", format!("{API}/users/{ada}/invite"), ""),
            ("DELETE", format!("{API}/users/{ada}/sessions"), ""),
            ("POST", format!("{API}/users/{ada}/api-keys"), r#"{"label": "x", "scopes": ["gabion:admin"]}"#),
            ("GET", format!("{API}/api-keys"), ""),
            ("POST", format!("{API}/service-accounts"), r#"{"name": "bot"}"#),
            (
                "POST",
                format!("{API}/clients"),
                r#"{"metadata": {"name": "x", "redirect_uris": ["https://x.example/cb"]}}"#,
            ),
        ] {
            let answer = program.send(method, &path, body).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{scope}: {method} {path}: {}", answer.body);
        }
    }
}

/// An authenticator app of somebody, straight into the storage: to set one up takes its code.
fn app(site: &Site, of: &gabion_identity::Session, id: &str) -> String {
    let totp = gabion_identity::factors::totp::Totp {
        id: gabion_identity::factors::FactorId::new(id),
        account: of.principal.account.clone(),
        name: id.to_owned(),
        sealed: vec![1],
        last_step: 0,
        created: site.clock.now(),
        last_used: None,
    };
    site.storage.add_totp(&totp).unwrap();
    id.to_owned()
}
