//! SCIM as directories use it.

use std::sync::Arc;

use gabion_identity::credential::{NewCredential, Scopes};
use gabion_identity::{Credential, CredentialKind};
use gabion_model::{Clock as _, Principal, Role, TenantId};
use gabion_service::{AccountKind, Caller, NewGroup, NewPerson, Which};
use http::StatusCode;
use serde_json::{Value, json};

use crate::api::Program;
use crate::site::{Answer, Site};

const USERS: &str = "/.gabion/scim/v2/Users";
const GROUPS: &str = "/.gabion/scim/v2/Groups";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A service account's program with this scope.
pub(crate) async fn service_account(site: &Site, scope: &str, roles: &[&str]) -> Arc<Credential> {
    let new = NewPerson {
        name: "directory".to_owned(),
        kind: AccountKind::Service,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ..NewPerson::default()
    };
    let person = site.service.provision(&Caller::operator(), new).await.unwrap();
    Arc::new(Credential::new(NewCredential {
        kind: CredentialKind::ApiKey,
        id: "key".into(),
        principal: Principal {
            account: person.id,
            name: "directory".into(),
            tenant: TenantId::new(TenantId::DEFAULT),
            roles: [].into(),
            groups: [].into(),
            program: true,
        },
        client: None,
        scopes: Scopes::parse(scope).unwrap(),
        expires: site.clock.now().saturating_add(std::time::Duration::from_secs(3600)),
        authenticated: None,
    }))
}

async fn directory(site: &Site) -> Program<'_> {
    let mut program = Program::new(site);
    program.credential = Some(service_account(site, "gabion:scim", &[]).await);
    program
}

fn patch(operations: Value) -> Value {
    json!({"schemas": [PATCH], "Operations": operations})
}

fn user(name: &str) -> Value {
    json!({"schemas": [USER], "userName": name})
}

