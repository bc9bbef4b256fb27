//! GraphQL, against a small server that parses and answers queries. Each hole has a name; without any it is whole.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use gabion_probe::Report;
use serde_json::{Map, Value, json};

use crate::club::{attack, passed, sure};

const PEOPLE: [&str; 2] = ["alice", "bob"];

#[derive(Clone)]
struct Api {
    holes: &'static [&'static str],
    wrong: Arc<Mutex<usize>>,
}

/// A field of a query: alias, name, arguments, and what is asked of it.
#[derive(Debug, Clone)]
struct Asked {
    alias: String,
    name: String,
    arguments: Map<String, Value>,
    inner: Vec<Asked>,
}

/// Words and signs of a query.
fn words(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '"' {
            let inner: String = letters.by_ref().take_while(|letter| *letter != '"').collect();
            out.push(format!("\"{inner}"));
        } else if letter.is_ascii_alphanumeric() || letter == '_' {
            let mut word = letter.to_string();
            while let Some(next) = letters.next_if(|next| next.is_ascii_alphanumeric() || *next == '_') {
                word.push(next);
            }
            out.push(word);
        } else if "{}():".contains(letter) {
            out.push(letter.to_string());
        }
    }
    out
}

fn fields(words: &mut std::iter::Peekable<std::vec::IntoIter<String>>) -> Option<Vec<Asked>> {
    let mut all = Vec::new();
    loop {
        let word = words.next()?;
        if word == "}" {
            return Some(all);
        }
        let mut own = Asked { alias: word.clone(), name: word, arguments: Map::new(), inner: Vec::new() };
        if words.next_if(|next| next == ":").is_some() {
            own.name = words.next()?;
        }
        if words.next_if(|next| next == "(").is_some() {
            while words.next_if(|next| next == ")").is_none() {
                let name = words.next()?;
                words.next_if(|next| next == ":")?;
                let value = words.next()?;
                own.arguments.insert(name, json!(value.trim_start_matches('"')));
            }
        }
        if words.next_if(|next| next == "{").is_some() {
            own.inner = fields(words)?;
        }
        all.push(own);
    }
}

/// Whether it changes things, and what is asked.
fn parse(query: &str) -> Option<(bool, Vec<Asked>)> {
    let mut words = words(query).into_iter().peekable();
    let mutation = words.next_if(|word| word == "mutation").is_some();
    words.next_if(|word| word == "query");
    words.next_if(|word| word == "{")?;
    Some((mutation, fields(&mut words)?))
}

fn depth(asked: &[Asked]) -> usize {
    asked.iter().map(|one| 1 + depth(&one.inner)).max().unwrap_or(0)
}

impl Api {
    fn has(&self, hole: &str) -> bool {
        self.holes.contains(&hole)
    }

    fn run(&self, query: &str, who: Option<usize>) -> Value {
        let error = |says: &str| json!({ "errors": [{ "message": says }] });
        if query.contains("__schema") {
            return if who.is_some() || self.has("introspection") {
                json!({ "data": schema() })
            } else {
                error("introspection is closed")
            };
        }
        let Some((mutation, asked)) = parse(query) else { return error("this is no query") };
        if depth(&asked) > 8 && !self.has("depth") {
            return error("too deep");
        }
        if asked.len() > 10 && !self.has("aliases") {
            return error("too many fields");
        }
        let (mut data, mut errors) = (Map::new(), Vec::new());
        for one in &asked {
            let value = match (mutation, one.name.as_str()) {
                (false, "__typename") => json!("Query"),
                (true, "__typename") => json!("Mutation"),
                (false, "orders") => match who {
                    Some(who) => (0..2).map(|at| self.order(500 + who * 10 + at, one)).collect(),
                    None => Value::Null,
                },
                (false, "order") => {
                    let id = one.arguments.get("id").and_then(|id| id.as_str()?.parse().ok()).unwrap_or(0);
                    let there = matches!(id, 500 | 501 | 510 | 511);
                    let own = who.is_some_and(|who| id / 10 == 50 + who);
                    let open = self.has("open") || who.is_some() && self.has("access");
                    if there && (own || open) { self.order(id, one) } else { Value::Null }
                }
                (true, "login") => {
                    let text =
                        |name: &str| one.arguments.get(name).and_then(Value::as_str).unwrap_or_default();
                    let mut wrong = self.wrong.lock().unwrap();
                    let right = text("password") == format!("{}-Harbour-41", text("username"));
                    *wrong += usize::from(!right);
                    let locked = *wrong > 5 && !self.has("passwords");
                    if right && !locked { json!({ "token": "a-token-of-this-server" }) } else { Value::Null }
                }
                (_, other) => {
                    let near = self.has("suggestions") && other.starts_with("__type");
                    let hint = if near { " Did you mean `__typename`?" } else { "" };
                    errors.push(json!({ "message": format!("there is no such field.{hint}") }));
                    continue;
                }
            };
            data.insert(one.alias.clone(), value);
        }
        if errors.is_empty() { json!({ "data": data }) } else { json!({ "errors": errors }) }
    }

    fn order(&self, id: usize, asked: &Asked) -> Value {
        let fields = asked.inner.iter().map(|one| {
            let value = match one.name.as_str() {
                "id" => json!(id.to_string()),
                "address" => json!(format!("{} Quay Road, door {}", id * 3, id * 7)),
                "__typename" => json!("Order"),
                _ => Value::Null,
            };
            (one.alias.clone(), value)
        });
        Value::Object(fields.collect())
    }
}

