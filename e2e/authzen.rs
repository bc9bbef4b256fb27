//! The certification scenario of AuthZEN's Authorization API 1.0 (openid/authzen, `certification/`), its sections named,
//! against the real binary: fixture, evaluations, searches, metadata. What a question says of its subject is not believed here:
//! that bob is an administrator is known to the gate.

use std::fs;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::application::Application;
use crate::client::Client;
use crate::gate::Gate;
use crate::oauth::PASSWORD;

const POLICIES: &str = r#"
@id("everybody-reads")
permit (principal is User, action == Action::"read", resource is record);
@id("alice-writes-what-is-active")
permit (principal is User, action == Action::"write", resource is record)
when { principal.name == "alice" && resource has status && resource.status == "active" };
@id("administrators-write-what-is-archived")
permit (principal in Role::"admin", action == Action::"write", resource is record)
when { resource has status && resource.status == "archived" };
@id("alice-deletes-softly")
permit (principal is User, action == Action::"delete", resource is record)
when { principal.name == "alice" && context has action && context.action has soft && context.action.soft };
"#;

const SCHEMA: &str = r#"
entity record { status?: String };
type Circumstances = { action?: { soft?: Bool } };
action "read", "write", "delete" appliesTo { principal: [User], resource: [record], context: Circumstances };
"#;

struct Point {
    gate: Gate,
    key: String,
    _policies: TempDir,
    _application: Application,
}

impl Point {
    async fn new() -> Self {
        let application = Application::start().await;
        let policies = TempDir::new().expect("a temporary directory");
        fs::write(policies.path().join("records.cedar"), POLICIES).expect("written");
        fs::write(policies.path().join("schema.cedarschema"), SCHEMA).expect("written");
        let more = format!(
            "[policy]\ndirectory = {:?}\n\n[resolvers.records]\ntypes = [\"record\"]\n\n\
             [resolvers.elsewhere]\ntypes = [\"Order\"]\nurl = \"http://{}/objects\"\n",
            policies.path(),
            application.address
        );
        let gate = Gate::start_with(application.address, &more).await;
        for name in ["alice", "bob"] {
            gate.add_account(name, PASSWORD).await;
        }
        gate.cli(&["user", "roles", "bob", "--add", "admin"]).await;
        gate.cli(&["service-account", "add", "app"]).await;
        let arguments = ["api-key", "create", "--account", "app", "--format", "json"];
        let scopes =
            ["--scope", "gabion:authorize", "--scope", "gabion:search", "--scope", "gabion:resources"];
        let made = gate.cli(&[&arguments[..], &scopes].concat()).await;
        let made: Value = serde_json::from_str(&made).expect("JSON");
        let key = made["key"].as_str().expect("a key").to_owned();
        let point = Self { gate, key, _policies: policies, _application: application };
        for (id, status) in [("record-1", "active"), ("record-2", "archived")] {
            let path = format!("/.gabion/api/v1/resources/record/{id}");
            let (status, said) =
                point.send("PUT", &path, &json!({ "attributes": { "status": status } })).await;
            assert_eq!(status, 204, "{said}");
        }
        point
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.raw(method, path, "application/json", &body.to_string()).await
    }

    async fn raw(&self, method: &str, path: &str, kind: &str, body: &str) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.key))
            .header("x-request-id", "bfe9eb29-ab87-4ca3-be83-a1d5d8305716")
            .header("content-type", kind);
        let answer = Client::new(self.gate.address)
            .send(request, Bytes::from(body.to_owned()))
            .await
            .expect("the gate answers");
        if path.starts_with("/.gabion/access/") {
            // 2.5.1
            let named = answer.headers().get("x-request-id").map(http::HeaderValue::as_bytes);
            assert_eq!(named, Some(&b"bfe9eb29-ab87-4ca3-be83-a1d5d8305716"[..]), "{path}");
        }
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
    }

    async fn evaluation(&self, question: &Value) -> (u16, Value) {
        self.send("POST", "/.gabion/access/v1/evaluation", question).await
    }

    /// The decisions of `evaluations`.
    async fn evaluations(&self, question: &Value) -> Vec<bool> {
        let (status, answer) = self.send("POST", "/.gabion/access/v1/evaluations", question).await;
        assert_eq!(status, 200, "{answer}");
        let evaluations = answer["evaluations"].as_array().unwrap_or_else(|| panic!("{answer}"));
        evaluations.iter().map(|one| one["decision"].as_bool().expect("a decision")).collect()
    }

    async fn search(&self, sought: &str, question: &Value) -> (u16, Value) {
        self.send("POST", &format!("/.gabion/access/v1/search/{sought}"), question).await
    }

    /// The ids or names found.
    async fn found(&self, sought: &str, question: &Value) -> Vec<String> {
        let (status, answer) = self.search(sought, question).await;
        assert_eq!(status, 200, "{answer}");
        assert!(answer["page"]["next_token"].is_string(), "{answer}");
        let key = if sought == "action" { "name" } else { "id" };
        let results = answer["results"].as_array().unwrap_or_else(|| panic!("{answer}"));
        results.iter().map(|one| one[key].as_str().expect("text").to_owned()).collect()
    }
}