fn at(collection: &str, resource: &Value) -> String {
    format!("{collection}/{}", resource["id"].as_str().unwrap())
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn found(program: &Program<'_>, collection: &str, filter: &str) -> Vec<String> {
    let path = format!("{collection}?filter={}", encoded(filter));
    let (status, list) = program.json("GET", &path, Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{filter}: {list}");
    let resources = list["Resources"].as_array().unwrap();
    assert_eq!(list["totalResults"], json!(resources.len()), "{filter}");
    resources
        .iter()
        .map(|one| one["userName"].as_str().or(one["displayName"].as_str()).unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_user_is_made_shown_changed_and_removed() {
    let site = Site::new();
    let mut program = directory(&site).await;
    let sent = json!({
        "schemas": [USER, ENTERPRISE],
        "userName": "Ada@Example.org",
        "externalId": "00u1",
        "name": {"givenName": "Ada", "familyName": "Lovelace", "honorificPrefix": "Countess"},
        "displayName": "<b>Ada</b><script>alert(1)</script>",
        "active": "True",
        "password": "gravel under every wheel",
        "emails": [
            {"value": "ada@example.org", "type": "work", "primary": true},
            {"value": "ada@home.example", "type": "home"}
        ],
        "roles": [{"value": "editor"}],
        ENTERPRISE: {"department": "Engines", "manager": {"value": "7"}}
    });
    let answer = program.send("POST", USERS, &sent.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/scim+json");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let ada: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(answer.header("location"), ada["meta"]["location"].as_str().unwrap());
    assert_eq!(answer.header("etag"), ada["meta"]["version"].as_str().unwrap());
    assert_eq!(ada["userName"], "ada@example.org");
    assert_eq!(ada["schemas"], json!([USER, ENTERPRISE]));
    for name in ["externalId", "name", "displayName", "emails", "roles", ENTERPRISE] {
        assert_eq!(ada[name], sent[name], "{name}");
    }
    assert_eq!(ada["active"], json!(true));
    assert!(
        !answer.body.contains("password") && !answer.body.contains("gravel"),
        "a password is never shown"
    );
    let path = at(USERS, &ada);
    assert_eq!(program.json("GET", &path, Value::Null).await.1, ada);

    let tag = ada["meta"]["version"].as_str().unwrap().to_owned();
    program.headers = vec![("if-none-match", tag.clone())];
    let unchanged = program.send("GET", &path, "").await;
    assert_eq!((unchanged.status, unchanged.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    program.headers = vec![("if-match", tag.clone())];
    let change = patch(json!([{"op": "replace", "path": "title", "value": "Countess"}]));
    let (status, changed) = program.json("PATCH", &path, change.clone()).await;
    assert_eq!((status, changed["title"].as_str()), (StatusCode::OK, Some("Countess")));
    assert_ne!(changed["meta"]["version"], json!(tag));
    for (method, body) in [("PATCH", change), ("PUT", sent.clone()), ("DELETE", Value::Null)] {
        let (status, problem) = program.json(method, &path, body).await;
        assert_eq!(
            (status, problem["status"].as_str()),
            (StatusCode::PRECONDITION_FAILED, Some("412")),
            "{method}"
        );
    }
    program.headers = vec![("if-match", "nonsense".to_owned())];
    assert_eq!(program.json("DELETE", &path, Value::Null).await.0, StatusCode::BAD_REQUEST);
    program.headers = Vec::new();

    let (status, replaced) = program.json("PUT", &path, user("ada@example.org")).await;
    assert_eq!(status, StatusCode::OK, "{replaced}");
    assert_eq!((replaced.get("emails"), replaced.get("title"), replaced.get("name")), (None, None, None));
    assert_eq!((&replaced["roles"], &replaced["active"]), (&sent["roles"], &json!(true)), "these stay");

    let (status, problem) = program.json("POST", USERS, user("ADA@example.ORG")).await;
    assert_eq!((status, problem["scimType"].as_str()), (StatusCode::CONFLICT, Some("uniqueness")));
    assert_eq!(program.send("DELETE", &path, "").await.status, StatusCode::NO_CONTENT);
    for method in ["GET", "DELETE"] {
        let (status, problem) = program.json(method, &path, Value::Null).await;
        assert_eq!(
            (status, problem["schemas"][0].as_str()),
            (StatusCode::NOT_FOUND, Some("urn:ietf:params:scim:api:messages:2.0:Error"))
        );
    }
}

#[tokio::test]
async fn inactive_ends_everything_at_once_and_a_missing_field_brings_nobody_back() {
    let site = Site::new();
    let session = site.guest("ada", &[]).await;
    let program = directory(&site).await;
    let path = format!("{USERS}/{}", session.principal.account);
    let off = patch(json!([{"op": "Replace", "path": "active", "value": "False"}]));
    assert_eq!(program.json("PATCH", &path, off).await.1["active"], json!(false));
    assert!(session.is_ended());
    assert_eq!(program.json("PUT", &path, user("ada")).await.1["active"], json!(false));
    let taken = patch(json!([{"op": "remove", "path": "active"}]));
    assert_eq!(program.json("PATCH", &path, taken).await.1.get("active"), None);
    let ada = site.service.person(&Caller::operator(), Which::Name("ada".to_owned())).await.unwrap();
    assert_eq!(ada.state, gabion_service::AccountState::Disabled);
    let on = patch(json!([{"op": "replace", "value": {"active": true}}]));
    assert_eq!(program.json("PATCH", &path, on).await.1["active"], json!(true));
}

#[tokio::test]
async fn passwords_are_judged_set_and_taken_away() {
    let site = Site::new();
    let program = directory(&site).await;
    let weak = json!({"schemas": [USER], "userName": "ada", "password": "short"});
    let (status, problem) = program.json("POST", USERS, weak).await;
    assert_eq!((status, problem["scimType"].as_str()), (StatusCode::BAD_REQUEST, Some("invalidValue")));
    assert!(!problem.to_string().contains("short\""), "{problem}");
    let (_, ada) = program.json("POST", USERS, user("ada")).await;
    let path = at(USERS, &ada);
    let state =
        async || site.service.person(&Caller::operator(), Which::Name("ada".to_owned())).await.unwrap().state;
    assert_eq!(state().await, gabion_service::AccountState::Invited);
    let set = patch(json!([{"op": "add", "value": {"password": "gravel under every wheel"}}]));
    assert_eq!(program.json("PATCH", &path, set).await.0, StatusCode::OK);
    assert_eq!(state().await, gabion_service::AccountState::Active);
    assert_eq!(program.json("PUT", &path, user("ada")).await.0, StatusCode::OK);
    assert_eq!(state().await, gabion_service::AccountState::Active, "it stays when it is not named");
    let mut browser = site.browser();
    let form = [("name", "ada"), ("password", "gravel under every wheel")];
    assert_eq!(browser.post("/.gabion/login", &form).await.status, StatusCode::SEE_OTHER);
    let remove = patch(json!([{"op": "remove", "path": "password"}]));
    assert_eq!(program.json("PATCH", &path, remove).await.0, StatusCode::OK);
    assert_eq!(state().await, gabion_service::AccountState::Invited);
}

#[tokio::test]
async fn users_are_found_sorted_and_paged() {
    let site = Site::new();
    site.guest("owner", &[Role::ADMINISTRATOR]).await;
    let program = directory(&site).await;
    for (name, title, address) in
        [("ada", "B", "ada@one.example"), ("bob", "A", "bob@two.example"), ("cyd", "C", "cyd@one.example")]
    {
        let body = json!({
            "schemas": [USER], "userName": name, "title": title, "externalId": format!("X-{name}"),
            "active": name != "bob",
            "emails": [{"value": address, "type": "work"}, {"value": format!("{name}@home.example"), "type": "home"}]
        });
        assert_eq!(program.json("POST", USERS, body).await.0, StatusCode::CREATED);
    }
    let names = async |filter: &str| found(&program, USERS, filter).await;
    assert_eq!(names(r#"userName eq "ADA""#).await, ["ada"]);
    assert_eq!(names(r#"userName eq "not a name""#).await, Vec::<String>::new());
    assert_eq!(names(r#"userName eq "ada" and title eq "Z""#).await, Vec::<String>::new());
    assert_eq!(names(r#"userName sw "A" or title eq "a""#).await, ["ada", "bob"]);
    assert_eq!(names(r#"userName sw "b""#).await, ["bob"]);
    assert_eq!(names(r#"externalId eq "X-ada""#).await, ["ada"]);
    assert_eq!(names(r#"externalId eq "x-ada""#).await, Vec::<String>::new());
    assert_eq!(names(r#"emails[type eq "work"].value eq "Bob@Two.example""#).await, ["bob"]);
    assert_eq!(names(r#"emails.value eq "bob@home.example""#).await, ["bob"]);
    assert_eq!(names(r#"emails[type eq "work" and value ew "@one.example"]"#).await, ["ada", "cyd"]);
    assert_eq!(names("active eq false").await, ["bob"]);
    assert_eq!(names(r#"not (active eq false) and externalId pr"#).await, ["ada", "cyd"]);
    assert_eq!(names(r#"meta.resourceType eq "Group""#).await, Vec::<String>::new());
    assert_eq!(names(r#"userName eq "directory""#).await, Vec::<String>::new(), "no service accounts");
    assert_eq!(names(r#"userName eq "owner""#).await, ["owner"]);

    let page = async |query: &str| {
        let (status, list) = program.json("GET", &format!("{USERS}?{query}"), Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{list}");
        let names = list["Resources"].as_array().unwrap().iter();
        let names: Vec<_> = names.map(|one| one["userName"].as_str().unwrap().to_owned()).collect();
        (list["totalResults"].as_u64().unwrap(), list["startIndex"].as_u64().unwrap(), names.join(" "))
    };
    assert_eq!(page("").await, (4, 1, "ada bob cyd owner".to_owned()));
    assert_eq!(page("startIndex=2&count=2").await, (4, 2, "bob cyd".to_owned()));
    assert_eq!(page("startIndex=0&count=1").await, (4, 1, "ada".to_owned()));
    assert_eq!(page("count=0").await, (4, 1, String::new()));
    assert_eq!(page("startIndex=9").await, (4, 9, String::new()));
    assert_eq!(page("sortBy=userName&sortOrder=descending&count=2").await, (4, 1, "owner cyd".to_owned()));
    assert_eq!(page("sortBy=title").await, (4, 1, "bob ada cyd owner".to_owned()));
    assert_eq!(
        page("sortBy=title&sortOrder=descending&startIndex=2&count=1").await,
        (4, 2, "cyd".to_owned())
    );
    let filter = encoded("title pr");
    assert_eq!(page(&format!("filter={filter}&startIndex=2&count=1")).await, (3, 2, "bob".to_owned()));
    let (_, list) = program.json("GET", &format!("{USERS}?attributes=title&count=1"), Value::Null).await;
    let mut keys: Vec<_> = list["Resources"][0].as_object().unwrap().keys().cloned().collect();
    keys.sort();
    assert_eq!(keys, ["id", "schemas", "title"]);

    let search = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "title pr", "sortBy": "title", "count": 2, "excludedAttributes": ["emails", "meta"]
    });
    let (status, list) = program.json("POST", &format!("{USERS}/.search"), search.clone()).await;
    assert_eq!((status, list["Resources"][0]["userName"].as_str()), (StatusCode::OK, Some("bob")));
    assert_eq!(list["Resources"][0].get("meta"), None);
    site.service
        .add_group(&Caller::operator(), NewGroup { name: "Crew".to_owned(), ..NewGroup::default() })
        .await
        .unwrap();
    let all = json!({"schemas": search["schemas"], "startIndex": 4, "count": 5});
    let (_, list) = program.json("POST", "/.gabion/scim/v2/.search", all).await;
    let kinds: Vec<_> = list["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["meta"]["resourceType"].as_str().unwrap())
        .collect();
    assert_eq!((list["totalResults"].as_u64(), kinds), (Some(5), vec!["User", "Group"]));
}

#[tokio::test]
async fn groups_and_their_members() {
    let site = Site::new();
    let program = directory(&site).await;
    let mut ids = Vec::new();
    for name in ["ada", "bob", "cyd"] {
        ids.push(program.json("POST", USERS, user(name)).await.1["id"].as_str().unwrap().to_owned());
    }
    let body = json!({"schemas": [GROUP], "displayName": "Crew <b>", "externalId": "g1", "members": [{"value": ids[0]}]});
    let (status, crew) = program.json("POST", GROUPS, body.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{crew}");
    assert_eq!(crew["members"][0]["value"], json!(ids[0]));
    assert_eq!(crew["members"][0]["type"], "User");
    assert!(crew["members"][0]["$ref"].as_str().unwrap().ends_with(&ids[0]));
    let path = at(GROUPS, &crew);
    let members = async |query: &str| {
        let (_, group) = program.json("GET", &format!("{path}{query}"), Value::Null).await;
        let members = group["members"].as_array().cloned().unwrap_or_default();
        members.iter().map(|one| one["display"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let display = "?attributes=members.display";
    assert_eq!(members(display).await, ["ada"]);
    assert_eq!(members("?excludedAttributes=members").await, Vec::<String>::new());
    assert_eq!(members("").await, [""], "names are sent when they are asked for");

    let change = patch(json!([
        {"op": "Add", "path": "members", "value": [{"value": ids[1]}, {"value": ids[2]}]},
        {"op": "Remove", "path": format!("members[value eq \"{}\"]", ids[0])},
        {"op": "Replace", "path": "displayName", "value": "Others"}
    ]));
    let (status, changed) = program.json("PATCH", &path, change).await;
    assert_eq!((status, changed["displayName"].as_str()), (StatusCode::OK, Some("Others")));
    let mut now = members(display).await;
    now.sort();
    assert_eq!(now, ["bob", "cyd"]);
    let (_, bob) = program.json("GET", &format!("{USERS}/{}", ids[1]), Value::Null).await;
    assert_eq!(
        (bob["groups"][0]["display"].as_str(), &bob["groups"][0]["value"]),
        (Some("Others"), &crew["id"])
    );

    let (_, other) = program.json("POST", GROUPS, json!({"schemas": [GROUP], "displayName": "Taken"})).await;
    let clash = patch(json!([
        {"op": "remove", "path": "members"},
        {"op": "replace", "value": {"id": crew["id"], "displayName": "TAKEN"}}
    ]));
    let (status, problem) = program.json("PATCH", &path, clash).await;
    assert_eq!((status, problem["scimType"].as_str()), (StatusCode::CONFLICT, Some("uniqueness")));
    assert_eq!(members(display).await.len(), 2, "all of it or nothing");
    let fitting = patch(json!([{"op": "remove", "path": "members[display sw \"b\"]"}]));
    assert_eq!(program.json("PATCH", &path, fitting).await.0, StatusCode::OK);
    assert_eq!(members(display).await, ["cyd"]);
    let nobody = patch(json!([{"op": "add", "path": "members", "value": [{"value": "nobody"}]}]));
    assert_eq!(program.json("PATCH", &path, nobody).await.0, StatusCode::BAD_REQUEST);
    let nested =
        patch(json!([{"op": "add", "path": "members", "value": [{"value": other["id"], "type": "Group"}]}]));
    let (status, problem) = program.json("PATCH", &path, nested).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(problem["detail"].as_str().unwrap().contains("groups in groups"), "{problem}");

    let names = async |filter: &str| found(&program, GROUPS, filter).await;
    assert_eq!(names(r#"displayName eq "OTHERS""#).await, ["Others"]);
    assert_eq!(names(r#"displayName sw "t""#).await, ["Taken"]);
    assert_eq!(names(r#"externalId eq "g1""#).await, ["Others"]);
    assert_eq!(names(&format!(r#"members.value eq "{}""#, ids[2])).await, ["Others"]);
    assert_eq!(names(&format!(r#"members[value eq "{}"]"#, ids[0])).await, Vec::<String>::new());
    assert_eq!(names(&format!(r#"id eq "{}""#, other["id"].as_str().unwrap())).await, ["Taken"]);
    assert_eq!(names("members pr").await, ["Others"]);
    let (status, put) = program.json("PUT", &path, body).await;
    assert_eq!((status, put["displayName"].as_str()), (StatusCode::OK, Some("Crew <b>")));
    assert_eq!(members(display).await, ["ada"]);
    let (_, list) = program
        .json("GET", &format!("{GROUPS}?sortBy=displayName&sortOrder=descending&count=1"), Value::Null)
        .await;
    assert_eq!(
        (list["totalResults"].as_u64(), list["Resources"][0]["displayName"].as_str()),
        (Some(2), Some("Taken"))
    );
    assert_eq!(program.send("DELETE", &path, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(program.send("GET", &path, "").await.status, StatusCode::NOT_FOUND);
}

/// The invariant: whatever its account may elsewhere, here it is a provisioner.
#[tokio::test]
async fn a_directory_makes_no_administrators_and_takes_none_over() {
    let site = Site::new();
    let root = site.guest("root", &[Role::ADMINISTRATOR]).await;
    site.guest("other", &[Role::ADMINISTRATOR]).await;
    let admins = NewGroup {
        name: "Admins".to_owned(),
        roles: vec![Role::ADMINISTRATOR.to_owned()],
        ..NewGroup::default()
    };
    let admins = site.service.add_group(&Caller::operator(), admins).await.unwrap();
    let credential = service_account(&site, "gabion:scim gabion:admin", &[Role::ADMINISTRATOR]).await;
    let mut program = Program::new(&site);
    program.credential = Some(credential);
    let path = format!("{USERS}/{}", root.principal.account);
    for operations in [
        json!([{"op": "replace", "path": "userName", "value": "mine"}]),
        json!([{"op": "replace", "path": "emails", "value": [{"value": "evil@example.org"}]}]),
        json!([{"op": "replace", "path": "password", "value": "gravel under every wheel"}]),
        json!([{"op": "remove", "path": "roles"}]),
        json!([{"op": "add", "path": "roles", "value": [{"value": "editor"}]}]),
    ] {
        let (status, problem) = program.json("PATCH", &path, patch(operations.clone())).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{operations}: {problem}");
    }
    let (_, ada) = program.json("POST", USERS, user("ada")).await;
    let role = patch(json!([{"op": "add", "path": "roles", "value": [{"value": "administrator"}]}]));
    assert_eq!(program.json("PATCH", &at(USERS, &ada), role).await.0, StatusCode::FORBIDDEN);
    let made = json!({"schemas": [USER], "userName": "eve", "roles": [{"value": "administrator"}]});
    assert_eq!(program.json("POST", USERS, made).await.0, StatusCode::FORBIDDEN);
    let join = patch(json!([{"op": "add", "path": "members", "value": [{"value": ada["id"]}]}]));
    let group = format!("{GROUPS}/{}", admins.id);
    assert_eq!(program.json("PATCH", &group, join).await.0, StatusCode::FORBIDDEN);
    assert_eq!(program.send("DELETE", &group, "").await.status, StatusCode::FORBIDDEN);
    let title = patch(json!([{"op": "add", "path": "title", "value": "Chief"}]));
    assert_eq!(program.json("PATCH", &path, title).await.0, StatusCode::OK, "the rest may be kept in step");
}

#[tokio::test]
async fn bad_input_is_refused_in_its_own_words() {
    let site = Site::new();
    let program = directory(&site).await;
    let (_, ada) = program.json("POST", USERS, user("ada")).await;
    let path = at(USERS, &ada);
    let deep = format!(r#"{{"schemas": ["{USER}"], "userName": {}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    let wide = format!(
        r#"{{"schemas": ["{USER}"], "userName": "x", "emails": [{}]}}"#,
        vec![r#"{"value": "a@b.example"}"#; 30_000].join(",")
    );
    let twice = format!(r#"{{"schemas": ["{USER}"], "userName": "one", "userName": "two"}}"#);
    for (method, path, body, kind) in [
        ("POST", USERS, deep.as_str(), "invalidSyntax"),
        ("POST", USERS, wide.as_str(), "invalidSyntax"),
        ("POST", USERS, twice.as_str(), "invalidSyntax"),
        ("POST", USERS, "{", "invalidSyntax"),
        ("POST", USERS, "[]", "invalidSyntax"),
        ("POST", USERS, r#"{"schemas": ["urn:x:y"], "userName": "new"}"#, "invalidValue"),
        ("POST", USERS, r#"{"userName": "new"}"#, "invalidSyntax"),
        ("POST", USERS, &user("a b").to_string(), "invalidValue"),
        ("PATCH", &path, r#"{"schemas": ["x"], "Operations": []}"#, "invalidSyntax"),
        ("PATCH", &path, &patch(json!([{"op": "remove"}])).to_string(), "noTarget"),
        (
            "PATCH",
            &path,
            &patch(json!([{"op": "add", "path": "((((", "value": 1}])).to_string(),
            "invalidPath",
        ),
        (
            "PATCH",
            &path,
            &patch(json!([{"op": "add", "path": "emails", "value": "nonsense"}])).to_string(),
            "invalidValue",
        ),
        (
            "PATCH",
            &path,
            &patch(json!([{"op": "replace", "path": "id", "value": "x"}])).to_string(),
            "mutability",
        ),
    ] {
        let answer = program.send(method, path, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body:.100}: {}", answer.body);
        assert_eq!(answer.header("content-type"), "application/scim+json");
        let problem: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["scimType"].as_str(), Some(kind), "{body:.100}: {problem}");
    }
    let large = format!(r#"{{"schemas": ["{USER}"], "userName": "{}"}}"#, "x".repeat(2 << 20));
    assert_eq!(program.send("POST", USERS, &large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(program.send("POST", USERS, "").await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for (filter, kind) in [
        ("(".repeat(3000), "invalidFilter"),
        ("title".to_owned(), "invalidFilter"),
        ("active gt true".to_owned(), "invalidFilter"),
        (vec!["title pr"; 65].join(" or "), "invalidFilter"),
    ] {
        for collection in [USERS, GROUPS] {
            if collection == GROUPS && filter.starts_with("active") {
                continue;
            }
            let (status, problem) =
                program.json("GET", &format!("{collection}?filter={}", encoded(&filter)), Value::Null).await;
            assert_eq!(
                (status, problem["scimType"].as_str()),
                (StatusCode::BAD_REQUEST, Some(kind)),
                "{filter:.30}"
            );
        }
    }
    for query in
        ["count=x", "filter=a%20pr&filter=b%20pr", "attributes=a&excludedAttributes=b", "sortOrder=up"]
    {
        assert_eq!(
            program.send("GET", &format!("{USERS}?{query}"), "").await.status,
            StatusCode::BAD_REQUEST,
            "{query}"
        );
    }
}

#[tokio::test]
async fn what_is_offered_is_told() {
    let site = Site::new();
    let program = directory(&site).await;
    let read = async |path: &str| {
        let (status, body) = program.json("GET", &format!("/.gabion/scim/v2/{path}"), Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        body
    };
    let config = read("ServiceProviderConfig").await;
    let offered = |name: &str| config[name]["supported"].as_bool().unwrap();
    assert_eq!(
        ["patch", "filter", "sort", "etag", "changePassword", "bulk"].map(offered),
        [true, true, true, true, true, false]
    );
    let kinds = read("ResourceTypes").await;
    assert_eq!(kinds["totalResults"], json!(2));
    let schemas = read("Schemas").await;
    for schema in schemas["Resources"].as_array().unwrap() {
        assert_eq!(&read(&format!("Schemas/{}", schema["id"].as_str().unwrap())).await, schema);
    }
    insta::assert_snapshot!("scim_schemas", serde_json::to_string_pretty(&schemas["Resources"]).unwrap());
    assert_eq!(read("ResourceTypes/User").await["schema"], USER);
    let nothing = async |method: &str, path: &str| -> Answer {
        program.send(method, &format!("/.gabion/scim/v2/{path}"), "").await
    };
    for (method, path, status) in [
        ("GET", "Me", StatusCode::NOT_IMPLEMENTED),
        ("POST", "Bulk", StatusCode::NOT_IMPLEMENTED),
        ("GET", "Schemas/none", StatusCode::NOT_FOUND),
        ("GET", "Nothing", StatusCode::NOT_FOUND),
        ("GET", "Schemas?filter=id%20pr", StatusCode::FORBIDDEN),
        ("POST", "Schemas", StatusCode::METHOD_NOT_ALLOWED),
        ("DELETE", "ServiceProviderConfig", StatusCode::METHOD_NOT_ALLOWED),
        ("PUT", "Users", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let answer = nothing(method, path).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, "application/scim+json"),
            "{method} {path}"
        );
        let problem: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["status"].as_str(), Some(status.as_str()));
    }
}

#[tokio::test]
async fn it_answers_only_from_where_it_is_told_to() {
    let site = Site::new();
    let mut program = directory(&site).await;
    assert_eq!(program.send("GET", USERS, "").await.status, StatusCode::OK);
    program.credential = None;
    program.session = Some(site.guest("root", &[Role::ADMINISTRATOR]).await);
    assert_eq!(
        program.send("GET", USERS, "").await.status,
        StatusCode::UNAUTHORIZED,
        "a session is nobody here"
    );
    let narrow = gabion_console::ScimSettings {
        networks: vec!["192.0.2.0/24".to_owned(), "nonsense".to_owned()],
        ..gabion_console::ScimSettings::default()
    };
    assert_eq!(narrow.problems().len(), 1);
    let parts = gabion_console::Parts {
        service: site.service.clone(),
        clock: site.clock.clone(),
        api: gabion_console::ApiSettings::default(),
        scim: narrow,
        decisions: gabion_console::DecisionSettings::default(),
        events: gabion_console::EventSettings::default(),
    };
    let site = Site { router: gabion_console::router(parts), ..site };
    let mut program = Program::new(&site);
    program.credential = None;
    assert_eq!(program.send("GET", USERS, "").await.status, StatusCode::NOT_FOUND);
    program.address = "192.0.2.7".parse().unwrap();
    assert_eq!(program.send("GET", USERS, "").await.status, StatusCode::UNAUTHORIZED);
}
