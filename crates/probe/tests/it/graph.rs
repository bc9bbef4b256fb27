//! Applications that speak GraphQL: found, asked for what they have, and attacked like others.

use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_model::Secret;
use gabion_probe::facts::Text;
use gabion_probe::{Facts, Verdict, run, survey};
use serde_json::{Value, json};

use crate::ground::{Silent, print, world};
use crate::surface::{Served, facts_of, notes};

const NOTES: &[(&str, &str, &str)] = &[
    ("11", "ann", "alder harbour lantern"),
    ("12", "ann", "quiet copper meadow"),
    ("21", "ben", "seven paper boats"),
];

/// How the application of a test is.
#[derive(Clone, Copy)]
struct Manner {
    /// Whether it asks whose note it is.
    sound: bool,
    /// Whether it says what it has.
    open: bool,
}

fn scalar(name: &str) -> Value {
    json!({ "kind": "SCALAR", "name": name, "ofType": null })
}

fn schema() -> Value {
    let note = json!({ "kind": "OBJECT", "name": "Note", "ofType": null });
    let field = |name: &str, args: Value, of: &Value| json!({ "name": name, "isDeprecated": false, "args": args, "type": of });
    json!({ "queryType": { "name": "Query" }, "mutationType": null, "types": [
        { "kind": "OBJECT", "name": "Query", "fields": [
            field("notes", json!([]), &json!({ "kind": "LIST", "name": null, "ofType": note })),
            field("note", json!([{ "name": "id", "type": { "kind": "NON_NULL", "name": null, "ofType": scalar("ID") } }]), &note)] },
        { "kind": "OBJECT", "name": "Note", "fields": [
            field("id", json!([]), &scalar("ID")), field("text", json!([]), &scalar("String")), field("owner", json!([]), &scalar("String"))] },
        { "kind": "SCALAR", "name": "ID" }, { "kind": "SCALAR", "name": "String" }] })
}

fn answer(manner: Manner, heads: &HeaderMap, body: &Value) -> Value {
    let document = body["query"].as_str().unwrap_or_default();
    let error = |text: &str| json!({ "errors": [{ "message": text }], "data": null });
    let shown = |(id, owner, text): &(&str, &str, &str)| json!({ "id": id, "owner": owner, "text": text });
    if document.contains("__schema") {
        return if manner.open {
            json!({ "data": { "__schema": schema() } })
        } else {
            error("introspection is off")
        };
    }
    if document == "{__typename}" {
        return json!({ "data": { "__typename": "Query" } });
    }
    let token = heads.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(who) =
        ["ann", "ben"].into_iter().find(|name| token == format!("Bearer token-of-{name}-0123456789"))
    else {
        return error("not authorized");
    };
    if document.contains("note(id") {
        let id = body["variables"]["id"].as_str().unwrap_or_default();
        let found = NOTES.iter().find(|(own, owner, _)| *own == id && (!manner.sound || *owner == who));
        return found.map_or_else(
            || json!({ "data": { "note": null }, "errors": [{ "message": "no such note" }] }),
            |note| json!({ "data": { "note": shown(note) } }),
        );
    }
    if document.contains("notes") {
        let own: Vec<Value> = NOTES.iter().filter(|(_, owner, _)| *owner == who).map(shown).collect();
        return json!({ "data": { "notes": own } });
    }
    error("Syntax Error")
}

fn application(manner: Manner) -> Router {
    let asked = async move |heads: HeaderMap, body: String| -> Response {
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        Json(answer(manner, &heads, &body)).into_response()
    };
    let script = "<script>const LIST = `query List { notes { id text owner } }`; const ONE = `query One($id: ID!) { note(id: $id) { id text owner } }`;</script>";
    Router::new().route("/", get(async move || Html(script))).route("/api/graphql", post(asked))
}

fn facts(base: &str) -> Facts {
    let mut facts = facts_of(base);
    for name in ["ann", "ben"] {
        facts = facts.with(name, "");
        let last = facts.identities.last_mut().unwrap();
        (last.password, last.token) =
            (None, Some(Text::Plain(Secret::new(format!("token-of-{name}-0123456789")))));
    }
    facts
}

#[tokio::test]
async fn what_a_schema_tells_is_known_and_works() {
    let served = Served::start(application(Manner { sound: true, open: true })).await;
    let field = survey(facts(&served.base), &world(&["headers"]), &Silent).await.unwrap();
    println!("{} requests, {:?}", field.wire.sent(), notes(&field));
    for id in ["POST /api/graphql#notes", "POST /api/graphql#note"] {
        let at = field.operations.iter().position(|operation| operation.id() == id);
        let at = at.unwrap_or_else(|| panic!("{id}: {:?}", field.operations));
        assert!(field.known_of(at).count() >= 2, "{id} works for both");
    }
}

#[tokio::test]
async fn notes_of_others_are_read_where_nobody_asks_whose_they_are() {
    for open in [true, false] {
        let served = Served::start(application(Manner { sound: false, open })).await;
        let report = run(facts(&served.base), &world(&["object-access"]), &Silent).await.unwrap();
        print(&report);
        let proven = |one: &&gabion_probe::Finding| {
            one.outcome.verdict == Verdict::Proven && one.outcome.operation == "POST /api/graphql#note"
        };
        assert!(report.findings.iter().any(|one| proven(&one)), "introspection {open}");
    }
}

#[tokio::test]
async fn notes_of_others_are_left_where_it_is_asked() {
    let served = Served::start(application(Manner { sound: true, open: true })).await;
    let report = run(facts(&served.base), &world(&["object-access"]), &Silent).await.unwrap();
    print(&report);
    assert_eq!(report.findings.len(), 0);
}
