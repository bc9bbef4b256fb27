//! The admin API as programs use it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use gabion_identity::{Credential, Session};
use gabion_model::{RequestId, Role};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::site::{Answer, Site};

/// A program that asks, as the gate's checks would have found it.
pub(crate) struct Program<'a> {
    site: &'a Site,
    pub(crate) address: IpAddr,
    pub(crate) session: Option<Arc<Session>>,
    pub(crate) credential: Option<Arc<Credential>>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl<'a> Program<'a> {
    pub(crate) fn new(site: &'a Site) -> Self {
        let address = "203.0.113.7".parse().unwrap();
        Self { site, address, session: None, credential: None, headers: Vec::new() }
    }

    pub(crate) async fn administrator(site: &'a Site) -> Self {
        Self { session: Some(site.guest("root", &[Role::ADMINISTRATOR]).await), ..Self::new(site) }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(gabion_checks::Caller {
            client: self.address,
            request_id: RequestId::from_bytes([7; 12]),
            session: self.session.clone(),
            credential: self.credential.clone(),
            certificate: None,
            secure: true,
            host: "notes.example".to_owned(),
            origin: "https://notes.example".to_owned(),
        });
        let answer = self.site.router.clone().oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub(crate) async fn json(&self, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.send(method, path, &body).await;
        (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null))
    }
}

const USERS: &str = "/.gabion/api/v1/users";

#[tokio::test]
async fn a_user_is_made_changed_and_removed_under_its_tag() {
    let site = Site::new();
    let mut root = Program::administrator(&site).await;
    let new =
        json!({"name": "Ada", "email": "ada@example.org", "roles": ["editor"], "personal": {"name": "Ada"}});
    let (status, ada) = root.json("POST", USERS, new).await;
    assert_eq!(
        (status, ada["name"].as_str(), ada["state"].as_str()),
        (StatusCode::CREATED, Some("ada"), Some("invited"))
    );
    let path = format!("{USERS}/{}", ada["id"].as_str().unwrap());
    let read = root.send("GET", &path, "").await;
    let tag = read.header("etag").to_owned();
    assert_eq!(tag, format!("\"{}\"", ada["version"].as_str().unwrap()));

    root.headers = vec![("if-match", tag)];
    let (status, changed) = root.json("PATCH", &path, json!({"email": null, "disabled": true})).await;
    assert_eq!(
        (status, &changed["email"], changed["state"].as_str()),
        (StatusCode::OK, &Value::Null, Some("disabled"))
    );
    assert_eq!(changed["roles"], json!(["editor"]), "what is absent stays");
    let (status, problem) = root.json("PATCH", &path, json!({"disabled": false})).await;
    assert_eq!((status, problem["status"].as_u64()), (StatusCode::PRECONDITION_FAILED, Some(412)));
    root.headers = vec![("if-match", "nonsense".to_owned())];
    assert_eq!(root.json("PATCH", &path, json!({})).await.0, StatusCode::BAD_REQUEST);
    root.headers = Vec::new();

    assert_eq!(
        root.send("DELETE", &format!("{path}?keep_name=true"), "").await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(root.send("GET", &path, "").await.status, StatusCode::NOT_FOUND);
    let (status, problem) = root.json("POST", USERS, json!({"name": "ada"})).await;
    assert_eq!((status, problem["errors"][0]["field"].as_str()), (StatusCode::CONFLICT, Some("name")));
}

#[tokio::test]
async fn problems_name_every_field_and_its_rule() {
    let site = Site::new();
    let root = Program::administrator(&site).await;
    let wrong = json!({"name": "a b", "email": "x@@y", "roles": ["r r"]});
    let answer = root.send("POST", USERS, &wrong.to_string()).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem: Value = serde_json::from_str(&answer.body).unwrap();
    let fields: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["name", "email", "roles"]);

    for (body, status) in [
        (r#"{"name": "x1", "colour": "red"}"#, StatusCode::BAD_REQUEST),
        (r#"{"name": "x1""#, StatusCode::BAD_REQUEST),
        ("[]", StatusCode::BAD_REQUEST),
        (&"[".repeat(100_000), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(root.send("POST", USERS, body).await.status, status, "{body:.40}");
    }
    assert_eq!(root.send("GET", &format!("{USERS}?limit=0"), "").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(root.send("GET", &format!("{USERS}?colour=red"), "").await.status, StatusCode::BAD_REQUEST);
    let forged = root.send("GET", &format!("{USERS}?page=forged"), "").await;
    assert_eq!(forged.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_last_administrator_is_kept_and_a_stale_sign_in_is_asked_again() {
    let site = Site::new();
    site.person("owner").await;
    let root = Program::administrator(&site).await;
    let owner =
        root.json("GET", &format!("{USERS}?name=owner"), Value::Null).await.1["items"][0]["id"].clone();
    let path = format!("{USERS}/{}", owner.as_str().unwrap());
    let (status, _) = root.json("PATCH", &path, json!({"roles": ["administrator"]})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(root.json("PATCH", &path, json!({"roles": []})).await.0, StatusCode::CONFLICT);
    assert_eq!(root.send("DELETE", &path, "").await.status, StatusCode::CONFLICT);
    site.pass(60 * 25);
    assert_eq!(root.send("GET", &path, "").await.status, StatusCode::OK, "to look needs no fresh sign-in");
    assert_eq!(root.send("DELETE", &path, "").await.status, StatusCode::UNAUTHORIZED);
}

/// The routes of the router and those of the document are the same.
#[test]
fn the_document_has_every_route() {
    let document: Value = serde_json::from_str(&gabion_console::openapi()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut told: Vec<String> = document["paths"].as_object().unwrap().keys().cloned().collect();
    let source = include_str!("../../src/api/v1.rs");
    let mut routed: Vec<String> =
        source.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    // AuthZEN's endpoints are described by its standard.
    routed.retain(|path| path.starts_with("/.gabion/api/"));
    told.sort();
    routed.sort();
    assert_eq!(told, routed);
    let ids: Vec<&str> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .filter_map(|operation| operation["operationId"].as_str())
        .collect();
    let once: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(once.len(), ids.len(), "an operation's id is its own: {ids:?}");
}

/// The invariant of `may_edit`: a credential for provisioning is no way to an administrator's account.
#[tokio::test]
async fn a_provisioning_program_takes_no_administrator_over() {
    let site = Site::new();
    let root = site.guest("root", &[Role::ADMINISTRATOR]).await;
    let member = site.guest("ada", &["editor"]).await;
    site.guest("me", &[]).await;
    let mut program = Program::new(&site);
    program.credential = Some(crate::api_authorization::credential(&site, "gabion:scim").await);
    let path = |session: &Session| format!("{USERS}/{}", session.principal.account);
    for change in [
        json!({"name": "other"}),
        json!({"email": "evil@example.org", "email_verified": true}),
        json!({"tenant": "other"}),
        json!({"roles": []}),
        json!({"roles": ["editor"]}),
    ] {
        let (status, _) = program.json("PATCH", &path(&root), change.clone()).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{change}");
    }
    let (status, _) = program.json("PATCH", &path(&member), json!({"roles": ["administrator"]})).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "it makes nobody an administrator");
    assert_eq!(program.json("PATCH", &path(&member), json!({"roles": []})).await.0, StatusCode::OK);
}