fn schema() -> Value {
    let object = |name: &str| json!({ "kind": "OBJECT", "name": name });
    let must = |name: &str| json!({ "kind": "NON_NULL", "name": null, "ofType": { "kind": "SCALAR", "name": name } });
    let text = json!({ "kind": "SCALAR", "name": "String" });
    let list = json!({ "kind": "LIST", "name": null, "ofType": object("Order") });
    let credentials = json!([{ "name": "username", "type": must("String") }, { "name": "password", "type": must("String") }]);
    json!({ "__schema": { "queryType": { "name": "Query" }, "mutationType": { "name": "Mutation" }, "types": [
        { "name": "Query", "kind": "OBJECT", "fields": [
            { "name": "orders", "args": [], "type": list },
            { "name": "order", "args": [{ "name": "id", "type": must("ID") }], "type": object("Order") },
        ] },
        { "name": "Mutation", "kind": "OBJECT", "fields": [{ "name": "login", "args": credentials, "type": object("Token") }] },
        { "name": "Token", "kind": "OBJECT", "fields": [{ "name": "token", "args": [], "type": text }] },
        { "name": "Order", "kind": "OBJECT", "fields": [
            { "name": "id", "args": [], "type": must("ID") },
            { "name": "address", "args": [], "type": text },
            { "name": "owner", "args": [], "type": object("User") },
        ] },
        { "name": "User", "kind": "OBJECT", "fields": [{ "name": "orders", "args": [], "type": list }] },
    ] } })
}

async fn ask(State(api): State<Api>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let text =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let who = PEOPLE.iter().position(|name| text("cookie") == format!("who={name}"));
    let form = |text: &str| {
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        pairs.into_iter().find(|(name, _)| name == "query").map(|(_, query)| query)
    };
    let kind = text("content-type");
    let body = String::from_utf8_lossy(&body).into_owned();
    let query = match method {
        Method::GET if api.has("get") => form(uri.query().unwrap_or_default()),
        Method::POST if kind.starts_with("application/x-www-form-urlencoded") && api.has("form") => {
            form(&body)
        }
        Method::POST if kind.starts_with("application/json") || api.has("form") => {
            match serde_json::from_str::<Value>(&body).unwrap_or_default() {
                Value::Array(all) if api.has("batch") => {
                    let all = all.iter().map(|one| api.run(one["query"].as_str().unwrap_or_default(), who));
                    return Json(all.collect::<Value>()).into_response();
                }
                one => one["query"].as_str().map(str::to_owned),
            }
        }
        _ => return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response(),
    };
    match query {
        Some(query) => Json(api.run(&query, who)).into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn login(State(api): State<Api>, Json(body): Json<Value>) -> Response {
    let name = body["username"].as_str().unwrap_or_default();
    if !PEOPLE.contains(&name) || body["password"] != format!("{name}-Harbour-41") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let same = if api.has("lax") { "; SameSite=Lax" } else { "" };
    ([("set-cookie", format!("who={name}; HttpOnly{same}"))], "welcome").into_response()
}

fn document() -> Value {
    let fields = json!({ "username": { "type": "string" }, "password": { "type": "string" } });
    let body = json!({ "content": { "application/json": { "schema": { "type": "object", "properties": fields } } } });
    json!({ "openapi": "3.0.0", "paths": { "/login": { "post": { "requestBody": body, "responses": { "200": { "description": "" } } } } } })
}

const OURS: &[&str] = &["graphql-access", "graphql-csrf", "graphql-introspection", "graphql-limits"];

async fn probe(holes: &'static [&'static str]) -> Report {
    let api = Api { holes, wrong: Arc::default() };
    let router = Router::new()
        .route("/openapi.json", get(|| async { Json(document()) }))
        .route("/login", post(login))
        .route("/graphql", any(ask))
        .with_state(api);
    attack(router, OURS, |facts| facts).await
}

#[tokio::test]
async fn graphql_without_holes_passes_every_test_of_it() {
    let report = probe(&[]).await;
    assert_eq!(sure(&report), [""; 0]);
    assert_eq!(passed(&report, "graphql-access"), ["", "anonymous"]);
    assert_eq!(passed(&report, "graphql-csrf"), ["form", "get", "text"]);
    assert_eq!(passed(&report, "graphql-introspection"), ["", "suggestions"]);
    assert_eq!(passed(&report, "graphql-limits"), ["aliases", "batch", "depth", "passwords"]);
}

#[tokio::test]
async fn each_hole_of_graphql_is_found_and_nothing_else() {
    let cases: [(&'static [&'static str], &[&str]); 9] = [
        (&["introspection"], &["graphql-introspection "]),
        (&["suggestions"], &["graphql-introspection suggestions"]),
        (&["batch"], &["graphql-limits batch"]),
        (&["depth"], &["graphql-limits depth"]),
        (&["aliases"], &["graphql-limits aliases"]),
        (&["aliases", "passwords"], &["graphql-limits aliases", "graphql-limits passwords"]),
        (&["form"], &["graphql-csrf form", "graphql-csrf text"]),
        (&["get"], &["graphql-csrf get"]),
        (&["access"], &["graphql-access "]),
    ];
    for (holes, found) in cases {
        assert_eq!(sure(&probe(holes).await), found, "{holes:?}");
    }
    // The cookie stays at home with a form, and goes along with a link.
    assert_eq!(sure(&probe(&["form", "lax"]).await), [""; 0]);
    assert_eq!(sure(&probe(&["get", "lax"]).await), ["graphql-csrf get"]);
    assert_eq!(sure(&probe(&["open"]).await), ["graphql-access ", "graphql-access anonymous"]);
}