fn question(subject: &str, action: &str, record: &str) -> Value {
    json!({ "subject": { "type": "user", "id": subject }, "action": { "name": action },
        "resource": { "type": "record", "id": record } })
}

/// With something else at a pointer.
fn with(mut question: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    question
        .pointer_mut(parent)
        .and_then(Value::as_object_mut)
        .expect("an object")
        .insert(name.to_owned(), value);
    question
}

fn without(mut question: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    question.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object").remove(name);
    question
}

#[tokio::test]
async fn basic_certification() {
    let point = Point::new().await;
    let archived = json!({ "status": "archived" });
    let delete = |soft: bool| {
        with(question("alice", "delete", "record-1"), "/action/properties", json!({ "soft": soft }))
    };
    // 1.4 and 2.2
    for (section, asked, decision) in [
        ("2.2.1", question("alice", "read", "record-1"), true),
        ("1.4.2", question("alice", "write", "record-1"), true),
        ("1.4.3", question("bob", "read", "record-1"), true),
        ("2.2.2", question("bob", "write", "record-1"), false),
        (
            "2.2.3",
            with(
                question("alice", "read", "record-1"),
                "/context",
                json!({ "time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1" }),
            ),
            true,
        ),
        (
            "2.2.4",
            with(question("alice", "write", "record-2"), "/resource/properties", archived.clone()),
            false,
        ),
        (
            "2.2.5",
            with(
                with(question("bob", "write", "record-2"), "/resource/properties", archived.clone()),
                "/subject/properties",
                json!({ "role": "admin" }),
            ),
            true,
        ),
        ("2.2.6", delete(true), true),
        ("2.2.7", delete(false), false),
        (
            "2.2.8",
            json!({
                "subject": { "type": "user", "id": "alice", "properties": { "department": "Sales", "role": "manager" } },
                "action": { "name": "read", "properties": { "method": "GET" } },
                "resource": { "type": "record", "id": "record-1", "properties": { "status": "active", "owner": "bob" } },
            }),
            true,
        ),
        (
            "2.2.9",
            with(question("alice", "read", "record-1"), "/futureField", json!({ "nested": true })),
            true,
        ),
    ] {
        // 2.6: the same each time.
        for _ in 0..2 {
            let (status, answer) = point.evaluation(&asked).await;
            assert_eq!((status, &answer["decision"]), (200, &json!(decision)), "{section}: {answer}");
        }
    }
    // Nobody becomes an administrator by saying so.
    let claims =
        with(question("alice", "write", "record-2"), "/subject/properties", json!({ "role": "admin" }));
    assert_eq!(point.evaluation(&claims).await.1["decision"], json!(false));
    // 2.4
    for pointer in [
        "/subject",
        "/action",
        "/resource",
        "/subject/type",
        "/subject/id",
        "/action/name",
        "/resource/type",
        "/resource/id",
    ] {
        let (status, answer) =
            point.evaluation(&without(question("alice", "read", "record-1"), pointer)).await;
        assert_eq!(status, 400, "{pointer}: {answer}");
    }
    let whole = question("alice", "read", "record-1").to_string();
    for (kind, body) in [
        ("text/plain", whole.as_str()),
        ("application/json", ""),
        ("application/json", "{"),
        ("application/json", &whole.replace("{\"type\":\"user\",\"id\":\"alice\"}", "\"alice\"")),
        ("application/json", &whole.replace("\"read\"", "123")),
        // Two questions in one: which one counts is nobody's to guess.
        ("application/json", &whole.replacen('{', "{\"subject\":{\"type\":\"user\",\"id\":\"bob\"},", 1)),
    ] {
        let (status, answer) = point.raw("POST", "/.gabion/access/v1/evaluation", kind, body).await;
        assert_eq!(status, 400, "{kind} {body}: {answer}");
        assert!(!answer.to_string().contains("alice"), "nothing is repeated: {answer}");
    }
}

#[tokio::test]
async fn batch_certification() {
    let point = Point::new().await;
    let record = |id: &str, status: Option<&str>| match status {
        Some(status) => json!({ "type": "record", "id": id, "properties": { "status": status } }),
        None => json!({ "type": "record", "id": id }),
    };
    let (alice, bob) = (json!({ "type": "user", "id": "alice" }), json!({ "type": "user", "id": "bob" }));
    for (section, asked, decisions) in [
        (
            "3.2.1",
            json!({ "subject": alice, "action": { "name": "read" },
                "evaluations": [{ "resource": record("record-1", None) }, { "resource": record("record-2", None) }] }),
            [true, true],
        ),
        (
            "3.2.2",
            json!({ "subject": bob, "resource": record("record-1", None),
                "evaluations": [{ "action": { "name": "read" } }, { "action": { "name": "write" } }] }),
            [true, false],
        ),
        (
            "3.2.3",
            json!({ "subject": alice, "action": { "name": "write" },
                "evaluations": [{ "resource": record("record-1", Some("active")) },
                    { "resource": record("record-2", Some("archived")) }] }),
            [true, false],
        ),
        (
            "3.2.4",
            json!({ "action": { "name": "write" }, "resource": record("record-2", Some("archived")),
                "evaluations": [{ "subject": alice },
                    { "subject": { "type": "user", "id": "bob", "properties": { "role": "admin" } } }] }),
            [false, true],
        ),
        (
            "3.2.5",
            json!({ "evaluations": [question("alice", "read", "record-1"), question("bob", "write", "record-1")] }),
            [true, false],
        ),
        (
            "3.2.6",
            json!({ "subject": alice, "action": { "name": "read" }, "context": { "time": "2025-06-27T18:03-07:00" },
                "evaluations": [{ "resource": record("record-1", None) },
                    { "resource": record("record-2", None), "context": { "source": "batch-override" } }] }),
            [true, true],
        ),
        (
            "3.2.7",
            json!({ "subject": alice, "action": { "name": "write" }, "resource": { "type": "record" },
                "evaluations": [{ "resource": { "id": "record-1", "properties": { "status": "active" } } },
                    { "resource": record("record-2", Some("archived")) }] }),
            [true, false],
        ),
        (
            "3.4.1",
            json!({ "subject": alice, "action": { "name": "read" },
                "evaluations": [{ "resource": record("record-1", None) }, {}] }),
            [true, false],
        ),
        (
            "a part of the wrong type",
            json!({ "subject": alice, "action": { "name": "read" },
                "evaluations": [{ "resource": record("record-1", None) }, { "resource": "record-1" }] }),
            [true, false],
        ),
    ] {
        assert_eq!(point.evaluations(&asked).await, decisions, "{section}");
    }
    // 3.4.2 and 3.4.3
    for asked in [
        question("alice", "read", "record-1"),
        with(question("alice", "read", "record-1"), "/evaluations", json!([])),
    ] {
        let (status, answer) = point.send("POST", "/.gabion/access/v1/evaluations", &asked).await;
        assert_eq!((status, &answer["decision"]), (200, &json!(true)), "{answer}");
    }
    // Authorization API 1.0, 7.1.2.1
    let mixed = |semantic: &str| {
        json!({ "subject": bob, "resource": record("record-1", None), "options": { "evaluations_semantic": semantic },
            "evaluations": [{ "action": { "name": "read" } }, { "action": { "name": "write" } }, {},
                { "action": { "name": "read" } }] })
    };
    assert_eq!(point.evaluations(&mixed("execute_all")).await, [true, false, false, true]);
    assert_eq!(point.evaluations(&mixed("deny_on_first_deny")).await, [true, false]);
    assert_eq!(point.evaluations(&mixed("permit_on_first_permit")).await, [true]);
    let (status, _) = point.send("POST", "/.gabion/access/v1/evaluations", &mixed("whatever")).await;
    assert_eq!(status, 400);
    let many = vec![json!({ "action": { "name": "read" } }); 101];
    let (status, _) =
        point.send("POST", "/.gabion/access/v1/evaluations", &json!({ "evaluations": many })).await;
    assert_eq!(status, 400, "more than a hundred");
}

#[tokio::test]
async fn search_certification() {
    let point = Point::new().await;
    let who = |action: &str, record: &str| without(question("", action, record), "/subject/id");
    let what = |subject: &str, action: &str| without(question(subject, action, ""), "/resource/id");
    let how = |subject: &str, record: &str| without(question(subject, "", record), "/action");
    let archived = json!({ "status": "archived" });
    // 4.2
    let context = with(who("read", "record-1"), "/context", json!({ "ip": "192.0.2.1" }));
    for asked in [who("read", "record-1"), context, question("ignored", "read", "record-1")] {
        // The first administrator is there as well.
        assert_eq!(point.found("subject", &asked).await, ["admin", "alice", "bob"]);
    }
    assert_eq!(point.found("subject", &who("write", "record-1")).await, ["alice"]);
    let asked = with(who("write", "record-2"), "/resource/properties", archived.clone());
    assert_eq!(point.found("subject", &asked).await, ["bob"]);
    let (_, answer) = point.search("subject", &who("write", "record-1")).await;
    let listed: Value =
        serde_json::from_str(&point.gate.cli(&["user", "show", "alice", "--format", "json"]).await)
            .expect("JSON");
    assert_eq!(answer["results"][0]["properties"]["account"], listed["id"]);
    // 4.3
    assert_eq!(point.found("resource", &what("alice", "read")).await, ["record-1", "record-2"]);
    assert_eq!(point.found("resource", &what("alice", "write")).await, ["record-1"]);
    let asked = with(what("bob", "write"), "/subject/properties", json!({ "role": "admin" }));
    assert_eq!(point.found("resource", &asked).await, ["record-2"]);
    // 4.4
    assert_eq!(point.found("action", &how("alice", "record-1")).await, ["read", "write"]);
    let asked = with(how("bob", "record-2"), "/resource/properties", archived);
    assert_eq!(point.found("action", &asked).await, ["read", "write"]);
    // 4.5
    let page = |limit: u64, token: &str| {
        with(who("read", "record-1"), "/page", json!({ "limit": limit, "token": token }))
    };
    let (status, first) = point.search("subject", &page(2, "")).await;
    assert_eq!((status, first["results"].as_array().map(Vec::len)), (200, Some(2)), "{first}");
    let next = first["page"]["next_token"].as_str().expect("text").to_owned();
    let (_, second) = point.search("subject", &page(2, &next)).await;
    assert_eq!(
        (&second["results"][0]["id"], &second["page"]["next_token"]),
        (&json!("bob"), &json!("")),
        "{second}"
    );
    for (page, status) in [
        (json!({ "limit": 0 }), 400),
        (json!({ "limit": "1" }), 400),
        (json!({ "limit": 1_000_000 }), 200),
        (json!({ "token": "!" }), 400),
        (json!({ "token": 1 }), 400),
        (json!([]), 400),
    ] {
        let asked = with(who("read", "record-1"), "/page", page);
        assert_eq!(point.search("subject", &asked).await.0, status, "{asked}");
    }
    // 4.6
    for (sought, asked) in [
        ("action", how("nonexistent-user", "record-1")),
        ("action", how("alice", "record-99")),
        ("subject", with(who("read", "record-1"), "/subject/type", json!("spaceship"))),
        ("subject", who("read", "record-99")),
        ("resource", what("nonexistent-user", "read")),
        ("resource", with(what("alice", "read"), "/resource/type", json!("spaceship"))),
    ] {
        assert_eq!(point.found(sought, &asked).await, [""; 0], "{sought} {asked}");
    }
    // 4.7
    for (sought, asked) in [
        ("subject", without(who("read", "record-1"), "/action")),
        ("resource", without(what("alice", "read"), "/subject")),
        ("action", without(how("alice", "record-1"), "/resource")),
        ("subject", without(who("read", "record-1"), "/resource/id")),
        ("resource", without(what("alice", "read"), "/subject/id")),
        // What only an application knows cannot be gone through, and that is said.
        ("resource", with(what("alice", "read"), "/resource/type", json!("Order"))),
    ] {
        assert_eq!(point.search(sought, &asked).await.0, 400, "{sought} {asked}");
    }
    let record = point.gate.cli(&["ledger", "tail", "--format", "json"]).await;
    assert!(record.contains("decision.search"), "{record}");
}

#[tokio::test]
async fn discovery_certification() {
    let point = Point::new().await;
    for path in ["/.well-known/authzen-configuration/.gabion", "/.well-known/authzen-configuration"] {
        let answer = Client::new(point.gate.address).get(path).await.expect("answers");
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (200, &"application/json".parse().expect("a value"))
        );
        let told: Value = serde_json::from_slice(answer.body()).expect("JSON");
        let base = told["policy_decision_point"].as_str().expect("text").to_owned();
        assert!(base.ends_with("/.gabion"), "{told}");
        for (name, below) in [
            ("access_evaluation_endpoint", "evaluation"),
            ("access_evaluations_endpoint", "evaluations"),
            ("search_subject_endpoint", "search/subject"),
            ("search_resource_endpoint", "search/resource"),
            ("search_action_endpoint", "search/action"),
        ] {
            assert_eq!(told[name], format!("{base}/access/v1/{below}"), "{name}");
        }
    }
}
